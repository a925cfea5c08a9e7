"""Turn what Colvars writes into PLUMED's COLVAR and HILLS: one format for all that follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nucleops.bias.colvars import KCAL_MOL_IN_EV, grid_of
from nucleops.bias.colvars_limits import expected_columns
from nucleops.bias.hills import HillsTable, kernel_value, write_hills
from nucleops.bias.resolved import FloatArray, ResolvedBias
from nucleops.bias.tables import Paths, later_wins, lines_of, row_of, write_colvar
from nucleops.errors import TruncatedOutput, WrongInput


def colvars_to_plumed(
    traj: Paths,
    hills: Paths | None,
    resolved: ResolvedBias,
    out_dir: Path | str,
    *,
    time_step_fs: float,
    colvar_name: str = "COLVAR",
    hills_name: str = "HILLS",
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
        columns["metad.bias"] -= _own_hill(columns, steps, hill_steps, table, resolved)
        hills_path = write_hills(table, out / hills_name)
    ordered = {name: columns[name] for name in ("time", *resolved.columns) if name in columns}
    return write_colvar(ordered, out / colvar_name), hills_path


def _read_hills(
    paths: Paths, resolved: ResolvedBias, time_step_fs: float
) -> tuple[FloatArray, HillsTable]:
    metad = resolved.metadynamics
    assert metad is not None
    count = len(metad.cvs)
    steps, values = _table(paths, None, 2 * count + 2)
    factors = np.array([_per(resolved, name) for name in metad.cvs])
    torsions = [name for name in metad.cvs if resolved.cvs[name].kind == "torsion"]
    constants = {f"min_{name}": "-pi" for name in torsions}
    constants |= {f"max_{name}": "pi" for name in torsions}
    gamma = metad.bias_factor
    table = HillsTable(
        cvs=metad.cvs,
        time_fs=steps * time_step_fs,
        centres=values[:, :count] * factors,
        sigmas=values[:, count : 2 * count] * factors,
        height=values[:, -1] / KCAL_MOL_IN_EV * gamma / (gamma - 1),
        bias_factor=gamma,
        kernel="gaussian",
        constants=constants,
    )
    return steps, table


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
    half, off_grid = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
    for k, (name, (low, high, width)) in enumerate(
        zip(metad.cvs, grid_of(metad, resolved), strict=True)
    ):
        per = _per(resolved, name)
        # Colvars takes the value in the middle of the bin, and the formula off the grid
        value = columns[name][rows] / per
        middle = low + (np.floor((value - low) / width) + 0.5) * width
        half += 0.5 * ((middle * per - table.centres[own, k]) / table.sigmas[own, k]) ** 2
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
    rows: list[list[float]] = []
    files = [paths] if isinstance(paths, (str, Path)) else list(paths)
    columns = len(names) if names else width
    assert columns is not None
    for path in map(Path, files):
        for number, line in lines_of(path):
            words = line.split()
            if words[:2] == ["#", "step"] and names:
                _check_header(path, number, words[1:], names)
            elif words and not words[0].startswith("#"):
                rows.append(row_of(path, number, words, columns))
    if not rows and names:
        raise TruncatedOutput(f"{files[-1]}: holds no row", log=Path(files[-1]))
    table = np.array(rows, dtype=np.float64).reshape(len(rows), columns)
    table = table[later_wins(table[:, 0])]
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
