"""The table of all runs, on this machine and in clusters."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rich.console import RenderableType
from rich.table import Table

from nucleoflow.backends.local.table import run_state
from nucleoflow.cli.common import WIDE, duration, moment
from nucleoflow.cli.tables import state_text
from nucleoflow.runs.folder import RunFolder, all_runs
from nucleops.errors import NucleoError

if TYPE_CHECKING:
    from nucleoflow.profile.model import ClusterProfile

_OPEN = ("pending", "running")


@dataclass(frozen=True)
class Listed:
    """A row of the table."""

    run_id: str
    where: str
    study: str
    stages: tuple[str, ...]
    state: str
    created: float | None
    ended: float | None


def listed_runs(root: Path, profile: str | None) -> tuple[list[Listed], list[str]]:
    """Return what is known of all runs, oldest first, and what could not be found out.

    Parameters
    ----------
    root : Path
        The folder that holds the runs.
    profile : str or None
        Profile of a cluster whose runs are listed too, whoever submitted them.

    Notes
    -----
    A cluster is asked once, however many runs it has, and only if one of them has not been seen
    to end.
    """
    folders = all_runs(root)
    found = [_local(run) for run in folders if run.backend == "local"]
    in_clusters = [run for run in folders if run.backend != "local"]
    if not in_clusters and profile is None:
        return found, []
    rows, troubles = _in_clusters(in_clusters, profile)
    return sorted([*found, *rows], key=lambda row: (row.created or 0.0, row.run_id)), troubles


def run_table(rows: list[Listed], width: int) -> Table:
    """Tabulate runs; the column of places is left out where all run on this machine.

    In few columns the study, whose name run ids begin with, and the seconds are left out.
    """
    columns = ["run", "where", "study", "stages", "state", "started", "took"]
    if not any(row.where for row in rows):
        columns.remove("where")
    if width < WIDE:
        columns.remove("study")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in columns:
        table.add_column(column, no_wrap=column not in ("where", "stages"))
    for row in rows:
        until = time.time() if row.state in _OPEN else row.ended
        started = moment(row.created)
        cells: dict[str, RenderableType] = {
            "run": row.run_id,
            "where": row.where or "here",
            "study": row.study,
            "stages": " ".join(row.stages or ("all",)),
            "state": state_text(row.state),
            "started": started if width >= WIDE else started[:-3],
            "took": duration(until - row.created) if until and row.created else "",
        }
        table.add_row(*(cells[column] for column in columns))
    return table


def _local(run: RunFolder) -> Listed:
    return _recorded(run, run.read("run"), "", run_state(run))


def _recorded(run: RunFolder, meta: dict[str, Any], where: str, state: str) -> Listed:
    return Listed(
        run.id,
        where,
        str(meta.get("study", "")),
        tuple(meta.get("stages") or ()),
        state,
        meta.get("created"),
        run.read("result").get("ended"),
    )


def _in_clusters(folders: list[RunFolder], reference: str | None) -> tuple[list[Listed], list[str]]:
    from nucleoflow.backends.argo.record import recorded_profile
    from nucleoflow.profile.load import load_profile

    rows: list[Listed] = []
    troubles: list[str] = []
    clusters: dict[tuple[str, str], tuple[ClusterProfile, list[RunFolder]]] = {}
    asked = None
    if reference is not None:
        profile = load_profile(reference)
        asked = (profile.argo.endpoint, profile.namespace)
        clusters[asked] = (profile, [])
    for run in folders:
        try:
            profile = recorded_profile(run)
        except NucleoError as error:
            troubles.append(str(error))
            continue
        place = (profile.argo.endpoint, profile.namespace)
        clusters.setdefault(place, (profile, []))[1].append(run)
    for place, (profile, runs) in clusters.items():
        found, trouble = _in_cluster(profile, runs, strangers=place == asked)
        rows += found
        troubles += trouble
    return rows, troubles


def _in_cluster(
    profile: ClusterProfile, runs: list[RunFolder], *, strangers: bool
) -> tuple[list[Listed], list[str]]:
    """List the runs of one cluster; ``strangers`` adds those that this machine has no record of."""
    from nucleoflow.backends.argo.client import ArgoClient
    from nucleoflow.backends.argo.nodes import seconds
    from nucleoflow.backends.argo.record import elsewhere
    from nucleoflow.backends.argo.runs import ended_state, note_end
    from nucleoflow.backends.argo.status import workflow_state

    where = f"{profile.namespace}@{urlsplit(profile.argo.endpoint).netloc}"
    troubles: list[str] = []
    workflows: dict[str, Any] = {}
    lost = "lost"
    if strangers or any(ended_state(run) is None for run in runs):
        try:
            workflows = {w["metadata"]["name"]: w for w in ArgoClient(profile).workflows()}
        except NucleoError as error:
            troubles, lost = [str(error)], "unknown"
    rows = []
    for run in runs:
        workflow = workflows.pop(run.id, None)
        if workflow is not None:
            note_end(run, workflow)
            state = workflow_state(workflow)
        else:
            state = ended_state(run) or lost
        rows.append(_recorded(run, run.read("run"), where, state))
    for workflow in workflows.values() if strangers else ():
        folder, meta = elsewhere(Path(), workflow)
        row = _recorded(folder, meta, where, workflow_state(workflow))
        ended = seconds((workflow.get("status") or {}).get("finishedAt"))
        rows.append(replace(row, ended=ended))
    return rows, troubles
