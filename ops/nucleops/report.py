"""Operator that writes the report of a study."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign

from nucleops.errors import dflow_errors


class WriteReport(OP):
    """One self-contained page of what was run, what came out, and what of it to trust."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Study and provenance as plain data; the stages' result folders, each optional."""
        return OPIOSign(
            {
                "study": BigParameter(dict),
                "provenance": BigParameter(dict, default={}),
                "learning": Artifact(Path, optional=True),
                "metad": Artifact(Path, optional=True),
                "unbiased": Artifact(Path, optional=True),
                "nucleate": Artifact(Path, optional=True),
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

        folders = {
            name: Path(ip[name]) if ip[name] is not None else None
            for name in ("learning", "metad", "unbiased", "nucleate")
        }
        report = write_report(Path("report"), ip["study"], folders, ip["provenance"])
        return OPIO({"report": report})
