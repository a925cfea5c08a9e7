"""The executor wraps scripts, and nothing else."""

from __future__ import annotations

import sys

import pytest
from dflow import ShellOPTemplate, Steps
from dflow.util_ops import CheckNumSuccess

from nucleoflow.backends.local.executor import LocalExecutor
from nucleoflow.backends.local.supervisor import parse


def options(command: list[str]) -> object:
    return parse([*command[4:], "/script"])


def test_command_is_that_of_the_supervisor() -> None:
    template = ShellOPTemplate("a", command=["sh"], script="true")
    executor = LocalExecutor(cores=3, gpus=1, retries=4, timeout_s=7.5)
    supervised = executor.render(template)
    assert template.command == ["sh"]
    assert supervised.command[:4] == [
        sys.executable, "-P", "-m", "nucleoflow.backends.local.supervisor",
    ]  # fmt: skip
    read = options(supervised.command)
    assert vars(read) == {
        "cores": 3, "gpus": 1, "per_gpu": 1, "retries": 4, "timeout_s": 7.5, "backoff_s": 5.0,
        "command": ["sh", "/script"],
    }  # fmt: skip
    sharing = LocalExecutor(gpus=1, per_gpu=4).render(template)
    assert vars(options(sharing.command))["per_gpu"] == 4
    assert executor.render(supervised) is supervised


def test_steps_that_dflow_adds_take_no_slot() -> None:
    supervised = LocalExecutor(cores=2, gpus=2).render(CheckNumSuccess())
    assert vars(options(supervised.command))["cores"] == 0


def test_what_has_no_script_is_left_alone() -> None:
    steps = Steps("s")
    assert LocalExecutor().render(steps) is steps


def test_negative_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        LocalExecutor(cores=-1)
