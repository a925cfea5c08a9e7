"""Turn what Colvars writes into PLUMED's COLVAR and HILLS: one format for all that follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nucleops.bias.blocks import Paths, files_of
from nucleops.bias.colvars_limits import expected_columns
from nucleops.bias.colvars_metad import KCAL_MOL_IN_EV, grid_of
from nucleops.bias.enhanced import KB_KCAL_MOL_K, SharedHills
from nucleops.bias.hills import HillsTable, hills_bias, kernel_value, write_hills
from nucleops.bias.resolved import FloatArray, ResolvedBias
from nucleops.bias.restarts import Restarts
from nucleops.bias.rows import blocks_of_rows
from nucleops.bias.tables import ColvarTable, write_colvar
from nucleops.errors import ProgramFailed, TruncatedOutput, WrongInput

HILLS_CHECKED = 400
TEMPERING_TOLERANCE = 0.02
"""Relative error of a hill's height; interpolation of the grid stays far below."""


def colvars_to_plumed(
    traj: Paths,
    hills: Paths | None,
    resolved: ResolvedBias,
    out_dir: Path | str,
    *,
    time_step_fs: float,
    colvar_name: str = "COLVAR",
    hills_name: str = "HILLS",
    shared: SharedHills | None = None,
    temperature_K: float | None = None,
) -> tuple[Path, Path | None]:
    """Convert Colvars' trajectory and hills (LAMMPS metal units) to COLVAR and HILLS.

    Energies become kcal/mol, steps become fs, degrees become radian. Colvars reports the bias with
    the hill that it adds at the same step, PLUMED without: that hill is taken off again. HILLS says
    ``kerneltype gaussian``, because Colvars' hills are not stretched.

    Parameters
    ----------
    traj : path or sequence of paths
        ``*.colvars.traj``, the segments of one run in order.
    hills : path, sequence of paths or None
        ``*.colvars.<bias>.hills.traj``; None where there is no metadynamics.
    resolved : ResolvedBias
        The bias that the configuration was written from.
    out_dir : path
        Folder that the files are written to.
    time_step_fs : float
        MD time step in fs.
    colvar_name, hills_name : str
        Names of the two files.
    shared : SharedHills or None
        The walker shared its hills with others; ``hills`` are its own, ``metad.bias`` is of all.
    temperature_K : float or None
        Temperature of the run in kelvin; needed where hills were shared.

    Returns
    -------
    tuple
        Path of COLVAR, and of HILLS or None.

    Raises
    ------
    WrongInput
        A file is missing, or its columns are not those of the bias.
    TruncatedOutput
        A row that is not the last is malformed.
    ProgramFailed
        Shared hills were tempered by another rule than the configuration was written for.
    """
    out = Path(out_dir)
    expected = expected_columns(resolved)
    steps, values = _table(traj, ["step", *expected])
    columns: dict[str, FloatArray] = {"time": steps * time_step_fs}
    for k, (label, name) in enumerate(expected.items()):
        energy = label.startswith("E_")
        columns[name] = values[:, k] * (1 / KCAL_MOL_IN_EV if energy else _per(resolved, name))
    metad = resolved.metadynamics
    hills_path = None
    if metad is not None:
        if hills is None:
            raise WrongInput("the bias has metadynamics, but no hills file was given")
        hill_steps, table = _read_hills(hills, resolved, time_step_fs)
        if shared is not None:
            assert temperature_K is not None, "tempering of shared hills needs the temperature"
            _check_tempering(table, resolved, shared.walkers, temperature_K)
        columns["metad.bias"] -= _own_hill(columns, steps, hill_steps, table, resolved)
        hills_path = write_hills(table, out / hills_name)
    ordered = {name: columns[name] for name in ("time", *resolved.columns) if name in columns}
    series = ColvarTable(ordered, resolved.period_constants())
    return write_colvar(series, out / colvar_name), hills_path


def _read_hills(
    paths: Paths, resolved: ResolvedBias, time_step_fs: float
) -> tuple[FloatArray, HillsTable]:
    metad = resolved.metadynamics
    assert metad is not None
    count = len(metad.cvs)
    steps, values = _table(paths, None, 2 * count + 2)
    factors = np.array([_per(resolved, name) for name in metad.cvs])
    gamma = metad.bias_factor
    table = HillsTable(
        cvs=metad.cvs,
        time_fs=steps * time_step_fs,
        centres=values[:, :count] * factors,
        sigmas=values[:, count : 2 * count] * factors,
        height=values[:, -1] / KCAL_MOL_IN_EV * gamma / (gamma - 1),
        bias_factor=gamma,
        kernel="gaussian",
        constants=resolved.period_constants(metad.cvs),
    )
    return steps, table


def _check_tempering(
    table: HillsTable, resolved: ResolvedBias, walkers: int, temperature_K: float
) -> None:
    """Refuse hills whose heights do not follow ``h exp(-W V_own / ((gamma - 1) kT))``.

    The configuration counts on Colvars tempering each walker by its own hills. A Colvars that
    tempers by everybody's would make hills that are far too small, and nothing else would show it.
    """
    metad = resolved.metadynamics
    assert metad is not None
    first = slice(0, HILLS_CHECKED)
    own = hills_bias(
        table, _bin_middles(table.centres[first], resolved), np.arange(len(table))[first]
    )
    kT = KB_KCAL_MOL_K * temperature_K
    expected = metad.height_kcal_mol * np.exp(-own * walkers / ((metad.bias_factor - 1) * kT))
    off = np.abs(np.log(table.added[first] / expected))
    if len(off) and np.median(off) > TEMPERING_TOLERANCE:
        raise ProgramFailed(
            "this Colvars does not temper shared hills by each walker's own hills, as that of the "
            "LAMMPS of July 2025 does and as biasTemperature was written for",
            advice="run independent walkers, or a LAMMPS that has PLUMED",
        )


def _bin_middles(points: FloatArray, resolved: ResolvedBias) -> FloatArray:
    """Return the middles of the bins of Colvars' grid that points (n, d) fall into."""
    metad = resolved.metadynamics
    assert metad is not None
    middles = np.empty_like(points)
    for k, (name, (low, _, width)) in enumerate(
        zip(metad.cvs, grid_of(metad, resolved), strict=True)
    ):
        per = _per(resolved, name)
        middles[:, k] = (low + (np.floor((points[:, k] / per - low) / width) + 0.5) * width) * per
    return middles


def _own_hill(
    columns: dict[str, FloatArray],
    steps: FloatArray,
    hill_steps: FloatArray,
    table: HillsTable,
    resolved: ResolvedBias,
) -> FloatArray:
    """Return what the hill added at each row's own step contributes there, kcal/mol, (n_rows,)."""
    metad = resolved.metadynamics
    assert metad is not None
    _, rows, own = np.intersect1d(steps, hill_steps, return_indices=True)
    # Colvars takes the value in the middle of the bin, and the formula off the grid
    values = np.column_stack([columns[name][rows] for name in metad.cvs])
    away = (_bin_middles(values, resolved) - table.centres[own]) / table.sigmas[own]
    half, off_grid = 0.5 * np.sum(away**2, axis=1), np.zeros(len(rows), dtype=bool)
    for name, (low, high, _) in zip(metad.cvs, grid_of(metad, resolved), strict=True):
        value = columns[name][rows] / _per(resolved, name)
        off_grid |= (value < low) | (value >= high)
    result = np.zeros(len(steps))
    result[rows] = np.where(off_grid, 1.0, kernel_value(half, "gaussian")) * table.added[own]
    return result


def _per(resolved: ResolvedBias, name: str) -> float:
    cv = resolved.cvs.get(name)
    return np.pi / 180 if cv is not None and cv.unit == "rad" else 1.0


def _table(
    paths: Paths, names: list[str] | None, width: int | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return steps (n,) and the other columns (n, k) of Colvars' text files, later rows winning."""
    columns = len(names) if names else width
    restarts, parts, files = Restarts(), [], files_of(paths)
    for path in files:

        def comment(number: int, line: str, path: Path = path) -> None:
            words = line.split()
            if words[:2] == ["#", "step"] and names:
                _check_header(path, number, words[1:], names)

        for rows in blocks_of_rows(path, comment, columns):
            restarts.see(rows[:, 0])
            parts.append(rows)
    if not parts and names:
        raise TruncatedOutput(f"{files[-1]}: holds no row", log=files[-1])
    table = np.concatenate(parts) if parts else np.empty((0, columns or 0))
    table = table[restarts.kept(table[:, 0], 0)]
    return table[:, 0], table[:, 1:]


def _check_header(path: Path, number: int, found: list[str], names: list[str]) -> None:
    # Colvars cuts names to the width of their column
    same = len(found) == len(names) and all(
        name.startswith(word) for word, name in zip(found, names, strict=True)
    )
    if not same:
        raise WrongInput(
            f"{path}, line {number}: found columns {' '.join(found)}, allowed {' '.join(names)}: "
            "it was not written by this bias"
        )
