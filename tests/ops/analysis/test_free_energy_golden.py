"""Free energies against PLUMED's own output on a two-dimensional model surface (tests/data/pes).

The data were made with PLUMED 2.10.1; kT is 1 in the files' units.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from nucleops.analysis.bias_history import c_of_t, offset_at
from nucleops.analysis.errors import block_average, block_histograms
from nucleops.analysis.free_energy import free_energy, weighted_histogram
from nucleops.analysis.grid import Grid
from nucleops.analysis.hills import sum_of_hills, sums_of_hills
from nucleops.bias.hills import HillsTable, hills_bias, read_hills

PES = Path(__file__).parents[2] / "data" / "pes"


def table(path: Path) -> np.ndarray:
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    return np.loadtxt(text.decode().splitlines(), comments="#")


@pytest.fixture(scope="module")
def hills() -> HillsTable:
    return read_hills(PES / "wt1d/HILLS.gz")


@pytest.fixture(scope="module")
def colvar() -> np.ndarray:
    return table(PES / "wt1d/COLVAR.gz")


@pytest.mark.parametrize(("name", "count"), [("fes_x", 2000), ("fes_t_4", 2000)])
def test_sum_of_hills_equals_plumeds(hills: HillsTable, name: str, count: int) -> None:
    stored = table(PES / f"wt1d/{name}.dat")
    grid = Grid.make([stored[:, 0]])
    ours = -sum_of_hills(hills.centres[:count], hills.sigmas[:count], hills.height[:count], grid)
    np.testing.assert_allclose(ours - ours.min(), stored[:, 1] - stored[:, 1].min(), atol=1e-6)


def test_surfaces_in_time_equal_plumeds(hills: HillsTable) -> None:
    grid = Grid.make([table(PES / "wt1d/fes_t_0.dat")[:, 0]])
    sums = sums_of_hills(hills.centres, hills.sigmas, hills.height, grid, [500, 1000, 1500, 2000])
    for k, total in enumerate(sums):
        stored = table(PES / f"wt1d/fes_t_{k}.dat")[:, 1]
        np.testing.assert_allclose(-total + total.max(), stored - stored.min(), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "columns", "bins"),
    [("x", (1,), (80,)), ("y", (2,), (100,)), ("xy", (1, 2), (40, 50))],
)
def test_reweighting_equals_plumeds(
    colvar: np.ndarray, name: str, columns: tuple[int, ...], bins: tuple[int, ...]
) -> None:
    ranges = {1: (-2.0, 2.0), 2: (-2.5, 2.5)}
    axes = [np.linspace(*ranges[c], n + 1) for c, n in zip(columns, bins, strict=True)]
    rows = colvar[1:]  # PLUMED's READ does not count the first row
    weight, count = weighted_histogram(rows[:, columns], rows[:, 5], Grid.make(axes))
    ours = free_energy(weight, 1.0)
    stored = table(PES / f"wt1d/rew_rbias_fes_{name}.dat")[:, len(columns)]
    if len(columns) == 2:
        stored = stored.reshape(bins[1] + 1, bins[0] + 1).T  # PLUMED's first variable runs fastest
    assert np.array_equal(np.isfinite(stored), count > 0)
    np.testing.assert_allclose(ours[count > 0], stored[count > 0], atol=1e-8)


def test_final_bias_and_its_weights_equal_plumeds(hills: HillsTable) -> None:
    stored = np.load(PES / "wt1d/finalbias.npz")
    every = slice(None, None, 10)
    bias = hills_bias(hills, stored["x"][every])
    np.testing.assert_allclose(bias, stored["bias"][every], atol=1e-8)
    grid = Grid.make([np.linspace(-2, 2, 81)])
    # PLUMED's READ does not count the first row
    weight, count = weighted_histogram(stored["x"][1:], stored["bias"][1:], grid)
    theirs = table(PES / "wt1d/rew_final_fes_x.dat")[:, 1]
    known = np.isfinite(theirs)
    np.testing.assert_allclose(free_energy(weight, 1.0)[known], theirs[known], atol=1e-7)
    assert np.array_equal(known, count > 0)


def test_offset_equals_plumeds_rct(hills: HillsTable, colvar: np.ndarray) -> None:
    grid = Grid.make([np.linspace(-3, 3, 601)])
    offsets = c_of_t(hills.centres, hills.sigmas, hills.added, grid, 1.0, 8.0)
    # PLUMED prints rct after the hill of the same step.
    theirs = colvar[:, 6]
    after = np.searchsorted(hills.time_fs, colvar[:, 0] + 1e-6)
    ours = np.concatenate([[0.0], offsets])[after]
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    before = offset_at(colvar[:, 0], hills.time_fs, offsets)
    rbias = colvar[:, 4] - before
    np.testing.assert_allclose(rbias, colvar[:, 5], atol=2e-3)


@pytest.mark.parametrize("block", [100, 250, 500, 1000, 2000])
def test_block_averages_equal_the_stored_ones(colvar: np.ndarray, block: int) -> None:
    stored = np.load(PES / f"wt1d/blocks_{block}.npz")
    estimate = block_average(stored["hist"], stored["weight"])
    np.testing.assert_allclose(estimate.mean, stored["mean"], atol=1e-10)
    np.testing.assert_allclose(estimate.error, stored["err"], atol=1e-10)
    known = np.isfinite(stored["fes"])
    ours = estimate.free_energy[known]  # the stored surface has its minimum at zero
    np.testing.assert_allclose(ours - ours.min(), stored["fes"][known], atol=1e-10)
    np.testing.assert_allclose(
        estimate.free_energy_error[known], stored["fes_err"][known], atol=1e-10
    )


def test_our_block_histograms_equal_the_stored_ones(colvar: np.ndarray) -> None:
    stored = np.load(PES / "wt1d/blocks_1000.npz")
    rows = colvar[1:]
    histograms, weights = block_histograms(rows[:, 1], rows[:, 5], Grid.make([stored["x"]]), 1000)
    scale = stored["weight"][0] / weights[0]
    np.testing.assert_allclose(histograms * scale, stored["hist"], rtol=1e-6, atol=1e-6)


def test_reweighting_is_as_good_as_plumed_against_the_exact_surface(colvar: np.ndarray) -> None:
    exact = np.load(PES / "exact.npz")
    rows = colvar[1:]
    axis = np.linspace(-2, 2, 81)
    weight, count = weighted_histogram(rows[:, 1], rows[:, 5], Grid.make([axis]))
    truth = np.interp(axis, exact["x"], exact["F_x"])
    low = (truth < 6) & (count > 0)
    difference = free_energy(weight, 1.0)[low] - truth[low]
    difference -= difference.mean()
    assert np.sqrt(np.mean(difference**2)) <= 0.12
