"""One committee member from input to tested model, in one Python process.

``python -m nucleops.engines.deepmd.worker job.json`` trains, freezes, compresses and tests.
Starting TensorFlow costs about five seconds; four ``dp`` calls would pay it four times.
DeePMD-kit's command-line entry point is made to be called so: it clears its session first.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.deepmd.backend import BACKENDS, Backend
from nucleops.engines.deepmd.data import atom_elements, load_frames
from nucleops.engines.deepmd.data_range import DataRange
from nucleops.engines.deepmd.kept import KeptCheckpoints
from nucleops.engines.deepmd.metrics import Parity, parity_of_system, pool, summarise
from nucleops.engines.deepmd.model_file import attach_range, attach_weights, trainable_weights
from nucleops.engines.deepmd.trainers import kept_trainer
from nucleops.errors import NucleoError
from nucleops.seeds import derive_seed

FAILURE_FILE = "failure.json"


def main(argv: list[str]) -> int:
    """Do a job written by :func:`nucleops.engines.deepmd.train.train_model`; 0 if it went well."""
    job = json.loads(Path(argv[0]).read_text(encoding="utf-8"))
    try:
        work(job)
    except NucleoError as error:
        # The parent process raises this one again, with its class.
        Path(FAILURE_FILE).write_text(
            json.dumps({"kind": error.kind, "message": error.message, "advice": error.advice})
        )
        print(error, file=sys.stderr)
        return 3
    return 0


def work(job: dict[str, Any]) -> None:
    """Train, freeze, compress and test in the current folder.

    Parameters
    ----------
    job : dict
        ``backend`` (``tensorflow`` or ``pytorch``), ``init_model`` (path or None), ``compress``
        (bool), ``held_out`` (paths of DeePMD npy systems), ``data_range``
        (:meth:`DataRange.to_dict` of the data), ``model`` (file to write), ``steps``,
        ``start_step`` (of the checkpoint to go on from, 0 for none), ``checkpoint_interval_s``
        (seconds, None for no checkpoint but the last).
    """
    timings: dict[str, float] = {}
    clock = _Clock(timings)
    from deepmd.main import main as dp  # imports the backend only when a command runs

    backend = BACKENDS[job["backend"]]
    clock("start")
    if job["start_step"] < job["steps"]:
        _train(dp, backend, job)
    clock("train")
    frozen = Path("frozen_model" + backend.suffix)
    dp([backend.option, "freeze", "-c", backend.checkpoint(job["steps"]), "-o", frozen.name])
    clock("freeze")
    model = Path(job["model"])
    if job["compress"]:
        _compress(dp, backend, frozen, model)
        clock("compress")
    else:
        shutil.copyfile(frozen, model)
    attach_range(model, DataRange.from_dict(job["data_range"]))
    parity = test(model, [Path(p) for p in job["held_out"]])
    clock("test")
    parity.save(Path("parity.npz"))
    result = {**summarise(parity), "timings_s": timings}
    Path("test.json").write_text(json.dumps(result, indent=2), encoding="utf-8")


def test(model: Path, systems: list[Path]) -> Parity:
    """Predict the labelled frames of DeePMD npy systems, as ``dp test`` does.

    Parameters
    ----------
    model : Path
        Frozen model.
    systems : list of Path
        Labelled systems.

    Returns
    -------
    Parity
        Labels and predictions of all frames.
    """
    from deepmd.infer import DeepPot

    if not systems:
        return pool([])
    potential = DeepPot(str(model))
    type_map = potential.get_type_map()
    parities = []
    for system in systems:
        frames = load_frames(system)
        elements = atom_elements(system)
        periodic = not (system / "nopbc").is_file()
        types = np.array([type_map.index(e) for e in elements])
        energy, force, *_ = potential.eval(
            frames["coord"], frames["box"] if periodic else None, types
        )
        parities.append(
            parity_of_system(elements, frames["energy"], frames["force"], energy, force)
        )
    return pool(parities)


def _train(dp: Any, backend: Backend, job: dict[str, Any]) -> None:
    script, start = "input.json", job["start_step"]
    seed = json.loads(Path(script).read_text(encoding="utf-8"))["training"]["seed"]
    words = []
    if start:
        words = ["--restart", backend.checkpoint(start)]
        if backend.name == "pytorch":
            script = _with_other_batches(script, start)
    elif job["init_model"] is not None:
        weights = Path(f"init_model{backend.suffix}")
        weights = trainable_weights(Path(job["init_model"]), weights)
        words = ["--init-frz-model", str(weights)]
    interval_s = job["checkpoint_interval_s"]
    kept = KeptCheckpoints(Path(), math.inf if interval_s is None else interval_s, job["steps"])
    with kept_trainer(backend, kept, start, seed):
        dp([backend.option, "train", script, "--skip-neighbor-stat", "-o", "out.json", *words])


def _with_other_batches(script: str, start: int) -> str:
    """Write an input whose batches are others than those that the training began with."""
    values = json.loads(Path(script).read_text(encoding="utf-8"))
    values["training"]["seed"] = derive_seed(values["training"]["seed"], "from", start)
    Path("restart.json").write_text(json.dumps(values), encoding="utf-8")
    return "restart.json"


def _compress(dp: Any, backend: Backend, frozen: Path, model: Path) -> None:
    compressed = Path("compressed_model" + frozen.suffix)
    dp([backend.option, "compress", "-i", frozen.name, "-o", compressed.name, "-t", "input.json"])
    attach_weights(compressed, frozen, model)


class _Clock:
    """Notes how many seconds each stage took."""

    def __init__(self, timings: dict[str, float]) -> None:
        self.timings = timings
        self.last = time.monotonic()

    def __call__(self, stage: str) -> None:
        now = time.monotonic()
        self.timings[stage] = round(now - self.last, 2)
        self.last = now


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
