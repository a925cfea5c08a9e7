"""How accurate a potential becomes in an hour of CPU time, on trajectories it has not seen.

The system is the dimer in methanol of the study ``ag6-xtb``, at that study's level of theory.
Everything is done by the code that a study runs: droplets are packed from different random numbers,
AIMD in CP2K follows four of them at 300 and at 450 K, a potential is trained on that, others are
followed with it, the frames that it finds are labelled, and so on for two rounds; then the last
potential is trained, frozen, compressed, and compared with the labels of whole droplets that were
held out, from AIMD. What is counted is the CPU time, user and system, of all programs that are
started on the way: the AIMD, that of the held-out droplets too, dynamics and labels of the rounds,
and each training from start to test::

    .venv/bin/python benchmarks/learning_accuracy.py --work accuracy

A second call with the same ``--work`` goes on with what is there; ``--share`` makes a share of the
last training's steps.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from droplet_data import Round, children_cpu_s, explored, followed

from nucleoflow.study.load import load_study
from nucleoflow.study.model import Study
from nucleops.engines.deepmd.settings import Schedule
from nucleops.engines.deepmd.train import train_model
from nucleops.seeds import derive_seed

STUDY = "ag6-xtb"
HELD_OUT = range(100, 102)
"""Numbers of the droplets held out; those trained on are numbered from 0."""
DROPLETS = range(4)
"""Numbers of the droplets followed by AIMD."""
ROUNDS = (Round(range(200, 212), 600, 60), Round(range(220, 245), 800, 50))
"""What is explored after that, each time with a potential of its own."""
DESCRIPTOR = {
    "rcut_A": 6.0,
    "rcut_smooth_A": 1.0,
    # the most neighbours in this droplet; the study's, for larger ones, would only cost time
    "sel": (2, 2, 2, 10, 36, 8),
    "neuron": (16, 32, 64),
    "axis_neuron": 12,
}
FITTING = (120, 120, 120)
LAST = Schedule(
    steps=120_000,
    batch_size=1,
    start_lr=8e-3,
    stop_lr=1e-6,
    lr_schedule="wsd",
    decay_share=0.95,
    warmup_steps=500,
    start_pref_e=0.2,
    limit_pref_e=400,
    limit_pref_f=20,
)
DRIVER = LAST.model_copy(update={"steps": 10_000})


def trained(
    study: Study,
    folder: Path,
    plan: Schedule,
    train: Sequence[Path],
    held_out: Sequence[Path],
) -> float:
    """Train, unless that is done, and print the test; the CPU seconds of it."""
    own = study.learn.train
    settings = own.model_copy(
        update={
            "descriptor": own.descriptor.model_copy(update=DESCRIPTOR),
            "fitting": own.fitting.model_copy(update={"neuron": FITTING}),
            "held_out": 0.0,
            "first": plan,
        }
    )
    record = folder / "cost.json"
    if not record.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        before = children_cpu_s()
        train_model(
            settings,
            "first",
            study.type_map,
            derive_seed(study.seed, "accuracy"),
            train,
            folder,
            extra_held_out=held_out,
        )
        record.write_text(json.dumps(children_cpu_s() - before), encoding="utf-8")
    spent_s = float(json.loads(record.read_text(encoding="utf-8")))
    say(folder.name, json.loads((folder / "test.json").read_text(encoding="utf-8")), spent_s)
    return spent_s


def say(name: str, test: dict[str, Any], spent_s: float) -> None:
    """Print what a training came to."""
    elements = ", ".join(
        f"{element} {rmse:.0f}" for element, rmse in test["per_element_force_rmse_meV_A"].items()
    )
    print(
        f"{name}: {test['n_train_frames']} frames trained on, {test['n_held_out']} held out;"
        f" energy RMSE {test['energy_rmse_meV_atom']:.2f} meV/atom, force RMSE"
        f" {test['force_rmse_meV_A']:.1f} meV/A ({elements}); {spent_s:.0f} CPU seconds",
        flush=True,
    )


def main() -> None:
    """Label, train, test, and say what it cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("accuracy"), help="where files are kept")
    parser.add_argument("--cores", type=int, default=2, help="AIMD and MD runs side by side")
    parser.add_argument("--share", type=float, default=1.0, help="of the last training's steps")
    given = parser.parse_args()
    study, work, cores = load_study(STUDY), given.work, given.cores
    held_out = followed(study, work, "held-out", HELD_OUT, cores)
    train = followed(study, work, "train", DROPLETS, cores)
    data, label_s, train_s = list(train.folders), held_out.cpu_s + train.cpu_s, 0.0
    for number, plan in enumerate(ROUNDS, start=1):
        driver = work / f"driver-{number}"
        train_s += trained(study, driver, DRIVER, data, held_out.folders)
        found = explored(study, work / f"round-{number}", plan, driver / "model.pb", data, cores)
        data, label_s = data + list(found.folders), label_s + found.cpu_s
    plan = LAST.model_copy(update={"steps": round(given.share * LAST.steps)})
    train_s += trained(study, work / f"last-{given.share:g}", plan, data, held_out.folders)
    print(f"CPU seconds: dynamics and labels {label_s:.0f}, training {train_s:.0f}, ", end="")
    print(f"together {(label_s + train_s) / 60:.1f} min")


if __name__ == "__main__":
    main()
