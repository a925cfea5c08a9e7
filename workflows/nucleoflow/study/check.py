"""Checks across a study that need chemistry: does every bias find its atoms?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from nucleoflow.study.errors import Problem
from nucleoflow.study.explain import line_of
from nucleoflow.study.model import Study
from nucleops.errors import WrongInput
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
        system = unpacked(system_name, study.systems[system_name], study.chemistry.metal)
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


def unpacked(name: str, spec: SystemSpec, metal: str) -> System:
    """Make a system with the right atoms and molecules, all piled up at the origin.

    Parameters
    ----------
    name : str
        Name of the system.
    spec : SystemSpec
        Its contents; `fill` stands for a single molecule here.
    metal : str
        Metal of the motifs.
    """
    from nucleops.systems.motifs import motif

    symbols: list[str] = []
    positions, molecules = [], []
    for content in spec.contents:
        part = motif(content.motif, metal)
        for _ in range(1 if content.count == "fill" else content.count):
            first = len(symbols)
            symbols.extend(part.symbols)
            positions.append(part.positions)
            indices = tuple(range(first, len(symbols)))
            molecules.append(Molecule(content.motif, indices, tuple(part.roles)))
    edge = spec.box.edge_A or 2 * (spec.box.radius_A or 50.0) + spec.box.vacuum_A
    return System(
        name,
        tuple(symbols),
        np.concatenate(positions),
        np.full(3, edge),
        spec.box.shape == "cube",
        tuple(molecules),
    )
