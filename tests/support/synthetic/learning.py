"""The stage `learn`: rounds, tests and curves that nobody measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nucleops.analysis.stages.learning import learning_folder
from nucleops.systems.system import type_map

EXPLORATIONS = ("dimer, 300 K", "cluster, 450 K", "dimer, 300 K, pull")
KINDS = ("training", "held_out")
ELEMENTS = ("Ag", "S", "N", "C", "H", "O")
COUNTS = (2, 2, 2, 6, 22, 4)
COMPOSITION = "Ag2S2N2C6H22O4"
WIDTH_EV_A = {"Ag": 0.5, "S": 0.9, "N": 1.4, "C": 1.7, "H": 0.9, "O": 1.2}
"""Spread of the forces on each element."""


def learning(root: Path, n_rounds: int = 2) -> Path:
    """Make `learning/` from invented rounds and parity data."""
    rng = np.random.default_rng(0)
    _labels(root / "aimd", 12)
    (root / "aimd-run").mkdir()
    version = "CP2K| version string:                   CP2K version 2023.1"
    (root / "aimd-run/aimd.out").write_text(f"DBCSR| CPU Multiplication\n {version}\n")
    rounds = [_round(root / f"iter-{k:06d}", k, rng) for k in range(n_rounds)]
    logs = [_trained(root / f"train-{m}", rng) for m in range(2)]
    for m, model in enumerate(logs):
        curve = (model / "train_log/lcurve.csv").read_text().splitlines()
        for k, folder in enumerate(rounds):
            own = folder / "tests" / f"model-{m:03d}"
            own.mkdir(parents=True)
            (own / "lcurve.csv").write_text("\n".join(curve[: 20 + 5 * k]) + "\n")
    return learning_folder(
        rounds,
        logs,
        {"method": "gfn1-xtb"},
        root / "learning",
        init_data=[root / "aimd"],
        init_logs=[root / "aimd-run"],
        selection={
            "force_deviation_low_eV_A": 0.2,
            "force_deviation_high_eV_A": 1.0,
            "converged_accurate": 0.95,
        },
    )


def _round(folder: Path, k: int, rng: np.random.Generator) -> Path:
    """Write a round's labels, account and exploration; things get better with `k`."""
    _labels(folder / COMPOSITION, 30 + 20 * k)
    record = {
        "name": folder.name,
        "n_train_frames": 160 + 40 * k,
        "n_held_out": 16 + 4 * k,
        "accurate": 0.35 + 0.4 * k,
        "candidate": 0.45 - 0.25 * k,
        "failed": 0.2 - 0.15 * k,
        "n_frames_explored": 240,
        "n_selected": 40,
        "n_labelled": 37,
        "n_dropped": {"SCF not converged": 2, "force above 25 eV/A": 1},
        "converged": False,
        "low_eV_A": 0.2,
        "explorations": {
            label: {
                "system": label.split(",")[0],
                "accurate": 20 + 40 * k + 5 * i,
                "candidate": 50 - 20 * k,
                "failed": 10 - 4 * k - i,
                "selected": 10,
                "runs": 1,
            }
            for i, label in enumerate(EXPLORATIONS)
        },
        "ended_early": {"torn molecule": 1},
        "cost": {
            kind: {"cpu_s": 60.0 + 90 * k, "wall_s": 70.0 + 90 * k, "tasks": 2}
            for kind in ("training", "exploration", "labelling")
        },
        "deviation_percentiles_eV_A": {
            "50": 0.31 - 0.1 * k,
            "90": 0.8 - 0.3 * k,
            "99": 1.6 - 0.7 * k,
        },
        "tests": [
            {
                "energy_rmse_meV_atom": 4.1 - 1.5 * k + 0.3 * m,
                "force_rmse_meV_A": 190.0 - 60 * k + 9 * m,
            }
            for m in range(2)
        ],
    }
    (folder / "round.json").write_text(json.dumps(record))
    (folder / "explored.json").write_text(json.dumps(_explored(rng, k)))
    return folder


def _trained(model: Path, rng: np.random.Generator) -> Path:
    """Write what a training leaves in its log: parity data, test and learning curve."""
    log = model / "train_log"
    log.mkdir(parents=True)
    energy = rng.normal(-96.0, 0.03, 60)
    element = np.tile(np.repeat(np.repeat(np.array(ELEMENTS), COUNTS), 3), 60)
    force = np.array([rng.normal(0, WIDTH_EV_A[e]) for e in element])
    error = np.array([rng.normal(0, 0.05 * WIDTH_EV_A[e] + 0.03) for e in element])
    np.savez(
        log / "parity.npz",
        energy_eV_atom=np.stack([energy, energy + rng.normal(0, 2e-3, 60)], 1),
        force_eV_A=np.stack([force, force + error], 1),
        element=element,
    )
    (log / "test.json").write_text(json.dumps(_test(element, error)))
    steps = np.arange(0, 4001, 100)
    fall = 0.9 * np.exp(-steps / 600) + 0.08
    kinds = [f"{what}_rmse_{kind}" for what in ("energy", "force") for kind in KINDS]
    units = ["eV_atom", "eV_atom", "eV_A", "eV_A"]
    names = [f"{kind}_{unit}" for kind, unit in zip(kinds, units, strict=True)]
    rows = [
        f"{s},{f / 50:.5f},{f / 40:.5f},{f:.5f},{1.1 * f:.5f},{1e-3 * 0.998**s:.3e}"
        for s, f in zip(steps, fall, strict=True)
    ]
    header = ",".join(["step", *names, "learning_rate"])
    (log / "lcurve.csv").write_text("\n".join([header, *rows]) + "\n")
    return model


def _test(element: np.ndarray, error: np.ndarray) -> dict[str, object]:
    """What `test.json` holds, for these errors of force components in eV/A."""
    rmse = {e: float(1e3 * np.sqrt(np.mean(error[element == e] ** 2))) for e in WIDTH_EV_A}
    total = float(np.sqrt(np.mean(error**2)))
    return {
        "n_train_frames": 540,
        "n_held_out": 60,
        "energy_rmse_meV_atom": 2.0,
        "force_rmse_meV_A": 1e3 * total,
        "per_element_force_rmse_meV_A": rmse,
        "per_element_force_mae_meV_A": {e: 0.8 * value for e, value in rmse.items()},
        "energy_mae_meV_atom": 1.6,
        "force_mae_meV_A": 0.8e3 * total,
        "per_composition": {
            COMPOSITION: {
                "n_frames": 60,
                "energy_rmse_meV_atom": 2.0,
                "energy_mae_meV_atom": 1.6,
                "force_rmse_meV_A": 41.5,
                "force_mae_meV_A": 31.25,
            }
        },
        "split": {
            "trajectories": 9,
            "held_out_trajectories": ["dimer-300K"],
            "held_out_ends": {"iter-000000/solvent": 3},
            "split_by_frame": [],
        },
    }


def _explored(rng: np.random.Generator, k: int) -> dict[str, dict]:
    """Rows as a round's selection keeps them; the deviation grows where a variable is large."""
    record = {}
    for label in EXPLORATIONS:
        along = np.sort(rng.uniform(0, 3, 80))
        deviation = rng.lognormal(-1.3 - 0.5 * k, 0.4, 80) * (1 + 0.4 * along)
        cvs = {"s1": along.tolist(), "s2": rng.uniform(0, 1, 80).tolist()}
        record[label] = {
            "system": label.split(",")[0],
            "max_force_eV_A": deviation.tolist(),
            "cvs": cvs if "pull" in label else {},
        }
    return record


def _labels(data: Path, n_frames: int) -> None:
    (data / "set.000").mkdir(parents=True)
    np.savetxt(data / "type.raw", np.repeat(np.arange(6), COUNTS), fmt="%d")
    (data / "type_map.raw").write_text("\n".join(type_map("Ag")) + "\n")
    np.save(data / "set.000/energy.npy", np.random.default_rng(n_frames).normal(size=n_frames))
