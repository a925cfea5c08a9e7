"""The picture of a bias: a panel for each switching function, and every pair in its histogram."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleops.bias.preview import preview
from nucleops.bias.previewed import Preview
from nucleops.bias.resolve import resolve
from nucleops.bias.spec import Bias
from nucleops.bias.switch import switch
from nucleops.errors import WrongInput
from nucleops.reporting.preview_figures import switching_figure
from nucleops.reporting.preview_page import write_preview
from nucleops.reporting.style import look
from nucleops.systems.system import System

RNG = np.random.default_rng(1)
BOX = System("box", ("O",) * 40 + ("H",) * 10, RNG.uniform(0, 14, (50, 3)), np.full(3, 14.0), True)


def made(**cvs: dict[str, object]) -> Preview:
    return preview(resolve(Bias.model_validate({"cvs": cvs}), BOX), BOX, 300.0)


def coordination(element: str, r0: float, m: int = 12) -> dict[str, object]:
    other = {"element": "O" if element == "H" else "H"}
    return {"kind": "coordination", "a": {"element": element}, "b": other, "r0_A": r0, "m": m}


def test_panels_hold_the_function_and_all_pairs() -> None:
    shown = made(one=coordination("O", 2.0), two=coordination("H", 3.5, 8))
    with look():
        figure = switching_figure(shown)
    tops, bottoms = figure.axes[0::2], figure.axes[1::2]
    assert [axes.get_title(loc="left") for axes in tops] == ["a\u2002O–H", "b\u2002H–O"]
    assert [axes.get_title(loc="right") for axes in tops] == ["one", "two"]
    for counted, top, bottom in zip(shown.counted, tops, bottoms, strict=True):
        x, s = top.lines[0].get_data()
        np.testing.assert_allclose(s, switch(x, counted.r0_A, 6, counted.m))
        end = top.get_xlim()[1]
        seen = sum(bar.get_height() for bar in bottom.patches if bar.get_width() < 0.5)
        within = np.sum(counted.distances_A <= end)
        assert within <= seen <= np.sum(counted.distances_A <= end + 0.2)
        assert bottom.get_xlabel() == "distance (Å)"
    assert bottoms[0].get_ylabel() == "pairs"


def test_many_panels_stand_in_rows_and_long_names_are_shortened() -> None:
    names = {f"long_name_{k}": coordination("O", 2.0) for k in range(4)}
    others = {f"r{k}": coordination("O", 2.5 + k) for k in range(4)}
    with look():
        figure = switching_figure(made(**names, **others))
        figure.canvas.draw()
    assert len(figure.axes) == 10
    assert figure.axes[0].get_title(loc="right") == "long_name_0 and 3 more"
    # no title runs into that of the next panel
    texts = [text for axes in figure.axes[0::2] for text in (axes._left_title, axes._right_title)]
    boxes = [text.get_window_extent() for text in texts]
    for i, a in enumerate(boxes):
        assert not any(a.overlaps(b) for b in boxes[i + 1 :])


def test_a_bias_without_coordinations_has_a_page_but_no_figure(tmp_path: Path) -> None:
    shown = made(d={"kind": "distance", "sites": [{"index": 1}, {"index": 2}]})
    with pytest.raises(WrongInput, match="no coordination to draw"):
        write_preview(shown, tmp_path / "p.png", "a title")
    assert not (tmp_path / "p.png").exists()
    page = write_preview(shown, tmp_path / "p.html", "<a & b>").read_text()
    assert "<h1>&lt;a &amp; b&gt;</h1>" in page
    assert "<svg" not in page
    assert "http" not in page.replace("http://www.w3.org", "")
