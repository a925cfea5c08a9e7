"""``images/build`` shows, for every engine, commands that this engine understands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys

import pytest

from image_tools import build
from image_tools.bases import read_bases
from image_tools.catalogue import ROOT
from image_tools.engines import ENGINES, Docker, Engine, find_engine
from image_tools.shell import Shell
from nucleops.errors import MissingProgram, ProgramFailed


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[list[str]]:
    """Run in dry mode; return the commands."""
    assert build.main([*words, "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    return [shlex.split(line[2:]) for line in lines if line.startswith("$ ")]


def options(command: list[str], name: str) -> list[str]:
    """Return the values that an option is given."""
    return [command[i + 1] for i, word in enumerate(command) if word == name]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_all_images_in_both_variants(capsys, engine):
    commands = shown(capsys, "--engine", engine, "--repository", "r.example/t", "--tag", "9")
    tags = [options(command, "--tag") for command in commands]
    assert tags == [
        ["r.example/t/orchestrator:9"],
        ["r.example/t/cp2k:9"],
        ["r.example/t/deepmd:9-cpu"],
        ["r.example/t/deepmd:9-cuda"],
        ["r.example/t/lammps-plumed:9-cpu"],
        ["r.example/t/lammps-plumed:9-cuda"],
    ]
    for command in commands:
        assert command[:2] == [engine, "build"]
        assert command[-1] == "."
        assert (ROOT / options(command, "--file")[0]).is_file()


@pytest.mark.parametrize("engine", list(ENGINES))
@pytest.mark.parametrize("variant", ["cpu", "cuda"])
def test_variant_bases_and_labels_are_passed(capsys, engine, variant):
    (command,) = shown(capsys, "lammps-plumed", "--engine", engine, "--variant", variant)
    bases = read_bases()
    arguments = dict(pair.split("=", 1) for pair in options(command, "--build-arg"))
    assert arguments["VARIANT"] == variant
    assert arguments["BASE"] == bases["BASE"]
    assert arguments["MICROMAMBA"] == bases["MICROMAMBA"]
    labels = dict(pair.split("=", 1) for pair in options(command, "--label"))
    assert labels["org.opencontainers.image.version"] == build.project_version()
    assert labels["org.opencontainers.image.base.digest"] == bases["BASE"].partition("@")[2]
    assert "org.opencontainers.image.source" not in labels


@pytest.mark.parametrize("engine", list(ENGINES))
def test_check_runs_as_a_pod_would(capsys, engine):
    commands = shown(capsys, "cp2k", "--engine", engine, "--check")
    (check,) = [command for command in commands if command[-1] == "nucleoflow-check"]
    assert options(check, "--user") == ["1000:1000"]
    if engine != "buildah":
        assert "--read-only" in check
        assert options(check, "--cap-drop") == ["ALL"]


def test_cuda_is_checked_with_a_card_and_cpu_without(capsys):
    commands = shown(capsys, "deepmd", "--engine", "docker", "--check")
    checks = [command for command in commands if "nucleoflow-check" in command]
    assert [("--gpus" in c, c[-1] == "--gpu") for c in checks] == [(False, False), (True, True)]


def test_push_load_and_bill_of_materials_follow_the_build(capsys):
    words = ["orchestrator", "--engine", "docker", "--sbom", "--push", "--load", "kind"]
    verbs = [" ".join(command[:3]) for command in shown(capsys, *words)]
    assert [verb.split()[1] for verb in verbs] == ["build", "run", "push", "save", "load"]
    assert verbs[-1] == "kind load image-archive"


@pytest.mark.parametrize("engine", ["podman", "buildah"])
def test_what_is_loaded_is_called_as_a_pod_calls_it(capsys, engine):
    """`podman save` would call it localhost/nucleoflow/..., which no pod asks for."""
    words = ["orchestrator", "--engine", engine, "--tag", "1", "--load", "minikube"]
    save = shown(capsys, *words)[1]
    assert save[:3] == [engine, "push", "nucleoflow/orchestrator:1"]
    assert re.fullmatch(r"docker-archive:/.*\.tar:nucleoflow/orchestrator:1", save[3])


def test_what_follows_two_dashes_goes_to_the_engine(capsys):
    assert build.split_extra(["a", "--", "b", "--", "c"]) == (["a"], ["b", "--", "c"])
    assert build.main(["cp2k", "--engine", "buildah", "--dry-run", "--", "--isolation=chroot"]) == 0
    assert "--isolation=chroot ." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "no image nothing"),
        (["cp2k", "--base", "BASE=debian"], "names no exact version"),
        (["cp2k", "--base", "BASE=debian:latest"], "names no exact version"),
        (["cp2k", "--base", "BASE"], "--base 'BASE'; allowed: NAME=VALUE"),
        (["cp2k", "--build-arg", "=x"], "allowed: NAME=VALUE"),
    ],
)
def test_wrong_input_is_said_in_a_line_before_anything_runs(capsys, words, said):
    assert build.main([*words, "--engine", "docker", "--dry-run"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("error: ")
    assert said in shown.err
    assert "$ " not in shown.out


def test_without_an_engine_it_says_which_there_could_be(monkeypatch):
    monkeypatch.setattr(Engine, "works", lambda _: False)
    with pytest.raises(MissingProgram, match=r"install one of docker, podman, buildah"):
        find_engine(None, Shell())
    with pytest.raises(MissingProgram, match=r"podman is not installed or does not answer"):
        find_engine("podman", Shell())
    assert isinstance(find_engine(None, Shell(dry_run=True)), Docker)


def test_a_command_that_fails_is_named_with_its_last_words():
    with pytest.raises(ProgramFailed, match=r"sh -c .* exit code 3: it is broken"):
        Shell().output(["sh", "-c", "echo it is broken >&2; exit 3"])
    with pytest.raises(MissingProgram, match="no-such-engine cannot be started"):
        Shell().run(["no-such-engine"])


@pytest.mark.parametrize("script", ["build", "pin"])
def test_the_scripts_need_no_environment(script):
    """A fresh checkout without any package can build images."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", ROOT / "images" / script, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"usage: images/{script}")
