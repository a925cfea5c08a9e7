"""``nucleoflow fes`` on a run of PLUMED with a known surface, and on parts of that run."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from nucleoflow.cli.app import app
from nucleops.bias.hills import read_hills, write_hills
from nucleops.bias.tables import read_colvar, write_colvar

DATA = Path(__file__).parents[1] / "data"
PES = DATA / "pes" / "wt1d"
HILLS, COLVAR = str(PES / "HILLS.gz"), str(PES / "COLVAR.gz")
RUN = ["--hills", HILLS, "--colvar", COLVAR, "--energy-unit", "kT"]
Keep = slice | NDArray[np.bool_]


def fes(*words: str) -> Result:
    """Call the command."""
    return CliRunner().invoke(app, ["fes", *words])


def done(*words: str) -> Result:
    """Call the command, which has to succeed."""
    result = fes(*words)
    assert result.exit_code == 0, result.output
    return result


def table(path: Path) -> dict[str, np.ndarray]:
    """Columns of a CSV file; what is missing is NaN."""
    with path.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    made = {}
    for name in rows[0]:
        column = [row[name] or "nan" for row in rows]
        try:
            made[name] = np.array(column, dtype=float)
        except ValueError:
            made[name] = np.array(column)
    return made


def part_of_run(folder: Path, hills: Keep, rows: Keep) -> list[str]:
    """Write some of the run's hills and some of its rows; the words that name the files."""
    folder.mkdir(exist_ok=True)
    whole = read_hills(HILLS)
    part = replace(
        whole,
        time_fs=whole.time_fs[hills],
        centres=whole.centres[hills],
        sigmas=whole.sigmas[hills],
        height=whole.height[hills],
    )
    write_hills(part, folder / "HILLS")
    columns = read_colvar(COLVAR).columns
    write_colvar({name: column[rows] for name, column in columns.items()}, folder / "COLVAR")
    return ["--hills", str(folder / "HILLS"), "--colvar", str(folder / "COLVAR")]
