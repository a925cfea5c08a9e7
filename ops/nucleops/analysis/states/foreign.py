"""States of somebody's run: from its series and trajectories to structures, tables and words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleops.analysis.fes.analyse import analyse_files
from nucleops.analysis.fes.request import Request
from nucleops.analysis.fes.result import Result
from nucleops.analysis.paths.write import path_account, path_words, write_path
from nucleops.analysis.stages.files import SUMMARY, write_json
from nucleops.analysis.states.analyse import Sought, states_of, watch_of
from nucleops.analysis.states.files import pieces_of, try_first
from nucleops.analysis.states.write import states_account, states_words, write_states
from nucleops.errors import WrongInput
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory


@dataclass(frozen=True)
class Looked:
    """What is looked at, besides the files of the free-energy analysis.

    Attributes
    ----------
    trajectories : tuple of tuple of Path
        Segments of each walker's trajectory.
    system : System
        Their topology.
    time_step_fs : float or None
        MD time step, for trajectories that count steps.
    sought : Sought
        What is sought in the frames.
    """

    trajectories: tuple[tuple[Path, ...], ...]
    system: System
    time_step_fs: float | None = None
    sought: Sought = field(default_factory=Sought)


@dataclass(frozen=True)
class Found:
    """What came out.

    Attributes
    ----------
    text : str
        In words, the free energy's verdict first.
    result : Result
        The free-energy analysis.
    account : dict
        What ``summary.json`` says of the states.
    """

    text: str
    result: Result
    account: dict[str, Any]


def look_at(request: Request, looked: Looked, folder: Path) -> Found:
    """Look at the states of a run, and write what they look like.

    Parameters
    ----------
    request : Request
        Of the free-energy analysis; its walkers have series.
    looked : Looked
        What to look at.
    folder : Path
        Where files go: ``states/``, ``state_distances``, ``state_series``, ``path`` where one was
        asked for, ``summary.txt``, ``summary.json``.

    Raises
    ------
    WrongInput
        A file or a setting is wrong, or files do not belong to one run; the message says which.
    """
    trajectories = [[Trajectory(p, looked.system) for p in own] for own in looked.trajectories]
    labels = [str(walker.colvar[0]) for walker in request.walkers if walker.colvar]
    if not labels:
        raise WrongInput("--colvar: found none; without a series no frame has a weight or a state")
    try_first(trajectories, labels, looked.time_step_fs)
    result = analyse_files(request)
    assert result.series is not None
    if not result.basins.names:
        raise WrongInput("no basin was found; give them with --basin, or lower --depth")
    watch, on_path = watch_of(result, looked.system, looked.sought)
    unit = request.criteria.time_unit
    pieces = pieces_of(trajectories, result.series, labels, unit, looked.time_step_fs)
    states = states_of(pieces, result.targets, result.series, result.basins, watch, on_path)
    folder.mkdir(parents=True, exist_ok=True)
    account = states_account(states, write_states(states, unit, folder))
    text = "\n".join(_words(request, result, states_words(states)))
    (folder / "summary.txt").write_text(text + "\n", encoding="utf-8")
    summary: dict[str, Any] = {"verdict": vars(result.verdict), "cvs": result.targets}
    if result.path is not None:
        write_path(result.path, request.criteria.unit, folder)
        summary["path"] = path_account(result.path)
    write_json(folder / SUMMARY, summary | {"states": account})
    return Found(text, result, account)


def _words(request: Request, result: Result, states: Sequence[str]) -> list[str]:
    lines = [result.verdict.sentence, "", *states]
    if request.path is not None:
        lines += ["", *path_words(result.path, request.path, request.criteria.unit)]
    return lines
