"""Nucleation analysis of a long trajectory beside MDAnalysis' distances and beside just reading.

Thirty dimers in methanol (10,000 atoms, 360 of them the clusters') over many frames, as XTC and
DCD. In one run, on the same files: the whole of :mod:`nucleops.analysis.nuclei`; the coordination
numbers among its results (of the metals by metal, S and N, of the nucleation points by metal and
solvent, of each nucleus' metals by S) through MDAnalysis' distance arrays (serial backend), as one
would write them; and reading the frames only. Seconds are of CPU; read the ratios::

    python benchmarks/nuclei.py [--frames 3500]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nucleops.analysis.nuclei.replica import Replica, analyse_trajectory
from nucleops.analysis.nuclei.story import Story
from nucleops.analysis.nuclei.watched import groups_of
from nucleops.analysis.settings import NucleationSettings, Switch
from nucleops.bias.switch import switch
from nucleops.systems.packing import build_system
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

SPEC = {
    "contents": [{"motif": "dimer", "count": 30}, {"motif": "methanol", "count": "fill"}],
    "box": {"shape": "cube", "edge_A": 50.0},
}


def write(system: System, n_frames: int, path: Path) -> None:
    """Write a random walk of all atoms, through MDAnalysis."""
    import MDAnalysis

    universe = MDAnalysis.Universe.empty(system.n_atoms, trajectory=True)
    universe.dimensions = [*system.cell, 90, 90, 90]
    rng = np.random.default_rng(0)
    x = np.array(system.positions, dtype=np.float32)
    with MDAnalysis.Writer(str(path), system.n_atoms) as writer:
        for _ in range(n_frames):
            x += rng.normal(0, 0.03, x.shape).astype(np.float32)
            universe.atoms.positions = x % system.cell[0]
            writer.write(universe.atoms)


def read(trajectory: Trajectory) -> None:
    """Read every frame and do nothing."""
    for _ in trajectory:
        pass


def with_distance_arrays(trajectory: Trajectory, stories: Sequence[Story]) -> np.ndarray:
    """Compute the coordination numbers of an analysis through full distance arrays."""
    from MDAnalysis.lib.distances import distance_array

    groups, settings = groups_of(trajectory.topology), NucleationSettings()

    def number(a: np.ndarray, b: np.ndarray, box: np.ndarray, rational: Switch) -> float:
        d = distance_array(a.astype(np.float32), b.astype(np.float32), box=box)
        s = switch(np.where(d == 0, np.inf, d), rational.r0_A, rational.n, rational.m)
        return float(np.nansum(s)) / len(a)

    rows = []
    for frames in trajectory:
        for x, cell, f in zip(frames.positions, frames.cells, frames.numbers, strict=True):
            box = np.array([*cell, 90, 90, 90], dtype=np.float32)
            metal = x[groups.metal]
            row = [
                number(metal, x[other], box, settings.pair_switch)
                for other in (groups.metal, groups.sulfur, groups.nitrogen)
            ]
            for story in stories:
                point, own = story.points[f][None], metal[list(story.members)]
                row += [
                    number(point, metal, box, settings.metal_point_switch),
                    number(point, x[groups.solvent], box, settings.solvent_point_switch),
                    number(own, x[groups.sulfur], box, settings.pair_switch),
                ]
            rows.append(row)
    return np.array(rows)


def given(found: Replica) -> np.ndarray:
    """Return the same numbers out of an analysis, in the same order."""
    names = ("metal_around", "solvent_around", "sulfur_per_metal")
    series = [story.series[name] for story in found.stories for name in names]
    return np.column_stack([*found.coordination.values(), *series])


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Return the CPU seconds of a call, and its result."""
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def main() -> None:
    """Print the ratios for both formats, and the memory at two lengths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=3500)
    n_frames = parser.parse_args().frames
    warnings.simplefilter("ignore")
    system = build_system("box", SystemSpec.model_validate(SPEC), metal="Ag", seed=1)
    settings = NucleationSettings()
    print(f"{system.n_atoms} atoms, {n_frames} frames")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("xtc", "dcd"):
            path = Path(folder) / f"run.{kind}"
            write(system, n_frames, path)
            short = Trajectory(path, system, stop=min(64, n_frames))
            analyse_trajectory(short, settings, scratch=Path(folder))  # compiles
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            whole = Trajectory(path, system)
            ours, found = timed(
                lambda whole=whole: analyse_trajectory(whole, settings, scratch=Path(folder))
            )
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            reading, _ = timed(lambda whole=whole: read(whole))
            arrays, expected = timed(
                lambda whole=whole, found=found: with_distance_arrays(whole, found.stories)
            )
            difference = np.abs(given(found) - expected).max()
            print(
                f"{kind}: reading {reading:.2f} s; analysis {ours / reading:.2f} x reading, of"
                f" {len(found.stories)} nuclei; distance arrays {arrays / ours:.1f} x analysis,"
                f" {(arrays - reading) / (ours - reading):.1f} x without the reading in both,"
                f" {arrays / reading:.1f} x reading; largest difference {difference:.1e};"
                f" memory grew by {grown / 1024:.0f} MiB from 64 frames to all"
            )
            path.unlink()


if __name__ == "__main__":
    main()
