"""Nucleation analysis of a long trajectory beside MDAnalysis' distances and beside just reading.

Thirty dimers in methanol (10,000 atoms, 360 of them the clusters') over many frames, as XTC and
DCD. In one run, on the same files: the whole of :mod:`nucleops.analysis.nuclei`; the metal-metal,
metal-S and metal-N coordination numbers through MDAnalysis' distance arrays (serial backend), as
one would write them; and reading the frames only. Read the ratios, not the seconds::

    python benchmarks/nuclei.py [--frames 3500]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nucleops.analysis.nuclei.replica import analyse_trajectory
from nucleops.analysis.nuclei.watched import groups_of
from nucleops.analysis.settings import NucleationSettings
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


def with_distance_arrays(trajectory: Trajectory) -> np.ndarray:
    """Compute the three coordination numbers through full distance arrays."""
    from MDAnalysis.lib.distances import distance_array

    groups = groups_of(trajectory.topology)
    rows = []
    for frames in trajectory:
        for x, cell in zip(frames.positions, frames.cells, strict=True):
            box = np.array([*cell, 90, 90, 90], dtype=np.float32)
            metal = x[groups.metal].astype(np.float32)
            row = []
            for other in (groups.metal, groups.sulfur, groups.nitrogen):
                d = distance_array(metal, x[other].astype(np.float32), box=box)
                s = switch(np.where(d == 0, np.inf, d), 3.25, 6, 8)
                row.append(float(np.nansum(s)) / len(metal))
            rows.append(row)
    return np.array(rows)


def timed(call: Callable[[], object]) -> tuple[float, object]:
    """Return the seconds of a call, and its result."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


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
            arrays, expected = timed(lambda whole=whole: with_distance_arrays(whole))
            difference = np.abs(found.coordination["metal"] - expected[:, 0]).max()  # type: ignore[attr-defined,index]
            print(
                f"{kind}: analysis {ours / reading:.2f} x reading ({ours:.1f} s); distance arrays"
                f" {arrays / ours:.1f} x analysis; largest difference {difference:.1e};"
                f" memory grew by {grown / 1024:.0f} MiB from 64 frames to all"
            )
            path.unlink()


if __name__ == "__main__":
    main()
