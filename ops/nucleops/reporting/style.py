"""One look for every figure: fonts, colours, sizes; and figures as inline SVG."""

from __future__ import annotations

import base64
import html
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

BLUE, ORANGE, GREEN, VERMILLION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#7a828c"
SERIES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
"""Okabe and Ito's colours, distinguishable with any colour vision (jfly.uni-koeln.de/color)."""
INK = "#1b1f24"
"""Text and axes; becomes the page's own text colour where a figure is shown inline."""
FAINT = "#9aa3ad"
"""Grid lines and references; readable on white and on black."""
ELEMENTS = {
    "Ag": ORANGE,
    "Au": "#F0E442",
    "Cu": "#B5652B",
    "S": GREEN,
    "N": BLUE,
    "O": VERMILLION,
    "C": "#6b7178",
    "H": "#f4f5f6",
    "B": "#e0a9a0",
    "F": "#9fd6a4",
    "Si": "#c9b68a",
    "P": "#e58a2b",
    "Cl": "#5fb85f",
    "Ge": "#7d9a9a",
    "As": PURPLE,
    "Se": "#c27c00",
    "Br": "#8c3b2a",
    "Te": "#b07a3c",
    "I": "#6f3b8f",
}
"""Colours of the elements in figures and in the three-dimensional view."""
WIDTH_IN = 7.0
"""Width of a figure over two columns of a journal page, in inches."""
MOST_POINTS = 3000
"""Points of a series that are drawn."""

_RC: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 8.0,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.7,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "lines.linewidth": 1.2,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "nucleoflow",
    "savefig.dpi": 300,
    "mathtext.default": "regular",
}


@dataclass(frozen=True)
class Figure:
    """A finished figure.

    Attributes
    ----------
    name : str
        File name without ending; also the id on the page.
    caption : str
        What a reader sees below it.
    alt : str
        What a reader hears who cannot see it.
    svg : str
        The figure as an inline element: SVG, or an image that carries its data.
    data : tuple of str
        CSV files behind it, relative to the report's folder.
    endings : tuple of str
        Of its files in ``figures/``.
    """

    name: str
    caption: str
    alt: str
    svg: str
    data: tuple[str, ...]
    endings: tuple[str, ...] = (".svg", ".png")


@dataclass
class Book:
    """Collects the figures of a report and writes their files.

    Attributes
    ----------
    folder : Path
        The report's folder; figures go to ``figures/``, data to ``data/``.
    figures : dict of str to Figure
        By name, in order.
    tag, subject : str
        Put behind a figure's name and in front of its caption; see :meth:`chapter`.
    """

    folder: Path
    figures: dict[str, Figure] = field(default_factory=dict)
    tag: str = ""
    subject: str = ""

    def chapter(self, tag: str, subject: str) -> Book:
        """Return the same book with figures named and captioned after one of several runs."""
        return Book(self.folder, self.figures, tag, subject)

    def add(
        self, name: str, figure: Any, *, caption: str, alt: str, data: Sequence[Path] = ()
    ) -> Figure:
        """Write a matplotlib figure as SVG and PNG with its data, and keep it for the page."""
        import matplotlib.pyplot as plt

        name += self.tag
        caption = f"{self.subject}: {caption}" if self.subject else caption
        pictures, tables = self.folder / "figures", self.folder / "data"
        pictures.mkdir(exist_ok=True)
        tables.mkdir(exist_ok=True)
        svg = pictures / f"{name}.svg"
        metadata: Mapping[str, str | None] = {"Date": None, "Creator": None}
        figure.savefig(svg, facecolor="white", metadata=metadata)
        figure.savefig(pictures / f"{name}.png", facecolor="white")
        plain = pictures / f".{name}.svg"
        figure.savefig(plain, transparent=True, metadata=metadata)
        plt.close(figure)
        inline = inline_svg(plain.read_text(encoding="utf-8"), name, alt)
        plain.unlink()
        files = []
        for k, source in enumerate(p for p in data if p.is_file()):
            # Runs share file names; the run's own name keeps their tables apart.
            run = f"{source.parent.name}_" if source.name in ("series.csv", "thermo.csv") else ""
            target = tables / (f"{name}.csv" if k == 0 else f"{name}_{run}{source.stem}.csv")
            shutil.copyfile(source, target)
            files.append(f"data/{target.name}")
        made = Figure(name, caption, alt, inline, tuple(files))
        self.figures[name] = made
        return made

    def add_movie(self, name: str, movie: Path, *, caption: str, alt: str) -> Figure:
        """Copy an animated GIF beside the figures, and keep it for the page."""
        name += self.tag
        caption = f"{self.subject}: {caption}" if self.subject else caption
        pictures = self.folder / "figures"
        pictures.mkdir(exist_ok=True)
        target = pictures / f"{name}.gif"
        shutil.copyfile(movie, target)
        data = base64.b64encode(target.read_bytes()).decode("ascii")
        label = html.escape(alt, quote=True)
        image = f'<img id="{name}" alt="{label}" src="data:image/gif;base64,{data}">'
        made = Figure(name, caption, alt, image, (), (".gif",))
        self.figures[name] = made
        return made


@contextmanager
def look() -> Iterator[None]:
    """Draw with the report's look, without a display and without touching other figures."""
    import matplotlib as mpl

    mpl.use("Agg")
    settings: Any = _RC  # matplotlib types the keys as a closed list
    with mpl.rc_context(settings):
        yield


def save_figures(figures: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write figures by name as SVG and PNG, close them, and return the files; None is left out."""
    import matplotlib.pyplot as plt

    files = []
    for name, figure in figures.items():
        if figure is None:
            continue
        for suffix in (".svg", ".png"):
            files.append(folder / f"{name}{suffix}")
            metadata = {"Date": None, "Creator": None} if suffix == ".svg" else None
            figure.savefig(files[-1], facecolor="white", metadata=metadata)
        plt.close(figure)
    return files


def inline_svg(text: str, name: str, alt: str) -> str:
    """Turn a matplotlib SVG file into an element that can stand in a page with others.

    Ids get the figure's name in front (they must be unique on the page), the ink takes the page's
    text colour (so that it is readable in the dark), and the size follows the column.
    """
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = text.replace(INK, "currentColor").replace(FAINT, "var(--faint)")
    head = text[: text.index(">")]
    box = re.search(r'viewBox="([^"]+)"', head)
    view = box.group(1) if box else "0 0 504 216"
    label = html.escape(alt, quote=True)
    opened = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{view}" role="img" aria-label="{label}">'
    )
    return opened + text[text.index(">") + 1 :]


def panel(axes: Any, letter: str, title: str = "") -> None:
    """Letter a panel as journals do."""
    axes.set_title(f"{letter}\u2002{title}" if title else letter)


def plain_log(axis: Any) -> None:
    """Write the numbers of a logarithmic axis out: 1, 2, 5 of each decade where there are few."""
    from matplotlib.ticker import LogLocator, NullLocator

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 200 * low else (1,)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: f"{value:g}")


def grid(axes: Any, which: str = "y") -> None:
    """Draw faint grid lines behind the data."""
    axes.grid(axis=which, color=FAINT, linewidth=0.4, alpha=0.6)
    axes.set_axisbelow(True)
