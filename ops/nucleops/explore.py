"""Operators: exploration of configurations by molecular dynamics.

Drop-in replacements for dpgen2's ``PrepLmp`` and ``RunLmp``: the same signatures, LAMMPS input
written and judged by us.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from dflow.python import OP, OPIO, Artifact, BigParameter, OPIOSign, Parameter

from nucleops.errors import WrongInput, dflow_errors
from nucleops.progress import reporter
from nucleops.signs import Paths, Strings

TASK_FILE = "task.json"
TOPOLOGY_FILE = "topology.extxyz"


class PrepExplore(OP):
    """Write one folder for each exploration task; dpgen2's ``PrepLmp``.

    Each task is a set of files. Ours hold ``task.json``, a dumped
    :class:`nucleops.engines.lammps.task.MdTask`, and, where the start is not built from its
    ``spec``, ``topology.extxyz``.
    """

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """The group of tasks that dpgen2's scheduler planned."""
        from dpgen2.exploration.task import BaseExplorationTaskGroup

        return OPIOSign({"lmp_task_grp": BigParameter(BaseExplorationTaskGroup)})

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Names and folders, in the same order."""
        return OPIOSign({"task_names": BigParameter(Strings), "task_paths": Artifact(Paths)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Write the tasks' files."""
        names: list[str] = []
        for i, task in enumerate(ip["lmp_task_grp"]):
            files: dict[str, str] = task.files()
            if TASK_FILE not in files:
                raise WrongInput(f"exploration task {i} has no {TASK_FILE}: {sorted(files)}")
            folder = Path(f"task.{i:06d}")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")
            names.append(folder.name)
        if not names:
            raise WrongInput("there is nothing to explore: the task group is empty")
        return OPIO({"task_names": names, "task_paths": [Path(name) for name in names]})


class RunExplore(OP):
    """Run one exploration task; dpgen2's ``RunLmp``.

    ``traj`` and ``model_devi`` hold the frames up to the end of trust, row by row the same; a run
    that blew up at once leaves its start, with an infinite deviation, and never fails the round.
    ``optional_output`` is the whole result folder with ``md.json`` and ``topology.extxyz``, which
    our selector reads. ``config`` may hold ``cores``, and ``result_folder: extra_outputs`` for
    selectors of dpgen2's, which take every ``optional_output`` for a JSON file.
    """

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """As dpgen2's ``RunLmp``."""
        return OPIOSign(
            {
                "config": BigParameter(dict),
                "task_name": BigParameter(str),
                "task_path": Artifact(Path),
                "models": Artifact(Paths),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """As dpgen2's ``RunLmp``, and the speed of the run."""
        return OPIOSign(
            {
                "log": Artifact(Path),
                "traj": Artifact(Path),
                "model_devi": Artifact(Path),
                "plm_output": Artifact(Path, optional=True),
                "optional_output": Artifact(Path, optional=True),
                "extra_outputs": Artifact(Paths),
                "ns_per_day": Parameter(float, default=0.0),
            }
        )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Run, judge, cut the outputs at the end of trust."""
        from nucleops.engines.lammps.exploration import explore
        from nucleops.engines.lammps.task import built_system, read_task, stored_system

        source = Path(ip["task_path"])
        values = json.loads((source / TASK_FILE).read_text(encoding="utf-8"))
        config: dict[str, Any] = ip["config"] or {}
        for_dpgen2 = _folder_is_extra(config)
        if "cores" in config:
            values["cores"] = config["cores"]
        task = read_task(values, f"{ip['task_name']}/{TASK_FILE}")
        topology = source / TOPOLOGY_FILE
        system = stored_system(task, topology) if topology.is_file() else built_system(task)
        folder = Path(ip["task_name"])
        outcome = explore(task, system, ip["models"], folder, reporter(self))
        colvar = outcome.md_folder / "COLVAR"
        return OPIO(
            {
                "log": outcome.md_folder / "log.lammps",
                "traj": outcome.trajectory,
                "model_devi": outcome.model_deviation,
                **({"plm_output": colvar} if colvar.is_file() else {}),
                **({} if for_dpgen2 else {"optional_output": outcome.md_folder}),
                "extra_outputs": [outcome.md_folder] if for_dpgen2 else [],
                "ns_per_day": outcome.ns_per_day,
            }
        )


def _folder_is_extra(config: dict[str, Any]) -> bool:
    allowed = ("optional_output", "extra_outputs")
    found = config.get("result_folder", allowed[0])
    if found not in allowed:
        raise WrongInput(f"config.result_folder: found {found!r}, allowed: {', '.join(allowed)}")
    return bool(found == allowed[1])
