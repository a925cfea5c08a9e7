"""The operator that makes one collection of everything a run has labelled."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign

from nucleops.errors import dflow_errors
from nucleops.signs import Paths, Strings


class GatherData(OP):
    """Make one collection of all that a run was trained on."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Data from before the rounds and of the rounds; element order and level of theory."""
        return OPIOSign(
            {
                "init_data": Artifact(Paths),
                "iter_data": Artifact(Paths),
                "type_map": Strings,
                "level_of_theory": BigParameter(dict),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """The `data/` result folder, and its address and size for whoever follows the run."""
        return OPIOSign({"data": Artifact(Path), "summary": dict})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Gather the frames; duplicates are left out, conflicting labels are an error."""
        from nucleops.learning.collection.files import write_collection
        from nucleops.learning.collection.rounds import gather
        from nucleops.learning.provenance import level_text, read_level

        data = gather(
            [path for path in ip["init_data"] if path is not None],
            [path for path in ip["iter_data"] if path is not None],
            ip["type_map"],
            level_text(read_level(ip["level_of_theory"])),
        )
        summary = {"address": data.address, "n_frames": len(data)}
        return OPIO({"data": write_collection(data, Path("data")), "summary": summary})
