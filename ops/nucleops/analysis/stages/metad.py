"""The `metad/` result folder: surfaces, errors, convergence, states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.free_energy import thermal_energy
from nucleops.analysis.metadynamics import analyse
from nucleops.analysis.settings import FreeEnergySettings
from nucleops.analysis.stages.files import (
    SUMMARY,
    link_tree,
    write_csv,
    write_json,
    write_last,
)
from nucleops.analysis.stages.metad_states import path_and_states
from nucleops.analysis.stages.metad_tables import account, surface_files
from nucleops.analysis.stages.walker_files import read_walker, with_shared_hills
from nucleops.analysis.trust import Run, read_run
from nucleops.analysis.walkers import Walker, hill_sets, times_ps
from nucleops.errors import WrongInput


def metad_folder(
    walkers: Sequence[Path], settings: FreeEnergySettings, out: Path, name: str = ""
) -> Path:
    """Analyse walkers of metadynamics or OPES and write the `metad/` folder.

    Parameters
    ----------
    walkers : sequence of Path
        MD result folders with ``COLVAR`` and ``HILLS``, or OPES' ``KERNELS`` (time in fs,
        kcal/mol). Walkers that shared their hills, which ``md.json`` says, come all together.
    settings : FreeEnergySettings
        How.
    out : Path
        Folder to make: ``walker-000/`` .. (the runs, with ``last-trusted.extxyz`` and
        ``series.csv``), ``fes_1d.csv``, ``fes_2d.csv``, ``fes_2d_reweighted.csv``, ``fes.npz``,
        ``convergence.csv``, ``blocks.csv``, ``hills.csv``, ``summary.json``, and what
        :func:`nucleops.analysis.stages.metad_states.path_and_states` writes.
        Of OPES nothing that comes from hills: neither ``hills.csv`` nor ``fes_2d.csv``.
    name : str
        Name of the metadynamics in the study.

    Returns
    -------
    Path
        `out`.

    Raises
    ------
    WrongInput
        If there is no walker, walkers differ in variables, method or temperature, a walker that
        shared its hills is missing, or a file is malformed.
    """
    if not walkers:
        raise WrongInput("metadynamics analysis: no walker was given")
    out.mkdir(parents=True)
    runs: list[Run] = []
    parts: list[Walker] = []
    names: tuple[str, ...] = ()
    for k, folder in enumerate(sorted(walkers, key=lambda path: path.name)):
        place = out / f"walker-{k:03d}"
        link_tree(folder, place)
        run = read_run(place)
        write_last(run, place)
        own_names, walker, series = read_walker(run)
        if names and own_names != names:
            raise WrongInput(f"{folder}: biases {own_names}, the walkers before it {names}")
        if parts and (walker.hills is None) != (parts[0].hills is None):
            raise WrongInput(f"{folder}: walkers of metadynamics and of OPES are not one analysis")
        names = own_names
        write_csv(place / "series.csv", series)
        runs.append(run)
        parts.append(walker)
    method = "opes" if parts[0].hills is None else "metadynamics"
    if method == "metadynamics":
        _hills_csv(out, parts)
    n_laid = [len(w.laid) for w in parts]
    parts = with_shared_hills(runs, parts)
    temperature = runs[0].trusted.temperature_K
    if any(r.trusted.temperature_K != temperature for r in runs):
        raise WrongInput("metadynamics analysis: the walkers were run at different temperatures")
    kT = thermal_energy(temperature)
    chosen = [k for k, w in enumerate(parts) if len(w.laid) >= 2 and len(w.times_ps) >= 8]
    usable = [parts[k] for k in chosen]
    summary: dict[str, Any] = {
        "name": name,
        "method": method,
        "shared_bias": len(hill_sets(parts)) < len(parts) and method == "metadynamics",
        "cvs": list(names),
        "temperature_K": temperature,
        "kT_kcal_mol": kT,
        "runs": [r.trusted.row(f"walker-{k:03d}") for k, r in enumerate(runs)],
        "n_hills" if method == "metadynamics" else "n_kernels": n_laid,
        "bias_factor": parts[0].laid.bias_factor,
    }
    if usable:
        result, states = analyse(usable, names, kT, settings)
        surface_files(out, result, usable, kT)
        summary |= account(result, states)
        summary |= path_and_states(out, [runs[k] for k in chosen], result, settings)
    else:
        total = sum(r.trusted.trusted_ps for r in runs)
        laid = "hills" if method == "metadynamics" else "kernels"
        walkers_were = "the walker was" if len(runs) == 1 else f"the {len(runs)} walkers were"
        summary |= {
            "surface": None,
            "verdict": {
                "converged": False,
                "sentence": f"No free energy: {walkers_were} trusted for "
                f"{total:.3g} ps in all, too short to lay down {laid} and sample.",
                "met": [],
                "missing": [f"at least two {laid} and eight rows of the series in one walker"],
            },
        }
    write_json(out / SUMMARY, summary)
    return out


def _hills_csv(out: Path, walkers: Sequence[Walker]) -> None:
    hills = [w.hills for w in walkers if w.hills is not None]
    which = [np.full(len(own), k) for k, own in enumerate(hills)]
    write_csv(
        out / "hills.csv",
        {
            "walker": np.concatenate(which),
            "time_ps": np.concatenate([times_ps(own) for own in hills]),
            "height_kcal_mol": np.concatenate([own.height for own in hills]),
        },
    )
