"""What a pod says at its end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from nucleoflow.backends.argo.endings import last_line, log_of, of_script, of_signal, reason
from nucleoflow.backends.argo.policy import FAILURE_CLASSES
from nucleoflow.backends.script import BUG, Ending
from nucleops.errors import AtomsLost, Preempted, ProgramFailed, WrongInput, as_dflow_error


@pytest.mark.parametrize(
    ("ending", "text"),
    [
        (Ending(2, as_dflow_error(AtomsLost("at step 7"))), "[atoms lost] at step 7"),
        (Ending(1, as_dflow_error(Preempted("SIGTERM"))), "[preempted] SIGTERM"),
        (Ending(2, as_dflow_error(KeyError("x"))), "[program bug] KeyError: 'x'"),
        (Ending(2, WrongInput("no", advice="do")), "[wrong input] no; do"),
        (Ending(BUG, ValueError("no")), "[program bug] ValueError: no"),
        (Ending(1, AssertionError("no")), "[failure] AssertionError: no"),
        (Ending(3), "[failure] the script ended with exit code 3"),
    ],
)
def test_a_failure_is_named_by_its_class(ending: Ending, text: str) -> None:
    assert of_script(ending) == text


def test_every_signal_has_a_line() -> None:
    assert of_signal(signal.SIGKILL).startswith("[killed] the step was ended by SIGKILL: most")
    assert of_signal(signal.SIGTERM).startswith("[preempted] ")
    assert of_signal(signal.SIGUSR1) == "[killed] the step was ended by SIGUSR1"
    assert of_signal(99) == "[killed] the step was ended by signal 99"


def test_the_last_line_says_what_the_policy_does() -> None:
    for failure in FAILURE_CLASSES:
        if failure.exit_code is not None and failure.exit_code > 0:
            line = last_line("[kind] text\nof two lines", failure.exit_code)
            assert line.startswith("nucleoflow: [kind] text of two lines (exit code")
            assert ("not tried again" in line) == (not failure.retried)


def test_a_reason_is_one_line_of_limited_length() -> None:
    assert reason("a\nb" * 1000, 10) == b"a ba ba ba"


def test_the_log_of_a_cause_is_found(tmp_path: Path) -> None:
    log = tmp_path / "cp2k.out"
    log.write_text("\n".join(f"line {k}" for k in range(100)))
    try:
        raise as_dflow_error(ProgramFailed("no", log=log)) from ProgramFailed("no", log=log)
    except Exception as error:
        shown = log_of(error)
    assert shown.endswith("line 99\n")
    assert "line 59" not in shown
    assert log_of(ValueError()) == ""
