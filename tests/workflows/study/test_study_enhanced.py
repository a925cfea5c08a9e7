"""OPES and shared biases in a study: what fits together, and what is refused where it stands."""

from __future__ import annotations

import pytest

from nucleoflow.study.errors import StudyError
from nucleoflow.study.load import parse_study, study_text
from nucleoflow.study.model import Study

OPES = "    opes: {cvs: [s1, s2], barrier_kcal_mol: 15, sigma: [0.1, 0.05]}\n"


def quickstart(
    metad: str = "", *, opes: bool = False, both: bool = False, bare: bool = False
) -> str:
    """Return the quickstart with lines in its `metad` entry, and another method in its bias."""
    text = study_text("quickstart")[1]
    start = text.index("    metadynamics:\n", text.index("biases:"))
    end = text.index("\ntrust:", start)
    method = "" if bare else OPES if opes else text[start:end]
    text = text[:start] + method + (OPES if both else "") + text[end:]
    stage = text.index("\nmetad:\n")
    system = text.index("    system:", stage)
    return text[:system] + metad + text[system:]


def study_of(text: str) -> Study:
    return parse_study(text, "test")


def refusal(text: str) -> str:
    with pytest.raises(StudyError) as caught:
        parse_study(text, "test")
    return str(caught.value)


def test_a_metad_entry_takes_opes() -> None:
    study = study_of(quickstart(opes=True))
    (entry,) = study.metad.values()
    opes = study.biases[entry.bias].opes
    assert opes is not None
    assert opes.barrier_kcal_mol == 15
    assert not entry.shared_bias


def test_a_metad_entry_needs_one_of_the_two() -> None:
    found = refusal(quickstart(bare=True))
    assert "has neither metadynamics nor opes" in found
    assert "metad." in found
    assert "a bias has one of the two at most" in refusal(quickstart(both=True))


def test_walkers_share_hills_if_asked() -> None:
    lines = "    walkers: 4\n    shared_bias: true\n    exchange_steps: 200\n"
    (entry,) = study_of(quickstart(lines)).metad.values()
    assert (entry.walkers, entry.shared_bias, entry.exchange_steps) == (4, True, 200)


@pytest.mark.parametrize(
    ("lines", "opes", "words"),
    [
        ("    shared_bias: true\n", False, "at least 2 walkers, found 1"),
        ("    exchange_steps: 100\n", False, "exchange_steps means nothing without shared_bias"),
        ("    walkers: 2\n    shared_bias: true\n", True, "shares through MPI only"),
    ],
)
def test_what_cannot_be_shared_is_refused(lines: str, opes: bool, words: str) -> None:
    found = refusal(quickstart(lines, opes=opes))
    assert words in found
    assert "line " in found


def test_a_barrier_that_does_not_fit_the_temperature_is_found_before_anything_runs() -> None:
    low = quickstart(opes=True).replace("barrier_kcal_mol: 15", "barrier_kcal_mol: 0.3")
    assert "allowed more than kT" in refusal(low)
    assert "line " in refusal(low)
