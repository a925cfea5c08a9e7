"""How far a potential is from its labels: errors and parity data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.deepmd.data_range import composition

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
    composition : ndarray
        Elements with their counts of each frame, shape (F,).
    n_atoms : ndarray
        Atoms of each frame, shape (F,).
    """

    energy: FloatArray
    force: FloatArray
    element: NDArray[np.str_]
    composition: NDArray[np.str_]
    n_atoms: NDArray[np.int64]

    def part(self, frames: NDArray[np.bool_]) -> Parity:
        """Keep some frames only.

        Parameters
        ----------
        frames : ndarray of bool
            Which, shape (F,).
        """
        rows = np.repeat(frames, 3 * self.n_atoms)
        return Parity(
            self.energy[frames],
            self.force[rows],
            self.element[rows],
            self.composition[frames],
            self.n_atoms[frames],
        )

    def save(self, path: Path) -> None:
        """Write an npz.

        ``energy_eV_atom`` and ``force_eV_A`` hold reference and predicted numbers; ``element``,
        ``composition`` and ``n_atoms`` are as the attributes.
        """
        np.savez_compressed(
            path,
            energy_eV_atom=self.energy,
            force_eV_A=self.force,
            element=self.element,
            composition=self.composition,
            n_atoms=self.n_atoms,
        )


def load_parity(path: Path) -> Parity:
    """Read what :meth:`Parity.save` wrote."""
    names = ("energy_eV_atom", "force_eV_A", "element", "composition", "n_atoms")
    with np.load(path) as file:
        return Parity(*(file[name] for name in names))


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
    return Parity(
        pair,
        forces,
        np.tile(np.repeat(np.array(elements), 3), n_frames),
        np.full(n_frames, composition(elements)),
        np.full(n_frames, n_atoms, dtype=np.int64),
    )


def pool(parities: Sequence[Parity]) -> Parity:
    """Join the parity data of several systems."""
    return Parity(
        np.concatenate([np.empty((0, 2)), *(p.energy for p in parities)]),
        np.concatenate([np.empty((0, 2)), *(p.force for p in parities)]),
        np.concatenate([np.empty(0, dtype="<U2"), *(p.element for p in parities)]),
        np.concatenate([np.empty(0, dtype="<U1"), *(p.composition for p in parities)]),
        np.concatenate([np.empty(0, dtype=np.int64), *(p.n_atoms for p in parities)]),
    )


def rms(difference: FloatArray) -> float | None:
    """Root mean square, None of nothing."""
    return float(np.sqrt(np.mean(difference**2))) if difference.size else None


def mean_absolute(difference: FloatArray) -> float | None:
    """Mean absolute value, None of nothing."""
    return float(np.mean(np.abs(difference))) if difference.size else None


def summarise(parity: Parity) -> dict[str, Any]:
    """Root-mean-square and mean absolute errors, per frame and per force component.

    Returns
    -------
    dict
        ``n_frames``; ``energy_rmse_meV_atom``, ``energy_mae_meV_atom``, ``force_rmse_meV_A`` and
        ``force_mae_meV_A``; ``per_element_force_rmse_meV_A`` and ``per_element_force_mae_meV_A``
        by element; ``per_composition``: the first five of each composition. None where there is
        nothing to compare.
    """
    force = _milli(parity.force)
    elements = sorted(set(parity.element.tolist()))
    by_element = {e: force[parity.element == e] for e in elements}
    return {
        **_errors(parity),
        "per_element_force_rmse_meV_A": {e: rms(part) for e, part in by_element.items()},
        "per_element_force_mae_meV_A": {e: mean_absolute(part) for e, part in by_element.items()},
        "per_composition": {
            c: _errors(parity.part(parity.composition == c))
            for c in sorted(set(parity.composition.tolist()))
        },
    }


def _errors(parity: Parity) -> dict[str, Any]:
    energy, force = _milli(parity.energy), _milli(parity.force)
    return {
        "n_frames": len(energy),
        "energy_rmse_meV_atom": rms(energy),
        "energy_mae_meV_atom": mean_absolute(energy),
        "force_rmse_meV_A": rms(force),
        "force_mae_meV_A": mean_absolute(force),
    }


def _milli(pairs: FloatArray) -> FloatArray:
    """Predicted minus reference, in thousandths of the unit."""
    return 1000.0 * (pairs[:, 1] - pairs[:, 0])
