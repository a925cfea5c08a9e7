"""Coordination over many pairs and frames as one compiled loop.

A rational switching function of integer exponents has no singularity at r0 once the factor that
numerator and denominator share is divided out. With g = gcd(n, m), p = n/g, q = m/g, y = (r/r0)^g,

    s0 = (1 - y^p) / (1 - y^q) = (1 + y + .. + y^(p-1)) / (1 + y + .. + y^(q-1)).

All terms are positive, so nothing cancels, and for even g (6/8, 6/10, 6/12) no root is taken. No
power overflows: distances count up to the cut-off only, and where that is too far for the
exponents, y > 1 is written in 1/y. :func:`nucleops.bias.switch.switch` is the form for single
distances; tests hold the two to 1e-12 of one another. Coordinates in single precision are worked on
in single precision, in half the time.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.bias.resolved import FloatArray
from nucleops.bias.switch import cutoff, switch
from nucleops.cores import in_threads, shares
from nucleops.systems.frames import Real

_LARGEST = 0.9
"""Logarithm of the largest power, as a share of that of the largest number."""
_TILE = 16
"""Atoms whose distances are worked out at once, one vector of them in single precision; beyond the
last atom stands nan, which is no distance and does not count."""


def coordination_numbers(
    a: NDArray[Real],
    b: NDArray[Real] | None,
    cell: FloatArray | None,
    r0_A: float,
    n: int,
    m: int,
    *,
    threads: int | None = None,
) -> NDArray[Real]:
    """Return the coordination number of each atom of `a` by the atoms of `b`.

    Parameters
    ----------
    a, b : ndarray
        Coordinates in angstrom, shapes (n_frames, n_a, 3) and (n_frames, n_b, 3). Without `b`, an
        atom is coordinated by those of `a` that come after it, so that their sum has each pair
        once. All arithmetic is in their precision, single or double.
    cell : ndarray or None
        Edge lengths in angstrom, shape (n_frames, 3); None: no periodicity.
    r0_A, n, m : float, int, int
        Of the switching function, in PLUMED's short form (cut and stretched).
    threads : int or None
        How many; see :func:`nucleops.cores.usable_threads` for None.

    Returns
    -------
    ndarray
        Shape (n_frames, n_a), in the precision of the coordinates.
    """
    numbers = np.empty(a.shape[:2], dtype=a.dtype)
    dmax = cutoff(r0_A, n, m)
    shift = float(switch(np.array([dmax]), r0_A, n, m, stretched=False)[0])
    common = gcd(n, m)
    extreme = m * math.log(dmax / r0_A) > _LARGEST * math.log(np.finfo(a.dtype).max)
    kernel = _compiled(common // 2, common % 2 == 1, n // common, m // common, extreme)

    # of the coordinates' type, so that nothing is turned into another
    constants = np.array(
        [1 / r0_A**2, (dmax / r0_A) ** 2, shift, 1 / (1 - shift), 0.0, 0.5, 1.0], dtype=a.dtype
    )

    def some(part: slice) -> None:
        own = _by_axis(a[part])
        other = own if b is None else _by_axis(b[part])
        # an edge of zero stands for no periodicity
        edges = np.zeros((len(own), 3), dtype=a.dtype)
        if cell is not None:
            edges[:] = cell[part]
        kernel(own, other, b is None, edges, constants, numbers[part])

    in_threads(some, shares(len(a), threads), threads)
    return numbers


def _by_axis(x: NDArray[Real]) -> NDArray[Real]:
    """Return points as rows of x, y and z, of whole tiles: (F, n, 3) -> (F, 3, m)."""
    n_frames, n, _ = x.shape
    rows = np.empty((n_frames, 3, n + -n % _TILE), dtype=x.dtype)
    rows[:, :, :n] = x.transpose(0, 2, 1)
    rows[:, :, n:] = np.nan
    return rows


@cache
def _compiled(half: int, odd: bool, p: int, q: int, extreme: bool) -> Callable[..., None]:
    """Compile the loop for one pair of exponents, g = 2 half + odd; takes a quarter of a second.

    The exponents are constants to the compiler, which unrolls the powers and uses vector
    instructions. The interpreter's lock is released: threads share the frames. (Numba's own
    threads are not used: two calls at once abort the process in its default threading layer.)
    """
    import numba

    def numbers(
        a: Any,  # (F, 3, n_a), filled up
        b: Any,  # (F, 3, n_b), filled up
        within: bool,
        edges: Any,  # (F, 3)
        constants: Any,
        out: Any,  # (F, n_a)
    ) -> None:
        per_r0_2, last2, shift, scale, zero, half_one, one = constants
        for f in range(a.shape[0]):
            ex, ey, ez = edges[f]
            ix = one / ex if ex > zero else zero
            iy = one / ey if ey > zero else zero
            iz = one / ez if ez > zero else zero
            bx, by, bz = b[f, 0], b[f, 1], b[f, 2]
            for i in range(out.shape[1]):
                ax, ay, az = a[f, 0, i], a[f, 1, i], a[f, 2, i]
                total = zero
                for tile in range(i // _TILE * _TILE if within else 0, b.shape[2], _TILE):
                    for k in range(_TILE):
                        j = np.uint64(tile + k)
                        dx, dy, dz = bx[j] - ax, by[j] - ay, bz[j] - az
                        dx -= ex * np.floor(dx * ix + half_one)
                        dy -= ey * np.floor(dy * iy + half_one)
                        dz -= ez * np.floor(dz * iz + half_one)
                        x2 = min((dx * dx + dy * dy + dz * dz) * per_r0_2, last2)
                        y = one
                        for _ in range(half):
                            y *= x2
                        if odd:
                            y *= np.sqrt(x2)
                        far = extreme and y > one
                        z = one / y if far else y
                        top, bottom, tail = one, one, one
                        for _ in range(p - 1):
                            top = top * z + one
                        for _ in range(q - 1):
                            bottom = bottom * z + one
                        for _ in range(q - p):
                            tail *= z
                        s = top / bottom * (tail if far else one)
                        counts = x2 < last2 and (not within or tile + k > i)
                        total += (s - shift) * scale if counts else zero
                out[f, i] = total

    # sums may be reordered, which vector instructions need; infinities and nan stay what they are
    compiled: Callable[..., None] = numba.njit(
        numbers, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp"}
    )
    return compiled
