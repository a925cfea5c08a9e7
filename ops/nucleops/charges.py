"""Operators for atomic charges of states: choose structures, compute, pool."""

from __future__ import annotations

from pathlib import Path

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import WrongInput, dflow_errors
from nucleops.progress import reporter
from nucleops.signs import Paths, Strings


class PrepCharges(OP):
    """Choose representative structures of each state and split them into tasks."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """``ChargeSettings`` as plain data; result folders of stages; folders of extended XYZ."""
        return OPIOSign(
            {
                "settings": BigParameter(dict, default={}),
                "metal": Parameter(str, default="Ag"),
                "metad": Artifact(Paths, optional=True),
                "unbiased": Artifact(Paths, optional=True),
                "structures": Artifact(Paths, optional=True),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the outputs: names and folders of the tasks, parallel."""
        return OPIOSign({"task_names": BigParameter(Strings), "task_paths": Artifact(Paths)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Make the tasks.

        Raises
        ------
        FatalError
            There is no structure, or one cannot be read.
        """
        from nucleops.population import sources
        from nucleops.population.settings import ChargeSettings

        settings = ChargeSettings.model_validate(ip["settings"])
        given = {
            name: [Path(p) for p in ip[name] or [] if p is not None]
            for name in ("metad", "unbiased", "structures")
        }
        states = sources.motif_states(settings.motifs, ip["metal"])
        most = settings.frames_per_state
        states |= sources.run_states(given["metad"], given["unbiased"], most)
        states |= sources.file_states(given["structures"], most)
        tasks = sources.write_tasks(states, settings.frames_per_task, Path())
        if not tasks:
            raise WrongInput(
                "there is no structure to compute charges of",
                advice="name charges.motifs, or run metad or unbiased too",
            )
        return OPIO({"task_names": [task.name for task in tasks], "task_paths": tasks})


class RunCharges(OP):
    """Mulliken and Hirshfeld charges by CP2K, DDEC6 charges by Chargemol, of one task's frames."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """``ChargeTask`` as plain data; a task of ``PrepCharges``."""
        return OPIOSign(
            {
                "config": BigParameter(dict),
                "task_name": BigParameter(str),
                "task_path": Artifact(Path),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the outputs: a folder with charges and account, the log, number of frames."""
        return OPIOSign(
            {
                "charges": Artifact(Path),
                "log": Artifact(Path),
                "n_frames": Parameter(int, default=0),
            }
        )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Compute the charges of one task.

        Raises
        ------
        FatalError
            CP2K or Chargemol missing, or more frames dropped than allowed.
        TransientError
            Preempted or out of memory.
        """
        from nucleops.population.settings import ChargeTask
        from nucleops.population.task import charge_task

        config = ChargeTask.model_validate(ip["config"])
        work, out = Path(f"{ip['task_name']}-run"), Path(ip["task_name"])
        account = charge_task(Path(ip["task_path"]), config, work, out, reporter(self))
        return OPIO({"charges": out, "log": work / "charges.log", "n_frames": account.n_labelled})


class AnalyseCharges(OP):
    """The trend of charges over the states."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Folders of ``RunCharges``."""
        return OPIOSign({"tasks": Artifact(Paths)})

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the sign: the `charges/` result folder."""
        return OPIOSign({"charges": Artifact(Path)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Pool the tasks."""
        from nucleops.analysis.stages.charges import charges_folder

        tasks = [Path(path) for path in ip["tasks"] if path is not None]
        return OPIO({"charges": charges_folder(tasks, Path("charges"))})
