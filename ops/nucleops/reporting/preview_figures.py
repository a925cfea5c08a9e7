"""The picture of a bias before it runs: its switching functions, and the pairs they act on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleops.bias.previewed import FLAT, Counted, Preview
from nucleops.errors import WrongInput
from nucleops.reporting.style import BLUE, FAINT, INK, SKY, VERMILLION, WIDTH_IN, grid, look, panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
_ROW_IN = 2.55
_MOST_DOTS = 200
_LONGEST_NAMES = 24


def switching_figure(preview: Preview) -> Figure:
    """Draw each switching function with the distances of its pairs beneath.

    Parameters
    ----------
    preview : Preview
        The bias at the start.

    Returns
    -------
    matplotlib.figure.Figure
        One panel for each function and kind of pairs. To be drawn and saved within
        :func:`nucleops.reporting.style.look`.

    Raises
    ------
    WrongInput
        The bias counts no pairs.
    """
    import matplotlib.pyplot as plt

    counted = preview.counted
    if not counted:
        raise WrongInput(
            f"the bias on system {preview.system.name!r} has no coordination to draw",
            advice="leave -o out: the table holds all there is",
        )
    # a single panel is not to be as wide as a page
    columns = min(COLUMNS, len(counted))
    rows = -(-len(counted) // columns)
    width = WIDTH_IN if columns == COLUMNS else WIDTH_IN * columns / COLUMNS + 0.4
    fig = plt.figure(figsize=(width, _ROW_IN * rows))
    cells = fig.add_gridspec(2 * rows, columns, height_ratios=(1.5, 1) * rows)
    half = float(preview.system.cell.min()) / 2 if preview.system.periodic else None
    for k, one in enumerate(counted):
        row, column = divmod(k, columns)
        top = fig.add_subplot(cells[2 * row, column])
        bottom = fig.add_subplot(cells[2 * row + 1, column], sharex=top)
        _draw(top, bottom, one, half)
        panel(top, "abcdefghijklmnopqrstuvwxyz"[k % 26], one.pairs)
        top.set_title(_names(one), loc="right", fontsize=7.5, fontweight="normal")
        if k % columns == 0:
            top.set_ylabel("switching function")
            bottom.set_ylabel("pairs")
    return fig


def write_figure(preview: Preview, path: Path) -> Path:
    """Write :func:`switching_figure` as PNG or SVG, by the path's ending."""
    import matplotlib.pyplot as plt

    with look():
        fig = switching_figure(preview)
        fig.savefig(path, facecolor="white")
        plt.close(fig)
    return path


def _names(counted: Counted) -> str:
    first, *others = counted.names
    names = ", ".join(counted.names)
    return names if len(names) <= _LONGEST_NAMES else f"{first} and {len(others)} more"


def _extent(counted: Counted) -> float:
    """Right end of the axis: the switching function's fall, and the pairs next to it."""
    r = counted.distances_A
    falls = max(4 * counted.r0_A, 1.6 * float(r.min()))
    return float(min(falls, max(2.5 * counted.r0_A, 1.08 * float(r.max()))))


def _draw(top: Any, bottom: Any, counted: Counted, half: float | None) -> None:
    r, end = counted.distances_A, _extent(counted)
    x = np.linspace(1e-6, end, 400)
    for low in (0.0, 1 - FLAT):
        top.axhspan(low, low + FLAT, color=FAINT, alpha=0.22, lw=0)
    top.plot(x, counted.switch(x), color=BLUE)
    if len(r) <= _MOST_DOTS:
        top.plot(r, counted.switch(r), "o", ms=3.6, mfc=VERMILLION, mec="white", mew=0.4)
    top.set(ylim=(-0.02, 1.04), xlim=(0, end), yticks=(0, 0.5, 1))
    top.tick_params(labelbottom=False)
    top.text(
        0.97,
        0.9,
        f"$r_0$ = {counted.r0_A:g} Å\n{counted.n}/{counted.m}",
        transform=top.transAxes,
        ha="right",
        va="top",
        fontsize=7.5,
    )
    step = 0.1 if end <= 8 else 0.2
    bottom.hist(r, bins=np.arange(0, end + step, step), color=SKY, edgecolor=BLUE, linewidth=0.3)
    for axes in (top, bottom):
        axes.axvline(counted.r0_A, color=INK, lw=0.7, dashes=(4, 2))
        if half is not None and half < end:
            axes.axvspan(half, end, color=FAINT, alpha=0.22, lw=0)
        grid(axes)
    if half is not None and half < end:
        bottom.margins(y=0.3)
        high = bottom.get_ylim()[1]
        bottom.text(end, 0.97 * high, "> L/2", fontsize=7, ha="right", va="top")
    bottom.set_xlabel("distance (Å)")
    bottom.yaxis.get_major_locator().set_params(integer=True, nbins=3)
