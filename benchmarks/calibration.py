"""Do the stated errors hold? Runs with a known answer, analysed as a study's runs are.

For each model surface, length and number of walkers, `runs` runs of Langevin dynamics with
well-tempered metadynamics are analysed. Printed are, of the runs that state an interval for the
difference of the two basins, the share whose 95 % interval holds the truth (with its own 95 %
interval by E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927)); the same for the barrier; chi^2/n of
the profile's points below 6 kT; the errors' root mean square beside the actual one; and how many
runs stated no interval::

    .venv/bin/python benchmarks/calibration.py [runs]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from model_runs import SURFACES, Surface, walker

from nucleops.analysis.fes.result import Result
from nucleops.analysis.free_energy import log_sum
from nucleops.analysis.metadynamics import analyse
from nucleops.analysis.replicates import half_width
from nucleops.analysis.settings import FreeEnergySettings, State

STATES = (
    State(name="left", ranges={"x": (-9.0, 0.0)}),
    State(name="right", ranges={"x": (0.0, 9.0)}),
)
SETTINGS = FreeEnergySettings(bins=100, n_times=8, states=STATES)
CASES = (
    (SURFACES[0], 100_000, 1),
    (SURFACES[0], 400_000, 1),
    (SURFACES[0], 50_000, 4),
    (SURFACES[1], 200_000, 1),
    (SURFACES[2], 200_000, 1),
    (SURFACES[2], 800_000, 1),
    (SURFACES[0], 15_000, 1),
)
"""Surface, steps of a walker, walkers with a bias each. The last is too short to state anything."""


@dataclass(frozen=True)
class Outcome:
    """What one run stated, and how far it was off; in kT.

    Attributes
    ----------
    stated : bool
        Whether there is an interval.
    off, error : float
        Difference less the truth, and its standard error.
    holds, barrier_holds : bool
        Whether the intervals hold the truth.
    chi2 : float
        Mean square of (surface - truth) / error over the points below 6 kT.
    """

    stated: bool
    off: float
    error: float
    holds: bool
    barrier_holds: bool
    chi2: float


def outcome(result: Result, surface: Surface) -> Outcome:
    """Hold a result against the truth."""
    row, made = result.rows[1], result.reweighted
    assert made is not None
    truth, x = surface.difference(), result.grid.axes[0]
    exact = surface.profile(x)
    fine = surface.profile(np.linspace(-1.5, 1.5, 3001))
    top = fine[1000:2000].max() - fine[:1500].min()
    normed = [f + log_sum(-f[np.isfinite(f)]) for f in (made.surface, exact)]
    z = ((normed[0] - normed[1]) / made.error)[exact < 6.0]
    reach = half_width(row.barrier_error, made.n_blocks)
    return Outcome(
        stated=not row.unknown,
        off=row.population - truth,
        error=row.population_error,
        holds=row.interval[0] <= truth <= row.interval[1],
        barrier_holds=abs(row.barrier - top) <= reach,
        chi2=float(np.nanmean(z**2)),
    )


def run(surface: Surface, seed: int, steps: int, n_walkers: int = 1) -> Outcome:
    """Simulate, analyse, compare; every other walker starts on the right."""
    walkers = [
        walker(surface, 1000 * seed + k, steps, start=1.0 if k % 2 else -1.0)
        for k in range(n_walkers)
    ]
    return outcome(analyse(walkers, ["x"], 1.0, SETTINGS)[0], surface)


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share, by Wilson."""
    share, part = hits / count, z * z / count
    middle = share + part / 2
    reach = z * np.sqrt(share * (1 - share) / count + part / (4 * count))
    return float((middle - reach) / (1 + part)), float((middle + reach) / (1 + part))


def main() -> None:
    """Run and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    head = f"{'surface':24s} {'steps':>7s} {'walkers':>7s} {'stated':>8s}  coverage (95 %)"
    print(f"{head:68s}  barrier  chi2/n   rms off / stated (kT)")
    for surface, steps, n_walkers in CASES:
        made = [run(surface, seed, steps, n_walkers) for seed in range(count)]
        told = [one for one in made if one.stated]
        line = f"{surface.name:24s} {steps:7d} {n_walkers:7d} {len(told):4d}/{count}"
        if told:
            hits = sum(one.holds for one in told)
            low, high = wilson(hits, len(told))
            line += f"  {hits / len(told):.3f} ({low:.3f} to {high:.3f})"
            off, error = (
                np.sqrt(np.mean([value**2 for value in values]))
                for values in ([one.off for one in told], [one.error for one in told])
            )
            line += f"    {np.mean([one.barrier_holds for one in told]):.3f}"
            line += f"    {np.mean([one.chi2 for one in told]):.2f}    {off:.3f} / {error:.3f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
