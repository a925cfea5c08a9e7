"""Where each labelled frame comes from: one entry a frame, beside the data it describes.

A DeePMD npy system says what was computed, not for which round, from which trajectory, nor at which
level of theory. ``frames.json`` beside its ``type.raw`` does, one entry a frame in the frames'
order; programs that do not know the file ignore it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from nucleops.engines.cp2k.settings import Gfn1Xtb, LevelOfTheory
from nucleops.errors import TruncatedOutput, WrongInput

FRAMES_FILE = "frames.json"
"""Beside a system's ``type.raw``."""
FORMAT = 1
INITIAL = "initial"
"""Round of the data that was there before the first round."""
UNKNOWN = "unknown"
"""Level of theory or program of a frame that came without provenance."""
LENGTH_A = 1.0e-6
"""Positions and cells count to this many angstrom in a frame's identity."""
ENERGY_EV = 1.0e-8
"""Energies count to this many eV in a frame's identity."""
FORCE_EV_A = 1.0e-6
"""Forces count to this many eV/A in a frame's identity."""


@dataclass(frozen=True)
class Provenance:
    """Where one labelled frame comes from.

    Attributes
    ----------
    id : str
        Digest of the frame's content, see :func:`frame_id`; empty until frames are gathered into
        arrays (:func:`nucleops.learning.frames.stack_frames`).
    round : str
        ``initial``, or the round that labelled it (``iter-000003``); empty until a round's labels
        are collected.
    parent : str
        Name of the trajectory it was taken from, unique in a run; empty if unknown.
    step : int or None
        Step of molecular dynamics in that trajectory; None for anything else.
    level : str
        Level of theory, see :func:`level_text`.
    program : str
        What computed it, with its version: ``CP2K 2023.1``.
    """

    id: str = ""
    round: str = ""
    parent: str = ""
    step: int | None = None
    level: str = UNKNOWN
    program: str = UNKNOWN

    @property
    def order(self) -> tuple[int, str, str, int, str, str, str]:
        """Sort key: earliest round first, then along each trajectory."""
        later = int(self.round != INITIAL)  # as text, "initial" comes before "iter-" by luck
        step = -1 if self.step is None else self.step
        return later, self.round, self.parent, step, self.id, self.level, self.program


def level_text(level: LevelOfTheory) -> str:
    """Name a level of theory by what decides its energies, in the literature's way.

    Labels of equal names belong in one data set. How the SCF gets to its solution (solver, mixing,
    number of steps, threshold) is left out.
    """
    if isinstance(level, Gfn1Xtb):
        return "GFN1-xTB"
    cutoffs = f"{level.cutoff_Ry:g}/{level.rel_cutoff_Ry:g} Ry"
    return f"PBE-{level.dispersion}/{level.basis} {cutoffs}"


def read_level(plain: Mapping[str, Any]) -> LevelOfTheory:
    """Read a level of theory from plain data.

    Raises
    ------
    WrongInput
        It is none.
    """
    try:
        level: LevelOfTheory = TypeAdapter(LevelOfTheory).validate_python(plain)
    except ValidationError as error:
        raise WrongInput(f"level of theory: {error}") from error
    return level


def frame_id(
    symbols: Sequence[str],
    positions: NDArray[np.float64],
    cell: NDArray[np.float64],
    energy_eV: float,
    forces_eV_A: NDArray[np.float64],
    level: str,
    *,
    periodic: bool,
) -> str:
    """Return the digest of a frame's content.

    Numbers enter as whole multiples of 1e-6 A, 1e-8 eV and 1e-6 eV/A, so that the identity does
    not depend on the precision that a file format keeps beyond these.

    Parameters
    ----------
    symbols : sequence of str
        Elements in the frame's order, shape (n_atoms,).
    positions : ndarray
        Coordinates in angstrom, shape (n_atoms, 3).
    cell : ndarray
        Edges of the orthorhombic cell in angstrom, shape (3,).
    energy_eV : float
        Energy in eV.
    forces_eV_A : ndarray
        Forces in eV/A, shape (n_atoms, 3).
    level : str
        Level of theory.
    periodic : bool
        Whether the cell repeats.

    Returns
    -------
    str
        The first 32 hexadecimal digits of a SHA-256.
    """
    head = ["frame", FORMAT, list(symbols), bool(periodic), level]
    digest = hashlib.sha256(json.dumps(head).encode())
    parts = ((cell, LENGTH_A), (positions, LENGTH_A), (energy_eV, ENERGY_EV))
    for values, unit in (*parts, (forces_eV_A, FORCE_EV_A)):
        whole = np.rint(np.asarray(values, dtype=np.float64) / unit).astype("<i8")
        digest.update(np.ascontiguousarray(whole).tobytes())
    return digest.hexdigest()[:32]


def write_provenance(folder: Path, frames: Iterable[Provenance]) -> Path:
    """Write ``frames.json`` into a DeePMD npy system's folder.

    Parameters
    ----------
    folder : Path
        The system's folder.
    frames : iterable of Provenance
        One a frame, in the order of the frames.

    Returns
    -------
    Path
        The file written.
    """
    lines = ",\n".join(json.dumps(asdict(frame)) for frame in frames)
    path = folder / FRAMES_FILE
    path.write_text(f'{{"format": {FORMAT}, "frames": [\n{lines}\n]}}\n', encoding="utf-8")
    return path


def read_provenance(folder: Path) -> list[Provenance] | None:
    """Read ``frames.json`` of a DeePMD npy system.

    Parameters
    ----------
    folder : Path
        The system's folder.

    Returns
    -------
    list of Provenance or None
        One a frame in the order of the frames; None if the data came without provenance.

    Raises
    ------
    WrongInput
        If the file was written in a newer format.
    TruncatedOutput
        If the file is malformed.
    """
    path = folder / FRAMES_FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        found = content["format"]
        if isinstance(found, int) and found > FORMAT:
            raise WrongInput(
                f"{path}: format is {found}; allowed: up to {FORMAT}",
                advice="it was written by a newer nucleoflow; use that one",
            )
        return [_checked(entry) for entry in content["frames"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TruncatedOutput(f"{path}: not a list of frames: {error!r}") from error


def _checked(entry: dict[str, object]) -> Provenance:
    frame = Provenance(**entry)  # type: ignore[arg-type]  # checked below
    step = frame.step
    texts = [getattr(frame, f.name) for f in fields(frame) if f.name != "step"]
    if not all(isinstance(text, str) for text in texts) or not isinstance(step, int | None):
        raise TypeError(f"entry {entry}")
    return frame
