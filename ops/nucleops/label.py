"""Operators that make reference data with CP2K: AIMD, and single points of chosen frames.

``PrepLabel`` and ``RunLabel`` have the signatures of dpgen2's ``PrepFp`` and ``RunFp`` and can take
their places in dpgen2's ``PrepRunFp``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import WrongInput, dflow_errors
from nucleops.learning.account import ACCOUNT_FILE
from nucleops.learning.initial import AimdTask, aimd_frames
from nucleops.learning.label_task import label_task
from nucleops.learning.labelling import LabelConfig, prepare_tasks, write_data
from nucleops.progress import reporter
from nucleops.signs import Paths, Strings
from nucleops.systems.files import read_extxyz, write_trajectory


class RunAimd(OP):
    """Run AIMD with CP2K and keep the steps that can be believed as a DeePMD data set."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Return the inputs: the task (see ``AimdTask``) and the folder of built systems."""
        return OPIOSign({"task": BigParameter(dict), "systems": Artifact(Path)})

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the outputs: data, CP2K's log, a folder with trajectory and summary, a count."""
        return OPIOSign(
            {
                "labeled_data": Artifact(Path),
                "log": Artifact(Path),
                "extra_outputs": Artifact(Path),
                "n_labels": Parameter(int, default=0),
            }
        )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Run one task.

        Parameters
        ----------
        ip : OPIO
            ``task`` (dict) and ``systems`` (folder with ``<system>.extxyz``).

        Returns
        -------
        OPIO
            ``labeled_data``: DeePMD npy system ``<system>-<T>K`` with ``labels.json``; ``log``;
            ``extra_outputs``: ``trajectory.extxyz`` and ``summary.json``; ``n_labels``.

        Raises
        ------
        FatalError
            Wrong input, CP2K missing, or too many steps lost.
        TransientError
            Preempted, out of memory, or past the time limit.
        """
        task = AimdTask.model_validate(ip["task"])
        path = Path(ip["systems"]) / f"{task.system}.extxyz"
        if not path.is_file():
            there = sorted(p.stem for p in path.parent.glob("*.extxyz"))
            raise WrongInput(
                f"there is no system {task.system}", advice=f"allowed: {', '.join(there)}"
            )
        system = read_extxyz(path)
        work, data, extra = (Path(f"{task.name}{end}") for end in ("-run", "", "-extra"))
        steps, report = task.run.steps, reporter(self)
        frames, account = aimd_frames(task, system, work, lambda step: report(step, steps))
        write_data(frames, task.type_map, data, [task.provenance(frame) for frame in frames])
        extra.mkdir(exist_ok=True)
        write_trajectory((frame.system for frame in frames), extra / "trajectory.extxyz")
        for target in (data / ACCOUNT_FILE, extra / "summary.json"):
            account.write(target)
        report(steps, steps)
        return OPIO(
            {
                "labeled_data": data,
                "log": work / "aimd.out",
                "extra_outputs": extra,
                "n_labels": account.n_labelled,
            }
        )


class PrepLabel(OP):
    """Split chosen configurations into labelling tasks (dpgen2's ``PrepFp``)."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Return the inputs of dpgen2's ``PrepFp``."""
        return OPIOSign(
            {
                "config": BigParameter(dict),
                "type_map": Strings,
                "confs": Artifact(Paths),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the outputs of dpgen2's ``PrepFp``."""
        return OPIOSign(
            {
                "task_names": BigParameter(Strings),
                "task_paths": Artifact(Paths),
            }
        )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Make the tasks.

        Parameters
        ----------
        ip : OPIO
            ``config`` (see :func:`label_config`), ``type_map``, ``confs`` (extended XYZ files,
            DeePMD npy folders; there may be none, and folders may be empty).

        Returns
        -------
        OPIO
            ``task_names`` and ``task_paths``, parallel; a task holds one composition.

        Raises
        ------
        FatalError
            If a configuration cannot be read.
        """
        config = label_config(ip["config"])
        confs = [Path(conf) for conf in ip["confs"] if conf is not None]
        tasks = prepare_tasks(confs, ip["type_map"], config.label.frames_per_task, Path())
        return OPIO({"task_names": [task.name for task in tasks], "task_paths": tasks})


class RunLabel(OP):
    """Label the frames of one task with CP2K, each judged on its own (dpgen2's ``RunFp``)."""

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """Return the inputs of dpgen2's ``RunFp``."""
        return OPIOSign(
            {
                "config": BigParameter(dict),
                "task_name": BigParameter(str),
                "task_path": Artifact(Path),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Return the outputs of dpgen2's ``RunFp``, and the number of labelled frames."""
        return OPIOSign(
            {
                "log": Artifact(Path),
                "labeled_data": Artifact(Path),
                "extra_outputs": Artifact(Paths),
                "n_labels": Parameter(int, default=0),
            }
        )

    @staticmethod
    def args() -> list[Any]:
        """Return the arguments of dpgen2's ``run_config`` (``dargs.Argument``)."""
        from nucleops.dpgen2 import run_arguments

        return run_arguments()

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Label one task.

        Parameters
        ----------
        ip : OPIO
            ``config`` (see :func:`label_config`), ``task_name``, ``task_path`` (a folder of
            ``PrepLabel``).

        Returns
        -------
        OPIO
            ``log``: one line a frame; ``labeled_data``: DeePMD npy with ``labels.json``;
            ``extra_outputs``: the summary, and what ``config["extra_output_files"]`` matches;
            ``n_labels``.

        Raises
        ------
        FatalError
            CP2K missing, or more frames dropped than allowed.
        TransientError
            Preempted or out of memory.
        """
        work = Path(ip["task_name"])

        account = label_task(
            Path(ip["task_path"]), ip["task_name"], label_config(ip["config"]), work, reporter(self)
        )
        account.write(work / "summary.json")
        extra = [work / "summary.json"]
        for pattern in ip["config"].get("extra_output_files", []):
            extra += [path for path in sorted(work.glob(pattern)) if path not in extra]
        return OPIO(
            {
                "log": work / "labels.log",
                "labeled_data": work / "data",
                "extra_outputs": extra,
                "n_labels": account.n_labelled,
            }
        )


def label_config(config: dict[str, Any]) -> LabelConfig:
    """Read the settings from an operator's ``config``: as it is, or as dpgen2 puts it together.

    dpgen2 has the settings under ``run``, and under ``inputs`` an object with the level of theory
    (:class:`nucleops.dpgen2.LabelInputs`).

    Raises
    ------
    WrongInput
        If a setting is missing, unknown or out of range.
    """
    from pydantic import ValidationError

    found = config.get("run") or config
    level = getattr(config.get("inputs"), "level", None)
    if level is not None:
        found = {"level": level, **found}
    try:
        return LabelConfig.model_validate(
            {k: v for k, v in found.items() if k not in {"inputs", "run", "extra_output_files"}}
        )
    except ValidationError as error:
        raise WrongInput(f"settings of the labelling: {error}") from error
