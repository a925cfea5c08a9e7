"""Nucleation analysis of a long trajectory beside MDAnalysis' distances and beside just reading.

Thirty dimers in methanol (10,000 atoms, 360 of them the clusters') over many frames, as XTC and
DCD. In one run, on the same files: the whole of :mod:`nucleops.analysis.nuclei`; the coordination
numbers among its results (of the metals by metal, S and N, of the nucleation points by metal and
solvent, of each nucleus' metals by S) through MDAnalysis' reader and distance arrays, as one would
write them; and MDAnalysis reading the frames only. Ours uses all cores that it may, so that there
are ratios of the clock's seconds and of the CPU's::

    python benchmarks/nuclei.py [--frames 3500] [--times 3] [--backend OpenMP]

Of each, the fastest of several times is taken, in turns.
"""

from __future__ import annotations

import argparse
import math
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.nuclei.replica import Replica, analyse_trajectory
from nucleops.analysis.nuclei.story import Story
from nucleops.analysis.nuclei.watched import groups_of
from nucleops.analysis.settings import NucleationSettings, Switch
from nucleops.bias.switch import cutoff
from nucleops.cores import usable_threads
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


def opened(path: Path, system: System) -> Any:
    """Open a trajectory by MDAnalysis."""
    import MDAnalysis

    universe = MDAnalysis.Universe.empty(system.n_atoms, trajectory=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        universe.load_new(str(path))
    return universe.trajectory


def read(path: Path, system: System) -> None:
    """Read every frame and do nothing."""
    for _ in opened(path, system):
        pass


def with_distance_arrays(
    path: Path, system: System, stories: Sequence[Story], backend: str
) -> np.ndarray:
    """Compute the coordination numbers of an analysis through full distance arrays."""
    from MDAnalysis.lib.distances import distance_array

    groups, settings = groups_of(system), NucleationSettings()

    def number(a: np.ndarray, b: np.ndarray, box: np.ndarray, rational: Switch) -> float:
        n, m, last = rational.n, rational.m, cutoff(rational.r0_A, rational.n, rational.m)
        x = distance_array(a, b, box=box, backend=backend) / rational.r0_A
        shift = (1 - (last / rational.r0_A) ** n) / (1 - (last / rational.r0_A) ** m)
        s = ((1 - x**n) / (1 - x**m) - shift) / (1 - shift)
        s[x > last / rational.r0_A] = 0
        if a is b:
            np.fill_diagonal(s, 0)
        return float(s.sum()) / len(a)

    rows = []
    for f, frame in enumerate(opened(path, system)):
        x, box = frame.positions, frame.dimensions
        metal, solvent, sulfur = x[groups.metal], x[groups.solvent], x[groups.sulfur]
        row = [
            number(metal, other, box, settings.pair_switch)
            for other in (metal, sulfur, x[groups.nitrogen])
        ]
        for story in stories:
            point, own = story.points[f][None].astype(np.float32), metal[list(story.members)]
            row += [
                number(point, metal, box, settings.metal_point_switch),
                number(point, solvent, box, settings.solvent_point_switch),
                number(own, sulfur, box, settings.pair_switch),
            ]
        rows.append(row)
    return np.array(rows)


def given(found: Replica) -> np.ndarray:
    """Return the same numbers out of an analysis, in the same order."""
    names = ("metal_around", "solvent_around", "sulfur_per_metal")
    series = [story.series[name] for story in found.stories for name in names]
    return np.column_stack([*found.coordination.values(), *series])


@dataclass
class Timed:
    """A call, its last result, and its least seconds of the clock and of the CPU."""

    call: Callable[[], object]
    result: Any = None
    clock_s: float = math.inf
    cpu_s: float = math.inf

    def again(self) -> None:
        """Call once more."""
        clock, cpu = time.perf_counter(), time.process_time()
        self.result = self.call()
        self.clock_s = min(self.clock_s, time.perf_counter() - clock)
        self.cpu_s = min(self.cpu_s, time.process_time() - cpu)


def compare(path: Path, system: System, n_times: int, backend: str) -> str:
    """Time everything on one file, in turns, and say how it compares."""
    settings, whole = NucleationSettings(), Trajectory(path, system)
    analyse_trajectory(
        Trajectory(path, system, stop=128), settings, scratch=path.parent
    )  # compiles
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ours = Timed(lambda: analyse_trajectory(whole, settings, scratch=path.parent))
    ours.again()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    stories = ours.result.stories
    reading = Timed(lambda: read(path, system))
    arrays = Timed(lambda: with_distance_arrays(path, system, stories, backend))
    for _ in range(n_times):
        for each in (reading, arrays, ours):
            each.again()
    difference = np.abs(given(ours.result) - arrays.result).max()
    return (
        f"reading {reading.clock_s:.2f} s, distance arrays {arrays.clock_s:.2f} s, analysis"
        f" {ours.clock_s:.2f} s, of {len(stories)} nuclei; distance arrays"
        f" {arrays.clock_s / ours.clock_s:.1f} x analysis ({arrays.cpu_s / ours.cpu_s:.1f} x in CPU"
        f" time), analysis {ours.clock_s / reading.clock_s:.2f} x reading"
        f" ({ours.cpu_s / reading.cpu_s:.2f} x in CPU time); largest difference {difference:.1e};"
        f" memory grew by {grown / 1024:.0f} MiB from 128 frames to all"
    )


def main() -> None:
    """Print the ratios for both formats, and the memory at two lengths."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=3500)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--backend", default="serial", choices=["serial", "OpenMP"])
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    system = build_system("box", SystemSpec.model_validate(SPEC), metal="Ag", seed=1)
    print(f"{system.n_atoms} atoms, {args.frames} frames, {usable_threads()} threads")
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("xtc", "dcd"):
            path = Path(folder) / f"run.{kind}"
            write(system, args.frames, path)
            print(f"{kind}: {compare(path, system, args.times, args.backend)}")
            path.unlink()


if __name__ == "__main__":
    main()
