"""Failures are judged by how the script ended and what it said."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleoflow.backends.local.attempt import Workdir, full_command, tail
from nucleoflow.backends.local.verdict import SUCCEEDED, Verdict, explain, judge

DFLOW_LOG = """Traceback (most recent call last):
  File "script", line 3, in <module>
dflow.python.python_op_template.FatalError: [SCF not converged] frame 7; log: /x/cp2k.out
"""


@pytest.mark.parametrize(
    ("code", "outcome", "exit_code"),
    [
        (0, "succeeded", 0),
        (1, "transient", 1),
        (2, "fatal", 2),
        (70, "fatal", 2),
        (5, "fatal", 2),
        (-9, "transient", 1),
        (-11, "transient", 1),
        (137, "transient", 1),
    ],
)
def test_exit_codes(code: int, outcome: str, exit_code: int) -> None:
    verdict = judge(code, DFLOW_LOG)
    assert (verdict.outcome, verdict.exit_code) == (outcome, exit_code)


def test_class_and_message_come_from_the_log() -> None:
    verdict = judge(2, DFLOW_LOG)
    assert verdict.kind == "SCF not converged"
    assert verdict.message == "frame 7; log: /x/cp2k.out"


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("", ("", "")),
        ("one\ntwo\n", ("", "two")),
        ("ValueError: no such thing\nbye\n", ("", "ValueError: no such thing")),
        ("a.b.TransientError: plain words", ("", "plain words")),
    ],
)
def test_explain(log: str, expected: tuple[str, str]) -> None:
    assert explain(log) == expected


def test_verdict_is_stored(tmp_path: Path) -> None:
    assert Verdict.read(tmp_path) is None
    verdict = Verdict("fatal", "atoms lost", "all of them", 2)
    verdict.write(tmp_path)
    assert Verdict.read(tmp_path) == verdict
    SUCCEEDED.write(tmp_path)
    assert Verdict.read(tmp_path) == SUCCEEDED
    Verdict.forget(tmp_path)
    assert Verdict.read(tmp_path) is None


def test_tail_shows_any_bytes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"x" * 100 + b"\xff end")
    assert tail(path, 6) == "x\\xff end"


def test_workdir_is_brought_back(tmp_path: Path) -> None:
    root, aside = tmp_path / "work", tmp_path / "aside"
    (root / "tmp" / "inputs").mkdir(parents=True)
    (root / "tmp" / "inputs" / "a").write_text("a")
    (tmp_path / "elsewhere").mkdir()
    (root / "link").symlink_to(tmp_path / "elsewhere")
    workdir = Workdir(root)
    (root / "tmp" / "outputs").mkdir()
    (root / "tmp" / "outputs" / "b").write_text("b")
    (root / "tmp" / "inputs" / "c").write_text("c")
    (tmp_path / "elsewhere" / "d").write_text("d")
    workdir.set_aside(aside)
    left = {str(path.relative_to(root)) for path in root.rglob("*") if "link/" not in str(path)}
    assert left == {"link", "tmp", "tmp/inputs", "tmp/inputs/a"}
    assert (aside / "tmp" / "outputs" / "b").read_text() == "b"
    assert (aside / "tmp" / "inputs" / "c").read_text() == "c"
    assert (tmp_path / "elsewhere" / "d").exists()


def test_shell_steps_keep_their_interpreter() -> None:
    assert full_command(["sh"], "/s") == ["sh", "/s"]
    assert full_command(["python3"], "/s")[-1] == "/s"
    assert full_command(["python3"], "/s")[0] != "python3"
