"""A picture of where a run went wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from nucleops.engines.lammps.region import FOLDER, RECORD_FILE, REGION_FILE
from nucleops.reporting.pictures import drawn
from nucleops.reporting.structures import make
from nucleops.reporting.style import look
from nucleops.systems.files import read_extxyz

PICTURE_FILE = "region.png"
_DPI = 200


def draw_failure(result: Path) -> Path | None:
    """Draw the region in which trust in a run ended, the atoms at fault marked.

    Parameters
    ----------
    result : Path
        Result folder of a run.

    Returns
    -------
    Path or None
        ``failure/region.png``; None where the run left no region.
    """
    import matplotlib.pyplot as plt

    folder = result / FOLDER
    if not (folder / REGION_FILE).is_file():
        return None
    record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    structure = make(
        "s-failure", record["kind"], record["reason"], read_extxyz(folder / REGION_FILE)
    )
    atoms = np.array(record["region_atoms"])
    with look():
        figure = drawn(structure, np.flatnonzero(np.isin(atoms, record["atoms"])).tolist())
        words = f"{record['kind']}: {record['reason']}"
        figure.text(0.02, 0.98, words, va="top", wrap=True)
        figure.savefig(folder / PICTURE_FILE, dpi=_DPI, facecolor="white")
        plt.close(figure)
    return folder / PICTURE_FILE
