"""From a chemical description of a group to zero-based atom indices."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from nucleops.bias.groups import AtomGroup
from nucleops.errors import WrongInput
from nucleops.systems.system import Molecule, System


def select(
    group: AtomGroup, system: System, path: str, at_hand: Molecule | None = None
) -> tuple[int, ...]:
    """Return the zero-based indices of a group's atoms, in ascending order.

    Parameters
    ----------
    group : AtomGroup
        The description.
    system : System
        Where its atoms are looked for.
    path : str
        Path of the description in the study, for errors.
    at_hand : Molecule or None
        The molecule that relative groups mean, inside a wall with ``each``.

    Returns
    -------
    tuple of int
        At least one index.

    Raises
    ------
    WrongInput
        The group is empty, or names a motif, molecule, role, element or index that is not there.
    """
    if group.index is not None:
        return _by_index(group.index, system, path)
    molecules = _molecules(group, system, path, at_hand)
    pairs = [(i, role) for mol in molecules for i, role in zip(mol.indices, mol.roles, strict=True)]
    if not system.molecules and at_hand is None and group.role is None:
        pairs = [(i, "") for i in range(system.n_atoms)]
    if group.element is not None:
        present = sorted({system.symbols[i] for i, _ in pairs})
        pairs = [(i, role) for i, role in pairs if system.symbols[i] == group.element]
        if not pairs:
            raise _wrong(f"{path}.element", group.element, present, system)
    if group.role is not None:
        wanted = (group.role,) if isinstance(group.role, str) else group.role
        present = sorted({role for _, role in pairs})
        for pattern in wanted:
            if not any(_matches(role, pattern) for role in present):
                raise _wrong(f"{path}.role", pattern, present, system)
        pairs = [(i, role) for i, role in pairs if any(_matches(role, w) for w in wanted)]
    return tuple(sorted(i for i, _ in pairs))


def _molecules(
    group: AtomGroup, system: System, path: str, at_hand: Molecule | None
) -> Sequence[Molecule]:
    if group.relative and at_hand is not None:
        if group.molecule != "other":
            return [at_hand]
        others = [m for m in system.of_motif(at_hand.motif) if m.indices != at_hand.indices]
        if not others:
            raise WrongInput(
                f"{path}.molecule: other, but system {system.name!r} holds only one {at_hand.motif}"
            )
        return others
    if group.molecule == "other":
        raise WrongInput(f"{path}.molecule: `other` has a meaning only inside a wall with `each`")
    if group.relative:
        if group.role is None and group.element is None:
            raise WrongInput(
                f"{path}: the group is empty; give at least one of motif, role, element, index"
            )
        return system.molecules
    assert group.motif is not None  # relative is false and index was dealt with by the caller
    found = list(system.of_motif(group.motif))
    if not found:
        present = sorted({m.motif for m in system.molecules})
        raise _wrong(f"{path}.motif", group.motif, present, system)
    if group.molecule is None:
        return found
    numbers = (group.molecule,) if isinstance(group.molecule, int) else group.molecule
    for number in numbers:
        if number > len(found):
            raise WrongInput(
                f"{path}.molecule: found {number}, allowed 1 to {len(found)}: system "
                f"{system.name!r} holds {len(found)} {group.motif}(s)"
            )
    return [found[number - 1] for number in dict.fromkeys(numbers)]


def _by_index(index: int | tuple[int, ...], system: System, path: str) -> tuple[int, ...]:
    numbers = (index,) if isinstance(index, int) else index
    if not numbers:
        raise WrongInput(f"{path}.index: the group is empty")
    for number in numbers:
        if number > system.n_atoms:
            raise WrongInput(
                f"{path}.index: found {number}, allowed 1 to {system.n_atoms} in {system.name!r}"
            )
    return tuple(sorted({number - 1 for number in numbers}))


def _matches(role: str, pattern: str) -> bool:
    # `H*` is H1, H2, H3 of methanol but not its HO, so the star stands for a number
    if pattern == "*":
        return True
    stem = pattern[:-1]
    if pattern.endswith("*"):
        return role.startswith(stem) and (role == stem or role[len(stem) :].isdigit())
    return role == pattern


def _wrong(path: str, found: str, allowed: Iterable[str], system: System) -> WrongInput:
    names = list(allowed)
    near = difflib.get_close_matches(found, names, n=1, cutoff=0.3)
    hint = f"; nearest: {near[0]}" if near else ""
    return WrongInput(
        f"{path}: no atom of system {system.name!r} has {found!r}{hint}; "
        f"allowed: {', '.join(names) or 'nothing (the system has no roles)'}"
    )
