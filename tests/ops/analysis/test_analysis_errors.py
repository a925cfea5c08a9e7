"""Block errors, jackknife, correlation times, convergence verdicts."""

from __future__ import annotations

import numpy as np
import pytest

from nucleops.analysis.block_sizes import autocorrelation_time
from nucleops.analysis.convergence import difference_from_samples, difference_on_grid, round_trips
from nucleops.analysis.errors import block_average, jackknife, standard_error
from nucleops.analysis.free_energy import project, visited
from nucleops.analysis.grid import Grid
from nucleops.analysis.verdict import judge, late_spread


def test_equal_blocks_give_the_textbook_error() -> None:
    p = np.array([[0.2], [0.4], [0.3], [0.5]])
    made = block_average(p, np.ones(4), kT=0.6)
    assert made.error[0] == pytest.approx(np.std(p, ddof=1) / 2)
    assert made.free_energy_error[0] == pytest.approx(0.6 * made.error[0] / 0.35)


def test_one_block_has_no_error() -> None:
    with pytest.raises(ValueError, match="two blocks"):
        block_average(np.ones((2, 3)), np.array([1.0, 0.0]))


def test_jackknife_of_a_mean_is_its_standard_error() -> None:
    x = np.random.default_rng(0).normal(size=40)
    value, error = jackknife(lambda s: float(s[0] / s[1]), np.stack([x, np.ones(40)], axis=1))
    assert value == pytest.approx(x.mean())
    assert error == pytest.approx(x.std(ddof=1) / np.sqrt(40))


def test_jackknife_is_undefined_where_one_block_decides() -> None:
    blocks = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 0.0]])
    _, error = jackknife(lambda s: float(s[0] / s[1]) if s[1] else float("nan"), blocks)
    assert np.isnan(error)


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9])
def test_autocorrelation_time_of_a_known_process(keep: float) -> None:
    rng = np.random.default_rng(1)
    x = np.zeros(60_000)
    noise = rng.normal(size=len(x))
    for k in range(1, len(x)):
        x[k] = keep * x[k - 1] + noise[k]
    exact = 0.5 + keep / (1 - keep)
    assert autocorrelation_time(x) == pytest.approx(exact, rel=0.15)


def test_autocorrelation_time_of_one_slow_crossing_is_long() -> None:
    assert autocorrelation_time(np.linspace(0, 1, 1000)) > 100


def test_standard_error_of_blocks() -> None:
    mean, error = standard_error(np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 10))
    assert (mean, error) == pytest.approx((3.0, np.std([1, 2, 3, 4, 5], ddof=1) / np.sqrt(5)))


def test_difference_of_two_wells_is_exact_on_a_grid() -> None:
    x = np.linspace(0, 4, 401)
    surface = np.where(x < 2, 1.0, 3.0)
    start, end = [(0.0, 1.0)], [(3.0, 4.0)]
    assert difference_on_grid(surface, Grid.make([x]), start, end, 0.6) == pytest.approx(2.0)
    assert np.isnan(difference_on_grid(surface, Grid.make([x]), start, [(8.0, 9.0)], 0.6))


def test_difference_from_samples_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    samples = np.where(rng.random(20_000) < 0.8, 0.5, 3.5)
    value, error = difference_from_samples(
        samples, np.zeros(len(samples)), [(0.0, 1.0)], [(3.0, 4.0)], 0.6
    )
    assert abs(value - 0.6 * np.log(4.0)) < 4 * error
    assert error < 0.05


def test_round_trips_count_returns_only() -> None:
    path = np.array([0.0, 0.5, 4.0, 3.0, 0.1, 2.0, 0.2, 4.0])
    assert round_trips(path, [(0.0, 1.0)], [(3.0, 5.0)]) == 1


def test_projection_of_a_separable_surface() -> None:
    x, y = np.linspace(-3, 3, 121), np.linspace(-3, 3, 241)
    surface = 2 * x[:, None] ** 2 + y[None, :] ** 2
    line = project(surface, 0.6, 0, y[1] - y[0])
    np.testing.assert_allclose(line - line.min(), 2 * x**2, atol=1e-9)


def test_visited_marks_and_widens() -> None:
    grid = Grid.make([np.arange(10.0)])
    assert visited(np.array([4.2]), grid).sum() == 1
    assert visited(np.array([4.2]), grid, reach=2).nonzero()[0].tolist() == [2, 3, 4, 5, 6]


def base(**changed: object) -> dict[str, object]:
    t = np.linspace(1, 100, 50)
    given: dict[str, object] = {
        "length": 100.0, "basins": ("a", "b"), "trips": 9, "times": t,
        "differences": np.full(50, -4.0), "error": 0.2, "visits": {"a": 50, "b": 60},
        "height_ratio": 0.05,
    }  # fmt: skip
    return given | changed


def test_verdict_of_a_converged_run() -> None:
    verdict = judge(**base())  # type: ignore[arg-type]
    assert verdict.converged
    assert verdict.missing == ()


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"visits": {"a": 5}}, "basin b was never visited"),
        ({"trips": 1}, "1 round trip between a and b; at least"),
        ({"differences": np.linspace(0, 9, 50)}, "still moved by"),
        ({"differences": np.full(50, np.nan)}, "not known over the last half"),
        ({"error": float("nan")}, "no standard error"),
        ({"height_ratio": 0.9}, "hills are still 90%"),
    ],
)
def test_verdict_says_what_is_missing(changed: dict[str, object], words: str) -> None:
    verdict = judge(**base(**changed))  # type: ignore[arg-type]
    assert not verdict.converged
    assert verdict.sentence.startswith("Not converged after 100 ps")
    assert any(words in line for line in verdict.missing)


def test_late_spread_looks_at_the_second_half() -> None:
    assert late_spread([1, 2, 3, 4], [50.0, 2.0, 2.5, 2.0]) == pytest.approx(0.5)
