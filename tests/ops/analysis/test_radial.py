"""Radial distribution functions and the one-pass reading behind them, against known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleops.analysis.follow import follow_structure
from nucleops.analysis.in_blocks import BlockLength, Blocks
from nucleops.analysis.radial import RadialTally
from nucleops.analysis.settings import RadialSettings, StructureSettings
from nucleops.errors import WrongInput
from nucleops.systems.files import frames_of, write_trajectory
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

EDGE = 12.0
CELL = np.full((1, 3), EDGE)


def gas(n_silver: int, n_oxygen: int, *, periodic: bool = True) -> System:
    symbols = ("Ag",) * n_silver + ("O",) * n_oxygen
    return System("gas", symbols, np.zeros((len(symbols), 3)), CELL[0], periodic)


def ideal_gas(system: System, n_frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, EDGE, (n_frames, system.n_atoms, 3))


def test_ideal_gas_has_g_of_one_within_its_errors() -> None:
    system = gas(20, 60)
    tally = RadialTally(system, CELL[0], RadialSettings(pairs=("Ag-O", "Ag-Ag"), bin_A=0.5))
    tally.add(ideal_gas(system, 400), np.repeat(CELL, 400, axis=0))
    for radial in tally.radials(20):
        far = radial.r > 2.5
        assert radial.r[-1] < EDGE / 2
        # of pairs with themselves n - 1 partners are to be counted, not n: 5% here
        assert radial.g[far] == pytest.approx(1.0, abs=0.03)
        pulls = (radial.g[far] - 1) / radial.g_error[far]
        assert np.sqrt(np.mean(pulls**2)) < 2
        density = (60 if radial.pair == "Ag-O" else 19) / EDGE**3
        volume = 4 / 3 * np.pi * (EDGE / 2) ** 3
        assert radial.coordination[-1] == pytest.approx(density * volume, rel=0.01)


def test_counts_are_those_of_mdanalysis_on_the_whole_run() -> None:
    """Also where the volume changes: chunks and blocks add up to one run."""
    import MDAnalysis
    from MDAnalysis.analysis.rdf import InterRDF

    system, n = gas(10, 30), 37
    cells = CELL * np.random.default_rng(1).uniform(1.0, 1.1, (n, 1))
    x = ideal_gas(system, n) / EDGE * cells[:, None, :]
    tally = RadialTally(system, cells.min(axis=0), RadialSettings(pairs=("Ag-O",), bin_A=0.25))
    for start in range(0, n, 10):
        tally.add(x[start : start + 10], cells[start : start + 10])
    universe = MDAnalysis.Universe.empty(system.n_atoms)
    box = np.hstack([cells, np.full((n, 3), 90.0)])
    universe.load_new(x.astype(np.float32), order="fac", dimensions=box)
    (found,) = tally.radials(5)
    end = found.r[-1] + (found.r[1] - found.r[0]) / 2
    whole = InterRDF(
        universe.atoms[:10], universe.atoms[10:], nbins=len(found.r), range=(0, end)
    ).run()
    assert found.g == pytest.approx(whole.results.rdf, rel=1e-12)


def test_fcc_crystal_has_its_shells() -> None:
    a, cells = 4.086, 3  # silver
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3), -1).reshape(-1, 1, 3)
    x = (corners + basis).reshape(-1, 3) * a
    box = np.full(3, cells * a)
    crystal = System("fcc", ("Ag",) * len(x), x, box, True)
    tally = RadialTally(crystal, box, RadialSettings(max_A=6.0, bin_A=0.05))
    tally.add(x[None], box[None])
    (radial,) = tally.radials(5)
    shells = radial.r[radial.local > 0]
    neighbours = radial.coordination[radial.local > 0]
    assert shells == pytest.approx(a * np.sqrt([0.5, 1.0, 1.5, 2.0]), abs=0.026)
    assert neighbours == pytest.approx([12, 18, 42, 54])
    assert radial.first_shell() == (pytest.approx(a / np.sqrt(2), abs=0.026), pytest.approx(12))


def test_droplet_has_neighbours_but_no_g() -> None:
    system = gas(2, 1, periodic=False)
    x = np.array([[[0, 0, 0], [3.0, 0, 0], [0, 2.0, 0]]])
    tally = RadialTally(system, CELL[0], RadialSettings(pairs=("Ag-Ag", "Ag-O")))
    tally.add(x, CELL)
    silver, oxygen = tally.radials(5)
    assert np.isnan(silver.g).all()
    assert silver.coordination[-1] == 1
    assert oxygen.coordination[-1] == 1  # one within 2 A, one at 3.6 A, of two silvers
    assert oxygen.r[oxygen.local > 0] == pytest.approx([2.0, np.sqrt(13)], abs=0.05)


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(WrongInput, match="Ag-N: there is no such pair; 2 Ag, 1 O"):
        RadialTally(gas(2, 1), CELL[0], RadialSettings(pairs=("Ag-N",)))
    with pytest.raises(WrongInput, match="O-O"):
        RadialTally(gas(2, 1), CELL[0], RadialSettings(pairs=("O-O",)))
    tally = RadialTally(gas(2, 1), CELL[0], RadialSettings())
    with pytest.raises(WrongInput, match=r"shrinks to 11\.000 A"):
        tally.add(np.zeros((1, 3, 3)), CELL - 1)


def test_blocks_are_bounded_and_lose_nothing() -> None:
    blocks, values = Blocks(most=8), np.random.default_rng(3).normal(size=1000)
    for start in range(0, 1000, 77):
        chunk = values[start : start + 77]
        for piece in blocks.pieces(len(chunk)):
            blocks.add(chunk[piece].sum())
    assert len(blocks.sums) <= 8
    assert blocks.n_frames == 1000
    assert blocks.size == 128
    expected = [values[i : i + 128].sum() for i in range(0, 1000, 128)]
    assert np.array(blocks.sums) == pytest.approx(expected)
    sums, counts = blocks.grouped(200)
    assert counts.tolist() == [256, 256, 256, 232]
    assert sums.sum() == pytest.approx(values.sum())


def test_block_length_follows_the_correlation() -> None:
    """Of an AR(1) series with autocorrelation time 10 (in frames), blocks are tens of frames."""
    rng, keep = np.random.default_rng(5), 0.9
    noise = rng.normal(size=20000)
    series = np.zeros(20000)
    for k in range(1, 20000):
        series[k] = keep * series[k - 1] + noise[k]
    slow, fast = BlockLength(), BlockLength()
    slow.add(series)
    fast.add(noise)
    block, enough = slow.chosen(5)
    assert enough
    assert 40 <= block <= 1000
    # Lee's rule asks for B > (2 N)^(1/3) = 34 even of uncorrelated frames
    assert fast.chosen(5)[0] <= 64
    error = {b: e for b, _, e in slow.scan()}[block]
    exact = np.sqrt((1 + keep) / (1 - keep) * series.var() / len(series))
    assert error == pytest.approx(exact, rel=0.2)


def breathing(n_frames: int) -> tuple[System, np.ndarray]:
    """A scripted octahedron of silver whose edges are 2.97 A on average, and breathe."""
    corners = np.vstack([np.eye(3), -np.eye(3)]) * 2.97 / np.sqrt(2)
    scale = 1 + 0.02 * np.sin(np.arange(n_frames) * 0.7)
    x = corners * scale[:, None, None] + EDGE / 2
    return System("oct", ("Ag",) * 6, x[0], CELL[0], True), x


def test_a_scripted_octahedron_is_followed_across_the_boundary(tmp_path: Path) -> None:
    system, x = breathing(300)
    path = tmp_path / "run.extxyz"
    write_trajectory(frames_of(system, (x + EDGE / 2) % EDGE), path)
    trajectory = Trajectory(path, system, atoms_at_once=100)  # many chunks
    found = follow_structure(trajectory, StructureSettings(), frame_ps=2.0)
    edge, face = found.followed
    assert (edge.name, edge.n_bonded, face.name, face.n_bonded) == ("Ag-Ag", 12, "Ag-Ag-Ag", 24)
    assert face.density.maxima[0].position == pytest.approx(60, abs=0.1)
    x_A, d = edge.density.x, edge.density.density
    assert np.sum(x_A * d) / np.sum(d) == pytest.approx(2.97, abs=0.005)
    assert found.times_ps[-1] == found.last_ps == 598
    assert found.series["Ag-Ag"] == pytest.approx(2.97 * (1 + 0.02 * np.sin(np.arange(300) * 0.7)))
    (radial,) = found.radials
    assert radial.coordination[np.searchsorted(radial.r, 3.6)] == pytest.approx(4)
    assert radial.coordination[-1] == pytest.approx(5)


def test_chunks_do_not_change_the_result(tmp_path: Path) -> None:
    system, x = breathing(150)
    x = x + np.random.default_rng(0).normal(0, 0.05, x.shape)
    path = tmp_path / "run.extxyz"
    write_trajectory(frames_of(system, x), path)
    one, other = (
        follow_structure(Trajectory(path, system, atoms_at_once=n), StructureSettings())
        for n in (24, 10**6)
    )
    for a, b in zip(one.followed, other.followed, strict=True):
        assert a.density.density == pytest.approx(b.density.density)
        assert a.density.error == pytest.approx(b.density.error)
    assert one.radials[0].g == pytest.approx(other.radials[0].g)


def test_what_is_discarded_does_not_count(tmp_path: Path) -> None:
    system, x = breathing(40)
    x[:20] *= 1.1
    path = tmp_path / "run.extxyz"
    write_trajectory(frames_of(system, x), path)
    settings = StructureSettings(discard_ps=20.0)
    found = follow_structure(Trajectory(path, replace(system, positions=x[0])), settings)
    assert (found.n_frames, found.n_kept) == (40, 20)
    assert found.followed[0].density.x.max() < 3.2
    assert len(found.series["Ag-Ag"]) == 40
    few = follow_structure(Trajectory(path, system, stop=25), settings)
    assert (few.n_kept, few.followed, few.radials) == (5, (), ())
