"""What status says of learning rounds: shares, explorations, cost, advice."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from nucleoflow.cli.view import picture
from nucleoflow.runs.costs import round_costs
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import RunStatus, Task
from nucleoflow.runs.rounds import rounds_of

REPORTED = {
    "iter-000000--select-confs": {
        "accurate": 0.5, "candidate": 0.0, "failed": 0.5, "n_selected": 0, "low_eV_A": 0.2,
        "advice": "Lower force_deviation_low_eV_A to 0.13.",
        "explorations": {"dimer, 300 K": [0.9, 0.05, 0.05], "cluster, 450 K": [0.1, 0.2, 0.7]},
    },
}  # fmt: skip
TASKS = [
    Task("iter-000000--run-train-0000", "", cores=2, started=0.0, ended=30.0),
    Task("iter-000000--run-train-0001", "", cores=2, started=0.0, ended=40.0),
    Task("iter-000000--run-lmp-000000", "", started=50.0),
    Task("iter-000000--run-fp-000000", ""),
    Task("iter-000000--collect-data", "", started=50.0, ended=90.0),
    Task("final--run-train-0000", "", started=50.0, ended=90.0),
]


def test_cost_of_a_round_is_that_of_its_tasks() -> None:
    assert round_costs(TASKS, 60.0) == {0: {"training": 140.0, "exploring": 10.0}}


def shown(tmp_path: Path, width: int) -> str:
    status = RunStatus(RunFolder(tmp_path / "run"), {}, "running", None, {}, TASKS)
    status.rounds = rounds_of(REPORTED)
    out = io.StringIO()
    Console(file=out, width=width).print(picture(status, 60.0, 2, width))
    return out.getvalue()


def test_status_tells_all_of_it(tmp_path: Path) -> None:
    text = shown(tmp_path, 120)
    assert "Lower force_deviation_low_eV_A to 0.13." in text
    assert "2 min 20 s" in text
    assert text.index("cluster, 450 K") < text.index("dimer, 300 K")
    assert "90.0%" in text


def test_a_narrow_terminal_does_without_the_cost(tmp_path: Path) -> None:
    text = shown(tmp_path, 80)
    assert "2 min 20 s" not in text
    assert max(map(len, text.splitlines())) <= 80
