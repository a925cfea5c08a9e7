"""Operator that builds a study's systems."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import dflow_errors


class BuildSystems(OP):
    """Pack every system of a study and write it for the engines."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Name to ``SystemSpec`` as plain data; the clusters' metal; the study's seed."""
        return OPIOSign(
            {
                "systems": BigParameter(dict),
                "metal": Parameter(str, default="Ag"),
                "seed": Parameter(int, default=1),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """A folder with ``<name>.extxyz``, ``<name>.data`` and ``systems.json``."""
        return OPIOSign({"systems": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Build the systems."""
        from nucleops.systems.folder import write_systems_folder
        from nucleops.systems.spec import SystemSpec

        specs = {name: SystemSpec.model_validate(spec) for name, spec in ip["systems"].items()}
        folder = write_systems_folder(specs, ip["metal"], ip["seed"], Path("systems"))
        return OPIO({"systems": folder})
