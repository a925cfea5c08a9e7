"""Trajectories with a known story: every nucleus is found, named and dated, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import scripted
from nucleops.analysis.nuclei.replica import Replica, analyse_trajectory
from nucleops.analysis.nuclei.tables import first_nucleus_ps
from nucleops.analysis.settings import NucleationSettings
from nucleops.systems.motifs import motif
from nucleops.systems.system import Molecule, System

THERMAL_A = 0.15
"""Displacement of an atom along each axis at 300 K is less than this in the clusters' cores."""


def analysed(trajectory: object) -> Replica:
    return analyse_trajectory(trajectory, NucleationSettings())  # type: ignore[arg-type]


def plots() -> list:
    plot = scripted.Plot
    return [
        plot((25, 25, 25), dried=30, met=50, reorganised=80),
        plot((0, 0, 10), dried=60, met=40, reorganised=90),  # across three boundaries
        plot((10, 40, 25), dried=20, met=35, reorganised=70),
        plot((40, 10, 25), dried=20, met=20, reorganised=60, goal="distorted"),
        plot((30, 40, 20), dried=45, met=60, reorganised=None),
        plot((12, 14, 38), dried=None, met=None, reorganised=None),
    ]


@pytest.mark.parametrize("noise_A", [0.0, 0.1, THERMAL_A])
@pytest.mark.parametrize("seed", [1, 2])
def test_thirty_dimers_at_once(noise_A: float, seed: int) -> None:
    story = plots()
    found = analysed(scripted.play(story, bystanders=12, noise_A=noise_A, seed=seed))
    assert len(found.groups.metal) == 60
    n_cluster = 36
    perfect = {
        found.atoms(s.members)[0] // n_cluster
        for s in found.stories
        if s.kind == "perfect octahedron"
    }
    assert perfect == {0, 1, 2}  # precision and recall
    assert found.kinds["perfect octahedron"] == 3
    # three that never met and twelve bystanders
    assert found.kinds["dimer"] == 15
    for told in found.stories:
        plot = story[found.atoms(told.members)[0] // n_cluster]
        assert len(told.members) == 6
        assert told.events["drying"].time == pytest.approx(plot.dried - 0.5, abs=1)
        assert told.events["aggregation"].time == pytest.approx(plot.met - 0.5, abs=1)
        assert abs(told.together_since - plot.met) <= 1
        if plot.reorganised is not None and plot.goal == "octahedron":
            assert told.events["reorganisation"].time == pytest.approx(
                plot.reorganised - 0.5, abs=1
            )
        if told.kind == "perfect octahedron":
            assert abs(told.perfect_since - plot.reorganised) <= 1
            assert told.measure < 3
            assert told.rmsd_A < 0.3
        for event in told.events.values():
            assert event is None or event.low <= event.time <= event.high


def test_the_nucleation_point_stays_where_the_nucleus_forms() -> None:
    story = plots()[1]
    found = analysed(scripted.play([story]))
    (told,) = found.stories
    np.testing.assert_allclose(told.points, told.points[-1:].repeat(len(told.points), 0), atol=1e-4)
    off = (told.points[-1] - np.array(story.centre)) / scripted.EDGE_A
    np.testing.assert_allclose(off, np.round(off), atol=1e-6)
    # eight O at 2.08 A of the point, none after drying
    wet = told.series["solvent_around"]
    assert wet[0] > 5 > wet[-1]


def static(symbols: list[str], positions: np.ndarray, molecules: tuple, n: int = 15) -> object:
    cell = np.full(3, 60.0)
    system = System("static", tuple(symbols), positions + 30.0, cell, True, molecules)
    from dataclasses import dataclass

    from nucleops.systems.frames import Frames

    @dataclass
    class Still:
        topology = system
        path = Path("still")

        def __iter__(self):
            x = np.repeat(system.positions[None], n, axis=0)
            yield Frames(np.arange(n), x, np.repeat(cell[None], n, axis=0), None, None, "")

    return Still()


def octahedron() -> tuple[list[str], np.ndarray, tuple[Molecule, ...]]:
    m = motif("octahedron")
    whole = Molecule("octahedron", tuple(range(len(m.symbols))), m.roles)
    return list(m.symbols), m.positions.copy(), (whole,)


def kind_of(symbols: list[str], positions: np.ndarray, molecules: tuple) -> tuple[str, str]:
    found = analysed(static(symbols, positions, molecules))
    return found.stories[0].kind, found.stories[0].reason


def test_the_motif_itself_is_perfect() -> None:
    kind, reason = kind_of(*octahedron())
    assert kind == "perfect octahedron"
    assert "2 S and 1 N on every metal" in reason


def test_five_of_its_six_metals_are_no_octahedron() -> None:
    symbols, positions, _ = octahedron()
    gone = symbols.index("Ag")
    keep = [i for i in range(len(symbols)) if i != gone]
    kind, reason = kind_of([symbols[i] for i in keep], positions[keep], ())
    assert kind == "disordered nucleus"
    assert "5 metal atoms" in reason


def test_a_square_with_two_metals_beside_it_is_no_octahedron() -> None:
    symbols, positions, molecules = octahedron()
    metal = [i for i, s in enumerate(symbols) if s == "Ag"]
    square = 3.0 * np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 0], [2, 1, 0]])
    positions[metal] = square - square.mean(axis=0)
    assert kind_of(symbols, positions, molecules)[0] != "perfect octahedron"


def test_bare_metals_lack_their_ligands() -> None:
    symbols, positions, _ = octahedron()
    metal = [i for i, s in enumerate(symbols) if s == "Ag"]
    kind, reason = kind_of(["Ag"] * 6, positions[metal], ())
    assert kind == "disordered nucleus"
    assert "without exactly two S" in reason


def test_a_ligand_turned_round_does_not_cap_its_face() -> None:
    symbols, positions, (whole,) = octahedron()
    found = kind_of(symbols, positions, (whole,))
    assert found[0] == "perfect octahedron"
    # the same atoms, but the N that binds the third metal belongs to another ligand
    roles = [f"N{(int(r[1:]) % 6) + 1}" if r[0] == "N" else r for r in whole.roles]
    kind, reason = kind_of(
        symbols, positions, (Molecule("octahedron", whole.indices, tuple(roles)),)
    )
    assert kind == "disordered nucleus"
    assert "cap" in reason


def test_two_octahedra_that_share_a_vertex_are_no_octahedron() -> None:
    symbols, positions, _ = octahedron()
    metal = [i for i, s in enumerate(symbols) if s == "Ag"]
    centre = positions[metal].mean(axis=0)
    shared = metal[0]
    mirrored = 2 * positions[shared] - positions  # inversion through the vertex
    keep = [i for i in range(len(symbols)) if i != shared]
    kind, reason = kind_of(
        symbols + [symbols[i] for i in keep], np.concatenate([positions, mirrored[keep]]), ()
    )
    assert np.linalg.norm(centre - positions[shared]) > 1
    assert kind == "disordered nucleus"
    assert "11 metal atoms" in reason


@pytest.mark.parametrize("displaced_A", [0.8, 1.1])
def test_strongly_distorted_ones_are_not_perfect(displaced_A: float) -> None:
    symbols, positions, molecules = octahedron()
    metal = [i for i, s in enumerate(symbols) if s == "Ag"]
    kinds = []
    for seed in range(20):
        moved = positions.copy()
        push = np.random.default_rng(seed).normal(size=(6, 3))
        moved[metal] += displaced_A * push / np.linalg.norm(push, axis=1)[:, None]
        kinds.append(kind_of(symbols, moved, molecules)[0])
    assert "perfect octahedron" not in kinds


def test_history_of_a_nucleus() -> None:
    found = analysed(scripted.play(plots()[:1], bystanders=2))
    assert [(e.kind, e.frame, e.size) for e in found.history.events] == [("birth", 50, 6)]
    first, from_start = first_nucleus_ps(found)
    assert first == 50.0
    assert not from_start
    np.testing.assert_array_equal(found.sizes @ np.arange(found.sizes.shape[1]), 10)


def test_a_topology_without_metal_is_refused() -> None:
    from nucleops.errors import WrongInput

    bare = System("water", ("O",), np.zeros((1, 3)), np.full(3, 9.0), True)
    with pytest.raises(WrongInput, match="no Ag, Au or Cu"):
        analysed(scripted.Scripted(bare, np.zeros((3, 1, 3)), np.full((3, 3), 9.0)))
