"""How accurate a potential becomes in an hour of CPU time, on trajectories it has not seen.

The system is the dimer in methanol of the study ``ag6-xtb``, with that study's level of theory,
descriptor and fitting net. Everything is done by the code that a study runs: droplets are packed
from different random numbers, AIMD in CP2K follows each at 300 and at 450 K, whole droplets are
held out, one potential is trained, frozen, compressed, and compared with the labels of the frames
held out. What is counted is the CPU time, user and system, of all programs that are started on the
way: the AIMD, that of the held-out droplets too, and the training from start to test::

    .venv/bin/python benchmarks/learning_accuracy.py --work accuracy

There are two trainings, as in a study's rounds: one on four droplets, and one that goes on from
there with seven. A second call with the same ``--work`` goes on with what is there; ``--share``
makes a share of the steps.
"""

from __future__ import annotations

import argparse
import functools
import json
import resource
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from nucleoflow.study.load import load_study
from nucleoflow.study.model import Study
from nucleops.engines.cp2k.settings import AimdRun
from nucleops.engines.deepmd.inputs import ScheduleName
from nucleops.engines.deepmd.settings import Schedule
from nucleops.engines.deepmd.train import train_model
from nucleops.learning.account import ACCOUNT_FILE
from nucleops.learning.initial import AimdTask, aimd_frames
from nucleops.learning.labelling import write_data
from nucleops.seeds import derive_seed
from nucleops.systems.packing import build_system

STUDY, SYSTEM = "ag6-xtb", "dimer"
TEMPERATURES_K = (300.0, 450.0)
DROPLETS = {"train": range(7), "held-out": range(100, 102)}
_RUN = AimdRun(
    system=SYSTEM, temperatures_K=TEMPERATURES_K, steps=360, time_step_fs=1.0, thermostat_time_fs=20
)
RUNS = {
    "train": _RUN.model_copy(update={"skip_steps": 20, "stride": 4}),
    "held-out": _RUN.model_copy(update={"steps": 240, "skip_steps": 40, "stride": 8}),
}
SEL = (2, 2, 2, 10, 32, 9)
"""Most neighbours in this droplet; the study's, for larger ones, would only cost time."""
SCHEDULES: dict[ScheduleName, Schedule] = {
    "first": Schedule(
        steps=40_000,
        batch_size=1,
        start_lr=1e-2,
        stop_lr=1e-5,
        limit_pref_e=100,
        limit_pref_f=20,
    ),
    "again": Schedule(
        steps=11_000,
        batch_size=1,
        start_lr=2e-3,
        stop_lr=5e-6,
        start_pref_e=5,
        limit_pref_e=100,
        start_pref_f=200,
        limit_pref_f=20,
    ),
}
ROUNDS: dict[ScheduleName, int] = {"first": 4, "again": 7}
"""Droplets trained on: as in a study's rounds, the second training has more data."""


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
    study: Study, work: Path, held_out: list[Path], train: list[Path], share: float
) -> float:
    """Train round by round, unless that is done, and print the tests; CPU seconds of all."""
    lengths = {
        str(kind): plan.model_copy(update={"steps": round(share * plan.steps)})
        for kind, plan in SCHEDULES.items()
    }
    descriptor = study.learn.train.descriptor.model_copy(update={"sel": SEL})
    settings = study.learn.train.model_copy(
        update={"descriptor": descriptor, "held_out": 0.0, **lengths}
    )
    model, spent_s = None, 0.0
    for kind, droplets in ROUNDS.items():
        folder = work / f"{kind}-{share:g}"
        record = folder / "cost.json"
        if not record.is_file():
            shutil.rmtree(folder, ignore_errors=True)
            before = children_cpu_s()
            train_model(
                settings,
                kind,
                study.type_map,
                derive_seed(study.seed, "accuracy"),
                train[: droplets * len(TEMPERATURES_K)],
                folder,
                init_model=model,
                extra_held_out=held_out,
            )
            record.write_text(json.dumps(children_cpu_s() - before), encoding="utf-8")
        model = folder / "model.pb"
        test = json.loads((folder / "test.json").read_text(encoding="utf-8"))
        spent_s += json.loads(record.read_text(encoding="utf-8"))
        say(kind, test, spent_s)
    return spent_s


def say(kind: str, test: dict[str, Any], spent_s: float) -> None:
    """Print what a training came to."""
    elements = ", ".join(
        f"{element} {rmse:.0f}" for element, rmse in test["per_element_force_rmse_meV_A"].items()
    )
    print(
        f"{kind}: {test['n_train_frames']} frames trained on, {test['n_held_out']} held out;"
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
    given = parser.parse_args()
    study = load_study(STUDY)
    jobs = [(kind, k, t) for kind, some in DROPLETS.items() for k in some for t in TEMPERATURES_K]
    with ProcessPoolExecutor(given.cores) as pool:
        done = list(pool.map(functools.partial(labelled, study, given.work), jobs))
    data = {
        kind: [p for j, (p, _) in zip(jobs, done, strict=True) if j[0] == kind] for kind in RUNS
    }
    label_s = sum(cpu_s for _, cpu_s in done)
    train_s = trained(study, given.work, data["held-out"], data["train"], given.share)
    print(f"CPU seconds: labels {label_s:.0f}, training {train_s:.0f}, ", end="")
    print(f"together {(label_s + train_s) / 60:.1f} min")


if __name__ == "__main__":
    main()
