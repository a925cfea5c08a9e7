"""The minimum free-energy path of a study's walkers, and what their states look like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.fes.result import Result
from nucleops.analysis.paths.write import path_account, path_words, write_path
from nucleops.analysis.settings import FreeEnergySettings
from nucleops.analysis.states.analyse import Sought, states_of, watch_of
from nucleops.analysis.states.observe import Piece
from nucleops.analysis.states.series import Series, match
from nucleops.analysis.states.write import states_account, write_states
from nucleops.analysis.trust import Run

UNIT, TIME = "kcal/mol", "ps"


def path_and_states(
    out: Path, runs: Sequence[Run], result: Result, settings: FreeEnergySettings
) -> dict[str, Any]:
    """Write the path from the first state to the last, and the structures of the states.

    Parameters
    ----------
    out : Path
        The `metad/` folder; gets ``path``, ``path_order``, ``state_distances``, ``state_series``
        (CSV and Parquet), ``states/*.extxyz`` and ``states/states.csv``.
    runs : sequence of Run
        Frames of the walkers that `result` was made of.
    result : Result
        Of :func:`nucleops.analysis.metadynamics.analyse`; energies in kcal/mol, times in ps.
    settings : FreeEnergySettings
        Frames to write, cut-offs of bridges.

    Returns
    -------
    dict
        ``path``, ``path_words``, ``structure`` and ``states_written`` of the stage's summary.
    """
    assert result.series is not None
    path, series = result.path, result.series
    if path is not None:
        write_path(path, UNIT, out)
    sought = Sought(count=settings.structures, bridges=settings.bridges)
    watch, on_path = watch_of(result, runs[0].system, sought)
    states = states_of(_pieces(runs, series), result.targets, series, result.basins, watch, on_path)
    written = write_states(states, TIME, out)
    return {
        "path": None if path is None else path_account(path),
        "path_words": _words(result),
        "structure": states_account(states, written),
        "states_written": written,
    }


def _words(result: Result) -> list[str]:
    if len(result.basins.names) < 2:
        return ["No path: it needs two states, of which the study names one."]
    start, end = result.basins.names[:2]
    unseen = [row.name for row in result.rows[:2] if not np.all(np.isfinite(row.minimum))]
    if unseen:
        return [f"No path from {start} to {end}: {' and '.join(unseen)} was never visited."]
    return path_words(result.path, (start, end), UNIT)


def _pieces(runs: Sequence[Run], series: Series) -> Iterator[Piece]:
    for number, run in enumerate(runs):
        first = int(np.searchsorted(series.walker, number))
        matched = match(run.times_ps, series.times[series.walker == number])
        rows = np.where(matched >= 0, matched + first, -1)
        yield Piece(number, rows, np.arange(len(rows)), run.positions, run.cells)
