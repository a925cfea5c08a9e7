"""What runs inside an image finds what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from image_checks import __main__ as command
from image_checks import common, lammps
from image_tools.catalogue import IMAGES
from nucleops.engines.lammps import program
from nucleops.errors import MissingProgram, WrongInput

LMP = """#!/bin/sh
case "$1" in
-h) cat <<'END'
Large-scale Atomic/Molecular Massively Parallel Simulator - 22 Jul 2025

Installed packages:

COLVARS PLUGIN {more}

END
;;
*) echo "{styles}" ;;
esac
"""


def test_every_image_has_its_checks():
    assert set(command.ENGINE) == set(IMAGES)
    names = [name for name, _ in command.checks_of("deepmd", quick=False, gpu=True)]
    assert names == [
        "user and folders", "versions", "operators", "engine starts", "engine computes",
        "graphics card",
    ]  # fmt: skip
    assert len(command.checks_of("cp2k", quick=True, gpu=False)) == 1


def test_outside_an_image_it_says_so(monkeypatch, capsys):
    monkeypatch.delenv("NUCLEOFLOW_IMAGE", raising=False)
    assert command.main([]) == 2
    assert "allowed: orchestrator, cp2k, deepmd, lammps-plumed" in capsys.readouterr().err


def test_one_failure_fails_the_whole_and_does_not_hide_the_others(monkeypatch, capsys, tmp_path):
    def broken() -> str:
        raise MissingProgram("no engine", advice="install it")

    def bug() -> str:
        raise ImportError("libx.so.1 is missing")

    monkeypatch.setenv("NUCLEOFLOW_IMAGE", "cp2k")
    monkeypatch.chdir(tmp_path)
    checks = [("a", broken), ("b", bug), ("c", lambda: "fine")]
    monkeypatch.setattr(command, "checks_of", lambda *_, **__: checks)
    assert command.main([]) == 1
    lines = [line.rsplit(" (", 1)[0] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "FAILED a: no engine; install it",
        "FAILED b: ImportError: libx.so.1 is missing",
        "ok     c: fine",
    ]
    monkeypatch.setattr(command, "checks_of", lambda *_, **__: checks[2:])
    assert command.main([]) == 0
    assert list(tmp_path.iterdir()) == []


def test_versions_are_compared_by_normalised_name():
    lock = "Foo_Bar==1.0 \\\n    --hash=sha256:00\nbaz==2.0.post1 ; x\n    # via a==3\n"
    assert common.locked_versions(lock) == {"foo-bar": "1.0", "baz": "2.0.post1"}
    assert common.differences({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == [
        "a not installed instead of 1",
        "b 3 instead of 2",
        "c is not in the lock",
    ]


def test_an_environment_that_is_not_its_lock_is_refused(monkeypatch, tmp_path):
    lock = tmp_path / "requirements.lock"
    monkeypatch.setattr(common, "LOCK", lock)
    lock.write_text("numpy==0.1 \\\n")
    with pytest.raises(WrongInput, match=r"numpy \S+ instead of 0\.1; .*pytest is not in the lock"):
        common.versions_are_locked()


def test_a_cache_that_cannot_be_written_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(common.os, "geteuid", lambda: 1000)
    for name in common.CACHES:
        monkeypatch.setenv(name, str(tmp_path / name / "deeper"))
    assert "user 1000" in common.runs_unprivileged()
    monkeypatch.setenv("MPLCONFIGDIR", "/proc/none")
    monkeypatch.setattr(common.os, "access", lambda path, _: Path("/proc") != path)
    with pytest.raises(WrongInput, match=r"\$MPLCONFIGDIR: /proc cannot be written"):
        common.runs_unprivileged()
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setattr(common.os, "access", lambda *_: True)
    with pytest.raises(WrongInput, match=r"\$NUMBA_CACHE_DIR is not set"):
        common.runs_unprivileged()


def fake_lammps(folder: Path, more: str, styles: str) -> program.LammpsProgram:
    path = folder / "lmp"
    path.write_text(LMP.format(more=more, styles=styles))
    path.chmod(0o755)
    text = program.help_text(str(path), {})
    return program.LammpsProgram(str(path), {}, *program.parse_help(text))


@pytest.mark.parametrize(
    ("more", "styles", "said"),
    [
        ("", "lj/cut deepmd", "was built without PLUMED"),
        ("PLUMED", "lj/cut", "does not load the plugin with pair_style deepmd"),
    ],
)
def test_a_lammps_that_lacks_something_is_refused(monkeypatch, tmp_path, more, styles, said):
    found = fake_lammps(tmp_path, more, styles)
    monkeypatch.setattr(lammps, "find_lammps", lambda: found)
    with pytest.raises(MissingProgram, match=said):
        lammps.starts()


def test_a_lammps_with_everything_is_taken(monkeypatch, tmp_path):
    found = fake_lammps(tmp_path, "PLUMED", "lj/cut deepmd")
    monkeypatch.setattr(lammps, "find_lammps", lambda: found)
    assert lammps.starts().startswith("LAMMPS 22 Jul 2025 with COLVARS, PLUGIN, PLUMED")


def test_the_bias_that_is_tried_uses_every_action_that_needs_a_module():
    for action in lammps.ACTIONS:
        assert f"{action} " in lammps._BIAS
