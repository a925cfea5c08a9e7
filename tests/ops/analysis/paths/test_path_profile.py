"""Profile, pass and order of a path, and their errors, where they are known beforehand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from nucleops.analysis.basins import Basins, boxes_as_basins
from nucleops.analysis.grid import Grid
from nucleops.analysis.paths.along import PathProfile, path_between
from nucleops.analysis.paths.ends import End, end_of
from nucleops.analysis.paths.order import half_way, precedence, progress, unwrapped
from nucleops.analysis.paths.write import path_words
from nucleops.errors import WrongInput

X = np.linspace(0.0, 1.0, 51)
GRID = Grid.make([X, 4.0 * X])
A, B = np.meshgrid(X, X, indexing="ij")
BASINS = boxes_as_basins(("wet", "dry"), ([(0.0, 0.1), (3.6, 4.0)], [(0.9, 1.0), (0.0, 0.4)]), GRID)
ENDS = (End("wet", 0), End("dry", 1))
NAMES = ("s1", "cn")
"""s1 grows from 0 to 1 as cn falls from 4 to 0, from a wet state to a dry one."""


def trough(*corners: tuple[float, float]) -> np.ndarray:
    """Steep-sided valley along straight lines between corners, in units of (s1, cn/4)."""
    nearest = np.full(A.shape, np.inf)
    for (x0, y0), (x1, y1) in pairwise(corners):
        along = ((A - x0) * (x1 - x0) + (B - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
        t = np.clip(along, 0, 1)
        away = (A - x0 - t * (x1 - x0)) ** 2 + (B - y0 - t * (y1 - y0)) ** 2
        nearest = np.minimum(nearest, away)
    wells = np.exp(-((A - 0.04) ** 2 + (B - 0.96) ** 2) / 2e-3)
    wells += 2 * np.exp(-((A - 0.96) ** 2 + (B - 0.04) ** 2) / 2e-3)
    return 600.0 * nearest - 3.0 * wells


WET, DRY = (0.04, 0.96), (0.96, 0.04)
DRYING_FIRST = trough(WET, (0.04, 0.04), DRY)
DRYING_LAST = trough(WET, (0.96, 0.96), DRY)
DIAGONAL = trough(WET, DRY)


def found(
    surface: np.ndarray, replicates: np.ndarray | None = None, n_blocks: int = 2000
) -> PathProfile:
    path = path_between(surface, BASINS, NAMES, ENDS, 0.6, replicates, n_blocks)
    assert path is not None
    return path


@pytest.mark.parametrize(
    ("surface", "order"), [(DRYING_FIRST, 1.0), (DRYING_LAST, -1.0), (DIAGONAL, 0.0)]
)
def test_an_l_is_plus_or_minus_one_and_a_diagonal_zero(surface: np.ndarray, order: float) -> None:
    (one,) = found(surface).orders
    assert (one.before, one.after) == ("cn", "s1")
    assert one.value == pytest.approx(order, abs=0.07)


def test_drying_first_is_said_in_words_with_the_interval() -> None:
    rng = np.random.default_rng(1)
    noisy = DRYING_FIRST + rng.normal(0, 0.3, (40, 1, 1)) * (A - B)
    path = found(DRYING_FIRST, noisy)
    (one,) = path.orders
    assert 0.8 < one.low <= one.value <= one.high < 1.1
    assert "cn changes before s1: order +" in path_words(path, ("", ""), "kcal/mol")[1]
    assert path.half_way[1] < 0.35 < 0.65 < path.half_way[0]
    mixed = np.concatenate([noisy[:20], DRYING_LAST[None].repeat(20, axis=0)])
    assert "in no certain order" in found(DRYING_FIRST, mixed).orders[0].sentence()
    assert "s1 changes before cn" in found(DRYING_LAST).orders[0].sentence()


def test_errors_are_those_of_the_replicates() -> None:
    """Tilted along s1 by a random slope, F(end) - F(start) varies by slope times distance."""
    rng = np.random.default_rng(2)
    slopes = rng.normal(0, 0.2, 200)
    path = found(DIAGONAL, DIAGONAL + slopes[:, None, None] * A)
    s = path.values[:, 0] - path.values[0, 0]
    np.testing.assert_allclose(path.error, slopes.std(ddof=1) * np.abs(s), rtol=5e-3)
    assert path.profile[0] == 0
    assert path.error[0] == 0
    assert path.height == pytest.approx(path.profile.max())
    assert 0 < path.height_error < path.error[-1]
    # few blocks: wider by sqrt((n + 1) / (n - 1))
    few = found(DIAGONAL, DIAGONAL + slopes[:, None, None] * A, n_blocks=3)
    np.testing.assert_allclose(few.error, np.sqrt(2 * 1999 / 2001) * path.error, rtol=5e-3)
    assert np.isnan(found(DIAGONAL, DIAGONAL[None].repeat(30, axis=0), n_blocks=1).error).all()


def test_without_replicates_nothing_has_an_error() -> None:
    path = found(DIAGONAL)
    assert np.all(np.isnan(path.error))
    assert np.isnan([path.height_error, path.orders[0].low, path.orders[0].high]).all()
    assert "±" not in "".join(path_words(path, ("", ""), "kT"))


def test_a_path_that_few_replicates_have_has_no_error() -> None:
    gone = np.where((np.abs(A - B - 0.0) < 0.1) | (A + B < 0.95), np.nan, DIAGONAL)
    cut = np.stack([gone if k % 2 else DIAGONAL for k in range(40)])
    path = found(DIAGONAL, cut)
    assert np.isnan(path.height_error)
    assert np.isnan(path.orders[0].low)


def test_downhill_is_called_so() -> None:
    surface = 100 * (A + B - 1) ** 2 - 20 * A
    lines = path_words(found(surface), ("", ""), "kcal/mol")
    assert "downhill, without a barrier" in lines[0]
    up = path_between(surface, BASINS, NAMES, ENDS[::-1], 0.6)
    assert up is not None
    assert "uphill all the way" in path_words(up, ("", ""), "kcal/mol")[0]


def test_basins_on_the_way_are_named() -> None:
    middle = [(0.0, 0.1), (0.0, 0.4)]
    basins = boxes_as_basins(("wet", "dry", "dried"), (*(BASINS.boxes or ()), middle), GRID)
    path = path_between(DRYING_FIRST, basins, NAMES, ENDS, 0.6)
    assert path is not None
    assert path.crossed == ("wet", "dried", "dry")
    assert "Path from wet to dry by dried: pass" in path_words(path, ("", ""), "kcal/mol")[0]


def test_a_way_that_was_never_visited_is_no_path() -> None:
    cut = np.where(np.abs(A - B) < 0.2, np.nan, DIAGONAL)
    assert path_between(cut, BASINS, NAMES, ENDS, 0.6) is None
    assert path_words(None, ("wet", "dry"), "kT") == [
        "No path from wet to dry: no points that the run has visited join the two."
    ]
    nowhere = np.where(BASINS.labels == 1, np.nan, DIAGONAL)
    assert path_between(nowhere, BASINS, NAMES, ENDS, 0.6) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ice", "found 'ice', allowed a basin (wet, dry) or values of s1,cn"),
        ("0.5", "found '0.5', allowed"),
        ("0.5,9", "lies outside of the surface; allowed: s1 from 0 to 1, cn from 0 to 4"),
        ("0.9,3.6", "at 0.9,3.6 the run has never been; the nearest point where it has is"),
    ],
)
def test_ends_that_are_none_are_refused(text: str, says: str) -> None:
    known = np.where(A + B > 1.5, np.nan, DIAGONAL)
    with pytest.raises(WrongInput) as error:
        end_of(text, BASINS, NAMES, known)
    assert says in str(error.value)


def test_values_are_ends_as_well() -> None:
    ends = (end_of("wet", BASINS, NAMES, DIAGONAL), end_of("0.5,2.0", BASINS, NAMES, DIAGONAL))
    path = path_between(DIAGONAL, BASINS, NAMES, ends, 0.6)
    assert path is not None
    np.testing.assert_allclose(path.values[-1], [0.5, 2.0], atol=0.05)
    assert path.ends == ("wet", "0.5,2.0")


def test_order_of_one_variable_that_does_not_change() -> None:
    done = progress(np.array([[0.0, 1.0], [1.0, 1.0], [2.0, 1.001]]), np.array([0.1, 0.1]))
    assert np.isnan(precedence(done[:, 1], done[:, 0]))
    assert np.isnan(half_way(np.array([0.0, 0.5, 1.0]), done[:, 1]))
    assert half_way(np.array([0.0, 0.5, 1.0]), done[:, 0]) == 0.5


def test_periodic_variables_do_not_jump() -> None:
    values = unwrapped(np.array([[170.0], [-175.0], [-160.0]]), [360.0])
    np.testing.assert_allclose(values[:, 0], [170, 185, 200])


def test_precedence_is_antisymmetric_and_invariant_to_units() -> None:
    rng = np.random.default_rng(3)
    p, q = (np.concatenate([[0], np.sort(rng.random(20)), [1]]) for _ in range(2))
    assert precedence(p, q) == pytest.approx(-precedence(q, p))
    path = found(DRYING_FIRST)
    grid = Grid.make([10 * X, X])
    same = Basins(BASINS.names, grid, BASINS.labels)
    scaled = path_between(DRYING_FIRST, same, NAMES, ENDS, 0.6)
    assert scaled is not None
    np.testing.assert_array_equal(scaled.points, path.points)
    assert scaled.orders[0].value == pytest.approx(path.orders[0].value)
