"""A grid of conditions for the replicas, as a study describes it."""

from __future__ import annotations

import pytest

from nucleoflow.study.errors import StudyError
from nucleoflow.study.load import load_study, parse_study, study_text


def with_grid(lines: str) -> str:
    return study_text("quickstart")[1].replace("  replicas: 3\n", f"  replicas: 3\n{lines}")


def test_without_a_grid_there_is_one_condition_without_a_label() -> None:
    nucleate = load_study("quickstart").nucleate
    assert nucleate is not None
    ((label, spec, md),) = nucleate.conditions
    assert (label, spec, md) == ("", nucleate.system, nucleate.md)


def test_every_temperature_with_every_concentration() -> None:
    study = parse_study(
        with_grid("  temperatures_K: [300, 330]\n  solute_counts: [2, 4]\n"), "grid"
    )
    assert study.nucleate is not None
    found = {
        label: (spec.contents[0].count, spec.contents[1].count, md.temperature_K)
        for label, spec, md in study.nucleate.conditions
    }
    assert found == {
        "300 K, 2 dimer": (2, 6, 300),
        "300 K, 4 dimer": (4, 6, 300),
        "330 K, 2 dimer": (2, 6, 330),
        "330 K, 4 dimer": (4, 6, 330),
    }


def test_a_wrong_temperature_of_a_grid_is_refused_with_its_line() -> None:
    with pytest.raises(StudyError, match=r"nucleate.temperatures_K\[2\]: found -5"):
        parse_study(with_grid("  temperatures_K: [300, -5]\n"), "grid")
