"""Training of one committee member, and the judgement of how it ended."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.deepmd.curve import LearningCurve, read_curve, write_curve_csv
from nucleops.engines.deepmd.data import find_systems, write_split
from nucleops.engines.deepmd.data_range import data_range
from nucleops.engines.deepmd.inputs import ScheduleName, schedule_of, training_input
from nucleops.engines.deepmd.settings import TrainSettings
from nucleops.engines.runner import RunResult, run
from nucleops.errors import MissingProgram, ProgramFailed, TruncatedOutput, WrongInput

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
        frames, and the seconds each stage took.
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
    init_model: Path | None = None,
    extra_held_out: Sequence[Path] = (),
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
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
    init_model : Path or None
        Model of an earlier round to start from; compressed models of ours will do. Unused where
        the schedule says ``from_scratch``.
    extra_held_out : sequence of Path
        Systems that are tested on besides the held-out share of ``data``.
    threads : int
        Threads of this training; a second one gains 8%, so members side by side are better.
    progress : callable or None
        Called with (steps done, steps in all) about twice a second.

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
    TimeLimit, OutOfMemory, Preempted
        From the runner.
    """
    check_backend(settings.backend)
    if schedule_of(settings, schedule).from_scratch:
        init_model = None
    folder.mkdir(parents=True)
    systems = find_systems(data)
    split = write_split(systems, settings.held_out, folder / "data")
    held_out = [*split[1], *find_systems(extra_held_out)]
    relative = [os.path.relpath(path, folder) for path in split[0]]
    tested = [os.path.relpath(path, folder) for path in held_out]
    script = training_input(settings, schedule, type_map, seed, relative, tested)
    (folder / "input.json").write_text(json.dumps(script, indent=2), encoding="utf-8")
    model = folder / ("model.pb" if settings.backend == "tensorflow" else "model.pth")
    job = {
        "backend": settings.backend,
        "init_model": None if init_model is None else str(init_model.resolve()),
        "compress": settings.compress,
        "held_out": tested,
        "model": model.name,
        "data_range": data_range(systems).to_dict(),
    }
    (folder / "job.json").write_text(json.dumps(job, indent=2), encoding="utf-8")
    ran = _run_worker(folder, settings, schedule, threads, progress)
    curve = judge(folder, model, schedule_of(settings, schedule).steps)
    write_curve_csv(curve, folder / "lcurve.csv")
    test = json.loads((folder / "test.json").read_text(encoding="utf-8"))
    test |= {"n_train_frames": split[2], "n_held_out": test.pop("n_frames")}
    test |= {"wall_s": round(ran.wall_s, 2), "cpu_s": round(ran.cpu_s, 2)}
    test |= {"schedule": schedule, "seed": seed, "started_from_model": init_model is not None}
    (folder / "test.json").write_text(json.dumps(test, indent=2), encoding="utf-8")
    return Trained(model, folder, test)


def check_backend(backend: str) -> None:
    """Refuse a backend that is not installed.

    Raises
    ------
    MissingProgram
        Naming the package that is missing.
    """
    needed = {"tensorflow": "tensorflow", "pytorch": "torch"}[backend]
    for package in ("deepmd", needed):
        if importlib.util.find_spec(package) is None:
            raise MissingProgram(
                f"training with backend: {backend} needs the Python package {package}, "
                "which is not installed",
                advice="install the extra `engines` (CPU) or `gpu`, or choose another backend",
            )


def judge(folder: Path, model: Path, steps: int) -> LearningCurve:
    """Refuse a training whose loss is not a number or whose files are not all there.

    Parameters
    ----------
    folder : Path
        Where the training ran.
    model : Path
        Frozen model it should have written.
    steps : int
        Steps it should have made.

    Returns
    -------
    LearningCurve
        The curve, which reaches the last step.

    Raises
    ------
    ProgramFailed
        If an error in the curve is not finite.
    TruncatedOutput
        If the curve ends early, or a result is missing.
    """
    log = folder / "train.log"
    curve = read_curve(folder / "lcurve.out")
    bad = curve.first_not_finite()
    if bad is not None:
        raise ProgramFailed(
            f"the training's error is not a number from step {bad} on",
            log=log,
            advice="lower start_lr, or look for absurd labels in the data",
        )
    stride = int(np.diff(curve.step[:2]).max(initial=1))
    if not len(curve.step) or curve.step[-1] + stride <= steps:
        last = int(curve.step[-1]) if len(curve.step) else 0
        raise TruncatedOutput(f"the learning curve ends at step {last} of {steps}", log=log)
    for path in (model, folder / "test.json", folder / "parity.npz"):
        if not path.is_file() or path.stat().st_size == 0:
            raise TruncatedOutput(f"the training left no {path.name}", log=log)
    rmse = json.loads((folder / "test.json").read_text(encoding="utf-8"))["force_rmse_meV_A"]
    if rmse is not None and not math.isfinite(rmse):
        raise ProgramFailed("the model predicts forces that are not numbers", log=log)
    return curve


def _run_worker(
    folder: Path,
    settings: TrainSettings,
    schedule: ScheduleName,
    threads: int,
    progress: Callable[[int, int], None] | None,
) -> RunResult:
    log = folder / "train.log"
    total = schedule_of(settings, schedule).steps
    # The package is found by the child even where it is not installed but on our own path.
    package_root = str(Path(__file__).resolve().parents[3])
    search = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    env = {
        "PYTHONPATH": os.pathsep.join(search),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONUNBUFFERED": "1",
    }

    def watch() -> str | None:
        if progress is not None:
            done = _STEP.findall(_tail(log))
            progress(int(done[-1]) if done else 0, total)
        return None

    result = run(
        [sys.executable, "-m", "nucleops.engines.deepmd.worker", "job.json"],
        folder,
        log,
        threads=threads,
        timeout_s=settings.timeout_s,
        env=env,
        watch=watch,
    )
    _raise_if_failed(result, folder, total)
    if progress is not None:
        progress(total, total)
    return result


def _raise_if_failed(result: RunResult, folder: Path, steps: int) -> None:
    failure = folder / "failure.json"
    if result.returncode != 0 and failure.is_file():
        said = json.loads(failure.read_text(encoding="utf-8"))
        error = WrongInput if said["kind"] == WrongInput.kind else TruncatedOutput
        raise error(said["message"], log=result.log, advice=said["advice"])
    if result.returncode != 0 and (folder / "lcurve.out").is_file():
        bad = read_curve(folder / "lcurve.out").first_not_finite()
        if bad is not None:  # freezing or compressing a model of NaN may fail before we judge
            judge(folder, folder / "model.pb", steps)
    result.check()


def _tail(path: Path, n_bytes: int = 4096) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - n_bytes))
        return file.read().decode("utf-8", errors="replace")
