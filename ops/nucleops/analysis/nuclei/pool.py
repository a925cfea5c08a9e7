"""What many replicas say together: how soon nuclei form, of what size, in which order of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.analysis.nuclei.changepoints import ChangePoint

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Survival:
    """How long replicas stay without a nucleus.

    Attributes
    ----------
    times_ps : ndarray
        Times at which the curve steps, 0 first, shape (k,).
    share, low, high : ndarray
        Kaplan-Meier estimate of the share still without one, and its 95 % confidence band, shape
        (k,).
    events : int
        Replicas in which one formed.
    exposure_ps : float
        Time during which all replicas together were without one.
    rate_ns, rate_low_ns, rate_high_ns : float
        First nuclei per ns and replica, and the exact 95 % interval of a Poisson rate.
    """

    times_ps: FloatArray
    share: FloatArray
    low: FloatArray
    high: FloatArray
    events: int
    exposure_ps: float
    rate_ns: float
    rate_low_ns: float
    rate_high_ns: float


def survival(first_ps: Sequence[float | None], observed_ps: Sequence[float]) -> Survival:
    """Kaplan-Meier curve and rate of first nuclei.

    Parameters
    ----------
    first_ps : sequence of float or None
        Time of the first nucleus of each replica; None where none formed while it was observed.
    observed_ps : sequence of float
        How long each replica was observed (trusted).

    Returns
    -------
    Survival
        The band is that of lifelines: Greenwood's variance on the scale of log(-log S). The rate is
        that of an exponential law, events over exposure, with Garwood's interval (Biometrika 28,
        437 (1936)); without an event its lower end is zero.

    Raises
    ------
    ValueError
        There is no replica, or none was observed for any time.
    """
    from lifelines import KaplanMeierFitter
    from scipy.stats import chi2

    happened = np.array([first is not None for first in first_ps])
    until = np.array(
        [end if first is None else first for first, end in zip(first_ps, observed_ps, strict=True)]
    )
    exposure = float(until.sum())
    if not len(until) or exposure <= 0:
        raise ValueError("no replica was observed for any time")
    curve = KaplanMeierFitter(alpha=1 - CONFIDENCE).fit(until, happened)
    band = curve.confidence_interval_survival_function_.to_numpy()
    events = int(happened.sum())
    tail = (1 - CONFIDENCE) / 2
    low = chi2.ppf(tail, 2 * events) / 2 if events else 0.0
    per_ns = 1000.0 / exposure
    return Survival(
        times_ps=curve.survival_function_.index.to_numpy(dtype=np.float64),
        share=curve.survival_function_.to_numpy(dtype=np.float64)[:, 0],
        low=np.nan_to_num(band[:, 0], nan=1.0),
        high=np.nan_to_num(band[:, 1], nan=1.0),
        events=events,
        exposure_ps=exposure,
        rate_ns=events * per_ns,
        rate_low_ns=float(low) * per_ns,
        rate_high_ns=float(chi2.ppf(1 - tail, 2 * events + 2) / 2) * per_ns,
    )


def size_distribution(
    times_ps: Sequence[FloatArray], sizes: Sequence[IntArray], n_times: int = 50
) -> tuple[FloatArray, FloatArray]:
    """Mean share of the metals in aggregates of each size, through time.

    Parameters
    ----------
    times_ps : sequence of ndarray
        Times of each replica's frames, shape (F,).
    sizes : sequence of ndarray
        Aggregates of each size, shape (F, n + 1), as :class:`.replica.Replica` counts them.
    n_times : int
        Bins of time, from zero to the end of the longest replica.

    Returns
    -------
    edges : ndarray
        Shape (n_times + 1,), in ps.
    share : ndarray
        Shape (n_times, n + 1); rows add to one, and are nan where no replica has a frame.
    """
    widest = max(s.shape[1] for s in sizes)
    end = max(float(t[-1]) for t in times_ps)
    edges = np.linspace(0.0, end if end > 0 else 1.0, n_times + 1)
    total, weight = np.zeros((n_times, widest)), np.zeros(n_times)
    for t, counts in zip(times_ps, sizes, strict=True):
        width = counts.shape[1]
        share = counts * np.arange(width) / (width - 1)
        where = np.clip(np.searchsorted(edges, t, side="right") - 1, 0, n_times - 1)
        frames = np.bincount(where, minlength=n_times)
        seen = frames > 0
        rows = np.zeros((n_times, width))
        np.add.at(rows, where, share)
        total[seen, :width] += rows[seen] / frames[seen, None]
        weight += seen  # replicas count alike, however often they were written
    with np.errstate(invalid="ignore", divide="ignore"):
        return edges, total / weight[:, None]


@dataclass(frozen=True)
class Order:
    """Which of two steps comes first, over many nuclei.

    Attributes
    ----------
    first, second : str
        The steps.
    nuclei : int
        Nuclei in which both are dated.
    before : int
        Those in which `first` came first.
    lead_ps : float
        Median time from `first` to `second`.
    p_order, p_lead : float
        Two-sided p-values that neither comes first: sign test on `before`, and Wilcoxon's signed
        rank test on the leads; nan without nuclei.
    """

    first: str
    second: str
    nuclei: int
    before: int
    lead_ps: float
    p_order: float
    p_lead: float


def order_of(events: Sequence[Mapping[str, ChangePoint | None]], first: str, second: str) -> Order:
    """Compare the times of two steps over nuclei; those without both are left out."""
    from scipy.stats import binomtest, wilcoxon

    leads = np.array(
        [
            e[second].time - e[first].time  # type: ignore[union-attr]  # both are there
            for e in events
            if e.get(first) is not None and e.get(second) is not None
        ]
    )
    apart = leads[leads != 0]
    if not len(apart):
        middle = float(np.median(leads)) if len(leads) else float("nan")
        return Order(first, second, len(leads), 0, middle, float("nan"), float("nan"))
    before = int((apart > 0).sum())
    return Order(
        first=first,
        second=second,
        nuclei=len(leads),
        before=before,
        lead_ps=float(np.median(leads)),
        p_order=float(binomtest(before, len(apart)).pvalue),
        p_lead=float(wilcoxon(apart).pvalue),
    )
