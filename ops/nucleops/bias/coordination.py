"""Coordination over many pairs and frames as one compiled loop.

A rational switching function of integer exponents has no singularity at r0 once the factor that
numerator and denominator share is divided out. With g = gcd(n, m), p = n/g, q = m/g, y = (r/r0)^g,

    s0 = (1 - y^p) / (1 - y^q) = (1 + y + .. + y^(p-1)) / (1 + y + .. + y^(q-1)).

All terms are positive, so nothing cancels, and for even g (6/8, 6/10, 6/12) no root is taken. For
y > 1 the same is written in 1/y, where no power overflows. :func:`nucleops.bias.switch.switch` is
the form for single distances; tests hold the two to 1e-12 of one another.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from math import gcd
from typing import Any

import numpy as np

from nucleops.bias.resolved import FloatArray
from nucleops.bias.switch import cutoff, switch
from nucleops.cores import usable_threads

_FRAMES_AT_ONCE = 16


def coordination_numbers(
    a: FloatArray,
    b: FloatArray | None,
    cell: FloatArray | None,
    r0_A: float,
    n: int,
    m: int,
    *,
    threads: int | None = None,
) -> FloatArray:
    """Return the coordination number of each atom of `a` by the atoms of `b`.

    Parameters
    ----------
    a, b : ndarray
        Coordinates in angstrom, shapes (n_frames, n_a, 3) and (n_frames, n_b, 3). Without `b`, an
        atom is coordinated by those of `a` that come after it, so that their sum has each pair
        once.
    cell : ndarray or None
        Edge lengths in angstrom, shape (n_frames, 3); None: no periodicity.
    r0_A, n, m : float, int, int
        Of the switching function, in PLUMED's short form (cut and stretched).
    threads : int or None
        How many; see :func:`nucleops.cores.usable_threads` for None.

    Returns
    -------
    ndarray
        Shape (n_frames, n_a).
    """
    numbers = np.empty(a.shape[:2])
    dmax = cutoff(r0_A, n, m)
    shift = float(switch(np.array([dmax]), r0_A, n, m, stretched=False)[0])
    common = gcd(n, m)
    kernel = _compiled(common // 2, common % 2 == 1, n // common, m // common)

    def some(start: int) -> None:
        part = slice(start, start + _FRAMES_AT_ONCE)
        own = np.ascontiguousarray(a[part].transpose(0, 2, 1))
        other = own if b is None else np.ascontiguousarray(b[part].transpose(0, 2, 1))
        # an edge of zero stands for no periodicity
        edges = np.zeros((len(own), 3)) if cell is None else np.ascontiguousarray(cell[part])
        kernel(own, other, b is None, edges, r0_A, (dmax / r0_A) ** 2, shift, numbers[part])

    starts = range(0, len(a), _FRAMES_AT_ONCE)
    with ThreadPoolExecutor(min(usable_threads(threads), max(len(starts), 1))) as pool:
        list(pool.map(some, starts))  # the list raises what a thread raised
    return numbers


@cache
def _compiled(half: int, odd: bool, p: int, q: int) -> Callable[..., None]:
    """Compile the loop for one pair of exponents, g = 2 half + odd; takes a quarter of a second.

    The exponents are constants to the compiler, which unrolls the powers and uses vector
    instructions. The interpreter's lock is released: threads share the frames. (Numba's own
    threads are not used: two calls at once abort the process in its default threading layer.)
    """
    import numba

    def numbers(
        a: Any,  # (F, 3, n_a)
        b: Any,  # (F, 3, n_b)
        within: bool,
        edges: Any,  # (F, 3)
        r0: float,
        last2: float,
        shift: float,
        out: Any,  # (F, n_a)
    ) -> None:
        per_r0, scale = 1.0 / (r0 * r0), 1.0 / (1.0 - shift)
        for f in range(a.shape[0]):
            ex, ey, ez = edges[f]
            ix = 1.0 / ex if ex > 0 else 0.0
            iy = 1.0 / ey if ey > 0 else 0.0
            iz = 1.0 / ez if ez > 0 else 0.0
            bx, by, bz = b[f, 0], b[f, 1], b[f, 2]
            for i in range(a.shape[2]):
                ax, ay, az = a[f, 0, i], a[f, 1, i], a[f, 2, i]
                total = 0.0
                for j in range(i + 1 if within else 0, b.shape[2]):
                    dx, dy, dz = bx[j] - ax, by[j] - ay, bz[j] - az
                    dx -= ex * np.floor(dx * ix + 0.5)
                    dy -= ey * np.floor(dy * iy + 0.5)
                    dz -= ez * np.floor(dz * iz + 0.5)
                    x2 = (dx * dx + dy * dy + dz * dz) * per_r0
                    y = 1.0
                    for _ in range(half):
                        y *= x2
                    if odd:
                        y *= np.sqrt(x2)
                    far = y > 1.0
                    z = 1.0 / y if far else y
                    top, bottom, tail = 1.0, 1.0, 1.0
                    for _ in range(p - 1):
                        top = top * z + 1.0
                    for _ in range(q - 1):
                        bottom = bottom * z + 1.0
                    for _ in range(q - p):
                        tail *= z
                    s = top / bottom * (tail if far else 1.0)
                    total += (s - shift) * scale if x2 <= last2 else 0.0
                out[f, i] = total

    # sums may be reordered, which vector instructions need; infinities and nan stay what they are
    compiled: Callable[..., None] = numba.njit(
        numbers, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp"}
    )
    return compiled
