"""What a corrected study does again, and what is other physics."""

from __future__ import annotations

from typing import Any

import pytest
from argo_commands import MINI

from nucleoflow.study.difference import differences, done_again
from nucleoflow.study.load import load_study
from nucleoflow.study.model import Study


def altered(**changes: Any) -> Study:
    content = load_study(str(MINI)).model_dump(mode="json")
    for path, value in changes.items():
        *parents, last = path.split("__")
        node = content
        for part in parents:
            node = node[int(part) if part.isdigit() else part]
        node[last] = value
    return Study.model_validate(content)


KEYS = [
    "learn--aimd-0", "learn--aimd-group-init-artifact", "iter-000000--run-train-0000",
    "final--prep-run-train", "run-metad-monomer-dimer-0", "analyse-metad-monomer-dimer",
    "run-nucleate-0", "run-nucleate-group-init-artifact", "analyse-nucleate", "report",
    "prep-charges", "run-charges-000000", "analyse-charges",
]  # fmt: skip
ALL = set(KEYS)
CHARGES = {"prep-charges", "run-charges-000000", "analyse-charges"}


@pytest.mark.parametrize(
    ("changes", "again"),
    [
        ({}, {"report"}),
        ({"title": "Another title"}, {"report"}),
        ({"resources__md_cores": 4, "learn__allowed_task_loss": 0.9}, {"report"}),
        ({"nucleate__md__timeout_s": 5.0}, {"report"}),
        ({"nucleate__replicas": 9}, {"report", "analyse-nucleate"}),
        (
            {"nucleate__md__steps": 999_999},
            {"report", "analyse-nucleate", "run-nucleate-0", "run-nucleate-group-init-artifact"},
        ),
        ({"learn__max_rounds": 7}, ALL - {"learn--aimd-0", "learn--aimd-group-init-artifact"}),
        ({"learn__initial_data__0__steps": 999}, ALL),
        ({"charges": {"motifs": ["dimer"]}}, {"report"} | CHARGES),
    ],
    ids=[
        *("nothing", "title", "means", "time-limit", "replicas", "steps", "rounds", "aimd"),
        "charges",
    ],
)
def test_what_a_correction_touches(changes: dict[str, Any], again: set[str]) -> None:
    changed = differences(load_study(str(MINI)), altered(**changes))
    assert {d.sort for d in changed} <= {"means", "length"}
    pattern = done_again(changed)
    assert {key for key in KEYS if pattern.match(key)} == again


@pytest.mark.parametrize(
    ("path", "value"),
    [("seed", 99), ("nucleate__md__temperature_K", 123.0), ("learn__train__n_models", 3)],
)
def test_physics(path: str, value: Any) -> None:
    (difference,) = differences(load_study(str(MINI)), altered(**{path: value}))
    assert difference.sort == "physics"
    assert str(difference).startswith(path.replace("__", "."))
    assert str(difference).endswith(f"-> {value}")
