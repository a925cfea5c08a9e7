"""A preview of a bias as one self-contained page."""

from __future__ import annotations

import io
from pathlib import Path

from nucleops.bias.cautions import cautions
from nucleops.bias.preview_tables import heading, tables
from nucleops.bias.previewed import Preview
from nucleops.reporting.page import asset, templates
from nucleops.reporting.preview_figures import switching_figure, write_figure
from nucleops.reporting.style import inline_svg, look

CAPTION = (
    "Each switching function (line) with the pairs it acts on at the start (dots, where they are "
    "few), and the histogram of their distances; grey bands: where a pair hardly changes it; "
    "dashed: r0; > L/2: beyond half the shortest edge of the cell, where only the nearest image of "
    "a pair counts."
)
SUFFIXES = (".png", ".svg", ".html")


def write_preview(preview: Preview, path: Path, title: str) -> Path:
    """Write a preview as the path's ending says.

    Parameters
    ----------
    preview : Preview
        The bias at the start.
    path : Path
        ``.png`` or ``.svg``: the figure of the switching functions; ``.html``: a page with the
        tables and cautions too, also where there is nothing to draw.
    title : str
        Of the page.

    Raises
    ------
    WrongInput
        A figure is asked for, but the bias counts no pairs.
    """
    if path.suffix != ".html":
        return write_figure(preview, path)
    from markupsafe import Markup

    context = {
        "title": title,
        "css": Markup(asset("report.css")),
        "heading": heading(preview),
        "cautions": cautions(preview),
        "tables": tables(preview),
        "svg": Markup(_svg(preview)) if preview.counted else "",
        "caption": CAPTION,
    }
    path.write_text(templates().get_template("preview.html.j2").render(context), encoding="utf-8")
    return path


def _svg(preview: Preview) -> str:
    import matplotlib.pyplot as plt

    text = io.StringIO()
    with look():
        fig = switching_figure(preview)
        fig.savefig(text, format="svg", transparent=True)
        plt.close(fig)
    return inline_svg(
        text.getvalue(), "switching", "Switching functions above histograms of pairs."
    )
