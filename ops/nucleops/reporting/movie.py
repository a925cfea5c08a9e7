"""A replica as an animated picture: metals and donors, coloured by the aggregate they are in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nucleops.analysis.nuclei.contacts import LabelArray, contacts_of
from nucleops.analysis.nuclei.tracks import History
from nucleops.analysis.nuclei.watched import Watched
from nucleops.reporting.style import ELEMENTS, SERIES

if TYPE_CHECKING:
    from nucleops.analysis.grid import BoolArray, FloatArray

MOST_FRAMES = 80
"""Frames of the picture; a longer run is shown in equal steps."""
_SIZE = 400
_SHARPER = 2
"""Drawn so much larger and reduced, for smooth edges."""
_MARGIN = 28
_FRAME_MS = 100
_LAST_MS = 1500
_ALONE = "#b9c0c7"
_RADIUS_A = {"metal": 1.25, "donor": 0.55}


def write_movie(
    watched: Watched, labels: LabelArray, history: History, contact_A: float, path: Path
) -> None:
    """Write an animated GIF of a run, seen along z.

    Parameters
    ----------
    watched : Watched
        Positions.
    labels : ndarray of int
        Aggregate of each metal in each frame, shape (F, n).
    history : History
        Identities: an aggregate keeps its colour for as long as it exists.
    contact_A : float
        Metals closer than this are joined by a line.
    path : Path
        File to write.
    """
    n = len(watched)
    chosen = np.unique(np.linspace(0, n - 1, min(n, MOST_FRAMES)).astype(int))
    tracks = _track_of_each(history, n, labels.shape[1], chosen)
    low, high = _window(watched, chosen)
    pictures = []
    for frame, owners in zip(chosen, tracks, strict=True):
        metal = np.asarray(watched.metal[frame], dtype=np.float64)
        cell = watched.cells[frame] if watched.periodic else np.zeros(3)
        donors = np.concatenate([watched.sulfur[frame], watched.nitrogen[frame]])
        kinds = ["S"] * watched.sulfur.shape[1] + ["N"] * watched.nitrogen.shape[1]
        title = f"{watched.times_ps[frame]:.4g} ps"
        scene = _Scene(low, high)
        scene.joins(metal, contacts_of(metal, cell, contact_A))
        scene.balls(donors, [ELEMENTS[k] for k in kinds], _RADIUS_A["donor"])
        scene.balls(metal, [_colour(owner) for owner in owners], _RADIUS_A["metal"])
        pictures.append(scene.finished(title))
    times = [_FRAME_MS] * (len(pictures) - 1) + [_LAST_MS]
    pictures[0].save(
        path, save_all=True, append_images=pictures[1:], duration=times, loop=0, optimize=True
    )


def _track_of_each(history: History, n: int, metals: int, chosen: Any) -> list[list[int]]:
    """Track of each metal in the chosen frames; 0 outside aggregates."""
    place = {int(frame): k for k, frame in enumerate(chosen)}
    owners = [[0] * metals for _ in chosen]
    for track in history.tracks.values():
        for start, end, members in track.spans:
            for frame in range(start, min(end, n)):
                if frame in place:
                    for metal in members:
                        owners[place[frame]][metal] = track.number
    return owners


def _colour(track: int) -> str:
    return SERIES[(track - 1) % len(SERIES)] if track else _ALONE


def _window(watched: Watched, chosen: Any) -> tuple[FloatArray, FloatArray]:
    """Corners of what is shown, in angstrom: the cell, or what a droplet's metals ever reach."""
    if watched.periodic:
        return np.zeros(3), watched.cells[0]
    reach = np.asarray(watched.metal[chosen]).reshape(-1, 3)
    low, high = reach.min(axis=0) - 3.0, reach.max(axis=0) + 3.0
    return low.astype(np.float64), high.astype(np.float64)


class _Scene:
    """One picture in the making: x to the right, y up, what is nearer along z brighter."""

    def __init__(self, low: FloatArray, high: FloatArray) -> None:
        from PIL import Image, ImageDraw

        side = _SIZE * _SHARPER
        self._image = Image.new("RGB", (side, side), "white")
        self._draw = ImageDraw.Draw(self._image)
        self._low, self._high = low, high
        room = (_SIZE - 2 * _MARGIN) * _SHARPER
        self._scale = room / float(max(high[:2] - low[:2]))
        corner, opposite = self._place(low), self._place(high)
        box = [corner[0], opposite[1], opposite[0], corner[1]]
        self._draw.rectangle(box, outline="#d5dade", width=_SHARPER)

    def joins(self, points: FloatArray, contacts: BoolArray) -> None:
        """Draw lines between points in contact, but not across the boundary."""
        for i, j in zip(*np.nonzero(np.triu(contacts)), strict=True):
            if np.linalg.norm(points[i] - points[j]) < 0.5 * float(min(self._high - self._low)):
                ends = [*self._place(points[i]), *self._place(points[j])]
                self._draw.line(ends, fill="#4a5158", width=3 * _SHARPER)

    def balls(self, points: Any, colours: list[str], radius_A: float) -> None:
        """Draw discs, the farthest first."""
        radius = radius_A * self._scale
        depth = float(self._high[2] - self._low[2]) or 1.0
        for k in np.argsort(np.asarray(points)[:, 2]):
            x, y = self._place(points[k])
            nearness = float(np.clip((points[k][2] - self._low[2]) / depth, 0, 1))
            fill = _mixed(colours[k], 0.45 * (1 - nearness))
            box = [x - radius, y - radius, x + radius, y + radius]
            self._draw.ellipse(box, fill=fill, outline="#3b4147", width=_SHARPER // 2)

    def finished(self, title: str) -> Any:
        """Return the picture, reduced and titled."""
        from PIL import Image, ImageDraw, ImageFont

        small = self._image.resize((_SIZE, _SIZE), Image.Resampling.LANCZOS)
        font = ImageFont.load_default(14)
        ImageDraw.Draw(small).text((_MARGIN, 6), title, fill="#1b1f24", font=font)
        return small.quantize(32)

    def _place(self, point: Any) -> tuple[float, float]:
        x = _MARGIN * _SHARPER + (float(point[0]) - self._low[0]) * self._scale
        y = (_SIZE - _MARGIN) * _SHARPER - (float(point[1]) - self._low[1]) * self._scale
        return x, y


def _mixed(colour: str, white: float) -> tuple[int, int, int]:
    """Mix a colour with white."""
    parts = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    r, g, b = (round(part + (255 - part) * white) for part in parts)
    return r, g, b
