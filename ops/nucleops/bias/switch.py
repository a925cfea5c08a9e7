"""The rational switching function, plain and in PLUMED's cut and stretched form.

``s0(r) = (1 - (r/r0)^n) / (1 - (r/r0)^m)``, n/m at r = r0. PLUMED's short form ``R_0 NN MM`` sets
it to zero beyond ``dmax = r0 (1e-5)^(1/(n-m))`` and stretches it,
``s(r) = (s0(r) - s0(dmax)) / (1 - s0(dmax))``, so that it is continuous there. Colvars subtracts
1e-5 instead of s0(dmax); for 6/8, 6/10 and 6/12 the two differ by less than 1e-9 a pair.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
TOLERANCE = 1e-5
"""PLUMED's cut-off criterion, and the ``tolerance`` given to Colvars."""


def cutoff(r0_A: float, n: int, m: int) -> float:
    """Return the distance in angstrom beyond which the stretched switching function is zero."""
    return float(r0_A * TOLERANCE ** (1.0 / (n - m)))


def switch(r: FloatArray, r0_A: float, n: int, m: int, *, stretched: bool = True) -> FloatArray:
    """Evaluate the rational switching function.

    Parameters
    ----------
    r : ndarray
        Distances in angstrom, any shape.
    r0_A : float
        r0 in angstrom.
    n, m : int
        Exponents, n < m.
    stretched : bool
        PLUMED's short form (cut and stretched) if true, the plain function if false.

    Returns
    -------
    ndarray
        Values in [0, 1], the shape of ``r``.
    """
    s = _plain(np.asarray(r, dtype=np.float64), r0_A, n, m)
    if not stretched:
        return s
    dmax = cutoff(r0_A, n, m)
    shift = float(_plain(np.array([dmax]), r0_A, n, m)[0])
    return np.where(r > dmax, 0.0, (s - shift) / (1.0 - shift))


def switch_derivative(
    r: FloatArray, r0_A: float, n: int, m: int, *, stretched: bool = True
) -> FloatArray:
    """Return ds/dr in 1/angstrom; parameters as of :func:`switch`."""
    r = np.asarray(r, dtype=np.float64)
    safe = np.where(r > 0, r, 1.0)
    log = np.log(safe / r0_A)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        # d ln s/d ln r = n/(1-x^-n) - m/(1-x^-m); both terms diverge at x = 1, their sum does not
        slope = n / -np.expm1(-n * log) - m / -np.expm1(-m * log)
    series = (n - m) / 2 + (n**2 - m**2) * log / 12 - (n**4 - m**4) * log**3 / 720
    slope = np.where(np.abs(log) < 1e-3 / m, series, slope)
    ds = np.where(r > 0, _plain(safe, r0_A, n, m) * slope / safe, 0.0)
    if not stretched:
        return ds
    dmax = cutoff(r0_A, n, m)
    shift = float(_plain(np.array([dmax]), r0_A, n, m)[0])
    return np.where(r > dmax, 0.0, ds / (1.0 - shift))


def _plain(r: FloatArray, r0_A: float, n: int, m: int) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(r / r0_A)
        # expm1 keeps full precision next to r0, where numerator and denominator vanish; with the
        # absolute logarithm neither power overflows far away
        ratio = np.expm1(-n * np.abs(log)) / np.expm1(-m * np.abs(log))
        ratio = np.where(log == 0, n / m, ratio)
        result: FloatArray = np.where(log > 0, np.exp((n - m) * log), 1.0) * ratio
    return result
