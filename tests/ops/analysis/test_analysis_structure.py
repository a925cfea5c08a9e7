"""Densities, distances and angles on constructed clusters."""

from __future__ import annotations

import numpy as np
import pytest

from nucleops.analysis.density import bandwidth_of, density
from nucleops.analysis.geometry import angles, distances, make_whole, minimum_image
from nucleops.analysis.settings import BondSettings
from nucleops.analysis.structure import bonded_kinds
from nucleops.systems.motifs import motif


def test_whole_cluster_keeps_its_distances() -> None:
    m = motif("octahedron")
    whole = make_whole((m.positions + 8) % 16.0, np.full(3, 16.0), True)
    near = np.linalg.norm(m.positions[:, None] - m.positions[None], axis=-1)
    made = np.linalg.norm(whole[:, None] - whole[None], axis=-1)
    np.testing.assert_allclose(made, near, atol=1e-9)


def test_structure_series_finds_the_articles_bonds_and_angles() -> None:
    m = motif("octahedron")
    x = (m.positions[None] + 7.0) % 15.0
    cells = np.full((1, 3), 15.0)
    kinds = bonded_kinds(m.symbols, x[0], cells[0], True, BondSettings())
    series = {kind.name: kind.values(x, cells, True) for kind in kinds}
    count = {k: v.shape[1] for k, v in series.items()}
    assert count == {
        "Ag-Ag": 12, "Ag-S": 12, "Ag-N": 6,
        "Ag-Ag-Ag": 24, "S-Ag-S": 6, "N-Ag-Ag": 24, "N-Ag-S": 12,
    }  # fmt: skip
    assert series["Ag-Ag-Ag"].mean() == pytest.approx(60, abs=1e-6)  # triangles: exact by sum
    assert np.all((series["Ag-S"] > 2.3) & (series["Ag-S"] < 2.8))
    angle = next(kind for kind in kinds if kind.name == "N-Ag-Ag")
    means = {role: series["N-Ag-Ag"][:, rows].mean() for role, rows in angle.roles.items()}
    # the article's (N-Ag-Ag)1 and (N-Ag-Ag)2
    assert means["own ligand"] == pytest.approx(81, abs=4)
    assert means["other ligands"] == pytest.approx(138, abs=4)
    edge = next(kind for kind in kinds if kind.name == "Ag-Ag")
    assert {role: len(rows) for role, rows in edge.roles.items()} == {
        "S-bridged": 6,
        "unbridged": 6,
    }


def test_distances_and_angles_under_the_boundary() -> None:
    x = np.array([[[0.5, 0, 0], [9.5, 0, 0], [9.5, 1.0, 0]]])
    cell = np.full((1, 3), 10.0)
    assert distances(x, cell, True, [[0, 1]])[0, 0] == pytest.approx(1.0)
    assert distances(x, cell, False, [[0, 1]])[0, 0] == pytest.approx(9.0)
    assert angles(x, cell, True, [[0, 1, 2]])[0, 0] == pytest.approx(90.0)
    assert minimum_image([6.0, 0, 0], [10.0] * 3, True)[0] == pytest.approx(-4.0)


def test_density_is_normalised_and_finds_both_peaks() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(81, 4, (2000, 3)), rng.normal(138, 5, (2000, 3))], axis=1)
    edges = np.linspace(0, 180, 1801)
    blocks = [np.histogram(part, edges)[0] for part in np.split(values, 10)]
    made = density((edges[1:] + edges[:-1]) / 2, blocks, n_frames=2000)
    assert np.sum(made.density) * (made.x[1] - made.x[0]) == pytest.approx(1, abs=1e-3)
    tops = sorted(m.position for m in made.maxima)
    assert tops == pytest.approx([81, 138], abs=1.0)
    assert all(m.error < 1.0 for m in made.maxima)
    assert made.bandwidth < 3


def test_bandwidth_of_a_normal_sample_is_near_the_optimum() -> None:
    v = np.random.default_rng(4).normal(size=5000)
    assert bandwidth_of(v) == pytest.approx(1.06 * 5000**-0.2, rel=0.3)


def test_density_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no values"):
        density(np.arange(3.0), np.zeros((2, 3)), n_frames=2)
