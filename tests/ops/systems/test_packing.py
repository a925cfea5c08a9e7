"""Systems are packed as specified, the same at the same seed, or refused with advice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nucleops.errors import MissingProgram, WrongInput
from nucleops.systems import packmol
from nucleops.systems.distances import minimum_intermolecular_distance
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.packing import build_system, pack
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import System
from nucleops.systems.topology import topology_faults
from nucleops.systems.volume import fill_count, van_der_waals_volume


def _spec(contents: list[tuple[Any, ...]], box: dict[str, Any], **more: Any) -> SystemSpec:
    rows = [dict(zip(("motif", "count", "within_A"), row, strict=False)) for row in contents]
    return SystemSpec.model_validate({"contents": rows, "box": box, **more})


DROPLET = _spec([("dimer", 1), ("methanol", 10)], {"shape": "droplet", "radius_A": 7.0})
CUBE = _spec([("monomer", 2), ("methanol", 12)], {"edge_A": 11.5})


def _assert_molecules_are_whole(system: System) -> None:
    for molecule in system.molecules:
        symbols = [system.symbols[i] for i in molecule.indices]
        positions = system.positions[list(molecule.indices)]
        assert topology_faults(molecule.motif, symbols, positions, molecule.roles) == []
    atoms = sorted(i for m in system.molecules for i in m.indices)
    assert atoms == list(range(system.n_atoms))


@pytest.mark.parametrize("metal", ["Ag", "Au", "Cu"])
def test_droplet(metal: str) -> None:
    system = build_system("drop", DROPLET, metal, 1)
    assert not system.periodic
    assert system.cell.tolist() == [30.0, 30.0, 30.0]
    assert [m.motif for m in system.molecules] == ["dimer"] + ["methanol"] * 10
    assert system.metal == metal
    _assert_molecules_are_whole(system)
    assert (np.linalg.norm(system.positions - 15.0, axis=1) < 7.1).all()
    # a single cluster sits at the centre
    np.testing.assert_allclose(system.positions[:12].mean(axis=0), 15.0, atol=0.5)
    assert minimum_intermolecular_distance(system)[0] >= DROPLET.minimum_distance_A


def test_periodic_cube_keeps_its_distances_across_the_faces() -> None:
    packed = pack("cube", CUBE, "Ag", 1)
    system = packed.system
    assert system.periodic
    assert system.n_atoms == 84
    assert packed.counts == {"monomer": 2, "methanol": 12}
    _assert_molecules_are_whole(system)
    assert minimum_intermolecular_distance(system)[0] == packed.minimum_distance_A >= 2.0


def test_the_same_seed_gives_the_same_coordinates_and_another_does_not() -> None:
    first, second = (build_system("cube", CUBE, "Ag", 5) for _ in range(2))
    assert first.positions.tobytes() == second.positions.tobytes()
    other = build_system("cube", CUBE, "Ag", 6)
    assert not np.allclose(first.positions, other.positions)


def test_density_sets_the_edge() -> None:
    spec = _spec([("dimer", 1), ("methanol", 16)], {"density_g_cm3": 0.9})
    packed = pack("dense", spec, "Ag", 2)
    mass = sum(MASS_G_MOL[s] for s in packed.system.symbols)
    volume_cm3 = float(packed.system.cell.prod()) * 1e-24
    assert mass / 6.02214076e23 / volume_cm3 == pytest.approx(0.9, rel=1e-5)
    assert packed.density_g_cm3 == pytest.approx(0.9, rel=1e-5)


def test_within_keeps_molecules_near_the_centre() -> None:
    spec = _spec([("monomer", 2, 6.0), ("methanol", 20)], {"edge_A": 18.0})
    system = build_system("near", spec, "Ag", 3)
    distances = np.linalg.norm(system.positions - 9.0, axis=1)
    assert distances[:12].max() < 6.1
    assert distances[12:].max() > 8.0


def test_fill_gives_the_density_of_the_liquid() -> None:
    # 0.79 g/cm3 of methanol is one molecule in 67.35 A3.
    assert fill_count(30.0, 0.79, [], "Ag") == round(27000 / 67.35)
    unit = van_der_waals_volume("methanol", "Ag")
    displaced = round(10 * van_der_waals_volume("dimer", "Ag") / unit)
    beside = fill_count(30.0, 0.79, [("dimer", 10)], "Ag")
    assert beside == pytest.approx(fill_count(30.0, 0.79, [], "Ag") - displaced, abs=1)
    spec = _spec([("dimer", 1), ("methanol", "fill")], {"edge_A": 14.0})
    packed = pack("fill", spec, "Ag", 1)
    assert packed.counts["methanol"] == fill_count(14.0, 0.79, [("dimer", 1)], "Ag")


def test_van_der_waals_volume_of_separate_spheres() -> None:
    # Methanol's from Alvarez' radii; between its largest sphere's and the sum of all spheres'.
    volume = van_der_waals_volume("methanol", "Ag")
    sphere = 4 / 3 * np.pi * np.array([1.77, 1.50, 1.2, 1.2, 1.2, 1.2]) ** 3
    assert sphere.max() < volume < sphere.sum()


def test_one_molecule_alone_is_put_at_the_centre() -> None:
    spec = _spec([("octahedron", 1)], {"shape": "droplet", "radius_A": 7.0})
    packed = pack("alone", spec, "Ag", 1)
    metals = packed.system.positions[packed.system.of_element("Ag")]
    np.testing.assert_allclose(metals.mean(axis=0), 15.0)
    assert packed.minimum_distance_A == float("inf")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (_spec([("octahedron", 1)], {"edge_A": 9.0}), "one octahedron is 10.4 A long"),
        (_spec([("methanol", 500)], {"edge_A": 20.0}), "van der Waals volume"),
        (_spec([("octahedron", 9), ("methanol", "fill")], {"edge_A": 14.0}), "no room to fill"),
        (_spec([("dimer", 6, 4.5)], {"edge_A": 20.0}), "no packing of 6 dimer"),
    ],
)
def test_what_cannot_be_packed_is_refused_with_advice(spec: SystemSpec, words: str) -> None:
    with pytest.raises(WrongInput) as caught:
        build_system("too-full", spec, "Ag", 1)
    assert "system 'too-full'" in str(caught.value)
    assert words in str(caught.value)
    assert "larger edge_A" in str(caught.value)


def test_out_of_time_is_wrong_input_too() -> None:
    spec = _spec([("methanol", 150)], {"edge_A": 20.0}, minimum_distance_A=3.0)
    with pytest.raises(WrongInput, match=r"system 'slow': packmol did not end within"):
        pack("slow", spec, "Ag", 1, timeout_s=1.0)


def test_missing_packmol_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packmol.sys, "executable", "/nowhere/python")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(MissingProgram, match="packmol"):
        build_system("cube", CUBE, "Ag", 1)


@pytest.mark.parametrize("box", [{"shape": "droplet", "radius_A": 6.0}, {"edge_A": 14.0}])
def test_metals_are_centred_where_a_bias_holds_them(box: dict[str, Any]) -> None:
    spec = _spec([("monomer", 2, 4.5), ("methanol", 4)], box)
    system = build_system("pair", spec, "Ag", seed=3)
    metals = system.positions[system.of_element("Ag")]
    assert metals.mean(axis=0) == pytest.approx(system.cell / 2, abs=1e-9)
    _assert_molecules_are_whole(system)
