"""TRR trajectories, decoded by MDAnalysis' file class. Times are in ps by definition."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.binary import A_PER_NM, FS_PER_PS, decimals, edges_of_boxes, opened
from nucleops.systems.lines import EndsEarly
from nucleops.systems.raw_frame import RawFrame, Selection


def trr_frames(path: Path, selection: Selection) -> Iterator[RawFrame]:
    """Yield the frames of a TRR file that are asked for.

    Raises
    ------
    EndsEarly
        A frame cannot be decoded; it comes after those before it.
    WrongInput
        The cell is triclinic, or a frame has no coordinates.
    """
    with opened(path, "trr") as file:
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
            if not frame.hasx:
                raise WrongInput(f"{path}, frame {number}: holds no coordinates")
            box_nm = np.array(frame.box, dtype=np.float64)
            edges_nm = decimals(edges_of_boxes(path, np.array([number]), box_nm[None])[0])
            yield RawFrame(
                number,
                A_PER_NM * np.asarray(frame.x, dtype=np.float64),
                cell=None if np.isnan(edges_nm).any() else A_PER_NM * edges_nm,
                step=int(frame.step),
                time_fs=FS_PER_PS * float(decimals(np.array(frame.time))),
                clock="trr-ps",
            )
