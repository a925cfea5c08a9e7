"""One labelling task: every frame judged on its own, kept as it is done, losses accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.learning.account import ACCOUNT_FILE, Account
from nucleops.learning.kept_labels import KeptLabels
from nucleops.learning.label_frames import TaskFrames
from nucleops.learning.labelling import TASK_FILE, LabelConfig, read_configurations, write_data
from nucleops.learning.provenance import Provenance, level_text


def label_task(
    task: Path,
    name: str,
    config: LabelConfig,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Account:
    """Label every frame of a task; what cannot be believed is dropped and counted.

    With GFN1-xTB frames are computed in series first; a frame that gets no label there is computed
    on its own, with all the tries that a single point gets.

    Frames that an earlier attempt at the same task has done are taken over, to the last bit (see
    :mod:`nucleops.learning.kept_labels`).

    Parameters
    ----------
    task : Path
        A folder of :func:`nucleops.learning.labelling.prepare_tasks`.
    name : str
        The task's name.
    config : LabelConfig
        Level of theory and limits.
    folder : Path
        Where CP2K runs (``frame-0000``, ``series-0000`` ...), and ``labels.log`` and the data set
        ``data`` are written.
    progress : callable
        Told how many frames are done, and of how many.

    Returns
    -------
    Account
        Also written into the data set as ``labels.json``.

    Raises
    ------
    LabelsLost
        If more than the allowed share was dropped.
    StorageUnreachable
        If the store of an earlier attempt's frames does not answer.
    Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    content = json.loads((task / TASK_FILE).read_text(encoding="utf-8"))
    systems = [s for path in sorted(task.glob("*.extxyz")) for s in read_configurations(path)]
    origins = content.get("origins") or [{} for _ in systems]
    folder.mkdir(parents=True, exist_ok=True)
    kept = KeptLabels.of_task(systems, config.decides, folder)
    account = Account(name, len(systems))
    account.extra = {"level_of_theory": config.level.model_dump(mode="json"), "wall_s": 0.0}
    if kept.elsewhere:
        account.extra["kept_as"] = kept.key
    log = folder / "labels.log"
    frames: list[LabelledFrame] = []
    provenance: list[Provenance] = []
    task_frames = TaskFrames(systems, config, kept)
    progress(0, len(systems))
    with log.open("w", encoding="utf-8", buffering=1) as out:
        for index, (system, origin) in enumerate(zip(systems, origins, strict=True)):
            outcome = task_frames.outcome(index)
            if outcome.frame is not None:
                frames.append(outcome.frame)
                provenance.append(_provenance(origin, config, outcome.frame))
            else:
                account.dropped[outcome.detail["dropped"]] += 1
            account.details.append({**origin, **outcome.detail})
            account.extra["wall_s"] += outcome.detail.get("wall_s", 0.0)
            print(f"frame {index} of {system.name}: {json.dumps(outcome.detail)}", file=out)
            progress(index + 1, len(systems))
    account.n_labelled = len(frames)
    account.check(config.label.allowed_loss, log)
    write_data(frames, content["type_map"], folder / "data", provenance)
    account.write(folder / "data" / ACCOUNT_FILE)
    kept.tidy()
    return account


def _provenance(origin: Mapping[str, Any], config: LabelConfig, frame: LabelledFrame) -> Provenance:
    parent, step = origin.get("parent", ""), origin.get("step")
    return Provenance("", "", parent, step, level_text(config.level), frame.program)
