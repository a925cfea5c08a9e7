"""Training of one committee member."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleops.engines.deepmd.backend import backend_of
from nucleops.engines.deepmd.curve import tidy_curve, write_curve_csv
from nucleops.engines.deepmd.data import find_systems
from nucleops.engines.deepmd.data_range import data_range
from nucleops.engines.deepmd.held_out import Split, write_split
from nucleops.engines.deepmd.inputs import ScheduleName, schedule_of, training_input
from nucleops.engines.deepmd.judge import judge, raise_if_failed
from nucleops.engines.deepmd.keeper import TrainKeeper, decided_by
from nucleops.engines.deepmd.kept import CURVE
from nucleops.engines.deepmd.settings import TrainSettings
from nucleops.engines.keeping import Keeping
from nucleops.engines.runner import RunResult, run
from nucleops.storage.increments import digest_of

_STEP = re.compile(r"batch\s+(\d+):")


@dataclass(frozen=True)
class Trained:
    """What a training leaves behind.

    Attributes
    ----------
    model : Path
        Frozen model, compressed where the settings ask; a later training can start from it.
    folder : Path
        Holds ``input.json``, ``train.log``, ``lcurve.out``, ``lcurve.csv``, ``test.json``,
        ``parity.npz``.
    test : dict
        :func:`nucleops.engines.deepmd.metrics.summarise` of the held-out frames, numbers of
        frames, how they were split (``split``), steps at which it was gone on with
        (``resumed_steps``), and the seconds that the last attempt and each of its stages took.
    """

    model: Path
    folder: Path
    test: dict[str, Any]


def train_model(
    settings: TrainSettings,
    schedule: ScheduleName,
    type_map: Sequence[str],
    seed: int,
    data: Sequence[Path],
    folder: Path,
    *,
    split_seed: int | None = None,
    init_model: Path | None = None,
    extra_held_out: Sequence[Path] = (),
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
    keeping: Keeping | None = None,
) -> Trained:
    """Train one model, freeze it, compress it if asked, and test it on held-out frames.

    Parameters
    ----------
    settings : TrainSettings
        Network, schedules, share of held-out frames, wall-clock limit.
    schedule : {'first', 'again', 'last'}
        Schedule to follow.
    type_map : sequence of str
        Elements in type order.
    seed : int
        The member's seed.
    data : sequence of Path
        DeePMD npy systems, or folders of them.
    folder : Path
        New folder to work in.
    split_seed : int or None
        Seed by which frames are held out, the same for every member and round; None for ``seed``.
    init_model : Path or None
        Model of an earlier round to start from; compressed models of ours will do. Unused where
        the schedule says ``from_scratch``.
    extra_held_out : sequence of Path
        Systems that are tested on besides the held-out share of ``data``.
    threads : int
        Threads of this training; a second one gains 8%, so members side by side are better.
    progress : callable or None
        Called with (steps done, steps in all) about twice a second.
    keeping : Keeping or None
        Where checkpoints are kept, and gone on from. The caller removes them
        (:func:`nucleops.storage.kept.forget`) when the result has reached who needs it.

    Raises
    ------
    MissingProgram
        DeePMD-kit, or the backend that the settings name, is not installed.
    WrongInput
        No data to train on, or an initial model that cannot be trained on.
    ProgramFailed
        The training ended with an error, or the loss is not a number.
    TruncatedOutput
        A result file is missing or damaged.
    StorageUnreachable
        The store of the checkpoints does not answer at the start.
    TimeLimit, OutOfMemory, Preempted
        From the runner.
    """
    backend = backend_of(settings.backend)
    plan = schedule_of(settings, schedule)
    if plan.from_scratch:
        init_model = None
    folder.mkdir(parents=True)
    systems = find_systems(data)
    split = write_split(systems, settings.held_out, split_seed or seed, folder / "data")
    tested = _relative([*split.held_out, *find_systems(extra_held_out)], folder)
    script = training_input(
        settings, schedule, type_map, seed, _relative(split.train, folder), tested
    )
    (folder / "input.json").write_text(json.dumps(script, indent=2), encoding="utf-8")
    keeper = None if keeping is None else _keeper(keeping, script, init_model, folder)
    start_step = 0 if keeper is None else keeper.restore(folder, folder / "spool")
    model = folder / f"model{backend.suffix}"
    job = {
        "backend": backend.name,
        "init_model": None if init_model is None else str(init_model.resolve()),
        "compress": settings.compress,
        "held_out": tested,
        "model": model.name,
        "data_range": data_range(systems).to_dict(),
        "steps": plan.steps,
        "start_step": start_step,
        "checkpoint_interval_s": None if keeping is None else keeping.interval_s,
    }
    (folder / "job.json").write_text(json.dumps(job, indent=2), encoding="utf-8")
    if start_step:
        tidy_curve(folder / CURVE, start_step)
    ran = _run_worker(folder, settings, plan.steps, start_step, threads, progress, keeper)
    tidy_curve(folder / CURVE)
    write_curve_csv(judge(folder, model, plan.steps), folder / "lcurve.csv")
    test = _record(folder, split) | {
        "schedule": schedule,
        "seed": seed,
        "started_from_model": init_model is not None,
        "resumed_steps": [] if keeper is None else list(keeper.resumed),
        "wall_s": round(ran.wall_s, 2),
        "cpu_s": round(ran.cpu_s, 2),
    }
    (folder / "test.json").write_text(json.dumps(test, indent=2), encoding="utf-8")
    return Trained(model, folder, test)


def _relative(paths: Sequence[Path], folder: Path) -> list[str]:
    return [os.path.relpath(path, folder) for path in paths]


def _record(folder: Path, split: Split) -> dict[str, Any]:
    test: dict[str, Any] = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    test |= {"n_train_frames": split.n_train, "n_held_out": test.pop("n_frames")}
    return test | {"split": split.record}


def _keeper(
    keeping: Keeping, script: dict[str, Any], init_model: Path | None, folder: Path
) -> TrainKeeper:
    digest = hashlib.sha256()
    for path in sorted(p for p in (folder / "data").rglob("*") if p.is_file()):
        digest.update(f"{path.relative_to(folder)} {digest_of(path)}\n".encode())
    start = "none" if init_model is None else digest_of(init_model)
    versions = {"deepmd-kit": importlib.metadata.version("deepmd-kit")}
    return TrainKeeper(keeping, decided_by(script, digest.hexdigest(), start), versions)


def _run_worker(
    folder: Path,
    settings: TrainSettings,
    total: int,
    start_step: int,
    threads: int,
    progress: Callable[[int, int], None] | None,
    keeper: TrainKeeper | None,
) -> RunResult:
    log = folder / "train.log"
    if start_step:
        log.write_text(f"# going on from the checkpoint of step {start_step}\n", encoding="utf-8")

    def watch() -> str | None:
        if keeper is not None:
            keeper.look()
        if progress is not None:
            done = _STEP.findall(_tail(log))
            progress(int(done[-1]) if done else start_step, total)
        return None

    try:
        result = run(
            [sys.executable, "-m", "nucleops.engines.deepmd.worker", "job.json"],
            folder,
            log,
            threads=threads,
            timeout_s=settings.timeout_s,
            env=_environment(),
            watch=watch,
            linger=None if keeper is None else keeper.linger,
        )
    finally:
        if keeper is not None:
            keeper.close()
    raise_if_failed(result, folder, total)
    if progress is not None:
        progress(total, total)
    return result


def _environment() -> dict[str, str]:
    # The package is found by the child even where it is not installed but on our own path.
    package_root = str(Path(__file__).resolve().parents[3])
    search = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        "PYTHONPATH": os.pathsep.join(search),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONUNBUFFERED": "1",
    }


def _tail(path: Path, n_bytes: int = 4096) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - n_bytes))
        return file.read().decode("utf-8", errors="replace")
