"""How far a run can be trusted, and why not further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.lammps.readers import Dump, ModelDeviation, Thermo
from nucleops.engines.lammps.settings import Trust
from nucleops.systems.distances import minimum_image
from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.system import METALS, FloatArray, System
from nucleops.systems.topology import BOND_TOLERANCE

IntArray = NDArray[np.int64]

COLLAPSE_A = 0.6
"""Two atoms closer than this, in angstrom, have fallen into one another; H-H in H2 is 0.74."""

_HOLDS_H = ("B", "C", "Si", "Ge", "P", "As")
"""Elements whose hydrogen stays; what O, N, S and halogens hold is exchanged with the solvent."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a run.

    Attributes
    ----------
    trusted_steps : int
        Frames up to and including this step count. 0 where trust ends at once: the start itself
        was given, not predicted.
    reason : str or None
        What ended the trust, with its step and numbers; None if nothing did.
    """

    trusted_steps: int
    reason: str | None


@dataclass(frozen=True)
class Failure:
    """The first step at which a criterion is not met, and a sentence about it."""

    step: int
    reason: str


def judge_run(
    system: System,
    dump: Dump,
    deviation: ModelDeviation | None,
    thermo: Thermo,
    trust: Trust,
    temperature_K: float,
    energy_floor_eV_atom: float | None = None,
    died: str | None = None,
) -> Judgement:
    """Find the first step at which any criterion of trust fails.

    Parameters
    ----------
    system : System
        The start, with whole molecules.
    dump, deviation, thermo
        What the run wrote; ``deviation`` is None for a single model.
    trust : Trust
        The limits.
    temperature_K : float
        Temperature of the thermostat.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of this composition.
    died : str or None
        What the program said if it died of the atoms' motion: frames after the last one do not
        exist, and those before it are judged as ever.

    Returns
    -------
    Judgement
        ``trusted_steps`` is the step of the last frame before the earliest failure.
    """
    failures = [
        *_deviation_failure(deviation, trust),
        *_temperature_failure(thermo, trust, temperature_K),
        *_energy_failure(thermo, trust, system.n_atoms, energy_floor_eV_atom),
        *_geometry_failure(system, dump, trust),
    ]
    last = int(dump.steps[-1])
    if died is not None:
        failures.append(Failure(last + 1, f"LAMMPS stopped after step {last}: {died}"))
    if not failures:
        return Judgement(last, None)
    first = min(failures, key=lambda failure: failure.step)
    good = dump.steps[dump.steps < first.step]
    return Judgement(int(good[-1]) if len(good) else 0, first.reason)


def deviation_reason(value: float, step: int, trust: Trust) -> str:
    """Sentence for a model deviation (eV/A) beyond the limit."""
    return (
        f"the models' forces deviate by {value:.2f} eV/A at step {step} "
        f"(limit {trust.force_deviation_eV_A:g})"
    )


def temperature_reason(value: float, step: int, trust: Trust, temperature_K: float) -> str:
    """Sentence for a temperature (K) beyond the limit."""
    limit = trust.temperature_factor * temperature_K
    return f"the temperature is {value:.0f} K at step {step} (limit {limit:.0f})"


def energy_reason(value: float, step: int, limit: float) -> str:
    """Sentence for a potential energy (eV/atom) below the limit."""
    return (
        f"the potential energy is {value:.3f} eV/atom at step {step}, "
        f"below what was ever labelled (limit {limit:.3f})"
    )


def kept_bonds(system: System) -> tuple[IntArray, FloatArray]:
    """Bonds that must not break: those between non-metals, as C-H, C-O, C-N, C-S, P-C.

    O-H, N-H, S-H and hydrogen halides are left out, since protons go back and forth between ligand
    and solvent; so are bonds to metals, whose making and breaking is what is studied.

    Returns
    -------
    pairs : ndarray
        Zero-based atom indices, shape (B, 2); both atoms in one molecule, or anywhere where the
        system names no molecules.
    lengths : ndarray
        Lengths in angstrom at the start, shape (B,).
    """
    from scipy.spatial import cKDTree

    radii = np.array([COVALENT_RADIUS_A[s] for s in system.symbols])
    covalent = radii[[s not in METALS for s in system.symbols]]
    longest = 2 * BOND_TOLERANCE * float(covalent.max(initial=0.0))
    tree = _tree(cKDTree, system.positions, system.cell, system.periodic)
    near = tree.query_pairs(longest, output_type="ndarray").astype(np.int64).reshape(-1, 2)
    owner = np.zeros(system.n_atoms, dtype=np.int64)
    for number, molecule in enumerate(system.molecules):
        owner[list(molecule.indices)] = number
    lengths = _lengths(system.positions, near, system.cell, system.periodic)
    kind = [_must_hold(system.symbols[i], system.symbols[j]) for i, j in near]
    bonded = np.array(kind, dtype=bool) & (owner[near[:, 0]] == owner[near[:, 1]])
    bonded &= lengths < BOND_TOLERANCE * radii[near].sum(axis=1)
    return near[bonded], lengths[bonded]


def _must_hold(first: str, second: str) -> bool:
    if first in METALS or second in METALS:
        return False
    if "H" in (first, second):
        return first in _HOLDS_H or second in _HOLDS_H
    return True


def _deviation_failure(deviation: ModelDeviation | None, trust: Trust) -> Iterator[Failure]:
    if deviation is None:
        return
    # Not "> limit": a deviation that is not a number fails as well.
    bad = np.flatnonzero(~(deviation.max_force_eV_A <= trust.force_deviation_eV_A))
    if len(bad):
        step = int(deviation.steps[bad[0]])
        yield Failure(step, deviation_reason(deviation.max_force_eV_A[bad[0]], step, trust))


def _temperature_failure(thermo: Thermo, trust: Trust, temperature_K: float) -> Iterator[Failure]:
    bad = np.flatnonzero(~(thermo.temperature_K <= trust.temperature_factor * temperature_K))
    if len(bad):
        step, value = int(thermo.steps[bad[0]]), float(thermo.temperature_K[bad[0]])
        yield Failure(step, temperature_reason(value, step, trust, temperature_K))


def _energy_failure(
    thermo: Thermo, trust: Trust, n_atoms: int, floor: float | None
) -> Iterator[Failure]:
    if floor is None:
        return
    limit = floor - trust.energy_margin_eV_atom
    energies = thermo.potential_eV / n_atoms
    bad = np.flatnonzero(~(energies >= limit))
    if len(bad):
        step = int(thermo.steps[bad[0]])
        yield Failure(step, energy_reason(float(energies[bad[0]]), step, limit))


def _geometry_failure(system: System, dump: Dump, trust: Trust) -> Iterator[Failure]:
    pairs, first = kept_bonds(system)
    for step, positions, cell in zip(dump.steps, dump.positions, dump.cells, strict=True):
        reason = _broken(system, positions, cell, pairs, first, trust)
        if reason is not None:
            yield Failure(int(step), f"{reason} at step {step}")
            return


def _broken(
    system: System,
    positions: FloatArray,
    cell: FloatArray,
    pairs: IntArray,
    first: FloatArray,
    trust: Trust,
) -> str | None:
    from scipy.spatial import cKDTree

    if not np.isfinite(positions).all():
        return "positions are not numbers"
    if len(pairs):
        # A droplet's coordinates are wrapped into its cell by LAMMPS too.
        stretch = _lengths(positions, pairs, cell, True) / first
        worst = int(np.argmax(stretch))
        if stretch[worst] > trust.bond_stretch:
            i, j = pairs[worst]
            return (
                f"the bond {_label(system, i)}-{_label(system, j)} is "
                f"{stretch[worst]:.2f} times as long as at the start "
                f"({stretch[worst] * first[worst]:.2f} A, limit {trust.bond_stretch:g} times)"
            )
    close = _tree(cKDTree, positions, cell, True).query_pairs(COLLAPSE_A, output_type="ndarray")
    if len(close):
        i, j = close[0]
        distance = _lengths(positions, close[:1], cell, True)[0]
        return f"atoms {_label(system, i)} and {_label(system, j)} are {distance:.2f} A apart"
    return None


def _label(system: System, index: int) -> str:
    return f"{system.symbols[index]}{index + 1}"


def _lengths(
    positions: FloatArray, pairs: IntArray, cell: FloatArray, periodic: bool
) -> FloatArray:
    vectors = minimum_image(positions[pairs[:, 1]] - positions[pairs[:, 0]], cell, periodic)
    return np.asarray(np.linalg.norm(vectors, axis=1), dtype=np.float64)


def _tree(tree_class: type, positions: FloatArray, cell: FloatArray, periodic: bool) -> Any:
    if not periodic:
        return tree_class(positions)
    # The tree wants 0 <= x < edge; a rounded-up remainder can equal the edge.
    wrapped = np.mod(positions, cell)
    return tree_class(np.where(wrapped >= cell, 0.0, wrapped), boxsize=cell)
