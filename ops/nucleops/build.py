"""Operator that builds a study's systems."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import dflow_errors


class BuildSystems(OP):
    """Pack every system of a study and write it for the engines."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Name to ``SystemSpec`` as plain data; the clusters' metal; the study's seed; name to
        ``MoleculeSpec`` of its own molecules."""
        return OPIOSign(
            {
                "systems": BigParameter(dict),
                "metal": Parameter(str, default="Ag"),
                "seed": Parameter(int, default=1),
                "molecules": BigParameter(dict, default={}),
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
        from nucleops.systems.molecules import MoleculeSpec
        from nucleops.systems.spec import SystemSpec

        specs = {name: SystemSpec.model_validate(spec) for name, spec in ip["systems"].items()}
        molecules = {n: MoleculeSpec.model_validate(m) for n, m in ip["molecules"].items()}
        folder = write_systems_folder(specs, ip["metal"], ip["seed"], Path("systems"), molecules)
        return OPIO({"systems": folder})
