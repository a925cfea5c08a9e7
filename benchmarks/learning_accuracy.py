"""How accurate a potential becomes in an hour of CPU time, on trajectories it has not seen.

The system is the dimer in methanol of the study ``ag6-xtb``, at that study's level of theory.
Everything is done by the code that a study runs: droplets are packed from different random numbers,
AIMD in CP2K follows each at 300 and at 450 K, whole droplets are held out, one potential is
trained, frozen, compressed, and compared with the labels of the frames held out. What is counted is
the CPU time, user and system, of all programs that are started on the way: the AIMD, that of the
held-out droplets too, and the training from start to test::

    .venv/bin/python benchmarks/learning_accuracy.py --work accuracy [--recipe short]

There are two recipes: a short one with four droplets and the study's own net, and a long one with
seven, a net that sees the whole droplet, and three times the steps. A second call with the same
``--work`` goes on with what is there; ``--share`` makes a share of the steps.
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleoflow.study.load import load_study
from nucleoflow.study.model import Study
from nucleops.engines.cp2k.settings import AimdRun
from nucleops.engines.deepmd.settings import Schedule
from nucleops.engines.deepmd.train import train_model
from nucleops.learning.account import ACCOUNT_FILE
from nucleops.learning.initial import AimdTask, aimd_frames
from nucleops.learning.labelling import write_data
from nucleops.seeds import derive_seed
from nucleops.systems.packing import build_system

STUDY, SYSTEM = "ag6-xtb", "dimer"
TEMPERATURES_K = (300.0, 450.0)
HELD_OUT = range(100, 102)
"""Numbers of the droplets held out; those trained on are numbered from 0."""
_RUN = AimdRun(
    system=SYSTEM, temperatures_K=TEMPERATURES_K, steps=360, time_step_fs=1.0, thermostat_time_fs=20
)
RUNS = {
    "train": _RUN.model_copy(update={"skip_steps": 20, "stride": 4}),
    "held-out": _RUN.model_copy(update={"steps": 240, "skip_steps": 40, "stride": 8}),
}


@dataclass(frozen=True)
class Recipe:
    """How many droplets are trained on, and how.

    Attributes
    ----------
    droplets : int
        Droplets trained on, each at both temperatures.
    descriptor : dict
        What differs from the study's. ``sel`` holds the most neighbours in this droplet; the
        study's, for larger ones, would only cost time.
    fitting : tuple of int or None
        Neurons of the fitting net; None for the study's.
    plan : Schedule
        Steps, learning rate and weights.
    """

    droplets: int
    descriptor: dict[str, Any]
    fitting: tuple[int, ...] | None
    plan: Schedule


_PLAN = Schedule(
    steps=40_000, batch_size=1, start_lr=1e-2, stop_lr=1e-5, limit_pref_e=100, limit_pref_f=20
)
RECIPES = {
    "short": Recipe(4, {"sel": (2, 2, 2, 10, 32, 9)}, None, _PLAN),
    "long": Recipe(
        7,
        {"rcut_A": 8.0, "rcut_smooth_A": 2.0, "sel": (2, 2, 2, 10, 36, 8)},
        (120, 120, 120),
        _PLAN.model_copy(update={"steps": 120_000, "stop_lr": 2e-6}),
    ),
}


def labelled(study: Study, work: Path, job: tuple[str, int, float]) -> tuple[Path, float]:
    """Follow one droplet with AIMD, unless that is done; its data set and the CPU seconds."""
    kind, droplet, temperature_K = job
    folder = work / kind / f"{droplet:03d}-{temperature_K:g}K"
    data, account_file = folder / "data", folder / "data" / ACCOUNT_FILE
    if not account_file.is_file():
        seed = derive_seed(study.seed, "accuracy", droplet)
        system = build_system(SYSTEM, study.systems[SYSTEM], study.chemistry.metal, seed)
        task = AimdTask(
            system=SYSTEM,
            temperature_K=temperature_K,
            seed=derive_seed(seed, temperature_K),
            run=RUNS[kind],
            level=study.level_of_theory,
            type_map=study.type_map,
        )
        frames, account = aimd_frames(task, system, folder / "run", lambda step: None)
        write_data(frames, study.type_map, data)
        account.write(account_file)
    return data, float(json.loads(account_file.read_text(encoding="utf-8"))["cpu_s"])


def trained(
    study: Study, work: Path, recipe: str, held_out: list[Path], train: list[Path], share: float
) -> float:
    """Train, unless that is done, and print the test; the CPU seconds of it."""
    how = RECIPES[recipe]
    plan = how.plan.model_copy(update={"steps": round(share * how.plan.steps)})
    own = study.learn.train
    settings = own.model_copy(
        update={
            "descriptor": own.descriptor.model_copy(update=how.descriptor),
            "fitting": own.fitting.model_copy(update={"neuron": how.fitting or own.fitting.neuron}),
            "held_out": 0.0,
            "first": plan,
        }
    )
    folder = work / f"{recipe}-{share:g}"
    record = folder / "cost.json"
    if not record.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        before = children_cpu_s()
        train_model(
            settings,
            "first",
            study.type_map,
            derive_seed(study.seed, "accuracy"),
            train[: how.droplets * len(TEMPERATURES_K)],
            folder,
            extra_held_out=held_out,
        )
        record.write_text(json.dumps(children_cpu_s() - before), encoding="utf-8")
    spent_s = float(json.loads(record.read_text(encoding="utf-8")))
    say(recipe, json.loads((folder / "test.json").read_text(encoding="utf-8")), spent_s)
    return spent_s


def say(recipe: str, test: dict[str, Any], spent_s: float) -> None:
    """Print what a training came to."""
    elements = ", ".join(
        f"{element} {rmse:.0f}" for element, rmse in test["per_element_force_rmse_meV_A"].items()
    )
    print(
        f"{recipe}: {test['n_train_frames']} frames trained on, {test['n_held_out']} held out;"
        f" energy RMSE {test['energy_rmse_meV_atom']:.2f} meV/atom, force RMSE"
        f" {test['force_rmse_meV_A']:.1f} meV/A ({elements}); {spent_s:.0f} CPU seconds of training"
    )


def children_cpu_s() -> float:
    """CPU seconds, user and system, of all programs started here that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Label, train, test, and say what it cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("accuracy"), help="where files are kept")
    parser.add_argument("--cores", type=int, default=2, help="AIMD runs side by side")
    parser.add_argument("--share", type=float, default=1.0, help="of the training's steps")
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="long")
    given = parser.parse_args()
    study = load_study(STUDY)
    droplets = {"train": range(RECIPES[given.recipe].droplets), "held-out": HELD_OUT}
    jobs = [(kind, k, t) for kind, some in droplets.items() for k in some for t in TEMPERATURES_K]
    with ProcessPoolExecutor(given.cores) as pool:
        done = list(pool.map(functools.partial(labelled, study, given.work), jobs))
    data = {
        kind: [p for j, (p, _) in zip(jobs, done, strict=True) if j[0] == kind] for kind in RUNS
    }
    label_s = sum(cpu_s for _, cpu_s in done)
    train_s = trained(study, given.work, given.recipe, data["held-out"], data["train"], given.share)
    print(f"CPU seconds: labels {label_s:.0f}, training {train_s:.0f}, ", end="")
    print(f"together {(label_s + train_s) / 60:.1f} min")


if __name__ == "__main__":
    main()
