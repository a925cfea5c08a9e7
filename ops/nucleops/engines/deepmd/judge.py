"""The judgement of how a training ended."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from nucleops.engines.deepmd.curve import LearningCurve, read_curve
from nucleops.engines.runner import RunResult
from nucleops.errors import ProgramFailed, TruncatedOutput, WrongInput


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


def raise_if_failed(result: RunResult, folder: Path, steps: int) -> None:
    """Raise what a training process failed of.

    Parameters
    ----------
    result : RunResult
        How it ended.
    folder : Path
        Where the training ran.
    steps : int
        Steps it should have made.

    Raises
    ------
    WrongInput, TruncatedOutput, ProgramFailed, OutOfMemory
        As the process said itself, or as its learning curve and its exit code say.
    """
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
