"""How far a potential is from its labels: root-mean-square errors and parity data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Parity:
    """Reference and predicted numbers, pooled over systems of any composition.

    Attributes
    ----------
    energy : ndarray
        Reference and predicted energy of each frame, shape (F, 2), in eV/atom.
    force : ndarray
        Reference and predicted force components, shape (F * N * 3, 2), in eV/A.
    element : ndarray
        Element of each row of ``force``, shape (F * N * 3,).
    """

    energy: FloatArray
    force: FloatArray
    element: NDArray[np.str_]

    def save(self, path: Path) -> None:
        """Write an npz: ``energy_eV_atom``, ``force_eV_A`` (reference, predicted), ``element``."""
        np.savez_compressed(
            path, energy_eV_atom=self.energy, force_eV_A=self.force, element=self.element
        )


def load_parity(path: Path) -> Parity:
    """Read what :meth:`Parity.save` wrote."""
    with np.load(path) as file:
        return Parity(file["energy_eV_atom"], file["force_eV_A"], file["element"])


def parity_of_system(
    elements: Sequence[str],
    energy: FloatArray,
    force: FloatArray,
    predicted_energy: FloatArray,
    predicted_force: FloatArray,
) -> Parity:
    """Set one system's predictions beside its labels.

    Parameters
    ----------
    elements : sequence of str
        Element of each atom, shape (N,).
    energy, predicted_energy : ndarray
        Shape (F,), in eV.
    force, predicted_force : ndarray
        Shape (F, 3 N) or (F, N, 3), in eV/A.
    """
    n_frames, n_atoms = len(energy), len(elements)
    pair = np.stack([energy.reshape(-1), predicted_energy.reshape(-1)], axis=1) / n_atoms
    forces = np.stack([force.reshape(-1), predicted_force.reshape(-1)], axis=1)
    return Parity(pair, forces, np.tile(np.repeat(np.array(elements), 3), n_frames))


def pool(parities: Sequence[Parity]) -> Parity:
    """Join the parity data of several systems."""
    return Parity(
        np.concatenate([np.empty((0, 2)), *(p.energy for p in parities)]),
        np.concatenate([np.empty((0, 2)), *(p.force for p in parities)]),
        np.concatenate([np.empty(0, dtype="<U2"), *(p.element for p in parities)]),
    )


def rms(difference: FloatArray) -> float | None:
    """Root mean square, None of nothing."""
    return float(np.sqrt(np.mean(difference**2))) if difference.size else None


def summarise(parity: Parity) -> dict[str, Any]:
    """Root-mean-square errors.

    Returns
    -------
    dict
        ``n_frames``; ``energy_rmse_meV_atom`` and ``force_rmse_meV_A`` (per component);
        ``per_element_force_rmse_meV_A`` by element. None where there is nothing to compare.
    """

    def milli(pairs: FloatArray) -> float | None:
        error = rms(pairs[:, 1] - pairs[:, 0])
        return None if error is None else 1000.0 * error

    elements = sorted(set(parity.element.tolist()))
    return {
        "n_frames": len(parity.energy),
        "energy_rmse_meV_atom": milli(parity.energy),
        "force_rmse_meV_A": milli(parity.force),
        "per_element_force_rmse_meV_A": {
            e: milli(parity.force[parity.element == e]) for e in elements
        },
    }
