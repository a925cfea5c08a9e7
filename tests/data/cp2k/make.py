"""Make the CP2K outputs in this folder anew: python tests/data/cp2k/make.py (CP2K needed, 2 min).

Methanol, GFN1-xTB as a droplet and PBE-D3 at a small cut-off in an 8 A cell: a single point and a
short AIMD run each, and a series of distorted molecules at GFN1-xTB. Host and folder names are
taken out.
"""

from __future__ import annotations

import gzip
import re
import tempfile
from pathlib import Path

import numpy as np

from nucleops.engines.cp2k.aimd import run_aimd
from nucleops.engines.cp2k.series import label_series
from nucleops.engines.cp2k.settings import AimdRun, Gfn1Xtb, LevelOfTheory, PbeD3
from nucleops.engines.cp2k.single_point import label
from nucleops.systems.system import System

HERE = Path(__file__).parent
POSITIONS = np.array(
    [
        [4.0, 4.0, 4.7],
        [4.5, 4.9, 5.1],
        [4.5, 3.1, 5.1],
        [2.97, 4.0, 5.07],
        [4.0, 4.0, 3.28],
        [4.92, 4.0, 2.98],
    ]
)
LEVELS: dict[str, LevelOfTheory] = {
    "xtb": Gfn1Xtb(),
    "pbe": PbeD3(cutoff_Ry=200.0, rel_cutoff_Ry=40.0),
}
STEPS = {"xtb": 8, "pbe": 3}
SERIES = 6


def methanol(*, periodic: bool) -> System:
    """One distorted methanol molecule in an 8 A cell."""
    return System("methanol", tuple("CHHHOH"), POSITIONS, np.full(3, 8.0), periodic)


def distorted(number: int) -> list[System]:
    """Molecules whose atoms are moved by some hundredths of an angstrom."""
    rng = np.random.default_rng(7)
    rest = methanol(periodic=False)
    return [
        rest.with_positions(POSITIONS + rng.normal(scale=0.03, size=POSITIONS.shape))
        for _ in range(number)
    ]


def keep(source: Path, name: str) -> None:
    """Compress a file into this folder without the names of host and folder."""
    text = source.read_text(encoding="utf-8")
    text = re.sub(r"(PROGRAM RAN ON +)\S+", r"\1host", text)
    text = re.sub(r"(PROGRAM (?:STARTED|STOPPED) IN +)\S+", r"\1/folder", text)
    with gzip.GzipFile(HERE / name, "wb", mtime=0) as out:
        out.write(text.encode())


def main() -> None:
    """Run CP2K and keep what it wrote."""
    with tempfile.TemporaryDirectory() as scratch:
        for name, level in LEVELS.items():
            system = methanol(periodic=name == "pbe")
            folder = Path(scratch) / name
            label(system, level, folder)
            keep(folder / "try-1.out", f"{name}-single.out.gz")
            run = AimdRun(system="methanol", temperatures_K=(300.0,), steps=STEPS[name])
            run_aimd(system, level, run, 300.0, 11, folder)
            keep(folder / "aimd.out", f"{name}-aimd.out.gz")
            for kind in ("pos", "frc"):
                keep(folder / f"label-{kind}-1.xyz", f"{name}-{kind}.xyz.gz")
        series = distorted(SERIES)
        folder = Path(scratch) / "series"
        label_series(series, LEVELS["xtb"], folder)
        keep(folder / "series.out", "xtb-series.out.gz")
        for kind in ("pos", "frc"):
            keep(folder / f"label-{kind}-1.xyz", f"xtb-series-{kind}.xyz.gz")
        poor = Gfn1Xtb(max_scf=3)
        folder = Path(scratch) / "unconverged"
        run = AimdRun(system="methanol", temperatures_K=(300.0,), steps=2)
        run_aimd(methanol(periodic=False), poor, run, 300.0, 11, folder)
        keep(folder / "aimd.out", "unconverged-aimd.out.gz")


if __name__ == "__main__":
    main()
