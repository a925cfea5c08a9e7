"""By how much PLUMED and Colvars differ where both are told the same bias.

    python benchmarks/engine_differences.py

Prints the numbers of docs/collective-variables.md, from the formulas of each engine as
``nucleops.bias`` has them: the switching function's two ends, the hills' two cut-offs, and a grid
that is interpolated against one that is read at the nearest point. Takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nucleops.bias.hills import COLVARS_CUT, PLUMED_CUT, kernel_value
from nucleops.bias.switch import TOLERANCE, cutoff, switch

SWITCHES = (
    ("Ag-Ag, Ag-N", 3.25, 6, 8),
    ("solvent, dimer", 2.0, 6, 10),
    ("solvent, octahedron", 3.0, 6, 10),
    ("methanol guards", 1.5, 6, 12),
    ("as steep as allowed", 3.0, 6, 96),
)
"""What the article counts, and one beyond it: r0 in A, and the exponents."""
SPACINGS = (2, 5, 10)
"""Grid spacings as parts of sigma; five is the default."""


@dataclass(frozen=True)
class Switched:
    """A switching function in three forms.

    Attributes
    ----------
    cutoff_A : float
        Where PLUMED's short form ends.
    plain : float
        Largest difference, per pair, between the plain and the stretched function.
    colvars : float
        Largest difference, per pair, between Colvars' ``tolerance`` form and the stretched one.
    """

    cutoff_A: float
    plain: float
    colvars: float


def switched(r0_A: float, n: int, m: int) -> Switched:
    """Compare the forms of a switching function on a fine grid of distances."""
    dmax = cutoff(r0_A, n, m)
    r = np.concatenate(
        [np.linspace(0.01 * r0_A, dmax, 400_001), np.linspace(dmax, 2 * dmax, 1001)[1:]]
    )
    stretched = switch(r, r0_A, n, m)
    plain = switch(r, r0_A, n, m, stretched=False)
    # Colvars takes the tolerance itself off, and what is negative then is zero
    colvars = np.maximum((plain - TOLERANCE) / (1 - TOLERANCE), 0.0)
    return Switched(
        dmax,
        float(np.abs(plain - stretched).max()),
        float(np.abs(colvars - stretched).max()),
    )


def hill_difference() -> float:
    """Largest difference of PLUMED's stretched hill and Colvars' plain one, of height 1."""
    half = np.linspace(0.0, 1.2 * COLVARS_CUT, 1_000_001)
    ours = kernel_value(half, "stretched-gaussian") - kernel_value(half, "gaussian")
    return float(np.abs(ours).max())


def grid_difference(parts: int) -> tuple[float, float]:
    """Largest error of a hill of height 1 and width 1 on a grid of spacing ``1 / parts``.

    Returns
    -------
    nearest, interpolated : float
        Read at the nearest grid point (Colvars); interpolated by the cubic that takes values and
        slopes from the two neighbours (PLUMED).
    """
    step = 1.0 / parts
    nearest = interpolated = 0.0
    x = np.linspace(-4.0, 4.0, 20_001)
    for shift in np.linspace(0.0, step, 11):  # where the hill lies between grid points
        centre = x - shift
        hill = np.exp(-(centre**2) / 2)
        at = np.round(x / step) * step - shift
        nearest = max(nearest, float(np.abs(np.exp(-(at**2) / 2) - hill).max()))
        low = np.floor(x / step) * step - shift
        high, t = low + step, (centre - low) / step
        f0, f1 = np.exp(-(low**2) / 2), np.exp(-(high**2) / 2)
        d0, d1 = -low * f0 * step, -high * f1 * step
        cubic = (
            (2 * t**3 - 3 * t**2 + 1) * f0
            + (t**3 - 2 * t**2 + t) * d0
            + (3 * t**2 - 2 * t**3) * f1
            + (t**3 - t**2) * d1
        )
        interpolated = max(interpolated, float(np.abs(cubic - hill).max()))
    return nearest, interpolated


def main() -> None:
    """Print the differences."""
    print("switching function, largest difference per pair from PLUMED's short form")
    print(f"{'':22s} {'cut-off/A':>10s} {'plain form':>12s} {'Colvars':>12s}")
    for what, r0, n, m in SWITCHES:
        s = switched(r0, n, m)
        print(f"{what:22s} {s.cutoff_A:10.2f} {s.plain:12.2e} {s.colvars:12.2e}")
    print(f"\nhills, cut at half the squared distance of {PLUMED_CUT} (PLUMED, stretched) and")
    print(f"{COLVARS_CUT} (Colvars): largest difference {100 * hill_difference():.3f} % of a hill")
    print("\none hill on a grid, largest error in % of its height")
    print(f"{'spacing':>10s} {'nearest point':>14s} {'interpolated':>14s}")
    for parts in SPACINGS:
        nearest, interpolated = grid_difference(parts)
        print(f"{'sigma/' + str(parts):>10s} {100 * nearest:14.2f} {100 * interpolated:14.4f}")


if __name__ == "__main__":
    main()
