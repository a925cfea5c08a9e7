"""Trajectories with a known story: dimers that meet, dry, and become octahedra or fakes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nucleops.systems.frames import Frames
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System

N_FRAMES = 120
EDGE_A = 50.0
STACK_A = 3.3
AWAY_A = 9.0


@dataclass(frozen=True)
class Plot:
    """One cluster's story.

    Attributes
    ----------
    centre : tuple of float
        Where it happens, in angstrom; may lie on the boundary.
    dried, met, reorganised : int or None
        First frame after each step; None where it never happens.
    goal : str
        What the dimers become: ``octahedron``, ``distorted``, ``stack``.
    """

    centre: tuple[float, float, float]
    dried: int | None
    met: int | None
    reorganised: int | None
    goal: str = "octahedron"


@dataclass(frozen=True)
class Scripted:
    """A trajectory in memory, in chunks as a file's are."""

    topology: System
    positions: np.ndarray
    cells: np.ndarray
    path: Path = Path("scripted")
    chunk: int = 17

    def __iter__(self) -> Iterator[Frames]:
        for start in range(0, len(self.positions), self.chunk):
            part = slice(start, start + self.chunk)
            numbers = np.arange(len(self.positions))[part]
            yield Frames(numbers, self.positions[part], self.cells[part], numbers, None, "")


def dimers_of_octahedron() -> tuple[list[Molecule], list[str], np.ndarray]:
    """Return the octahedron as three dimers: molecules, elements and positions about its centre."""
    m = motif("octahedron")
    molecules, symbols, positions = [], [], []
    for pair in ("12", "34", "56"):
        own = [i for i, role in enumerate(m.roles) if role[-1] in pair]
        roles = tuple(m.roles[i] for i in own)
        first = len(symbols)
        symbols += [m.symbols[i] for i in own]
        positions += [m.positions[i] for i in own]
        molecules.append(Molecule("dimer", tuple(range(first, len(symbols))), roles))
    metal = [i for i, s in enumerate(symbols) if s == "Ag"]
    centred = np.array(positions)
    return molecules, symbols, centred - centred[metal].mean(axis=0)


def flat_dimer() -> np.ndarray:
    """The first dimer of the octahedron in the xy plane, the middle of its metals at the origin."""
    _, symbols, x = dimers_of_octahedron()
    own = x[:12] - x[:12].mean(axis=0)
    flat = own @ np.linalg.svd(own)[2].T  # the last axis is that of the least extent
    return flat - flat[[i for i in range(12) if symbols[i] == "Ag"]].mean(axis=0)


def stack_of_dimers() -> np.ndarray:
    """Three dimers on top of one another: six metals that touch, each with one S."""
    return np.concatenate([flat_dimer() + np.array([0, 0, (k - 1) * STACK_A]) for k in range(3)])


def apart() -> np.ndarray:
    """Three dimers out of touch; the mean of their metals is where the nucleus will be."""
    angles = 2 * np.pi * np.arange(3) / 3
    places = AWAY_A * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
    return np.concatenate([flat_dimer() + place for place in places])


def distorted(seed: int = 3) -> np.ndarray:
    """An octahedron whose metals are pushed about by half an angstrom, each with its ligand."""
    _, symbols, x = dimers_of_octahedron()
    rng = np.random.default_rng(seed)
    metal = [i for i, s in enumerate(symbols) if s == "Ag"]
    x = x.copy()
    x[metal] += rng.normal(0, 0.45, (6, 3))
    return x


GOALS = {
    "octahedron": lambda: dimers_of_octahedron()[2],
    "distorted": distorted,
    "stack": stack_of_dimers,
}


def play(
    plots: Sequence[Plot],
    bystanders: int = 0,
    noise_A: float = 0.0,
    n_frames: int = N_FRAMES,
    edge_A: float = EDGE_A,
    seed: int = 0,
) -> Scripted:
    """Make the trajectory of some clusters' stories and of dimers that never meet anything.

    Every cluster begins with eight solvent molecules about its point, which leave at ``dried``.
    """
    molecules, symbols, _ = dimers_of_octahedron()
    parts, everything, all_symbols = [], [], []
    for plot in plots:
        first = len(all_symbols)
        shifted = [replace(m, indices=tuple(i + first for i in m.indices)) for m in molecules]
        everything += shifted
        all_symbols += symbols
        x = np.repeat(apart()[None], n_frames, axis=0)
        if plot.met is not None:
            x[plot.met :] = stack_of_dimers()
        if plot.reorganised is not None:
            x[plot.reorganised :] = GOALS[plot.goal]()
        parts.append(x + np.array(plot.centre))
    for k in range(bystanders):
        first = len(all_symbols)
        everything.append(Molecule("dimer", tuple(range(first, first + 12)), molecules[0].roles))
        all_symbols += symbols[:12]
        place = np.array([4 + 10 * (k % 5), 4 + 10 * (k // 5 % 5), edge_A - 4])
        parts.append(np.repeat((flat_dimer() + place)[None], n_frames, axis=0))
    corners = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    for plot in plots:
        x = np.repeat((1.2 * corners + np.array(plot.centre))[None], n_frames, axis=0)
        if plot.dried is not None:
            x[plot.dried :] = 7.0 * corners + np.array(plot.centre)
        for _ in corners:
            everything.append(Molecule("methanol", (len(all_symbols),), ("O",)))
            all_symbols.append("O")
        parts.append(x)
    positions = np.concatenate(parts, axis=1)
    positions += np.random.default_rng(seed).normal(0, noise_A, positions.shape)
    cell = np.full(3, edge_A)
    system = System("scripted", tuple(all_symbols), positions[0], cell, True, tuple(everything))
    return Scripted(system, positions % edge_A, np.repeat(cell[None], n_frames, axis=0))
