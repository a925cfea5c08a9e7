"""Binary trajectories: XTC, TRR and DCD, decoded by MDAnalysis' file classes.

They hold no elements, so that only the number of atoms can be held against a topology. The file
classes are used rather than MDAnalysis' readers, which leave index files beside the trajectory.

What time means: XTC and TRR are in ps by definition (GROMACS' manual, and what LAMMPS' ``dump
xtc`` converts to). A DCD has a step and a time step "in the program's own unit": 48.88821 fs for
CHARMM and NAMD; LAMMPS' own unit for LAMMPS, which is ps in ``units metal`` and fs in ``units
real``. LAMMPS does not write which, but a time step of 0.05 or more is fs (nobody takes 50 fs),
and a smaller one is ps.
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import RawFrame, Selection
from nucleops.systems.system import FloatArray

AKMA_FS = 48.88821
"""CHARMM's unit of time in fs."""
_LARGEST_PS = 0.05
_A_PER_NM = 10.0


def xdr_frames(kind: str, path: Path, selection: Selection) -> Iterator[RawFrame]:
    """Yield the frames of an ``xtc`` or ``trr`` file that are asked for.

    Raises
    ------
    EndsEarly
        A frame cannot be decoded; it comes after those before it.
    WrongInput
        The cell is triclinic, or a frame has no coordinates.
    """
    with _opened(path, kind) as file:
        number = -1
        while True:
            number += 1
            if selection.over(number):
                return
            try:
                frame = file.read()
            except StopIteration:
                return
            except OSError as error:
                raise EndsEarly(f"{path}: frame {number} cannot be decoded ({error})") from error
            if not selection.wants(number):
                continue
            if kind == "trr" and not frame.hasx:
                raise WrongInput(f"{path}, frame {number}: holds no coordinates")
            box = np.asarray(frame.box, dtype=np.float64)
            edges = np.diag(box).copy()
            if np.abs(box - np.diag(edges)).max() > 1e-6:
                raise _triclinic(path, number)
            yield RawFrame(
                number,
                _A_PER_NM * np.asarray(frame.x, dtype=np.float64),
                cell=_A_PER_NM * _decimal(edges) if (edges > 0).all() else None,
                step=int(frame.step),
                time_fs=1000.0 * float(_decimal(np.array(frame.time))),
                clock=f"{kind}-ps",
            )


def dcd_frames(path: Path, selection: Selection) -> Iterator[RawFrame]:
    """Yield the frames of a DCD file that are asked for.

    Raises
    ------
    EndsEarly
        The file ends inside a frame; it comes after the whole ones.
    WrongInput
        The cell is triclinic.
    """
    with _opened(path, "dcd") as file:
        header = file.header
        step_fs, clock = dcd_time_step(header)
        for number in range(len(file)):
            if selection.over(number):
                return
            frame = file.read()
            if not selection.wants(number):
                continue
            step = header["istart"] + number * header["nsavc"] if header["nsavc"] else None
            yield RawFrame(
                number,
                np.array(frame.xyz, dtype=np.float64),
                cell=_dcd_cell(path, number, frame.unitcell) if file.is_periodic else None,
                step=step,
                time_fs=None if step is None or step_fs is None else step * step_fs,
                clock=clock,
            )
        left = _left_over(path, int(header["natoms"]), bool(file.is_periodic))
        if left:
            raise EndsEarly(f"{path}: frame {len(file)} is cut off: {left} bytes of it are there")


def dcd_time_step(header: dict[str, Any]) -> tuple[float | None, str]:
    """Return the time step of a DCD in fs and what tells it; None where the header has none."""
    delta = float(_decimal(np.array(header["delta"])))
    if delta <= 0:
        return None, ""
    if "LAMMPS" not in header["remarks"]:
        return delta * AKMA_FS, "dcd-AKMA"
    metal = delta < _LARGEST_PS
    return (1000.0 * delta, "dcd-LAMMPS-ps") if metal else (delta, "dcd-LAMMPS-fs")


def _opened(path: Path, kind: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of importing MDAnalysis: not for our users
        from MDAnalysis.lib.formats.libdcd import DCDFile
        from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile
    try:
        return {"xtc": XTCFile, "trr": TRRFile, "dcd": DCDFile}[kind](str(path))
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read as {kind.upper()} ({error})") from error


def _decimal(values: FloatArray) -> FloatArray:
    """Return the decimals that single-precision numbers stand for: 0.005, not 0.00499999989."""
    single = np.asarray(values, dtype=np.float32)
    return np.array([float(str(x)) for x in single.flat]).reshape(single.shape)


def _dcd_cell(path: Path, number: int, unitcell: FloatArray) -> FloatArray | None:
    """Edges of A, gamma, B, beta, alpha, C; the angles in degrees, or their cosines."""
    cell = np.asarray(unitcell, dtype=np.float64)
    edges, angles = cell[[0, 2, 5]], cell[[1, 3, 4]]
    if not (edges > 0).all():
        return None
    if np.abs(angles).max() > 1e-4 and np.abs(angles - 90.0).max() > 1e-3:
        raise _triclinic(path, number)
    return edges


def _triclinic(path: Path, number: int) -> WrongInput:
    return WrongInput(
        f"{path}, frame {number}: found a triclinic cell; only orthorhombic cells are read"
    )


def _left_over(path: Path, n_atoms: int, periodic: bool) -> int:
    """Bytes behind the last whole frame: three blocks of coordinates, before them one of the cell.

    Each block of the file stands between two copies of its length. With atoms that are fixed (whose
    number is at byte 40) frames differ in size, and 0 is returned.
    """
    with path.open("rb") as file:
        order = "<" if file.read(4) == struct.pack("<i", 84) else ">"
        file.seek(40)
        if struct.unpack(f"{order}i", file.read(4))[0]:
            return 0
        header = 0
        for _ in range(3):
            file.seek(header)
            header += 8 + struct.unpack(f"{order}i", file.read(4))[0]
    frame = 3 * (8 + 4 * n_atoms) + (8 + 48 if periodic else 0)
    return (path.stat().st_size - header) % frame
