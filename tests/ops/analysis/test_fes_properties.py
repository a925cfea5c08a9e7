"""What must not matter to a free energy: order of hills, units, where a period starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleops.analysis.bias_force import bias_grid_over
from nucleops.analysis.bootstrap import blocks_of_rows
from nucleops.analysis.estimators import Estimator, Rows
from nucleops.analysis.fes.result import Result
from nucleops.analysis.grid import Grid
from nucleops.analysis.hills import sum_of_hills
from nucleops.analysis.metadynamics import analyse
from nucleops.analysis.replicates import replicates, standard_error
from nucleops.analysis.settings import FreeEnergySettings, State
from nucleops.analysis.walkers import Walker

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"


@pytest.fixture(scope="module")
def walker() -> Walker:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        from model_runs import SURFACES
        from model_runs import walker as run

        made: Walker = run(SURFACES[0], 3, 30_000)
    return made


def analysed(walker: Walker, scale: float = 1.0) -> Result:
    settings = FreeEnergySettings(
        bins=60,
        n_times=4,
        states=(
            State(name="left", ranges={"x": (-9.0 * scale, 0.0)}),
            State(name="right", ranges={"x": (0.0, 9.0 * scale)}),
        ),
    )
    return analyse([walker], ["x"], 1.0, settings)[0]


def test_the_unit_of_a_variable_does_not_matter(walker: Walker) -> None:
    scale = 57.3
    laid = replace(
        walker.laid, centres=walker.laid.centres * scale, sigmas=walker.laid.sigmas * scale
    )
    one = analysed(walker)
    other = analysed(replace(walker, values=walker.values * scale, laid=laid), scale)
    assert one.reweighted is not None
    assert other.reweighted is not None
    np.testing.assert_allclose(other.grid.axes[0], scale * one.grid.axes[0])
    for name in ("surface", "error"):
        a, b = (getattr(made.reweighted, name) for made in (one, other))
        np.testing.assert_allclose(a, b, atol=1e-6)
    for field in ("population", "population_error", "barrier", "barrier_error"):
        a, b = (getattr(made.rows[1], field) for made in (one, other))
        assert a == pytest.approx(b, abs=1e-6)


def test_the_order_of_hills_does_not_matter_to_their_sum(walker: Walker) -> None:
    hills = walker.hills
    assert hills is not None
    grid = Grid.make([np.linspace(-2, 2, 81)])
    mixed = np.random.default_rng(0).permutation(len(hills))
    one = sum_of_hills(hills.centres, hills.sigmas, hills.height, grid)
    other = sum_of_hills(hills.centres[mixed], hills.sigmas[mixed], hills.height[mixed], grid)
    np.testing.assert_allclose(one, other, atol=1e-12)


def ring(shift: float, turns: int = 0) -> tuple[Estimator, np.ndarray]:
    """Rows of an angle that a bias pushes along, all moved by some shift and some whole turns."""
    rng = np.random.default_rng(4)
    phi = rng.vonmises(0.5, 1.2, 4000) + shift
    slope = 0.4 * np.cos(phi - shift)
    wrapped = (phi + np.pi) % (2 * np.pi) - np.pi + 2 * np.pi * turns
    x, n = wrapped[:, None], len(phi)
    zeros = np.zeros(n)
    rows = Rows(x, x, (0,), zeros, slope[:, None], zeros, np.zeros(n, dtype=np.int64))
    grid = Grid.make([-np.pi + 2 * np.pi / 72 * np.arange(72)], [2 * np.pi])
    widths = np.array([0.15])
    bias_grid = bias_grid_over(x, np.array([2 * np.pi / 36]), (2 * np.pi,))
    estimator = Estimator(rows, grid, bias_grid, "kernel", widths)
    return estimator, blocks_of_rows(rows.walker, 200)


def test_a_periodic_variables_surface_is_periodic() -> None:
    """Where the period is cut is no place of its own, nor is a whole turn a difference."""
    here, blocks = ring(0.0)
    there, _ = ring(30 * 2 * np.pi / 72)
    turned, _ = ring(0.0, turns=3)
    one, moved, again = (made.surface() for made in (here, there, turned))
    one, moved, again = (f - f.min() for f in (one, moved, again))
    np.testing.assert_allclose(np.roll(one, 30), moved, atol=1e-6)
    np.testing.assert_allclose(one, again, atol=1e-6)
    steps = np.abs(np.diff(np.append(one, one[0])))
    assert steps[-1] < 3 * np.median(steps) + 0.02
    errors = [
        standard_error(replicates(made, blocks, 30), int(blocks.max()) + 1)
        for made in (here, there)
    ]
    np.testing.assert_allclose(np.roll(errors[0], 30), errors[1], atol=1e-6)
