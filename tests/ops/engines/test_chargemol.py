"""Chargemol's files: the input it is given, and outputs as version 3.5 writes them.

Chargemol itself cannot be installed from any registry: a stub stands in for the program.
"""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.chargemol.ddec6 import (
    DENSITIES_VARIABLE,
    compute_ddec6,
    find_program,
    job_control,
    read_ddec6,
)
from nucleops.engines.chargemol.settings import Chargemol
from nucleops.errors import MissingProgram, ProgramFailed, TruncatedOutput, WrongInput
from nucleops.systems.system import System

X = np.array([[2.0, 2.7, 2.6], [2.0, 3.5, 2.0], [2.0, 2.0, 2.0]])
WATER = System("water", ("O", "H", "H"), X, np.array([4.0, 5.5, 4.6]), True)
CHARGES = (-0.778288, 0.389140, 0.389148)
LOG = "valence_cube_DDEC_analysis.output"


def charges_file(positions: np.ndarray = X, charges: tuple[float, ...] = CHARGES) -> str:
    """The file's layout: count, comment, rows, and then words that are no rows."""
    rows = [
        f"{s} {x:13.6f} {y:13.6f} {z:13.6f} {q:13.6f}"
        for s, (x, y, z), q in zip(WATER.symbols, positions, charges, strict=True)
    ]
    tail = [" ", " Chargemol version 3.5 September 26, 2017.", "Computational parameters:"]
    return "\n".join([f"{3:5d}", 'jmolscript: load "" {1 1 1}', *rows, *tail]) + "\n"


def lay_out(folder: Path, text: str, said: str = " Normal termination of Chargemol program.\n"):
    folder.mkdir(exist_ok=True)
    (folder / "DDEC6_even_tempered_net_atomic_charges.xyz").write_text(text)
    (folder / LOG).write_text(f" Starting DDEC program\n{said} Exiting Chargemol\n")


@pytest.fixture
def stub(tmp_path: Path) -> Callable[[str], Chargemol]:
    """Make a program that checks its input as Chargemol would, and then does what it is told."""

    def make(then: str) -> Chargemol:
        program = tmp_path / "chargemol-stub"
        program.write_text(
            "#!/bin/sh\n"
            'grep -q "<charge type>" job_control.txt && test -s valence_density.cube || exit 3\n'
            f"{then}\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        densities = tmp_path / "atomic_densities"
        densities.mkdir(exist_ok=True)
        return Chargemol(program=str(program), atomic_densities=str(densities))

    return make


@pytest.fixture
def cube(tmp_path: Path) -> Path:
    path = tmp_path / "label.cube"
    path.write_text("a density\n")
    return path


def test_job_says_what_the_pseudopotentials_left_out(tmp_path: Path) -> None:
    silver = System("x", ("Ag", "S", "H"), X, WATER.cell, False)
    lines = job_control(silver, tmp_path).splitlines()
    core = lines[lines.index("<number of core electrons>") + 1 :]
    assert core[:4] == ["1 0", "16 10", "47 36", "</number of core electrons>"]
    assert lines[lines.index("<charge type>") + 1] == "DDEC6"
    assert lines.count(".false.") == 4  # no bond orders, no periodic direction
    where = lines[lines.index("<atomic densities directory complete path>") + 1]
    assert where == f"{tmp_path}/"
    with pytest.raises(WrongInput, match="allowed: 200"):
        job_control(silver, tmp_path / ("x" * 200))


def test_program_is_run_and_read(stub, cube: Path, tmp_path: Path) -> None:
    lay_out(tmp_path / "made", charges_file())
    settings = stub(f"cp {tmp_path}/made/* .")
    charges, wall_s, _ = compute_ddec6(WATER, cube, tmp_path / "run", settings, timeout_s=60)
    assert charges == pytest.approx(CHARGES)
    assert wall_s > 0


def test_what_goes_wrong_is_one_of_our_errors(stub, cube: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(ProgramFailed, match="exit code 7"):
        compute_ddec6(WATER, cube, run, stub("exit 7"))
    # it stops with exit code 0 where the density does not integrate
    stopped = stub(f"echo ' The grid spacing is too coarse. Program will terminate.' > {LOG}")
    with pytest.raises(TruncatedOutput, match="stopped early; its last line: The grid spacing"):
        compute_ddec6(WATER, cube, run, stopped)
    with pytest.raises(TruncatedOutput, match="stopped early"):
        compute_ddec6(WATER, cube, run, stub("true"))


def test_missing_program_and_densities(
    stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = stub("true")
    find_program(settings)
    with pytest.raises(MissingProgram, match="there is no program no-chargemol"):
        find_program(settings.model_copy(update={"program": "no-chargemol"}))
    bare = settings.model_copy(update={"atomic_densities": ""})
    monkeypatch.delenv(DENSITIES_VARIABLE, raising=False)
    with pytest.raises(MissingProgram, match="nothing is set; set atomic_densities, or DDEC6"):
        find_program(bare)
    monkeypatch.setenv(DENSITIES_VARIABLE, str(tmp_path / "atomic_densities"))
    find_program(bare)


def test_atoms_wrapped_or_shifted_as_a_whole_are_the_same_atoms(tmp_path: Path) -> None:
    shifted = (X + np.array([1.0, 2.0, 3.0])) % WATER.cell
    lay_out(tmp_path / "a", charges_file(shifted))
    assert read_ddec6(tmp_path / "a", WATER) == pytest.approx(CHARGES)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (charges_file(X[[1, 0, 2]]), "coordinates are not those"),
        (charges_file(charges=(-0.7, 0.3, 0.3)), "add up to -0.1000 e"),
        (charges_file(charges=(float("nan"), 0.3, 0.3)), "add up to nan"),
        (charges_file().replace("O  ", "N  ", 1), r"charges of 3 atoms \(N H H"),
        (charges_file().replace("    3", "    4", 1), "charges"),
        ("\n".join(charges_file().splitlines()[:4]), "charges of 2 atoms"),
        (charges_file().replace("0.389140", "0.38****"), "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_damaged_output_is_refused(tmp_path: Path, text: str, words: str) -> None:
    lay_out(tmp_path / "a", text)
    with pytest.raises(TruncatedOutput, match=words):
        read_ddec6(tmp_path / "a", WATER)
