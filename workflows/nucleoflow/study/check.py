"""Checks across a study that need chemistry: does every bias find its atoms?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nucleoflow.study.errors import Problem
from nucleoflow.study.explain import line_of
from nucleoflow.study.model import Study
from nucleops.errors import WrongInput
from nucleops.systems.elements import ATOMIC_NUMBER
from nucleops.systems.molecules import Molecules, elements_of, find_motif
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import Molecule, System


def check_groups(study: Study, tree: Any) -> Iterator[Problem]:
    """Resolve every bias against every system it is used on, without packing anything.

    Parameters
    ----------
    study : Study
        A study whose fields are valid on their own.
    tree : mapping
        The document it was read from, for line numbers.

    Yields
    ------
    Problem
        For each bias that names atoms, roles or motifs its system does not have, or whose OPES
        does not fit the temperature.
    """
    from nucleops.bias.resolve import resolve

    uses = [(f"metad.{name}", entry.bias, entry.system) for name, entry in study.metad.items()]
    uses += [
        (f"learn.exploration[{i}]", entry.bias, entry.system)
        for i, entry in enumerate(study.learn.exploration, 1)
        if entry.bias is not None
    ]
    told = set()
    for path, bias, system_name in uses:
        if (bias, system_name) in told:
            continue
        told.add((bias, system_name))
        system = unpacked(
            system_name, study.systems[system_name], study.chemistry.metal, study.molecules
        )
        try:
            resolve(study.biases[bias], system)
        except WrongInput as error:
            where = ("biases", bias)
            yield Problem(
                f"biases.{bias}",
                line_of(tree, where),
                f"does not fit system '{system_name}' (used in {path}): {error}",
            )
    yield from _check_opes(study, tree)


def _check_opes(study: Study, tree: Any) -> Iterator[Problem]:
    uses: list[tuple[tuple[str | int, ...], str, float]] = [
        (("metad", name), entry.bias, entry.md.temperature_K) for name, entry in study.metad.items()
    ]
    uses += [
        (("learn", "exploration", i), entry.bias, temperature)
        for i, entry in enumerate(study.learn.exploration)
        if entry.bias is not None
        for temperature in entry.temperatures_K
    ]
    for where, name, temperature_K in uses:
        opes = study.biases[name].opes
        try:
            if opes is not None:
                opes.check_temperature(temperature_K)
        except WrongInput as error:
            yield Problem(f"biases.{name}", line_of(tree, where), str(error))


def check_electrons(study: Study, tree: Any) -> Iterator[Problem]:
    """Refuse systems with an odd number of electrons, which have no closed shell.

    Every calculation is neutral and restricted (see ``nucleops.engines.cp2k.inputs``); a molecule
    of the study's own that lacks a hydrogen is the usual reason.
    """
    systems = [(("systems", name), spec) for name, spec in study.systems.items()]
    if study.nucleate is not None:
        systems += [(("nucleate", "system"), spec) for _, spec, _ in study.nucleate.conditions]
    for path, spec in systems:
        odd = []
        for content in spec.contents:
            part = find_motif(content.motif, study.chemistry.metal, study.molecules)
            electrons = sum(ATOMIC_NUMBER[symbol] for symbol in part.symbols)
            if electrons % 2:
                odd.append((content.motif, electrons, content.count))
        known = [count for _, _, count in odd if count != "fill"]
        if len(known) < len(odd) or sum(known) % 2:
            told = ", ".join(f"one {name} has {electrons}" for name, electrons, _ in odd)
            yield Problem(
                f"{'.'.join(path)}.contents",
                line_of(tree, (*path, "contents")),
                f"found an odd number of electrons ({told}); every calculation is neutral and "
                "closed-shell, so allowed: an even number",
            )


def unpacked(name: str, spec: SystemSpec, metal: str, molecules: Molecules | None = None) -> System:
    """Make a system with the right atoms and molecules, all piled up at the origin.

    Parameters
    ----------
    name : str
        Name of the system.
    spec : SystemSpec
        Its contents; `fill` stands for a single molecule here.
    metal : str
        Metal of the motifs.
    molecules : mapping of str to MoleculeSpec, optional
        The study's own molecules.
    """
    symbols: list[str] = []
    positions, members = [], []
    for content in spec.contents:
        part = find_motif(content.motif, metal, molecules)
        for _ in range(1 if content.count == "fill" else content.count):
            first = len(symbols)
            symbols.extend(part.symbols)
            positions.append(part.positions)
            indices = tuple(range(first, len(symbols)))
            members.append(Molecule(content.motif, indices, tuple(part.roles)))
    edge = spec.box.edge_A or 2 * (spec.box.radius_A or 50.0) + spec.box.vacuum_A
    return System(
        name,
        tuple(symbols),
        np.concatenate(positions),
        np.full(3, edge),
        spec.box.shape == "cube",
        tuple(members),
        elements_of(metal, molecules),
    )
