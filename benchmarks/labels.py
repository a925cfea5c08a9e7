"""What a label costs in a series, and on its own.

Configurations of a droplet of the study ``ag6-xtb``, its atoms moved by some hundredths of an
angstrom, are labelled in one process of CP2K, as a labelling task does, and one by one, in turns::

    .venv/bin/python benchmarks/labels.py --system dimer
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from nucleoflow.study.load import load_study
from nucleops.engines.cp2k.series import label_series, longest_series
from nucleops.engines.cp2k.single_point import SinglePoint, label
from nucleops.systems.packing import build_system

MOVED_A = 0.03


def cpu_s(points: list[SinglePoint]) -> float:
    """CPU seconds of a label."""
    return sum(point.cpu_s for point in points) / len(points)


def main() -> None:
    """Label both ways and say what it cost."""
    study = load_study("ag6-xtb")
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--system", choices=[*study.systems], default="dimer")
    parser.add_argument("--turns", type=int, default=3)
    given = parser.parse_args()
    rest = build_system(given.system, study.systems[given.system], study.chemistry.metal, 1)
    rng = np.random.default_rng(1)
    systems = [
        rest.with_positions(rest.positions + rng.normal(scale=MOVED_A, size=rest.positions.shape))
        for _ in range(longest_series([rest] * 99))
    ]
    level = study.level_of_theory
    together, alone = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for _ in range(given.turns):
            found = label_series(systems, level, Path(scratch) / "series").points
            if len(found) < len(systems):
                raise SystemExit(f"only {len(found)} of {len(systems)} were labelled")
            together.append(cpu_s([*found.values()]))
            alone.append(cpu_s([label(s, level, Path(scratch) / "alone") for s in systems]))
    print(
        f"{given.system}: {rest.n_atoms} atoms, {len(systems)} in a series; CPU seconds of a label"
        f" {median(together):.2f}, on its own {median(alone):.2f}; ratio"
        f" {median(one / other for one, other in zip(together, alone, strict=True)):.2f}"
    )


if __name__ == "__main__":
    main()
