"""What the commands about biases write: a trajectory's COLVAR, an engine's input."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from nucleoflow.study.bias_use import UsedBias
from nucleops.engines.lammps.program import BiasEngine
from nucleops.systems.trajectory import Trajectory


def write_trajectory_colvar(
    used: UsedBias,
    path: Path,
    out: TextIO,
    *,
    start: int = 0,
    stop: int | None = None,
    stride: int = 1,
    time_step_fs: float | None = None,
) -> int:
    """Write the COLVAR of a trajectory as :func:`nucleops.bias.along.write_along` does.

    Parameters
    ----------
    used : UsedBias
        The bias, resolved against the trajectory's topology.
    path : Path
        The trajectory.
    out : text file
        Where the COLVAR is written to.
    start, stop, stride : int, int or None, int
        Which frames.
    time_step_fs : float or None
        Time between MD steps, or between frames where the file counts no steps; the file's own
        times, or the study's time step, where None.

    Returns
    -------
    int
        Number of rows.
    """
    from nucleops.bias.along import write_along

    trajectory = Trajectory(path, used.topology, start, stop, stride)
    return write_along(
        used.resolved,
        trajectory,
        out,
        time_step_fs=time_step_fs,
        md_time_step_fs=used.use.md.time_step_fs,
        constants={"bias": used.use.name, "trajectory": path.name},
    )


def engine_input(used: UsedBias, engine: BiasEngine) -> tuple[str, tuple[str, ...]]:
    """Return the input of an engine as the study's run has it, and what the engine leaves out.

    Raises
    ------
    WrongInput
        The start lies off the grid, or Colvars cannot say a part that must not be left out.
    """
    md = used.use.md
    if engine == "plumed":
        from nucleops.bias.plumed import plumed_input

        return plumed_input(used.resolved, md.temperature_K, md.stride), ()
    from nucleops.bias.colvars import colvars_input

    made = colvars_input(used.resolved, md.temperature_K, md.stride)
    return made.text, made.left_out


@contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """Open a text file that appears under its name only when it is finished; ``.gz`` is packed."""
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(part, "wt", encoding="utf-8") as out:
            yield cast(TextIO, out)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
