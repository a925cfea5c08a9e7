"""Which estimator comes nearest to a known free energy: PLUMED's run, and runs made here.

The model is that of tests/data/pes: Langevin dynamics at kT = 1 on U = 5(x^2-1)^2 + 0.4x +
4(y-0.6x)^2, with well-tempered metadynamics along x (pace 250, height 0.3, sigma 0.1, gamma 8;
500,000 steps, a row each 50). One run is PLUMED's own; others, from other random numbers, are made
here, because a single run decides little. The table has the root mean square distance from the
exact profile where that is below 6 kT, its mean taken off, in kT::

    .venv/bin/python benchmarks/free_energy_estimators.py [runs]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.bias_force import bias_grid_over
from nucleops.analysis.bias_history import BiasHistory, hills_before
from nucleops.analysis.estimators import Estimator, Rows, Smoothing
from nucleops.analysis.grid import Grid
from nucleops.analysis.hills import HillSum
from nucleops.bias.hills import read_hills
from nucleops.bias.tables import read_colvar
from nucleops.compiled import compiled

PES = Path(__file__).parents[1] / "tests" / "data" / "pes"
GAMMA, SIGMA, HEIGHT, PACE, STRIDE, STEPS = 8.0, 0.1, 0.3, 250, 50, 500_000
FINE = Grid.make([np.linspace(-3.0, 3.0, 601)])
BINS = Grid.make([np.linspace(-2.0, 2.0, 81)])
WINDOW = 10
"""Hills in a window of WHAM."""
Estimate = Callable[["Run"], tuple[np.ndarray, np.ndarray]]


@compiled
def simulate(rng: Any, rows: Any, hills: Any) -> None:
    """Fill rows (t, x, y, V) and hills (t, x, added height) of one run of Langevin dynamics."""
    dt, x, y = 0.01, -1.0, -0.6
    keep = np.exp(-0.5 * dt)
    kick = np.sqrt(1.0 - keep * keep)
    vx, vy = rng.standard_normal(), rng.standard_normal()
    bias, slope = np.zeros(601), np.zeros(601)
    edge = np.exp(-6.25)
    for step in range(500_001):
        k = int((x + 3.0) / 0.01)
        part = (x + 3.0) / 0.01 - k
        felt = bias[k] * (1 - part) + bias[k + 1] * part
        pull = slope[k] * (1 - part) + slope[k + 1] * part
        if step % 50 == 0:
            row = rows[step // 50]
            row[0], row[1], row[2], row[3] = step * dt, x, y, felt
        if step > 0 and step % 250 == 0:
            height = 0.3 * np.exp(-felt / 7.0)
            hill = hills[step // 250 - 1]
            hill[0], hill[1], hill[2] = step * dt, x, height
            for i in range(601):
                away = (-3.0 + i * 0.01 - x) / 0.1
                if 0.5 * away * away < 6.25:
                    gauss = np.exp(-0.5 * away * away)
                    bias[i] += height * (gauss - edge) / (1 - edge)
                    slope[i] -= height * gauss / (1 - edge) * away / 0.1
        for half in range(2):
            if half == 0:
                vx = keep * vx + kick * rng.standard_normal()
                vy = keep * vy + kick * rng.standard_normal()
            vx += 0.5 * dt * (-20 * x * (x * x - 1) - 0.4 + 4.8 * (y - 0.6 * x) - pull)
            vy += 0.5 * dt * (-8 * (y - 0.6 * x))
            if half == 0:
                x, y = x + dt * vx, y + dt * vy
                k = int((x + 3.0) / 0.01)
                part = (x + 3.0) / 0.01 - k
                pull = slope[k] * (1 - part) + slope[k + 1] * part
        vx = keep * vx + kick * rng.standard_normal()
        vy = keep * vy + kick * rng.standard_normal()


class Run:
    """Rows and hills of a run, and what the bias did."""

    def __init__(self, t: np.ndarray, x: np.ndarray, hills: np.ndarray) -> None:
        self.t, self.x, self.hills = t, x, hills
        self.before = hills_before(t, hills[:, 0])
        history = BiasHistory(FINE, 1.0, GAMMA, points=x, counts=self.before)
        offsets = history.add(hills[:, 1], np.full(len(hills), SIGMA), hills[:, 2])
        bias, self.slopes = history.felt()
        self.final = history.bias
        self.less = bias - np.concatenate([[0.0], offsets])[self.before]

    def rows(self, logs: np.ndarray, *, slopes: bool = False) -> Rows:
        """Rows with given weights."""
        x, n = self.x[:, None], len(self.x)
        own = self.slopes if slopes else None
        return Rows(x, x, (0,), logs, own, np.zeros(n), np.zeros(n, dtype=np.int64))


def plumeds() -> Run:
    """PLUMED's run; its READ does not count the first row."""
    colvar, hills = read_colvar(PES / "wt1d/COLVAR.gz"), read_hills(PES / "wt1d/HILLS.gz")
    table = np.stack([hills.time_fs, hills.centres[:, 0], hills.added], axis=1)
    return Run(colvar["time"][1:], colvar["d.x"][1:], table)


def made(seed: int) -> Run:
    """A run of our own."""
    rows, hills = np.zeros((STEPS // STRIDE + 1, 4)), np.zeros((STEPS // PACE, 3))
    simulate(np.random.default_rng(seed), rows, hills)
    return Run(rows[1:, 0], rows[1:, 1], hills)


def weighted(
    logs: Callable[[Run], np.ndarray], smoothing: Smoothing, width: float | None = None
) -> Estimate:
    """Profile from weights."""

    def estimate(run: Run) -> tuple[np.ndarray, np.ndarray]:
        widths = None if width is None else np.array([width])
        estimator = Estimator(run.rows(logs(run)), BINS, None, smoothing, widths)
        return BINS.axes[0], estimator.surface()

    return estimate


def bias_force(smoothing: Smoothing, width: float | None = None) -> Estimate:
    """Profile from the force of the bias that was felt."""

    def estimate(run: Run) -> tuple[np.ndarray, np.ndarray]:
        rows = run.rows(run.less, slopes=True)
        grid = bias_grid_over(rows.biased, np.array([SIGMA]), (None,))
        widths = None if width is None else np.array([width])
        return BINS.axes[0], Estimator(rows, BINS, grid, smoothing, widths).surface()

    return estimate


def summed(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Sum of hills."""
    total = HillSum(BINS)
    total.add(
        run.hills[:, 1], np.full(len(run.hills), SIGMA), run.hills[:, 2] * GAMMA / (GAMMA - 1)
    )
    return BINS.axes[0], -total.values


def final(run: Run) -> np.ndarray:
    """Weights from the bias as it was in the end."""
    return np.interp(run.x, FINE.axes[0], run.final)


def mean_bias(run: Run) -> np.ndarray:
    """Weights from the bias averaged over the second half of the run."""
    total = HillSum(FINE)
    share = 1.0 - np.maximum(run.hills[:, 0] / run.t[-1] - 0.5, 0.0) * 2.0
    total.add(run.hills[:, 1], np.full(len(run.hills), SIGMA), run.hills[:, 2] * share)
    return np.interp(run.x, FINE.axes[0], total.values)


def wham(run: Run) -> np.ndarray:
    """Weights by WHAM over windows of time, each with the bias in its middle."""
    window = run.before // WINDOW
    count = np.bincount(window).astype(float)
    total, biases = HillSum(FINE), []
    for k in range(len(count)):
        start = 0 if k == 0 else k * WINDOW - WINDOW // 2
        part = slice(start, k * WINDOW + WINDOW // 2)
        biases.append(total.values if k == 0 else biases[-1])
        total.add(run.hills[part, 1], np.full(len(run.hills[part]), SIGMA), run.hills[part, 2])
        biases[-1] = total.values
    factor = np.exp(-np.array(biases))
    place = np.clip(np.round((run.x + 3.0) / 0.01).astype(int), 0, 600)
    seen, f = np.bincount(place, minlength=601).astype(float), np.zeros(len(count))
    for _ in range(5000):
        density = seen / ((count * np.exp(f)) @ factor)
        new = -np.log(factor @ density)
        new -= new[0]
        if np.abs(new - f).max() < 1e-6:
            break
        f = new
    return -np.log(((count * np.exp(f)) @ factor)[place])


ESTIMATORS: dict[str, Estimate] = {
    "sum of hills": summed,
    "final bias, histogram": weighted(final, "histogram"),
    "mean bias of second half, histogram": weighted(mean_bias, "histogram"),
    "V - c(t), histogram (PLUMED)": weighted(lambda run: run.less, "histogram"),
    "V - c(t), kernel 0.05": weighted(lambda run: run.less, "kernel", 0.05),
    "V - c(t), kernel by rule": weighted(lambda run: run.less, "kernel"),
    "WHAM over time, histogram": weighted(wham, "histogram"),
    "bias force, histogram": bias_force("histogram"),
    "bias force, kernel 0.03": bias_force("kernel", 0.03),
    "bias force, kernel 0.08": bias_force("kernel", 0.08),
    "bias force, kernel by rule (default)": bias_force("kernel"),
}


def distance(estimate: Estimate, run: Run) -> float:
    """Root mean square distance from the exact profile, below 6 kT."""
    exact = np.load(PES / "exact.npz")
    x, surface = estimate(run)
    truth = np.interp(x, exact["x"], exact["F_x"])
    away = (surface - truth)[(truth < 6.0) & np.isfinite(surface)]
    return float(np.std(away))


def main() -> None:
    """Run and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    first, others = plumeds(), [made(seed) for seed in range(1, count + 1)]
    print(f"{'':38s}  PLUMED's run   {count} runs: mean   worst (kT rms)")
    for name, estimate in ESTIMATORS.items():
        values = [distance(estimate, run) for run in others]
        print(
            f"{name:38s}  {distance(estimate, first):12.3f}  {np.mean(values):14.3f}  "
            f"{np.max(values):6.3f}"
        )


if __name__ == "__main__":
    main()
