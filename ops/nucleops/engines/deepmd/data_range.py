"""What a potential's training data covers, and how a model file tells.

A young potential fails where its data ends: atoms come closer than any labelled pair did, or the
energy falls below every labelled one. Whoever runs a model has to know that range, so the model
carries it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.deepmd.data import atom_elements, load_frames
from nucleops.systems.system import METALS, atomic_order, type_map

_BEGIN, _END = b"<nucleops:data-range>", b"</nucleops:data-range>"
_BLOCK = 2_000_000


@dataclass(frozen=True)
class DataRange:
    """The range of a labelled data set.

    Attributes
    ----------
    lowest_energy_eV_atom : dict
        Lowest labelled energy of each composition (see :func:`composition`), eV/atom.
    closest_A : dict
        Smallest distance in any frame for each pair of elements, key ``H-O`` in alphabetical
        order, in angstrom.
    """

    lowest_energy_eV_atom: dict[str, float] = field(default_factory=dict)
    closest_A: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, dict[str, float]]:
        """Plain data for JSON."""
        return {
            "lowest_energy_eV_atom": self.lowest_energy_eV_atom,
            "closest_A": self.closest_A,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> DataRange:
        """Rebuild from :meth:`to_dict`."""
        return cls(dict(values["lowest_energy_eV_atom"]), dict(values["closest_A"]))

    def to_bytes(self) -> bytes:
        """The text a model file carries, between marks that can be searched for."""
        return _BEGIN + json.dumps(self.to_dict()).encode("ascii") + _END

    def merged(self, other: DataRange) -> DataRange:
        """The range of both data sets together."""
        return DataRange(
            _lowest(self.lowest_energy_eV_atom, other.lowest_energy_eV_atom),
            _lowest(self.closest_A, other.closest_A),
        )


def composition(symbols: Iterable[str]) -> str:
    """Name a composition: elements in type order with their counts, as in ``Ag2S2N2C2H4``."""
    counts = Counter(symbols)
    order = [*METALS, *type_map("")[1:]]
    order += sorted(set(counts) - set(order), key=atomic_order)
    return "".join(f"{element}{counts[element]}" for element in order if counts[element])


def pair_name(first: str, second: str) -> str:
    """Name a pair of elements, in alphabetical order: ``H-O``."""
    return "-".join(sorted((first, second)))


def data_range(systems: Sequence[Path]) -> DataRange:
    """Find the range of DeePMD npy systems.

    Parameters
    ----------
    systems : sequence of Path
        Labelled systems; boxes are taken as orthorhombic.

    Returns
    -------
    DataRange
        Over all frames of all systems.
    """
    found = DataRange()
    for system in systems:
        elements, frames = atom_elements(system), load_frames(system)
        if not len(frames["energy"]):
            continue
        periodic = not (system / "nopbc").is_file()
        lowest = float(frames["energy"].min()) / len(elements)
        cells = frames["box"].reshape(-1, 3, 3)[:, [0, 1, 2], [0, 1, 2]] if periodic else None
        positions = frames["coord"].reshape(len(frames["energy"]), len(elements), 3)
        closest = closest_contacts(elements, positions, cells)
        found = found.merged(DataRange({composition(elements): lowest}, closest))
    return found


def closest_contacts(
    elements: Sequence[str],
    positions: NDArray[np.float64],
    cells: NDArray[np.float64] | None = None,
) -> dict[str, float]:
    """Smallest distance for each pair of elements over all frames.

    Parameters
    ----------
    elements : sequence of str
        Shape (N,).
    positions : ndarray
        Angstrom, shape (F, N, 3).
    cells : ndarray or None
        Edge lengths in angstrom, shape (F, 3); None where nothing repeats.

    Returns
    -------
    dict
        Angstrom, by :func:`pair_name`; pairs that do not occur are left out.
    """
    first, second = np.triu_indices(len(elements), k=1)
    smallest = np.full(len(first), np.inf)
    step = max(1, _BLOCK // max(1, len(first)))  # bounds the memory
    for i in range(0, len(positions), step):
        vectors = positions[i : i + step, second] - positions[i : i + step, first]
        if cells is not None:
            edges = cells[i : i + step, None, :]
            vectors -= edges * np.round(vectors / edges)
        smallest = np.minimum(smallest, np.sqrt((vectors**2).sum(axis=-1)).min(axis=0))
    closest: dict[str, float] = {}
    for a, b, distance in zip(first.tolist(), second.tolist(), smallest.tolist(), strict=True):
        name = pair_name(elements[a], elements[b])
        closest[name] = min(distance, closest.get(name, np.inf))
    return closest


def carried_range(model: Path) -> DataRange:
    """Read what a model file says of its training data; empty where it says nothing.

    The text is searched for in the file's bytes, which needs no TensorFlow.
    """
    content = model.read_bytes()
    start = content.rfind(_BEGIN)
    end = content.find(_END, start)
    if start < 0 or end < 0:
        return DataRange()
    return DataRange.from_dict(json.loads(content[start + len(_BEGIN) : end]))


def _lowest(a: dict[str, float], b: dict[str, float]) -> dict[str, float]:
    return {key: min(a.get(key, np.inf), b.get(key, np.inf)) for key in sorted({*a, *b})}
