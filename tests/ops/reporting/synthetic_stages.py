"""SYNTHETIC inputs of the analyses, for tests only: no engine ran, no number means anything.

Runs are model dynamics (Langevin on a model surface, noise about motif geometries, dimers moved
along straight lines), laid out exactly as the engines' result folders are; the stage folders are
then made from them by the package's own analyses.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nucleops.analysis.settings import FreeEnergySettings, NucleationSettings, StructureSettings
from nucleops.analysis.stages.charges import charges_folder
from nucleops.analysis.stages.files import write_csv
from nucleops.analysis.stages.learning import learning_folder
from nucleops.analysis.stages.metad import metad_folder
from nucleops.analysis.stages.nucleate import nucleate_folder
from nucleops.analysis.stages.replica import analyse_run
from nucleops.analysis.stages.unbiased import unbiased_folder
from nucleops.bias.hills import HillsTable, write_hills
from nucleops.bias.series import write_colvar
from nucleops.reporting.movie import write_movie
from nucleops.systems.files import write_extxyz
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System, type_map

KT = 0.596161
EXPLORATIONS = ("dimer, 300 K", "cluster, 450 K", "dimer, 300 K, pull")
TIME_STEP_FS = 0.5
STRIDE = 100


def solvated(name: str, motifs: list[str], shifts: list[np.ndarray], n_methanol: int, edge: float):
    """Motifs at shifts from the middle of a cube, methanols on a lattice around them."""
    rng = np.random.default_rng(7)
    symbols: list[str] = []
    positions: list[np.ndarray] = []
    molecules: list[Molecule] = []

    def add(which: str, at: np.ndarray, rotation: np.ndarray) -> None:
        m = motif(which)
        first = len(symbols)
        symbols.extend(m.symbols)
        positions.extend(m.positions @ rotation.T + at)
        indices = tuple(range(first, len(symbols)))
        molecules.append(Molecule(which, indices, m.roles))

    middle = np.full(3, edge / 2)
    for which, shift in zip(motifs, shifts, strict=True):
        add(which, middle + shift, np.eye(3))
    cluster = np.array(positions)
    n = int(edge // 3.9)
    lattice = (np.stack(np.meshgrid(*[np.arange(n)] * 3), -1).reshape(-1, 3) + 0.5) * edge / n
    free = [p for p in lattice if np.linalg.norm(cluster - p, axis=1).min() > 3.2]
    for at in free[:n_methanol]:
        q, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        add("methanol", at, q)
    return System(
        name, tuple(symbols), np.array(positions), np.full(3, edge), True, tuple(molecules)
    )


def jiggle(system: System, n_frames: int, sigma: float, seed: int) -> np.ndarray:
    """Correlated noise about a geometry, shape (n_frames, n_atoms, 3)."""
    rng = np.random.default_rng(seed)
    noise = np.zeros((n_frames, system.n_atoms, 3))
    keep = 0.7
    noise[0] = rng.normal(0, sigma, noise.shape[1:])
    for k in range(1, n_frames):
        fresh = rng.normal(0, sigma, noise.shape[1:])
        noise[k] = keep * noise[k - 1] + np.sqrt(1 - keep**2) * fresh
    return system.positions + noise


def write_md(
    folder: Path, system: System, frames: np.ndarray, trusted: int | None = None, **meta: object
) -> Path:
    """Write an MD result folder; `trusted` is the last trusted frame."""
    folder.mkdir(parents=True)
    write_extxyz(system, folder / "topology.extxyz")
    types = {e: k for k, e in enumerate(type_map("Ag"), start=1)}
    edge = system.cell[0]
    with (folder / "trajectory.dump").open("w") as out:
        for k, frame in enumerate(frames):
            x = frame % edge if system.periodic else frame
            out.write(f"ITEM: TIMESTEP\n{k * STRIDE}\nITEM: NUMBER OF ATOMS\n{system.n_atoms}\n")
            out.write("ITEM: BOX BOUNDS pp pp pp\n" + f"0.0 {edge:.6f}\n" * 3)
            out.write("ITEM: ATOMS id type x y z\n")
            for i, (s, (a, b, c)) in enumerate(zip(system.symbols, x, strict=True), start=1):
                out.write(f"{i} {types[s]} {a:.5f} {b:.5f} {c:.5f}\n")
    last = len(frames) - 1
    ended = trusted is not None and trusted < last
    rng = np.random.default_rng(1)
    rows = ["#  step max_devi_v min_devi_v avg_devi_v max_devi_f min_devi_f avg_devi_f"]
    for k in range(len(frames)):
        top = 0.25 + 0.05 * rng.standard_normal() + (0.9 if ended and k > trusted else 0.0)
        rows.append(f"{k * STRIDE} 0 0 0 {abs(top):.5f} 0.01 {abs(top) / 4:.5f}")
    (folder / "model_devi.out").write_text("\n".join(rows) + "\n")
    times = [k * STRIDE * TIME_STEP_FS * 1e-3 for k in range(len(frames))]
    thermo = [f"{t:.6g},{300 + 12 * rng.standard_normal():.2f}" for t in times]
    (folder / "thermo.csv").write_text("\n".join(["time_ps,temperature_K", *thermo]) + "\n")
    steps = last * STRIDE
    record = {
        "status": "trust-ended" if ended else "completed",
        "reason": "model deviation of 1.15 eV/A on Ag 3 exceeds 1.0 eV/A" if ended else None,
        "steps_run": steps,
        "trusted_steps": trusted * STRIDE if ended else steps,
        "time_step_fs": TIME_STEP_FS,
        "temperature_K": 300.0,
        "n_atoms": system.n_atoms,
        "seed": 20250001,
        "stride": STRIDE,
        "wall_s": 93.1,
        "bias_engine": None,
        "left_out_of_bias": [],
        "versions": {"lammps": "22 Jul 2025", "deepmd-kit": "3.2.0"},
    }
    (folder / "md.json").write_text(json.dumps(record | meta))
    return folder


def surface(s: float, c: float) -> float:
    """Model free energy in kcal/mol: dimer (high s, dry) 4 below monomers (low s, wet)."""
    wells = (
        (2.55, 0.12, -9.0, 0.28, 0.07),
        (1.55, 0.30, -6.0, 0.30, 0.09),
        (0.45, 0.55, -5.0, 0.4, 0.12),
    )
    value = 0.0
    for s0, c0, depth, ws, wc in wells:
        value += depth * np.exp(-0.5 * (((s - s0) / ws) ** 2 + ((c - c0) / wc) ** 2))
    return (
        value
        + 30 * max(0.0, -s) ** 2
        + 30 * max(0.0, s - 3) ** 2
        + 900 * (max(0.0, -c) ** 2 + max(0.0, c - 0.8) ** 2)
    )


def metadynamics(
    n_steps: int, seed: int, pace: int = 20
) -> tuple[dict[str, np.ndarray], HillsTable]:
    """Well-tempered metadynamics of overdamped Langevin on :func:`surface`."""
    rng = np.random.default_rng(seed)
    x, mobility = np.array([0.5, 0.55]), np.array([1.5e-3, 1.2e-4])
    sigma, height, gamma = np.array([0.12, 0.035]), 0.6, 12.0
    centres: list[np.ndarray] = []
    heights: list[float] = []
    times: list[float] = []
    rows = []

    def bias(at: np.ndarray) -> tuple[float, np.ndarray]:
        if not centres:
            return 0.0, np.zeros(2)
        u = (at - np.array(centres)) / sigma
        e = np.array(heights) * np.exp(-0.5 * (u**2).sum(1))
        return float(e.sum()), -(e[:, None] * u / sigma).sum(0)

    for step in range(n_steps):
        v, slope = bias(x)
        if step % 5 == 0:
            rows.append((step * 50.0, *x, v, rng.normal(0.96, 0.02)))
        h = 1e-4
        force = -np.array(
            [
                (surface(x[0] + h, x[1]) - surface(x[0] - h, x[1])) / (2 * h),
                (surface(x[0], x[1] + h) - surface(x[0], x[1] - h)) / (2 * h),
            ]
        )
        x = x + mobility * (force - slope) + np.sqrt(2 * KT * mobility) * rng.standard_normal(2)
        if step and step % pace == 0:
            centres.append(x.copy())
            heights.append(height * np.exp(-v / ((gamma - 1) * KT)))
            times.append(step * 50.0)
    table = np.array(rows)
    columns = dict(zip(("time", "s1", "cn", "metad.bias", "lowest_CH"), table.T, strict=True))
    hills = HillsTable(
        cvs=("s1", "cn"),
        time_fs=np.array(times),
        centres=np.array(centres),
        sigmas=np.broadcast_to(sigma, (len(times), 2)).copy(),
        height=np.array(heights) * gamma / (gamma - 1),
        bias_factor=gamma,
        kernel="gaussian",
    )
    return columns, hills


def metad(root: Path, n_steps: int = 8000) -> Path:
    """Make `metad/` from one synthetic walker."""
    shifts = [np.array([-2.6, 0.0, 0.0]), np.array([2.6, 0.0, 0.0])]
    system = solvated("monomers", ["monomer", "monomer"], shifts, 40, 15.0)
    folder = root / "raw-walker"
    n_frames = n_steps // 100 + 1
    write_md(
        folder,
        system,
        jiggle(system, n_frames, 0.05, 3),
        bias_engine="colvars",
        left_out_of_bias=["lowest_CO"],
        stride=STRIDE,
    )
    columns, hills = metadynamics(n_steps, 5)
    # a row at the time of every frame, as engines write them
    scale = (n_frames - 1) * STRIDE * TIME_STEP_FS / (n_steps * 50.0)
    columns["time"] = columns["time"] * scale
    write_colvar(columns, folder / "COLVAR")
    write_hills(replace(hills, time_fs=hills.time_fs * scale), folder / "HILLS")
    settings = FreeEnergySettings.model_validate(
        {
            "states": [
                {"name": "monomers", "ranges": {"s1": [-0.5, 1.0]}},
                {"name": "bridged", "ranges": {"s1": [1.2, 1.9]}},
                {"name": "dimer", "ranges": {"s1": [2.1, 3.2]}},
            ]
        }
    )
    return metad_folder([folder], settings, root / "metad")


def unbiased(root: Path, n_frames: int = 240) -> Path:
    """Make `unbiased/` from noise about the octahedron, across the periodic boundary."""
    system = solvated("cluster", ["octahedron"], [np.array([6.0, 0.0, 0.0])], 60, 16.0)
    folder = write_md(root / "raw-unbiased", system, jiggle(system, n_frames, 0.07, 11))
    return unbiased_folder(folder, StructureSettings(), root / "unbiased")


def together(start: System, end: np.ndarray, n_frames: int, done: float, seed: int) -> np.ndarray:
    """Move the cluster atoms from `start` to `end` until the share `done` of the frames."""
    frames = jiggle(start, n_frames, 0.05, seed)
    n = len(end)
    for k in range(n_frames):
        share = np.clip(k / (done * n_frames), 0, 1) ** 1.5
        frames[k, :n] += share * (end - start.positions[:n])
    return frames


def three_dimers(edge: float = 18.0) -> tuple[System, np.ndarray]:
    """Three dimers apart in methanol, and the coordinates of the octahedron they can form."""
    octahedron = motif("octahedron")
    middle = np.full(3, edge / 2)
    final = octahedron.positions + middle
    symbols: list[str] = []
    goal: list[np.ndarray] = []
    start: list[np.ndarray] = []
    molecules = []
    for pair in ((1, 2), (3, 4), (5, 6)):
        own = [i for i, r in enumerate(octahedron.roles) if r[-1] in str(pair)]
        centre = final[own].mean(axis=0)
        away = (centre - middle) / np.linalg.norm(centre - middle) * 3.5
        first = len(symbols)
        roles = [octahedron.roles[i] for i in own]
        symbols += [octahedron.symbols[i] for i in own]
        goal += [final[i] for i in own]
        start += [final[i] + away for i in own]
        molecules.append(Molecule("dimer", tuple(range(first, len(symbols))), tuple(roles)))
    bare = solvated("x", ["octahedron"], [np.zeros(3)], 70, edge)
    first_solvent = len(octahedron.symbols)
    solvent = [
        replace(m, indices=tuple(i - first_solvent + len(symbols) for i in m.indices))
        for m in bare.molecules[1:]
    ]
    system = System(
        "dimers",
        (*symbols, *bare.symbols[first_solvent:]),
        np.array([*start, *bare.positions[first_solvent:]]),
        np.full(3, edge),
        True,
        (*molecules, *solvent),
    )
    return system, np.array(goal)


def nucleate(root: Path, n_frames: int = 120) -> Path:
    """Make `nucleate/`: one octahedron, one that ended early, one unfinished."""
    system, goal = three_dimers()
    folders: list[Path | None] = [
        write_md(root / "raw" / "replica-000", system, together(system, goal, n_frames, 0.7, 21)),
        write_md(
            root / "raw" / "replica-001",
            system,
            together(system, goal, n_frames, 1.0, 22),
            trusted=int(0.72 * n_frames),
        ),
        None,
    ]
    names = [f"replica-{k:03d}" for k in range(3)]
    analysed = [
        None
        if f is None
        else analyse_run(f, NucleationSettings(), root / "analysed" / f.name, write_movie)
        for f in folders
    ]
    return nucleate_folder(analysed, NucleationSettings(), root / "nucleate", names)


KINDS = ("training", "held_out")


def learning(root: Path, n_rounds: int = 2) -> Path:
    """Make `learning/` from invented rounds and parity data."""
    rng = np.random.default_rng(0)
    rounds, logs = [], []
    _labels(root / "aimd", 12)
    (root / "aimd-run").mkdir()
    version = "CP2K| version string:                   CP2K version 2023.1"
    (root / "aimd-run/aimd.out").write_text(f"DBCSR| CPU Multiplication\n {version}\n")
    for k in range(n_rounds):
        folder = root / f"iter-{k:06d}"
        _labels(folder / "Ag2S2N2C6H22O4", 30 + 20 * k)
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
        rounds.append(folder)
    for m in range(2):
        log = root / f"train-{m}" / "train_log"
        log.mkdir(parents=True)
        energy = rng.normal(-96.0, 0.03, 60)
        elements = np.repeat(np.array(["Ag", "S", "N", "C", "H", "O"]), [2, 2, 2, 6, 22, 4])
        element = np.tile(np.repeat(elements, 3), 60)
        width = {"Ag": 0.5, "S": 0.9, "N": 1.4, "C": 1.7, "H": 0.9, "O": 1.2}
        force = np.array([rng.normal(0, width[e]) for e in element])
        error = np.array([rng.normal(0, 0.05 * width[e] + 0.03) for e in element])
        np.savez(
            log / "parity.npz",
            energy_eV_atom=np.stack([energy, energy + rng.normal(0, 2e-3, 60)], 1),
            force_eV_A=np.stack([force, force + error], 1),
            element=element,
        )
        rmse = {e: float(1e3 * np.sqrt(np.mean(error[element == e] ** 2))) for e in width}
        test = {
            "n_train_frames": 540,
            "n_held_out": 60,
            "energy_rmse_meV_atom": 2.0,
            "force_rmse_meV_A": float(1e3 * np.sqrt(np.mean(error**2))),
            "per_element_force_rmse_meV_A": rmse,
            "per_element_force_mae_meV_A": {e: 0.8 * value for e, value in rmse.items()},
            "energy_mae_meV_atom": 1.6,
            "force_mae_meV_A": 0.8e3 * float(np.sqrt(np.mean(error**2))),
            "per_composition": {
                "Ag2S2N2C6H22O4": {
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
        (log / "test.json").write_text(json.dumps(test))
        steps = np.arange(0, 4001, 100)
        fall = 0.9 * np.exp(-steps / 600) + 0.08
        kinds = [f"{what}_rmse_{kind}" for what in ("energy", "force") for kind in KINDS]
        units = ["eV_atom", "eV_atom", "eV_A", "eV_A"]
        names = [f"{kind}_{unit}" for kind, unit in zip(kinds, units, strict=True)]
        rows = [",".join(["step", *names, "learning_rate"])]
        rows += [
            f"{s},{f / 50:.5f},{f / 40:.5f},{f:.5f},{1.1 * f:.5f},{1e-3 * 0.998**s:.3e}"
            for s, f in zip(steps, fall, strict=True)
        ]
        (log / "lcurve.csv").write_text("\n".join(rows) + "\n")
        for k, folder in enumerate(rounds):
            own = folder / "tests" / f"model-{m:03d}"
            own.mkdir(parents=True)
            (own / "lcurve.csv").write_text("\n".join(rows[: 20 + 5 * k]) + "\n")
        logs.append(log.parent)
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
    np.savetxt(data / "type.raw", np.repeat(np.arange(6), [2, 2, 2, 6, 22, 4]), fmt="%d")
    (data / "type_map.raw").write_text("\n".join(type_map("Ag")) + "\n")
    np.save(data / "set.000/energy.npy", np.random.default_rng(n_frames).normal(size=n_frames))


def charges(root: Path) -> Path:
    """Charges that fall from state to state, of three frames each."""
    rng = np.random.default_rng(8)
    done = []
    for order, (state, silver) in enumerate({"D": 0.55, "A": 0.42, "octahedron": 0.31}.items()):
        task = root / f"task-{order}"
        task.mkdir(parents=True)
        rows = [
            (state, frame, atom + 1, element, part, scheme, mean + rng.normal(0, 0.02))
            for scheme in ("mulliken", "ddec6")
            for frame in range(3)
            for atom, (element, part, mean) in enumerate(
                [
                    ("Ag", "cluster", silver),
                    ("S", "cluster", -0.3),
                    ("N", "cluster", -0.5),
                    ("O", "solvent", -0.55),
                ]
            )
        ]
        names = ("state", "frame", "atom", "element", "part", "scheme", "charge_e")
        write_csv(task / "charges.csv", dict(zip(names, zip(*rows, strict=True), strict=True)))
        account = {
            "state": state,
            "order": order,
            "first_frame": 0,
            "level_of_theory": {"method": "pbe-d3"},
            "n_frames": 3,
            "n_labelled": 3,
        }
        (task / "charges.json").write_text(json.dumps(account))
        done.append(task)
    return charges_folder(done, root / "charges")


def make_all(root: Path, small: bool = False) -> dict[str, Path]:
    """Make all stage folders under `root`; `small` for quick tests."""
    root.mkdir(parents=True, exist_ok=True)
    return {
        "learning": learning(root / "learn"),
        "metad": metad(root / "md1", 2000 if small else 8000),
        "unbiased": unbiased(root / "md2", 40 if small else 240),
        "nucleate": nucleate(root / "md3", 40 if small else 120),
        "charges": charges(root / "charges"),
    }


STUDY = {
    "name": "synthetic",
    "metal": "Ag",
    "seed": 2025,
    "report": {
        "title": "Synthetic test data: nothing here was simulated",
        "crystal_ranges": {
            "Ag-Ag": [{"label": "crystal 1 (invented)", "low": 2.85, "high": 3.15}],
            "Ag-S": [{"label": "crystal 1 (invented)", "low": 2.45, "high": 2.55}],
            "Ag-N": [
                {"label": "crystal 1 (invented)", "low": 2.20, "high": 2.32},
                {"label": "crystal 2 (invented)", "low": 2.25, "high": 2.40},
            ],
            "S-Ag-S": [{"label": "crystal 1 (invented)", "low": 115, "high": 132}],
        },
    },
    "systems": {
        "cluster": {"contents": [{"motif": "octahedron", "count": 1}], "box": {"edge_A": 16.0}}
    },
}
PROVENANCE = {
    "run_id": "synthetic-0001",
    "study_digest": "sha256:0000000000000000",
    "versions": {
        "nucleoflow": "0.1.0",
        "cp2k": "2023.1",
        "lammps": "22 Jul 2025",
        "deepmd-kit": "3.2.0",
    },
    "seeds": {"study": 2025, "build": 11, "train": [1, 2]},
    "started": "2025-11-22T13:00:00+00:00",
    "ended": "2025-11-22T13:12:31+00:00",
    "times": {
        "build": {"wall_s": 4.0},
        "learn": {"wall_s": 412.0},
        "metad": {"wall_s": 160.0},
        "unbiased": {"wall_s": 61.0},
        "nucleate": {"wall_s": 101.0},
        "report": {"wall_s": 11.0},
    },
}
