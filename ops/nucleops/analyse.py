"""Operators that turn runs into result folders: free energies, structure, nuclei, learning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import dflow_errors
from nucleops.signs import Paths


def _given(paths: list[Path] | None) -> list[Path]:
    """Leave out the gaps that failed slices leave in a stacked list."""
    return [Path(p) for p in paths or [] if p is not None]


class AnalyseMetadynamics(OP):
    """Free-energy surfaces, errors and convergence from metadynamics walkers."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """MD result folders with COLVAR and HILLS; ``FreeEnergySettings``; the run's name."""
        return OPIOSign(
            {
                "walkers": Artifact(Paths),
                "settings": BigParameter(dict, default={}),
                "name": BigParameter(str, default=""),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the sign: the `metad/` result folder."""
        return OPIOSign({"metad": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Analyse the walkers."""
        from nucleops.analysis.settings import FreeEnergySettings
        from nucleops.analysis.stages.metad import metad_folder
        from nucleops.storage.kept import forget_finished

        settings = FreeEnergySettings.model_validate(ip["settings"])
        walkers = _given(ip["walkers"])
        folder = metad_folder(walkers, settings, Path("metad"), ip["name"])
        forget_finished(f"metad-{ip['name']}", walkers)
        return OPIO({"metad": folder})


class AnalyseStructure(OP):
    """Distance and angle densities of a finished cluster."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """One MD result folder; ``StructureSettings`` as plain data; the run's name."""
        return OPIOSign(
            {
                "md": Artifact(Path),
                "settings": BigParameter(dict, default={}),
                "name": BigParameter(str, default=""),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the sign: the `unbiased/` result folder."""
        return OPIOSign({"unbiased": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Analyse the run."""
        from nucleops.analysis.settings import StructureSettings
        from nucleops.analysis.stages.unbiased import unbiased_folder
        from nucleops.storage.kept import forget_finished

        settings = StructureSettings.model_validate(ip["settings"])
        folder = unbiased_folder(ip["md"], settings, Path("unbiased"), ip["name"])
        forget_finished(f"unbiased-{ip['name']}", [Path(ip["md"])])
        return OPIO({"unbiased": folder})


class PoolReplicas(OP):
    """Nuclei of every replica that finished, and which did not."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Replicas' analyses, ``NucleationSettings`` as plain data, number of replicas begun."""
        return OPIOSign(
            {
                "replicas": Artifact(Paths, optional=True),
                "settings": BigParameter(dict, default={}),
                "begun": Parameter(int, default=0),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the sign: the `nucleate/` result folder."""
        return OPIOSign({"nucleate": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Pool the replicas."""
        from nucleops.analysis.settings import NucleationSettings
        from nucleops.analysis.stages.nucleate import nucleate_folder
        from nucleops.storage.kept import forget_finished

        settings = NucleationSettings.model_validate(ip["settings"])
        replicas = [None if p is None else Path(p) for p in ip["replicas"] or []]
        expected = [f"replica-{number:03d}" for number in range(ip["begun"])]
        folder = nucleate_folder(replicas, settings, Path("nucleate"), expected)
        forget_finished("nucleate", [path for path in replicas if path is not None])
        return OPIO({"nucleate": folder})


class SummariseLearning(OP):
    """What the learning rounds did, and how good the production models are."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Data of the rounds, logs of the production models, what the reference was.

        ``init_data`` and ``init_logs`` are the data sets and program outputs of the AIMD runs,
        ``selection`` the trust levels (``force_deviation_low_eV_A``, ``.._high_eV_A``),
        ``collection`` what :class:`nucleops.data.GatherData` says of all data.
        """
        return OPIOSign(
            {
                "iter_data": Artifact(Paths),
                "train_logs": Artifact(Paths),
                "init_data": Artifact(Paths, optional=True),
                "init_logs": Artifact(Paths, optional=True),
                "level_of_theory": BigParameter(dict, default={}),
                "selection": BigParameter(dict, default={}),
                "collection": Parameter(dict, default={}),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the sign: the `learning/` result folder."""
        return OPIOSign({"learning": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Collect the records."""
        from nucleops.analysis.stages.learning import learning_folder
        from nucleops.storage.kept import forget
        from nucleops.train import CHECKPOINTS

        theory: dict[str, Any] = ip["level_of_theory"]
        folder = learning_folder(
            _given(ip["iter_data"]),
            _given(ip["train_logs"]),
            theory,
            Path("learning"),
            init_data=_given(ip.get("init_data")),
            init_logs=_given(ip.get("init_logs")),
            selection=ip["selection"],
            collection=ip["collection"],
        )
        forget(CHECKPOINTS)
        return OPIO({"learning": folder})
