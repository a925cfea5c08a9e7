"""The motif library: bonding rules, sane geometry, and agreement with the article's core."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from nucleops.errors import WrongInput
from nucleops.systems.construct import construct
from nucleops.systems.elements import COVALENT_RADIUS_A
from nucleops.systems.motifs import CLUSTER_MOTIFS, Motif, motif
from nucleops.systems.system import METALS
from nucleops.systems.topology import (
    bonded_pairs,
    bonds_by_role,
    expected_bonds,
    octahedron_only_bonds,
    topology_faults,
)

EVERY_CLUSTER = [(name, metal) for name in CLUSTER_MOTIFS for metal in METALS]
SIZES = {"monomer": 6, "dimer": 12, "octahedron": 36, "methanol": 6}


def _between(molecule: Motif, first: str, second: str) -> dict[tuple[str, str], float]:
    """Distances by role pair, for roles that begin with the given letters."""
    roles, x = molecule.roles, molecule.positions
    return {
        (a, b): float(np.linalg.norm(x[i] - x[j]))
        for i, a in enumerate(roles)
        for j, b in enumerate(roles)
        if a.rstrip("0123456789") == first and b.rstrip("0123456789") == second and (i != j)
    }


@pytest.mark.parametrize(("name", "metal"), [*EVERY_CLUSTER, ("methanol", "Ag")])
def test_stored_geometry_obeys_its_bonding_rules(name: str, metal: str) -> None:
    molecule = motif(name, metal)
    assert len(molecule.symbols) == SIZES[name]
    assert topology_faults(name, molecule.symbols, molecule.positions, molecule.roles) == []
    assert "GFN1-xTB" in molecule.provenance
    assert "CP2K" in molecule.provenance
    assert "total energy" in molecule.provenance


@pytest.mark.parametrize(("name", "metal"), EVERY_CLUSTER)
def test_construction_obeys_the_same_rules(name: str, metal: str) -> None:
    sketch = construct(name, metal)
    assert topology_faults(name, sketch.symbols, sketch.positions, sketch.roles) == []
    assert sketch.roles == motif(name, metal).roles


@pytest.mark.parametrize(("name", "metal"), [*EVERY_CLUSTER, ("methanol", "Ag")])
def test_bond_lengths_are_sane(name: str, metal: str) -> None:
    molecule = motif(name, metal)
    for i, j in bonded_pairs(molecule.symbols, molecule.positions):
        length = np.linalg.norm(molecule.positions[i] - molecule.positions[j])
        radii = COVALENT_RADIUS_A[molecule.symbols[i]] + COVALENT_RADIUS_A[molecule.symbols[j]]
        assert 0.85 < length / radii < 1.25


@pytest.mark.parametrize("metal", METALS)
def test_staple_has_each_s_on_one_metal_and_its_n_on_the_other(metal: str) -> None:
    molecule = motif("dimer", metal)
    bonds = bonds_by_role(molecule.symbols, molecule.positions, molecule.roles)
    for k, other in ((1, 2), (2, 1)):
        assert {frozenset((f"S{k}", f"M{k}")), frozenset((f"N{k}", f"M{other}"))} <= bonds
        assert frozenset((f"S{k}", f"M{other}")) not in bonds
        assert frozenset((f"N{k}", f"M{k}")) not in bonds


@pytest.mark.parametrize("metal", METALS)
def test_octahedron_ligands_cap_faces(metal: str) -> None:
    molecule = motif("octahedron", metal)
    bonds = bonds_by_role(molecule.symbols, molecule.positions, molecule.roles)
    on = {role: {r for b in bonds if role in b for r in b - {role}} for role in molecule.roles}
    mm = _between(molecule, "M", "M")
    touching = {frozenset(pair) for pair, d in mm.items() if d < 3.5}
    assert len(touching) == 12
    for k in range(1, 7):
        assert sorted(r[0] for r in on[f"M{k}"]) == ["N", "S", "S"]
        s_metals = {r for r in on[f"S{k}"] if r[0] == "M"}
        n_metals = {r for r in on[f"N{k}"] if r[0] == "M"}
        assert len(s_metals) == 2
        assert len(n_metals) == 1
        assert not s_metals & n_metals
        # the three metals of a ligand are a face: all three pairs touch
        assert all(frozenset(p) in touching for p in combinations(s_metals | n_metals, 2))


def test_octahedron_holds_three_staples_and_six_new_bonds() -> None:
    staples = expected_bonds("octahedron") - {frozenset(p) for p in octahedron_only_bonds()}
    dimer = expected_bonds("dimer")
    for first in (1, 3, 5):
        rename = {1: first, 2: first + 1}
        moved = {frozenset(r[:-1] + str(rename[int(r[-1])]) for r in bond) for bond in dimer}
        assert moved <= staples
    assert len(octahedron_only_bonds()) == 6
    assert len(staples) == 3 * len(dimer)


def test_silver_octahedron_against_the_article() -> None:
    molecule = motif("octahedron", "Ag")
    ag_ag = [d for d in _between(molecule, "M", "M").values() if d < 3.5]
    ag_s = [d for d in _between(molecule, "M", "S").values() if d < 3.1]
    ag_n = [d for d in _between(molecule, "M", "N").values() if d < 2.7]
    # GFN1-xTB in vacuum against PBE-D3 in methanol: 2.97, 2.54, 2.28 A.
    assert np.mean(ag_ag) == pytest.approx(2.97, abs=0.15)
    assert np.mean(ag_s) == pytest.approx(2.54, abs=0.05)
    assert np.mean(ag_n) == pytest.approx(2.28, abs=0.10)


def test_geometry_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        motif("dimer").positions[0, 0] = 1.0


@pytest.mark.parametrize(("name", "metal"), [("trimer", "Ag"), ("dimer", "Pt")])
def test_unknown_motif_or_metal_is_refused(name: str, metal: str) -> None:
    with pytest.raises(WrongInput, match="allowed"):
        motif(name, metal)


def test_a_broken_motif_is_noticed() -> None:
    molecule = motif("dimer")
    broken = molecule.positions.copy()
    broken[molecule.roles.index("HN1")] += [0.0, 0.0, 3.0]
    faults = topology_faults("dimer", molecule.symbols, broken, molecule.roles)
    assert faults == ["bond HN1-N1 is missing"]
