"""Cheap runs with a known free energy: Langevin dynamics and well-tempered metadynamics.

kT is 1, and so are masses and the friction. Two coordinates move; x is biased. Times are in ps and
energies in kT by name only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from nucleops.analysis.walkers import Walker
from nucleops.bias.hills import HillsTable
from nucleops.compiled import compiled

TIME_STEP, PACE, STRIDE, SIGMA = 0.01, 250, 50, 0.1
_LOW, _HIGH, _STEP = -4.0, 4.0, 0.01


@dataclass(frozen=True)
class Surface:
    """U = barrier (x^2-1)^2 + tilt x + rise (y^2-1)^2 + stiff (y-0.6x)^2 / 2 - couple x y.

    `rise` makes the coordinate that is not biased bistable, and so slow.
    """

    name: str
    barrier: float
    tilt: float
    rise: float = 0.0
    stiff: float = 0.0
    couple: float = 0.0

    @property
    def numbers(self) -> np.ndarray:
        """What the compiled loop takes."""
        return np.array([self.barrier, self.tilt, self.rise, self.stiff, self.couple])

    def profile(self, x: np.ndarray) -> np.ndarray:
        """Free energy along x, shape (n,), minimum zero."""
        return np.interp(x, *_exact(self))

    def difference(self) -> float:
        """Free energy of x > 0 less that of x < 0."""
        x, f = _exact(self)
        return float(np.log(np.exp(-f[x < 0]).sum() / np.exp(-f[x > 0]).sum()))


@cache
def _exact(surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Points of x, none at 0, and the free energy there; a sum over y."""
    x, y = np.linspace(-2.8, 2.8, 2800)[:, None], np.linspace(-4.0, 4.0, 801)
    u = surface.barrier * (x**2 - 1) ** 2 + surface.tilt * x + surface.rise * (y**2 - 1) ** 2
    u = u + 0.5 * surface.stiff * (y - 0.6 * x) ** 2 - surface.couple * x * y
    f = -np.log(np.exp(-u).sum(axis=1))
    return x[:, 0], f - f.min()


SURFACES = (
    Surface("double well", barrier=5.0, tilt=0.4, stiff=4.0),
    Surface("high double well", barrier=9.0, tilt=1.5, stiff=4.0),
    Surface("slow hidden coordinate", barrier=4.0, tilt=0.3, rise=3.0, couple=0.8),
)


@compiled
def _pull(u: Any, x: float, y: float) -> Any:
    fx = -4 * u[0] * x * (x * x - 1) - u[1] + 0.6 * u[3] * (y - 0.6 * x) + u[4] * y
    fy = -4 * u[2] * y * (y * y - 1) - u[3] * (y - 0.6 * x) + u[4] * x
    return fx, fy


@compiled
def _simulate(
    rng: Any, u: Any, height: float, gamma: float, start: float, rows: Any, hills: Any
) -> None:
    """Fill rows (t, x) and hills (t, x, added height): BAOAB's relative OBABO, hills on a grid."""
    dt, x, y = 0.01, start, 0.6 * start
    keep = np.exp(-0.5 * dt)
    kick = np.sqrt(1.0 - keep * keep)
    vx, vy = rng.standard_normal(), rng.standard_normal()
    bias, slope = np.zeros(802), np.zeros(802)
    edge, pace = np.exp(-6.25), 250
    for step in range(1, len(rows) * 50 + 1):
        k = int((x + 4.0) / 0.01)
        part = (x + 4.0) / 0.01 - k
        vx = keep * vx + kick * rng.standard_normal()
        vy = keep * vy + kick * rng.standard_normal()
        fx, fy = _pull(u, x, y)
        vx += 0.5 * dt * (fx - slope[k] * (1 - part) - slope[k + 1] * part)
        vy += 0.5 * dt * fy
        x, y = x + dt * vx, y + dt * vy
        k = int((x + 4.0) / 0.01)
        part = (x + 4.0) / 0.01 - k
        fx, fy = _pull(u, x, y)
        vx += 0.5 * dt * (fx - slope[k] * (1 - part) - slope[k + 1] * part)
        vy += 0.5 * dt * fy
        vx = keep * vx + kick * rng.standard_normal()
        vy = keep * vy + kick * rng.standard_normal()
        if step % 50 == 0:
            rows[step // 50 - 1, 0], rows[step // 50 - 1, 1] = step * dt, x
        if step % pace == 0:
            felt = bias[k] * (1 - part) + bias[k + 1] * part
            tall = height * np.exp(-felt / (gamma - 1.0))
            hill = hills[step // pace - 1]
            hill[0], hill[1], hill[2] = step * dt, x, tall
            for i in range(max(0, k - 36), min(802, k + 38)):
                away = (-4.0 + i * 0.01 - x) / 0.1
                if 0.5 * away * away < 6.25:
                    gauss = np.exp(-0.5 * away * away)
                    bias[i] += tall * (gauss - edge) / (1 - edge)
                    slope[i] -= tall * gauss / (1 - edge) * away / 0.1


def walker(
    surface: Surface,
    seed: int,
    steps: int,
    *,
    height: float = 0.3,
    bias_factor: float = 8.0,
    start: float = -1.0,
) -> Walker:
    """Run one walker.

    Parameters
    ----------
    surface : Surface
        Where.
    seed : int
        Of the random numbers.
    steps : int
        How many; a row each 50, a hill each 250.
    height, bias_factor : float
        Of well-tempered metadynamics.
    start : float
        First value of x.
    """
    rows, hills = np.zeros((steps // STRIDE, 2)), np.zeros((steps // PACE, 3))
    rng = np.random.default_rng(seed)
    _simulate(rng, surface.numbers, height, bias_factor, start, rows, hills)
    laid = HillsTable(
        cvs=("x",),
        time_fs=hills[:, 0] * 1000.0,
        centres=hills[:, 1:2],
        sigmas=np.full((len(hills), 1), SIGMA),
        height=hills[:, 2] * bias_factor / (bias_factor - 1.0),
        bias_factor=bias_factor,
    )
    # PLUMED adds a hill after the row of its step was written
    return Walker(rows[:, 0], rows[:, 1:2], None, None, laid)
