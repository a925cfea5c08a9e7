"""Operators: training of a committee of potentials.

Drop-in replacements for dpgen2's ``PrepDPTrain`` and ``RunDPTrain``: the same signatures, typed
settings in place of a raw ``input.json``.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any, ClassVar, List, Union  # noqa: UP035

from dflow.python import OP, OPIO, Artifact, BigParameter, NestedDict, OPIOSign, Parameter

from nucleops.errors import WrongInput, dflow_errors
from nucleops.progress import reporter
from nucleops.signs import Paths, Strings

TASK_FILE = "task.json"
CHECKPOINTS = "train"
"""What stands before the keys of the trainings in a store of checkpoints."""
LOG_FOLDER = "train_log"
LOG_FILES = (*("train.log", "input.json", "lcurve.out", "lcurve.csv", "test.json", "parity.npz"),)


class PrepTrain(OP):
    """Write one folder for each member of the committee; dpgen2's ``PrepDPTrain``.

    ``template_script`` holds ``train`` (a dumped ``TrainSettings``), ``type_map`` and ``seed``; a
    list of such gives every member its own.
    """

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """As dpgen2's ``PrepDPTrain``."""
        # typing's spelling, since dflow writes types into scripts and dpgen2 compares them.
        script = Union[dict[str, Any], List[dict[str, Any]]]  # noqa: UP006, UP007
        return OPIOSign({"template_script": BigParameter(script), "numb_models": int})

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """Names and folders, in the same order."""
        return OPIOSign({"task_names": BigParameter(Strings), "task_paths": Artifact(Paths)})

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Give every member its seed."""
        from nucleops.engines.deepmd.task import TrainTask, read_train_task

        count = int(ip["numb_models"])
        template = ip["template_script"]
        templates = template if isinstance(template, list) else [template] * count
        if len(templates) != count:
            raise WrongInput(f"template_script has {len(templates)} entries for {count} models")
        names: list[str] = []
        for k, values in enumerate(templates):
            task: TrainTask = read_train_task(dict(values), "template_script").for_member(k)
            folder = Path(f"task.{k:04d}")
            folder.mkdir(exist_ok=True)
            (folder / TASK_FILE).write_text(task.model_dump_json(indent=2), encoding="utf-8")
            names.append(folder.name)
        return OPIO({"task_names": names, "task_paths": [Path(name) for name in names]})


class RunTrain(OP):
    """Train one member, freeze, compress, test it; dpgen2's ``RunDPTrain``.

    ``config`` may hold ``schedule`` (``first``, ``again``, ``last`` or ``auto``) and ``threads``.
    ``auto`` is ``first`` where there is no ``init_model`` and ``again`` where there is one.
    ``model`` is the frozen model, compressed where the settings ask, and can be the next round's
    ``init_model`` either way. ``log`` is a folder: training log, input, learning curve, test on
    held-out frames, parity data.

    Started again after it was ended, it goes on from its newest checkpoint: in the store that
    ``NUCLEOFLOW_CHECKPOINTS`` names, wherever it ran before; else in its own folder.
    """

    default_optional_parameter: ClassVar[dict[str, Any]] = {
        "mixed_type": False,
        "finetune_mode": "no",
    }

    @classmethod
    def get_input_sign(cls) -> OPIOSign:
        """As dpgen2's ``RunDPTrain``."""
        return OPIOSign(
            {
                "config": dict,
                "task_name": BigParameter(str),
                "optional_parameter": Parameter(dict, default=cls.default_optional_parameter),
                "task_path": Artifact(Path),
                "init_model": Artifact(Path, optional=True),
                "init_data": Artifact(NestedDict[Path]),
                "iter_data": Artifact(Paths),
                "valid_data": Artifact(NestedDict[Path], optional=True),
                "optional_files": Artifact(Paths, optional=True),
            }
        )

    @classmethod
    def get_output_sign(cls) -> OPIOSign:
        """As dpgen2's ``RunDPTrain``."""
        return OPIOSign(
            {
                "script": Artifact(Path),
                "model": Artifact(Path),
                "lcurve": Artifact(Path),
                "log": Artifact(Path),
            }
        )

    @OP.exec_sign_check
    @dflow_errors
    def execute(self, ip: OPIO) -> OPIO:
        """Train and keep what a report needs."""
        from nucleops.engines.deepmd.task import paths_in, read_train_task, schedule_for
        from nucleops.engines.deepmd.train import train_model
        from nucleops.engines.keeping import keeping_at
        from nucleops.storage.kept import STORE_VARIABLE

        optional = ip["optional_parameter"]
        if optional.get("mixed_type") or optional.get("finetune_mode", "no") != "no":
            raise WrongInput(f"se_e2_a knows neither mixed_type nor finetuning: found {optional}")
        text = (Path(ip["task_path"]) / TASK_FILE).read_text(encoding="utf-8")
        task = read_train_task(json.loads(text), f"{ip['task_name']}/{TASK_FILE}")
        config: dict[str, Any] = ip["config"] or {}
        init_model = None if ip["init_model"] is None else Path(ip["init_model"])
        folder = Path(ip["task_name"])
        work = folder / "train"
        shutil.rmtree(work, ignore_errors=True)
        own_store = folder / "checkpoints"
        url = os.environ.get(STORE_VARIABLE) or str(own_store.absolute())
        key = f"{CHECKPOINTS}/{ip['task_name']}"
        trained = train_model(
            task.train,
            schedule_for(config, init_model is not None),
            task.type_map,
            task.seed,
            [*paths_in(ip["init_data"]), *paths_in(ip["iter_data"])],
            work,
            init_model=init_model,
            extra_held_out=paths_in(ip["valid_data"]),
            split_seed=task.split_seed,
            threads=int(config.get("threads", 1)),
            keeping=keeping_at(url, key, task.train.checkpoint_interval_s),
            progress=reporter(self),
        )
        log = folder / LOG_FOLDER
        shutil.rmtree(log, ignore_errors=True)
        log.mkdir()
        for name in LOG_FILES:
            shutil.copyfile(work / name, log / name)
        model = folder / trained.model.name
        trained.model.replace(model)
        shutil.rmtree(work)  # a copy of the data, of no use to anybody
        shutil.rmtree(own_store, ignore_errors=True)
        return OPIO(
            {
                "script": log / "input.json",
                "model": model,
                "lcurve": log / "lcurve.out",
                "log": log,
            }
        )
