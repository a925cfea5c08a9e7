"""Join what the legs of a run wrote: rows and frames unchanged, none twice, none missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nucleops.bias.colvars_metad import hills_file
from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.legs import Span, spans
from nucleops.engines.lammps.program import BiasEngine
from nucleops.engines.lammps.readers import Thermo, copy_dump, read_thermo, rows_between


def join_outputs(folder: Path, engine: BiasEngine | None, time_step_fs: float) -> None:
    """Join trajectory, model deviation and the bias' files of all legs in the run's folder.

    Parameters
    ----------
    folder : Path
        The run's folder; its own files are the last leg's.
    engine : {'plumed', 'colvars'} or None
        Who applied the bias.
    time_step_fs : float
        MD time step in fs.
    """
    parts = spans(folder)
    if len(parts) < 2:
        return
    join_dumps(inputs.DUMP_FILE, parts, folder / inputs.DUMP_FILE)
    join_rows(inputs.DEVIATION_FILE, parts, folder / inputs.DEVIATION_FILE)
    if engine == "colvars":
        for name in (inputs.COLVARS_SERIES, hills_file(inputs.COLVARS_PREFIX)):
            join_rows(name, parts, folder / name)
    elif engine == "plumed":
        for name in ("COLVAR", "HILLS"):
            join_rows(name, parts, folder / name, time_step_fs)


def join_rows(name: str, parts: Sequence[Span], target: Path, per_step: float = 1.0) -> None:
    """Join a text file of the legs, row by row and unchanged.

    Parameters
    ----------
    name : str
        The file in each leg; its rows begin with a number that grows with the step, its other
        lines with ``#``, of which those of the first leg are kept.
    parts : sequence of Span
        The legs.
    target : Path
        File to write, completely or not at all; may be one of those that are read.
    per_step : float
        By how much the number grows in a step: 1, or the time step in fs.
    """

    there = [part for part in parts if (part.folder / name).is_file()]

    def write(partial: Path) -> None:
        with partial.open("w", encoding="utf-8") as out:
            for part in there:
                rows = rows_between(part.folder / name, part.after, part.upto, per_step)
                header = part is parts[0]
                out.writelines(row for row in rows if header or not row.lstrip().startswith("#"))

    if there:
        _replace(target, write)


def join_dumps(name: str, parts: Sequence[Span], target: Path) -> None:
    """Join the legs' text dumps frame by frame; parameters as of :func:`join_rows`."""

    def write(partial: Path) -> None:
        partial.touch()
        for part in parts:
            if (part.folder / name).is_file():
                copy_dump(part.folder / name, partial, part.upto, after=part.after, append=True)

    _replace(target, write)


def _replace(target: Path, write: Callable[[Path], None]) -> None:
    partial = target.with_name(f".{target.name}.joining")
    write(partial)
    partial.replace(target)


def join_thermo(parts: Sequence[Span]) -> Thermo:
    """Join the legs' thermodynamic output; the logs themselves stay as they are."""
    tables, kept = [], []
    for part in parts:
        if (part.folder / "log.lammps").is_file():
            table = read_thermo(part.folder / "log.lammps")
            tables.append(table)
            kept.append((table.steps > part.after) & (table.steps <= part.upto))

    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(t, name)[k] for t, k in zip(tables, kept, strict=True)])

    names = ("steps", "temperature_K", "potential_eV", "kinetic_eV", "total_eV")
    return Thermo(*(column(name) for name in names))


def first_potential_eV(parts: Sequence[Span]) -> float | None:
    """Potential energy of the run's first row, eV; None where no leg has written one."""
    legs = [part for part in parts if (part.folder / "log.lammps").is_file()]
    if not legs:
        return None
    potential = join_thermo(legs).potential_eV
    return float(potential[0]) if len(potential) else None
