"""How accurate a potential becomes in an hour of CPU time, on trajectories it has not seen.

The system is the dimer in methanol of the study ``ag6-xtb``, at that study's level of theory.
Everything is done by the code that a study runs: droplets are packed from different random numbers,
AIMD in CP2K follows some at 300 and some at 450 K, a potential is trained on that, other droplets
are followed with it, the frames that it finds are labelled, and so on for two rounds; then the last
potential is trained, frozen and compressed. It is tested as a study tests its potentials: of every
kind of frames, AIMD and each round, a quarter as many are held out, of droplets that nothing is
trained on.

What is counted is the CPU time, user and system, of all programs that are started on the way: AIMD,
dynamics and labels of the rounds, and each training from start to test. What the frames held out
cost is told apart::

    .venv/bin/python benchmarks/learning_accuracy.py --work accuracy

A second call with the same ``--work`` goes on with what is there; ``--share`` makes a share of the
last training's steps.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from droplet_data import Labelled, Round, children_cpu_s, energies, explored, followed

from nucleoflow.study.load import load_study
from nucleoflow.study.model import Study
from nucleops.engines.deepmd.metrics import load_parity, summarise
from nucleops.engines.deepmd.settings import Schedule
from nucleops.engines.deepmd.train import train_model
from nucleops.seeds import derive_seed

STUDY = "ag6-xtb"
DROPLETS, HELD_OUT = range(24), range(100, 106)
"""Numbers of the droplets followed by AIMD, to train on and to test on."""
ROUNDS = (
    Round(range(200, 230), range(110, 118), 300, 30),
    Round(range(300, 424), range(120, 150), 600, 50),
)
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
_SCRATCH = Schedule(
    steps=10_000,
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
# from the weights before: the rate, and the weights in the loss that go with it, begin lower
_AGAIN = _SCRATCH.model_copy(update={"start_lr": 5e-3, "start_pref_e": 150, "start_pref_f": 600})
DRIVERS = (_SCRATCH, _AGAIN)
"""Trainings of the potentials that lead each round, one from the weights of the other."""
_FORCES = _AGAIN.model_copy(update={"start_pref_e": 60, "limit_pref_e": 60})
LAST = (
    _FORCES.model_copy(update={"steps": 60_000, "stop_lr": 1.5e-3}),
    # four frames a step are dearer but less noisy: from where the rate is low enough for that
    _FORCES.model_copy(
        update={"steps": 10_000, "batch_size": 4, "start_lr": 2e-3, "start_pref_f": 200}
    ),
    _FORCES.model_copy(
        update={
            "steps": 12_000,
            "batch_size": 4,
            "start_lr": 6e-4,
            "warmup_steps": 100,
            "start_pref_e": 1000,
            "limit_pref_e": 5000,
            "start_pref_f": 20,
        }
    ),
)
"""The last training: first of forces, of which a frame has 180, then, at a low rate, of its one
energy, which so few steps do not learn by heart."""


def trained(
    study: Study,
    folder: Path,
    plan: Schedule,
    train: Sequence[Path],
    held_out: Sequence[Path],
    before: Path | None = None,
) -> float:
    """Train, unless that is done, and print the test; the CPU seconds of it.

    Training begins from the potential in ``before``, or from random weights.
    """
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
        started_s = children_cpu_s()
        train_model(
            settings,
            "first",
            study.type_map,
            derive_seed(study.seed, "accuracy"),
            train,
            folder,
            extra_held_out=held_out,
            init_model=before / "model.pb" if before else None,
        )
        record.write_text(json.dumps(children_cpu_s() - started_s), encoding="utf-8")
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


def say_each(folder: Path, held_out: Mapping[str, Labelled]) -> None:
    """Print how far a potential is from each kind of frames held out."""
    parity = load_parity(folder / "parity.npz")
    labels = {kind: energies(part.folders) for kind, part in held_out.items()}
    # parity data are in the order of the folders
    np.testing.assert_allclose(
        parity.energy[:, 0] * parity.n_atoms, np.concatenate([*labels.values()])
    )
    kinds = np.repeat([*labels], [len(of_kind) for of_kind in labels.values()])
    for kind in labels:
        part = parity.part(kinds == kind)
        found, mean = summarise(part), 1e3 * np.diff(part.energy).mean()
        print(
            f"  {kind}: {found['n_frames']} frames, energy RMSE"
            f" {found['energy_rmse_meV_atom']:.2f} meV/atom (mean error {mean:+.2f}), force RMSE"
            f" {found['force_rmse_meV_A']:.1f} meV/A"
        )


def main() -> None:
    """Label, train, test, and say what it cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("accuracy"), help="where files are kept")
    parser.add_argument("--cores", type=int, default=2, help="AIMD and MD runs side by side")
    parser.add_argument("--share", type=float, default=1.0, help="of the last training's steps")
    given = parser.parse_args()
    study, work, cores = load_study(STUDY), given.work, given.cores
    held_out = {"AIMD": followed(study, work, "held-out", HELD_OUT, cores)}
    known = [followed(study, work, "train", DROPLETS, cores)]
    potentials: list[Path] = []
    train_s = 0.0

    def learn(name: str, schedule: Schedule) -> float:
        before = potentials[-1] if potentials else None
        potentials.append(work / name)
        tested = folders(held_out.values())
        return trained(study, potentials[-1], schedule, folders(known), tested, before)

    for number, (plan, schedule) in enumerate(zip(ROUNDS, DRIVERS, strict=True), start=1):
        train_s += learn(f"driver-{number}", schedule)
        model = potentials[-1] / "model.pb"
        look = functools.partial(explored, study, plan, model, folders(known), cores)
        known.append(look(work / f"round-{number}", plan.droplets))
        held_out[f"round {number}"] = look(work / f"held-out-{number}", plan.held_out)
    for part, schedule in enumerate(LAST, start=1):
        share = schedule.model_copy(update={"steps": round(given.share * schedule.steps)})
        train_s += learn(f"last-{given.share:g}-{part}", share)
    say_each(potentials[-1], held_out)
    label_s, held_s = (sum(part.cpu_s for part in of) for of in (known, held_out.values()))
    print(
        f"CPU minutes: dynamics and labels {label_s / 60:.1f}, training {train_s / 60:.1f},"
        f" together {(label_s + train_s) / 60:.1f}; those held out {held_s / 60:.1f} more"
    )


def folders(parts: Iterable[Labelled]) -> list[Path]:
    """Data sets of all parts, in order."""
    return [folder for part in parts for folder in part.folders]


if __name__ == "__main__":
    main()
