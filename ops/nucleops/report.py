"""Operator that writes the report of a study."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign

from nucleops.errors import dflow_errors
from nucleops.signs import Paths


class WriteReport(OP):
    """One self-contained page of what was run, what came out, and what of it to trust."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Study and provenance as plain data; the stages' result folders, each optional.

        Metadynamics, unbiased runs and nucleation come as lists, a folder for each named run.
        """
        return OPIOSign(
            {
                "study": BigParameter(dict),
                "provenance": BigParameter(dict, default={}),
                "learning": Artifact(Path, optional=True),
                "metad": Artifact(Paths, optional=True),
                "unbiased": Artifact(Paths, optional=True),
                "nucleate": Artifact(Paths, optional=True),
                "charges": Artifact(Path, optional=True),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """A folder with `report.html`, `figures/` and `data/`."""
        return OPIOSign({"report": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Write the report."""
        from nucleops.reporting.report import write_report
        from nucleops.reporting.times import recorded

        folders = {
            stage: [Path(ip[stage])] if ip[stage] is not None else []
            for stage in ("learning", "charges")
        } | {
            stage: [Path(path) for path in ip[stage] or [] if path is not None]
            for stage in ("metad", "unbiased", "nucleate")
        }
        provenance = ip["provenance"] | recorded(ip["provenance"].get("step_prefixes", {}))
        report = write_report(Path("report"), ip["study"], folders, provenance)
        return OPIO({"report": report})
