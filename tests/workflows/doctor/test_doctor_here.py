"""This machine: what is missing is told, and does not keep anybody from using a cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from doctor_visit import of  # beside this file, which is not a package

from nucleoflow.doctor import here
from nucleoflow.doctor.outcome import Examination, Finding, examine
from nucleops.engines.lammps.program import LammpsProgram
from nucleops.errors import MissingProgram


def look() -> list[Finding]:
    return list(examine(here.CHECKS, Examination()))


def test_a_machine_as_setup_leaves_it() -> None:
    findings = look()
    assert {f.check for f in findings} == {check.name for check in here.CHECKS}
    assert [f for f in findings if f.state == "failed"] == []
    assert of(findings, "LAMMPS")[0].state == "passed"
    assert of(findings, "CP2K")[0].detail[0].isdigit()


def installed(versions: dict[str, str | None]) -> Callable[[str], str | None]:
    return lambda package: versions.get(package, "1.0")


@pytest.mark.parametrize(
    ("versions", "detail", "advice"),
    [
        ({"kubernetes": "36.0.1"}, "kubernetes 36.0.1 breaks dflow", "<36"),
        ({"hera": None, "ase": None}, "not installed: hera, ase", "make setup"),
    ],
)
def test_packages_that_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str | None], detail: str, advice: str
) -> None:
    monkeypatch.setattr(here, "_version", installed(versions))
    findings = look()
    assert findings[0].state == "failed"
    assert detail in findings[0].detail
    assert advice in findings[0].advice
    assert of(findings, "LAMMPS")[0].state == "skipped"


def test_engines_that_are_missing_are_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing() -> LammpsProgram:
        raise MissingProgram("no LAMMPS", advice="install it")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("nucleops.engines.lammps.program.find_lammps", missing)
    monkeypatch.setattr(here.sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(here, "_version", installed({}))
    findings = look()
    for check in ("CP2K", "LAMMPS", "DeePMD-kit", "packmol"):
        (found,) = of(findings, check)
        assert found.state == "warned"
        assert "install" in found.advice
    assert [f for f in findings if f.state == "failed"] == []


def test_backends_to_train_with_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = list(here.deepmd(Examination()))
    assert "with tensorflow" in found.detail
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (found,) = list(here.deepmd(Examination()))
    assert "has no backend" in found.detail
    assert "pip install 'deepmd-kit[torch]==3.2.0'" in found.advice


def test_a_lammps_that_cannot_be_biased(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = LammpsProgram("lmp", version="2 Aug 2023", packages=frozenset({"MOLECULE"}))
    monkeypatch.setattr("nucleops.engines.lammps.program.find_lammps", lambda: bare)
    (found,) = list(here.lammps(Examination()))
    assert found.state == "warned"
    assert "2 Aug 2023 with DeePMD, no bias engine" in found.detail
    assert "PLUMED" in found.advice


def test_little_memory_and_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    little = SimpleNamespace(available=1e9, total=2e9)
    monkeypatch.setattr("psutil.virtual_memory", lambda: little)
    monkeypatch.setattr(here.shutil, "disk_usage", lambda _: SimpleNamespace(free=3e9))
    findings = list(here.machine(Examination()))
    assert [f.state for f in findings] == ["passed", "warned", "warned"]
    assert "1.0 of 2.0 GB" in findings[1].detail
    assert "NUCLEOFLOW_RUNS" in findings[2].advice
