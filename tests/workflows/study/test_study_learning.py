"""What a study may say about exploration and selection, and what is refused where it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nucleoflow.dag.learn import exploration_scheduler
from nucleoflow.study.errors import StudyError
from nucleoflow.study.load import parse_study, study_text
from nucleoflow.study.model import Study
from nucleops.learning.settings import AdaptiveLevel, Selection

LOW = "force_deviation_low_eV_A: 0.30"


def quickstart(selection: str = LOW, exploration: str = "", shape: str = "droplet") -> Study:
    """Return the quickstart with other words in its selection, first exploration and system."""
    text = study_text("quickstart")[1].replace(LOW, selection)
    text = text.replace("{system: monomers, temp", f"{{system: monomers, {exploration}temp", 2)
    if shape == "cube":
        text = text.replace("{shape: droplet, radius_A: 6.5}", "{shape: cube, edge_A: 12.0}")
    start = text.index("  initial_data:")
    end = text.index("  train:")
    aimd = text[start:end].replace(exploration, "") if exploration else text[start:end]
    return parse_study(text[:start] + aimd + text[end:], "test")


def test_pressures_and_volumes_of_a_box() -> None:
    pressed = quickstart(exploration="pressures_bar: [1, 5000], ", shape="cube")
    (_, first, *_) = [task.files()["task.json"] for task in _tasks(pressed)]
    assert '"pressure_bar": 5000.0' in first
    assert '"exploration": "monomers, 300 K, 5000 bar"' in first
    wide = quickstart(exploration="volume_factors: [1.1], ", shape="cube")
    assert "volume x1.1" in next(iter(_tasks(wide))).files()["task.json"]


def _tasks(study: Study) -> list:
    _, group, _ = exploration_scheduler(study).plan_next_iteration()
    return list(group)


@pytest.mark.parametrize("key", ["pressures_bar", "volume_factors"])
def test_a_droplet_has_neither(key: str) -> None:
    with pytest.raises(StudyError) as caught:
        quickstart(exploration=f"{key}: [1.0], ")
    assert f"learn.exploration[1].{key}" in str(caught.value)
    assert "system 'monomers' is a droplet in vacuum" in str(caught.value)


def test_pressure_or_volume() -> None:
    both = "pressures_bar: [1.0], volume_factors: [1.0], "
    with pytest.raises(StudyError, match="at most one of pressures_bar and volume_factors"):
        quickstart(exploration=both, shape="cube")


def test_a_study_may_adapt_its_low_level() -> None:
    study = quickstart("adaptive: {candidates: 60}, max_per_system: 20, minimum_distance: 0.2")
    selection = study.learn.selection
    assert selection.adaptive is not None
    assert (selection.adaptive.candidates, selection.adaptive.rounds) == (60, 2)
    assert selection.max_per_system == 20
    assert quickstart().learn.selection.order == "farthest-point"


def test_the_page_knows_every_setting() -> None:
    text = (Path(__file__).parents[3] / "docs/concurrent-learning.md").read_text()
    known = {*Selection.model_fields, *AdaptiveLevel.model_fields, "pressures_bar"}
    assert {name for name in known | {"volume_factors"} if name not in text} == set()
    (example,) = re.findall(r"^    (adaptive: .*)$", text, re.MULTILINE)
    assert quickstart(example).learn.selection.adaptive == AdaptiveLevel()


def test_one_low_level_is_needed() -> None:
    with pytest.raises(StudyError, match="exactly one of force_deviation_low_eV_A and adaptive"):
        quickstart(f"{LOW}, adaptive: {{}}")
