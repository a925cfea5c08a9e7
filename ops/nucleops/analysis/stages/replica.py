"""The analysis of one replica: a folder that is small, however long the run was."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.nuclei.replica import Replica, Show, analyse_trajectory
from nucleops.analysis.nuclei.tables import (
    events_table,
    first_nucleus_ps,
    nucleus_account,
    series_table,
    sizes_table,
)
from nucleops.analysis.settings import NucleationSettings
from nucleops.analysis.stages.files import (
    LAST,
    link_file,
    whole_system,
    write_csv,
    write_json,
)
from nucleops.analysis.trust import read_trust
from nucleops.errors import NucleoError
from nucleops.systems.system import System

ACCOUNT = "replica.json"
"""What the pool of replicas reads."""
FAILURE = "failure.txt"
"""Stands in its place where the analysis failed."""
MOVIE = "movie.gif"
Draw = Callable[..., None]
"""Called as :func:`nucleops.reporting.movie.write_movie`."""
SERIES, SIZES, EVENTS = "series.csv", "sizes.csv", "events.csv"
_OF_THE_RUN = ("md.json", "thermo.csv", "model_devi.out")
_NEAR_A = 5.0


def analyse_run(
    run: Path,
    settings: NucleationSettings,
    out: Path,
    draw: Draw | None = None,
    condition: str = "",
) -> Path:
    """Analyse the trusted part of an MD result folder.

    Parameters
    ----------
    run : Path
        MD result folder.
    settings : NucleationSettings
        How.
    out : Path
        Folder to make: what :func:`write_replica` writes, and ``md.json``, ``thermo.csv`` and
        ``model_devi.out`` of the run.
    draw : callable or None
        Draws the run to ``movie.gif``: :func:`nucleops.reporting.movie.write_movie`.
    condition : str
        Which of several conditions it was run under.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    WrongInput
        A file of the run is missing or malformed, or not one frame is trusted.
    """
    from nucleops.systems.files import read_extxyz
    from nucleops.systems.trajectory import Trajectory

    trusted = read_trust(run)
    trajectory = Trajectory(run / "trajectory.dump", read_extxyz(run / "topology.extxyz"))
    out.mkdir(parents=True)
    replica = analyse_trajectory(
        trajectory,
        settings,
        step_fs=trusted.time_step_fs,
        last_step=trusted.trusted_steps,
        show=drawing(draw, settings, out),
    )
    extra = {
        "run": trusted.row(out.name),
        "trusted_ps": trusted.trusted_ps,
        "condition": condition,
    }
    write_replica(replica, out, out.name, extra)
    for name in _OF_THE_RUN:
        if (run / name).is_file():
            link_file(run / name, out / name)
    return out


def drawing(draw: Draw | None, settings: NucleationSettings, out: Path) -> Show | None:
    """Return what draws a run into its folder; None without something to draw with."""
    if draw is None:
        return None
    return partial(draw, contact_A=settings.bonds.metal_metal_A, path=out / MOVIE)


def analyse_or_say_why(
    run: Path,
    settings: NucleationSettings,
    out: Path,
    draw: Draw | None = None,
    condition: str = "",
) -> None:
    """Analyse a run; where that fails, leave the reason for the pool and keep the run."""
    try:
        analyse_run(run, settings, out, draw, condition)
    except NucleoError as error:
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        (out / FAILURE).write_text(f"{error}\n", encoding="utf-8")


def write_replica(
    replica: Replica, out: Path, name: str, extra: dict[str, Any] | None = None
) -> None:
    """Write a replica's analysis.

    Parameters
    ----------
    replica : Replica
        The analysis.
    out : Path
        Folder, made if missing: ``replica.json``, ``series.csv``, ``sizes.csv``, ``events.csv``,
        ``last-trusted.extxyz``, ``nucleus-<n>.extxyz`` (each nucleus with its ligands and the
        solvent within 5 A).
    name : str
        What the replica is called.
    extra : dict
        Further entries of ``replica.json``.
    """
    from nucleops.systems.files import write_extxyz

    out.mkdir(parents=True, exist_ok=True)
    write_csv(out / SERIES, series_table(replica))
    write_csv(out / SIZES, sizes_table(replica))
    write_csv(out / EVENTS, events_table(replica))
    end_ps = float(replica.times_ps[-1])
    last = whole_system(replica.last)
    write_extxyz(last, out / LAST, provenance=f"last frame, {end_ps:g} ps")
    nuclei = [nucleus_account(replica, k) for k in range(1, len(replica.stories) + 1)]
    for nucleus in nuclei:
        part = surroundings(last, nucleus["members"])
        label = f"{nucleus['kind']} of {name}, {end_ps:g} ps"
        write_extxyz(part, out / f"nucleus-{nucleus['number']}.extxyz", provenance=label)
    first, from_start = first_nucleus_ps(replica)
    write_json(
        out / ACCOUNT,
        {
            "name": name,
            "nuclei": nuclei,
            "kinds": replica.kinds,
            "largest": int(np.flatnonzero(replica.sizes[-1]).max()),
            "n_metal": len(replica.groups.metal),
            "n_frames": len(replica.times_ps),
            "trusted_ps": end_ps,
            "first_nucleus_ps": first,
            "nucleus_from_start": from_start,
        }
        | (extra or {}),
    )


def surroundings(system: System, metals: tuple[int, ...]) -> System:
    """Cut a nucleus out of a system: its metals' molecules, whole, and solvent near the metals.

    Without molecules, the atoms within 5 A of a metal.
    """
    from nucleops.analysis.geometry import cross_distances, make_whole, minimum_image

    x = np.array(system.positions)
    core = make_whole(x[list(metals)], system.cell, system.periodic)
    centre = core.mean(axis=0)
    near = cross_distances(core, x, system.cell, system.periodic).min(axis=0) < _NEAR_A
    chosen = set(np.flatnonzero(near).tolist()) | set(metals)
    if system.molecules:
        own = set(metals)
        free = {m.indices for m in system.without_metal()}
        chosen = {
            i
            for m in system.molecules
            if own & set(m.indices) or (m.indices in free and near[list(m.indices)].any())
            for i in m.indices
        }
    atoms = sorted(chosen)
    about = minimum_image(x[atoms] - centre, system.cell, system.periodic)
    place = {atom: k for k, atom in enumerate(atoms)}
    molecules = tuple(
        type(m)(m.motif, tuple(place[i] for i in m.indices), m.roles)
        for m in system.molecules
        if set(m.indices) <= chosen
    )
    edge = np.full(3, 2 * float(np.abs(about).max()) + 2)
    return System(
        f"{system.name}-nucleus",
        tuple(system.symbols[i] for i in atoms),
        about + edge / 2,
        edge,
        False,
        molecules,
        system.elements,
    )
