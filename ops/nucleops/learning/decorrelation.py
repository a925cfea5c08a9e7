"""Which steps of an AIMD run become training data: those far enough apart to tell something new.

Neighbouring steps are nearly the same configuration. Steps count as independent once they are a
statistical inefficiency apart, ``g = 1 + 2 sum_t rho(t)`` with rho the autocorrelation of the
potential energy (J. D. Chodera, W. C. Swope, J. W. Pitera, C. Seok and K. A. Dill, J. Chem. Theory
Comput. 3, 26 (2007), eq. 5), summed up to Sokal's window. A straight line is taken off the energies
first: a run that still warms up is not correlated for as long as it is, it drifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.block_sizes import autocorrelation_time
from nucleops.engines.cp2k.settings import AimdRun
from nucleops.systems.system import FloatArray


@dataclass(frozen=True)
class Thinning:
    """Which steps are due, and why.

    Attributes
    ----------
    stride_steps : int
        Steps from one to the next.
    inefficiency_steps : float
        Statistical inefficiency of the potential energy in steps.
    decided_by : str
        ``minimum stride``, ``statistical inefficiency``, or ``fewest frames``.
    """

    stride_steps: int
    inefficiency_steps: float
    decided_by: str


def thinning(energies_eV: FloatArray, run: AimdRun) -> Thinning:
    """Choose the distance between kept frames of a run.

    It is ``decorrelation`` statistical inefficiencies, but at least ``stride``, and not more than
    leaves ``fewest_frames`` of the run.

    Parameters
    ----------
    energies_eV : ndarray
        Potential energy of every step that is not skipped, shape (n_steps,).
    run : AimdRun
        Settings.
    """
    inefficiency = statistical_inefficiency(energies_eV)
    wanted = math.ceil(run.decorrelation * inefficiency)
    longest = max(run.stride, (run.steps - run.skip_steps + 1) // run.fewest_frames)
    if wanted <= run.stride:
        return Thinning(run.stride, inefficiency, "minimum stride")
    if wanted > longest:
        return Thinning(longest, inefficiency, "fewest frames")
    return Thinning(wanted, inefficiency, "statistical inefficiency")


def statistical_inefficiency(series: FloatArray) -> float:
    """Return ``1 + 2 sum_t rho(t)`` of a series about its linear trend, in rows; at least 1."""
    if len(series) < 4:
        return 1.0
    rows = np.arange(len(series))
    rest = series - np.polynomial.Polynomial.fit(rows, series, 1)(rows)
    return max(1.0, 2.0 * autocorrelation_time(rest))
