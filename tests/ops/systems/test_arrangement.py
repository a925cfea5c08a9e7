"""Three dimers are laid as they sit in the octahedron, moved apart, and stay what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from nucleops.errors import WrongInput
from nucleops.systems.arrangement import opened_octahedron
from nucleops.systems.distances import minimum_intermolecular_distance
from nucleops.systems.motifs import motif
from nucleops.systems.packing import build_system
from nucleops.systems.spec import Content, SystemSpec
from nucleops.systems.topology import topology_faults


def _octahedron_pairs(metal: str) -> np.ndarray:
    octahedron = motif("octahedron", metal)
    site = dict(zip(octahedron.roles, octahedron.positions, strict=True))
    pairs = np.array([[site[f"M{2 * k + 1}"], site[f"M{2 * k + 2}"]] for k in range(3)])
    return pairs - pairs.mean(axis=(0, 1))


@pytest.mark.parametrize("metal", ["Ag", "Au", "Cu"])
def test_dimers_stay_rigid_and_lie_in_the_octahedrons_directions(metal: str) -> None:
    dimer = motif("dimer", metal)
    placed = opened_octahedron(dimer, metal, 4.6)
    assert placed.shape == (3, len(dimer.symbols), 3)
    between = np.linalg.norm(dimer.positions[:, None] - dimer.positions[None], axis=-1)
    for body in placed:
        again = np.linalg.norm(body[:, None] - body[None], axis=-1)
        np.testing.assert_allclose(again, between, rtol=0, atol=1e-10)
        # a mirror image would keep the distances too
        assert np.linalg.det(_turn(dimer.positions, body)) == pytest.approx(1.0)
    metals = placed[:, [dimer.roles.index("M1"), dimer.roles.index("M2")]]
    np.testing.assert_allclose(np.linalg.norm(metals, axis=-1).mean(axis=1), 4.6, atol=1e-9)
    closed = _octahedron_pairs(metal)
    for part in (lambda p: p.mean(axis=1), lambda p: p[:, 1] - p[:, 0]):
        here, there = part(metals), part(closed)
        cosines = np.sum(here * there, axis=1) / (
            np.linalg.norm(here, axis=1) * np.linalg.norm(there, axis=1)
        )
        assert (cosines > 0.97).all()


def _turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    first, second = before - before.mean(axis=0), after - after.mean(axis=0)
    return np.linalg.lstsq(first, second, rcond=None)[0]


@pytest.mark.parametrize(
    "box", [{"shape": "droplet", "radius_A": 9.0}, {"shape": "cube", "edge_A": 17.0}]
)
def test_solvent_is_packed_round_the_three(box: dict[str, Any]) -> None:
    contents = [
        {"motif": "dimer", "count": 3, "opened_octahedron_A": 4.6},
        {"motif": "methanol", "count": 8},
    ]
    spec = SystemSpec.model_validate({"contents": contents, "box": box})
    system, other = (build_system("three", spec, "Ag", seed) for seed in (1, 2))
    assert [m.motif for m in system.molecules] == ["dimer"] * 3 + ["methanol"] * 8
    for molecule in system.molecules:
        atoms = list(molecule.indices)
        symbols = [system.symbols[i] for i in atoms]
        assert not topology_faults(molecule.motif, symbols, system.positions[atoms], molecule.roles)
    assert minimum_intermolecular_distance(system)[0] >= spec.minimum_distance_A
    expected = opened_octahedron(motif("dimer"), "Ag", 4.6).reshape(-1, 3)
    for built in (system, other):
        dimers = built.positions[:36] - built.cell / 2
        np.testing.assert_allclose(dimers, expected, rtol=0, atol=2e-3)
    assert np.abs(system.positions[36:] - other.positions[36:]).max() > 1.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"motif": "dimer", "count": 2}, "found motif: dimer, count: 2"),
        ({"motif": "monomer", "count": 3}, "found motif: monomer, count: 3"),
        ({"motif": "dimer", "count": 3, "within_A": 6.0}, "exclude one another"),
    ],
)
def test_only_three_dimers_can_be_laid_so(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Content.model_validate({**values, "opened_octahedron_A": 4.6})


def test_a_distance_of_the_closed_octahedron_is_refused() -> None:
    with pytest.raises(WrongInput, match=r"opened_octahedron_A is 2, but in the closed octahedron"):
        opened_octahedron(motif("dimer"), "Ag", 2.0)
