"""Atomic charges by state and element: means with errors over frames, and how they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray

SCHEMES = {"mulliken": "Mulliken", "hirshfeld": "Hirshfeld", "ddec6": "DDEC6"}
"""Population analyses as the literature writes them."""


@dataclass(frozen=True)
class MeanCharge:
    """Mean charge of the atoms of an element in a state.

    Attributes
    ----------
    state, part, element, scheme : str
        Of what.
    mean_e : float
        Mean over the atoms of each frame, then over frames, in e.
    error_e : float
        Standard error over frames, taken as independent; nan with one frame.
    spread_e : float
        Standard deviation over all atoms of all frames, in e.
    n_frames, n_atoms : int
        Frames, and such atoms in a frame.
    """

    state: str
    part: str
    element: str
    scheme: str
    mean_e: float
    error_e: float
    spread_e: float
    n_frames: int
    n_atoms: int


@dataclass(frozen=True)
class Change:
    """Change of an element's mean charge from one state to another, in e, with its error."""

    part: str
    element: str
    scheme: str
    first: str
    last: str
    change_e: float
    error_e: float


def mean_charges(
    states: Sequence[str],
    frames: Sequence[int],
    elements: Sequence[str],
    parts: Sequence[str],
    schemes: Sequence[str],
    charges_e: ArrayLike,
) -> list[MeanCharge]:
    """Average charges over the atoms of an element and over the frames of a state.

    Parameters
    ----------
    states, frames, elements, parts, schemes : sequence
        What each charge is of, shape (N,); states, parts and elements keep their order of
        appearance.
    charges_e : array_like
        Net charges in e, shape (N,).

    Returns
    -------
    list of MeanCharge
        One for each state, part, element and scheme that occur together.
    """
    groups: dict[tuple[str, str, str, str], dict[int, list[float]]] = {}
    values = np.asarray(charges_e, dtype=np.float64).tolist()
    keys = zip(states, parts, elements, schemes, strict=True)
    for key, frame, value in zip(keys, frames, values, strict=True):
        groups.setdefault(key, {}).setdefault(frame, []).append(value)
    return [_mean(*key, list(of_frames.values())) for key, of_frames in groups.items()]


def _mean(
    state: str, part: str, element: str, scheme: str, of_frames: list[list[float]]
) -> MeanCharge:
    means: FloatArray = np.array([np.mean(own) for own in of_frames])
    n = len(means)
    error = float(means.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    every = np.concatenate([np.asarray(own) for own in of_frames])
    return MeanCharge(
        state,
        part,
        element,
        scheme,
        float(means.mean()),
        error,
        float(every.std()),
        n,
        len(of_frames[0]),
    )


def changes(rows: Sequence[MeanCharge]) -> list[Change]:
    """Changes from each state to the next, and from the first to the last.

    Errors of two states add in squares; nan where one has none.
    """
    found: list[Change] = []
    for key in dict.fromkeys((r.part, r.element, r.scheme) for r in rows):
        own = [r for r in rows if (r.part, r.element, r.scheme) == key]
        pairs = list(pairwise(own))
        if len(own) > 2:
            pairs.append((own[0], own[-1]))
        for a, b in pairs:
            error = float(np.hypot(a.error_e, b.error_e))
            found.append(Change(*key, a.state, b.state, b.mean_e - a.mean_e, error))
    return found
