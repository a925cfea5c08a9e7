"""What candidates are compared with: labelled frames, and where explorations have been."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nucleops.learning.tally import EXPLORED_FILE

if TYPE_CHECKING:
    from nucleops.learning.explored import ExploredRun

FloatArray = NDArray[np.float64]
MOST_ROWS = 2000
"""Rows kept of each exploration of a round, and labelled frames compared with, of each system."""
_NO_FRAME = np.zeros((0, 0, 3))


def labelled_vectors(data: Sequence[Path], elements: Sequence[str]) -> FloatArray:
    """Fingerprints of labelled frames, shape (n, d); of a large system, evenly thinned.

    Parameters
    ----------
    data : sequence of Path
        DeePMD npy systems at any depth below.
    elements : sequence of str
        Elements of the fingerprints; systems with others are of no use here.
    """
    from nucleops.learning.dataset import read_deepmd, systems_below
    from nucleops.learning.fingerprints import fingerprints

    parts = []
    for path in systems_below(data):
        frames = read_deepmd(path)
        if set(frames.symbols) <= set(elements):
            kept = thinned(len(frames))
            positions, cells = frames.positions[kept], frames.cells[kept]
            parts.append(fingerprints(frames.symbols, positions, cells, frames.periodic, elements))
    return np.concatenate(parts or [fingerprints((), _NO_FRAME, np.zeros((0, 3)), False, elements)])


def thinned(n: int, most: int = MOST_ROWS) -> slice:
    """Every so manieth of ``n`` rows, at most ``most``."""
    return slice(None, None, max(1, -(-n // most)))


def visited(
    runs: Sequence[ExploredRun], data: Sequence[Path]
) -> Iterator[tuple[list[int], FloatArray]]:
    """Where explorations have been that share biased variables.

    Yields
    ------
    members : list of int
        Numbers of the runs that share them.
    values : ndarray
        Variables of all their frames, and of those of earlier rounds, shape (n, n_cvs).
    """
    earlier = [json.loads(path.read_text()) for root in data for path in root.glob(EXPLORED_FILE)]
    groups: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for i, run in enumerate(runs):
        if run.cvs:
            groups.setdefault((run.system.name, tuple(run.cvs)), []).append(i)
    for (system, names), members in groups.items():
        parts = [np.column_stack([runs[i].cvs[name] for name in names]) for i in members]
        for record in earlier:
            for own in record.values():
                if own["system"] == system and set(names) <= set(own["cvs"]):
                    parts.append(np.column_stack([own["cvs"][name] for name in names]))
        yield members, np.concatenate(parts)


def explored_rows(runs: Sequence[ExploredRun]) -> dict[str, dict[str, Any]]:
    """Deviations and variables along the frames of each exploration, as plain data.

    Returns
    -------
    dict
        Exploration to ``system``, ``max_force_eV_A`` (list) and ``cvs`` (name to list), of at most
        :data:`MOST_ROWS` frames whose deviation is a number.
    """
    table: dict[str, dict[str, Any]] = {}
    for label in dict.fromkeys(run.exploration for run in runs):
        own = [run for run in runs if run.exploration == label]
        names = dict.fromkeys(name for run in own for name in run.cvs)
        deviation = np.concatenate([run.deviation_eV_A for run in own])
        sound = np.flatnonzero(np.isfinite(deviation))
        kept = sound[thinned(len(sound))]
        table[label] = {
            "system": own[0].system.name,
            "max_force_eV_A": _plain(deviation[kept]),
            "cvs": {
                name: _plain(np.concatenate([_along(run, name) for run in own])[kept])
                for name in names
            },
        }
    return table


def _along(run: ExploredRun, name: str) -> FloatArray:
    """A variable along a run; of one that blew up at once nothing is known."""
    return run.cvs.get(name, np.full(len(run.deviation_eV_A), np.nan))


def _plain(values: FloatArray) -> list[float]:
    """Five digits of each, which is more than a figure shows."""
    return [float(f"{value:.5g}") for value in values]
