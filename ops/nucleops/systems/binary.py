"""What binary trajectories share: units, cells, single precision, frames that are cut off."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nucleops.errors import WrongInput
from nucleops.systems.frames import IntArray
from nucleops.systems.lines import EndsEarly
from nucleops.systems.system import FloatArray

A_PER_NM = 10.0
FS_PER_PS = 1000.0
PADDING = 8
"""Bytes behind compressed ones, which are read a word at a time."""
_SKEW = 1e-6
_MOST_PLACES = 16


def opened(path: Path, kind: str) -> Any:
    """Open a ``trr`` or ``dcd`` by MDAnalysis' file class.

    The file classes are used rather than MDAnalysis' readers, which leave index files beside the
    trajectory.

    Raises
    ------
    WrongInput
        The file cannot be read as one.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of importing MDAnalysis: not for our users
        from MDAnalysis.lib.formats.libdcd import DCDFile
        from MDAnalysis.lib.formats.libmdaxdr import TRRFile
    try:
        return {"trr": TRRFile, "dcd": DCDFile}[kind](str(path))
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read as {kind.upper()} ({error})") from error


def decimals(values: ArrayLike) -> FloatArray:
    """Return the decimals that single-precision numbers stand for: 0.005, not 0.00499999989."""
    single = np.asarray(values, dtype=np.float32)
    found = single.astype(np.float64)
    left = np.ones(single.shape, dtype=np.bool_)
    for places in range(_MOST_PLACES):
        rounded = np.round(single.astype(np.float64), places)
        same = left & (rounded.astype(np.float32) == single)
        found[same] = rounded[same]
        left &= ~same
        if not left.any():
            break
    return found


def edges_of_boxes(path: Path, numbers: IntArray, boxes: FloatArray) -> FloatArray:
    """Return the edge lengths of boxes of three vectors each: (F, 3, 3) -> (F, 3), nan for no box.

    Raises
    ------
    WrongInput
        A box is triclinic.
    """
    edges = np.diagonal(boxes, axis1=1, axis2=2)
    skew = np.abs(boxes - edges[:, :, None] * np.eye(3)).max(axis=(1, 2)) > _SKEW
    if skew.any():
        raise triclinic(path, int(numbers[skew.argmax()]))
    return whole_or_nan(edges)


def whole_or_nan(edges: FloatArray) -> FloatArray:
    """Return edge lengths, shape (F, 3); nan where one of the three is no length."""
    return np.where((edges > 0).all(axis=1, keepdims=True), edges, np.nan)


def triclinic(path: Path, number: int) -> WrongInput:
    """Return the error of a frame whose cell is triclinic."""
    return WrongInput(
        f"{path}, frame {number}: found a triclinic cell; only orthorhombic cells are read"
    )


def cut_off(path: Path, number: int, n_bytes: int) -> EndsEarly:
    """Return the error of a frame of which only some bytes are there."""
    return EndsEarly(f"{path}: frame {number} is cut off: {n_bytes} bytes of it are there")
