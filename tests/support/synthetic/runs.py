"""Systems, and result folders of MD as the engines lay them out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nucleops.systems.files import write_extxyz
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System, type_map

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
