"""Reading and summing hills: from text, beside a direct sum, and beside metadynminer, in one run.

Files of two-dimensional hills of the article's widths are made first (time, two variables, their
widths, height and bias factor, as PLUMED writes them). Then, in turns within one run::

    .venv/bin/python benchmarks/sum_hills.py [--hills 3000000] [--direct 100000]
        [--metadynminer PYTHON]

PYTHON is the interpreter of an environment that has metadynminer, which this project does not
depend on. Read the ratios, not the seconds; CPU seconds are of all threads.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nucleops.analysis.grid import Grid
from nucleops.analysis.hills import HillSum
from nucleops.bias.hills import iter_hills, kernel_value, read_hills
from nucleops.cores import usable_cores

GRID = Grid.make([np.linspace(1.9, 3.3, 200), np.linspace(0.25, 0.8, 200)])
METADYNMINER = """
import sys, time
import metadynminer as mm
t = time.process_time(), time.perf_counter()
hills = mm.Hills(name=sys.argv[1], periodic=[False, False])
surface = mm.Fes(hills, resolution=200, print_output=False)
print("MDM", time.process_time() - t[0], time.perf_counter() - t[1])
"""


def make(path: Path, count: int) -> Path:
    """Write so many hills as PLUMED does."""
    rng = np.random.default_rng(0)
    columns = (
        50.0 * np.arange(1, count + 1),
        2.0 + 1.2 * rng.beta(2, 3, count),
        0.3 + 0.45 * rng.beta(3, 2, count),
        np.full(count, 0.05),
        np.full(count, 0.01),
        3.125 / (1 + np.arange(count) / 500) + 1e-4,
        np.full(count, 25.0),
    )
    with path.open("w") as out:
        out.write(
            "#! FIELDS time s1 cn sigma_s1 sigma_cn height biasf\n#! SET multivariate false\n"
        )
        out.write("#! SET kerneltype stretched-gaussian\n")
        for start in range(0, count, 50_000):
            rows = np.stack([c[start : start + 50_000] for c in columns], axis=1)
            np.savetxt(out, rows, fmt="%22.16g")
    return path


def timed(work: Callable[[], object]) -> tuple[float, float, object]:
    """CPU seconds of all threads, wall seconds, and what the work returned."""
    cpu, wall = time.process_time(), time.perf_counter()
    made = work()
    return time.process_time() - cpu, time.perf_counter() - wall, made


def streamed(path: Path) -> np.ndarray:
    """Read and sum, some hills at a time."""
    total = HillSum(GRID)
    for hills in iter_hills(path):
        total.add(hills.centres, hills.sigmas, hills.height)
    return total.values


def direct(path: Path) -> np.ndarray:
    """Sum every hill at every point, as a script in numpy does."""
    hills = read_hills(path)
    total = np.zeros(GRID.shape)
    x, y = GRID.axes
    for (a, b), (s, t), h in zip(hills.centres, hills.sigmas, hills.height, strict=True):
        half = 0.5 * ((x[:, None] - a) / s) ** 2 + 0.5 * ((y[None] - b) / t) ** 2
        total += h * kernel_value(half, "stretched-gaussian")
    return total


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hills", type=int, default=3_000_000)
    parser.add_argument("--direct", type=int, default=100_000)
    parser.add_argument("--metadynminer", metavar="PYTHON", default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = make(Path(folder) / "small", asked.direct)
        streamed(make(Path(folder) / "tiny", 5000))  # compile
        ours = timed(lambda: streamed(small))
        theirs = timed(lambda: direct(small))
        off = float(np.abs(ours[2] - theirs[2]).max())  # type: ignore[operator]
        print(f"{usable_cores()} cores, 200 x 200 points")
        print(f"{asked.direct} hills, read and summed:")
        print(f"  streamed       {ours[0]:8.2f} CPU s  {ours[1]:8.2f} s")
        print(f"  direct, numpy  {theirs[0]:8.2f} CPU s  {theirs[1]:8.2f} s")
        print(f"  direct / streamed: {theirs[0] / ours[0]:.0f}; largest difference {off:.1e}")
        if asked.metadynminer:
            command = [asked.metadynminer, "-c", METADYNMINER, str(small)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            line = next((x for x in done.stdout.splitlines() if x.startswith("MDM")), None)
            if line is None:
                print(f"  metadynminer failed: {done.stderr[-300:]}", file=sys.stderr)
            else:
                cpu, wall = map(float, line.split()[1:])
                print(f"  metadynminer   {cpu:8.2f} CPU s  {wall:8.2f} s")
                print(f"  metadynminer / streamed: {cpu / ours[0]:.0f}")
        large = make(Path(folder) / "large", asked.hills)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cpu, wall, _ = timed(lambda: streamed(large))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{asked.hills} hills ({large.stat().st_size / 1e6:.0f} MB of text), streamed:")
        print(f"  {cpu:.1f} CPU s, {wall:.1f} s; peak memory {peak:.0f} MB ({before:.0f} before)")
        each = (cpu / asked.hills) / (ours[0] / asked.direct)
        print(f"  CPU s a hill beside {asked.direct} hills: {each:.2f} (linear: 1)")


if __name__ == "__main__":
    main()
