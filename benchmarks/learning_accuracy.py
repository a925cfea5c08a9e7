"""How accurate a potential becomes in an hour of CPU time, on trajectories it has not seen.

The system is the dimer in methanol of the study ``ag6-xtb``, at that study's level of theory.
Everything is done by the code that a study runs: droplets are packed from different random numbers,
AIMD in CP2K follows each at 300 and at 450 K, whole droplets are held out, one potential is
trained, frozen, compressed, and compared with the labels of the frames held out. What is counted is
the CPU time, user and system, of all programs that are started on the way: the AIMD, that of the
held-out droplets too, dynamics and labels of the rounds, and each training from start to test::

    .venv/bin/python benchmarks/learning_accuracy.py --work accuracy [--recipe short]

There are three recipes: ``short`` trains on the AIMD of four droplets; ``long`` on that of seven,
with a net that sees the whole droplet and three times the steps; ``rounds`` learns as a study does,
with two rounds of dynamics whose frames are labelled. A second call with the same ``--work`` goes
on with what is there; ``--share`` makes a share of the last training's steps.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Recipe:
    """How many droplets are trained on, and how.

    Attributes
    ----------
    droplets : int
        Droplets followed by AIMD, each at both temperatures.
    descriptor : dict
        What differs from the study's. ``sel`` holds the most neighbours in this droplet; the
        study's, for larger ones, would only cost time.
    fitting : tuple of int or None
        Neurons of the fitting net; None for the study's.
    plan : Schedule
        Steps, learning rate and weights.
    rounds : tuple of Round
        What is explored after the AIMD, each time with a potential of its own.
    driver : Schedule or None
        How those are trained; None where there are no rounds.
    """

    droplets: int
    descriptor: dict[str, Any]
    fitting: tuple[int, ...] | None
    plan: Schedule
    rounds: tuple[Round, ...] = ()
    driver: Schedule | None = None


_PLAN = Schedule(
    steps=40_000, batch_size=1, start_lr=1e-2, stop_lr=1e-5, limit_pref_e=100, limit_pref_f=20
)
_LINEAR = Schedule(
    steps=90_000,
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
RECIPES = {
    "short": Recipe(4, {"sel": (2, 2, 2, 10, 32, 9)}, None, _PLAN),
    "long": Recipe(
        7,
        {"rcut_A": 8.0, "rcut_smooth_A": 2.0, "sel": (2, 2, 2, 10, 36, 8)},
        (120, 120, 120),
        _PLAN.model_copy(update={"steps": 120_000, "stop_lr": 2e-6}),
    ),
    "rounds": Recipe(
        4,
        {
            "rcut_A": 6.0,
            "rcut_smooth_A": 1.0,
            "sel": (2, 2, 2, 10, 36, 8),
            "neuron": (16, 32, 64),
            "axis_neuron": 12,
        },
        (120, 120, 120),
        _LINEAR,
        (Round(range(200, 212), 1200, 120), Round(range(220, 240), 2000, 200)),
        _LINEAR.model_copy(update={"steps": 12_000}),
    ),
}


def trained(
    study: Study,
    folder: Path,
    how: Recipe,
    plan: Schedule,
    train: Sequence[Path],
    held_out: Sequence[Path],
) -> float:
    """Train, unless that is done, and print the test; the CPU seconds of it."""
    own = study.learn.train
    settings = own.model_copy(
        update={
            "descriptor": own.descriptor.model_copy(update=how.descriptor),
            "fitting": own.fitting.model_copy(update={"neuron": how.fitting or own.fitting.neuron}),
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
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="rounds")
    given = parser.parse_args()
    study, how, work = load_study(STUDY), RECIPES[given.recipe], given.work
    held_out = followed(study, work, "held-out", HELD_OUT, given.cores)
    train = followed(study, work, "train", range(how.droplets), given.cores)
    data, label_s, train_s = list(train.folders), held_out.cpu_s + train.cpu_s, 0.0
    for number, plan in enumerate(how.rounds, start=1):
        assert how.driver is not None
        driver = work / f"{given.recipe}-driver-{number}"
        train_s += trained(study, driver, how, how.driver, data, held_out.folders)
        found = explored(
            study, work / f"round-{number}", plan, driver / "model.pb", data, given.cores
        )
        data, label_s = data + list(found.folders), label_s + found.cpu_s
    plan = how.plan.model_copy(update={"steps": round(given.share * how.plan.steps)})
    folder = work / f"{given.recipe}-{given.share:g}"
    train_s += trained(study, folder, how, plan, data, held_out.folders)
    print(f"CPU seconds: dynamics and labels {label_s:.0f}, training {train_s:.0f}, ", end="")
    print(f"together {(label_s + train_s) / 60:.1f} min")


if __name__ == "__main__":
    main()
