"""colvar, bias and cv-preview as a user types them, on the shipped studies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from nucleoflow.cli.app import app
from nucleops.bias.series import read_colvar
from nucleops.systems.files import (
    frames_of,
    read_extxyz,
    write_extxyz,
    write_lammps_data,
    write_trajectory,
)


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quick start's dimer, moved about: as XYZ, and its topology."""
    where = tmp_path_factory.mktemp("dimer")
    assert call("build", "quickstart", "dimer", "-o", where / "dimer.extxyz").exit_code == 0
    system = read_extxyz(where / "dimer.extxyz")
    moves = np.random.default_rng(2).normal(scale=0.2, size=(6, system.n_atoms, 3))
    write_trajectory(frames_of(system, system.positions + moves), where / "t.xyz")
    write_lammps_data(system, where / "dimer.data")
    return where


def test_colvar_goes_to_standard_output(folder: Path) -> None:
    result = call("colvar", "quickstart", "monomer-dimer", folder / "t.xyz", "--time-step", "10")
    assert result.exit_code == 0
    assert result.stderr == ""
    (folder / "COLVAR").write_text(result.stdout)
    table = read_colvar(folder / "COLVAR")
    assert table.time_fs.tolist() == [0, 10, 20, 30, 40, 50]
    assert table.constants["time_from"] == "frames-of-10-fs"
    assert table.constants["trajectory"] == "t.xyz"
    assert {"s1", "s2", "reach.bias", "stay.bias"} <= set(table.names)
    assert np.ptp(table["s1"]) > 0.01


def test_colvar_of_a_range_to_a_file_is_part_of_the_whole(folder: Path, tmp_path: Path) -> None:
    common = ("colvar", "quickstart", "metad", folder / "t.xyz", "--time-step", "5")
    assert call(*common, "-o", tmp_path / "all" / "COLVAR.gz").exit_code == 0
    result = call(*common, "-o", tmp_path / "some", "--start", "1", "--stop", "6", "--stride", "2")
    assert result.stdout == f"wrote {tmp_path / 'some'}: 3 frames\n"
    whole, some = read_colvar(tmp_path / "all" / "COLVAR.gz"), read_colvar(tmp_path / "some")
    assert some.time_fs.tolist() == [5, 15, 25]
    np.testing.assert_array_equal(some["s1"], whole["s1"][1:6:2])


@pytest.mark.parametrize("topology", ["dimer.extxyz", "dimer.data"])
def test_topologies_give_the_same_colvar(folder: Path, topology: str) -> None:
    common = ("colvar", "quickstart", "metad", folder / "t.xyz", "--time-step", "5")
    alone, given = call(*common), call(*common, "--topology", folder / topology)
    assert given.exit_code == 0
    assert given.stdout == alone.stdout
    note = "has no molecules; those of the study's system 'dimer' are taken"
    assert (note in given.stderr) == (topology == "dimer.data")


def test_a_trajectory_of_other_atoms_is_refused_and_nothing_is_left(
    folder: Path, tmp_path: Path
) -> None:
    system = read_extxyz(folder / "dimer.extxyz")
    order = [1, 0, *range(3, system.n_atoms), 2]
    symbols = [system.symbols[i] for i in order]
    rows = [f"{s} 0.0 0.0 {k}" for k, s in enumerate(symbols)]
    text = (folder / "t.xyz").read_text() + "\n".join([str(len(rows)), "", *rows, ""])
    (tmp_path / "t.xyz").write_text(text)
    out = tmp_path / "COLVAR"
    result = call("colvar", "quickstart", "metad", tmp_path / "t.xyz", "--time-step", 1, "-o", out)
    assert result.exit_code == 2
    assert "t.xyz, frame 6: atom 3 is" in result.stderr
    assert "Traceback" not in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.xyz"]


def test_a_cut_off_frame_is_a_warning_without_a_traceback(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.xyz").write_text((folder / "t.xyz").read_text()[:-200])
    result = call("colvar", "quickstart", "metad", tmp_path / "cut.xyz", "--time-step", "1")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 5 + 5
    assert result.stderr.startswith("warning: ")
    assert "left out" in result.stderr
    assert "UserWarning" not in result.stderr


def test_times_are_asked_for_where_there_are_none(folder: Path) -> None:
    result = call("colvar", "quickstart", "metad", folder / "t.xyz")
    assert result.exit_code == 2
    assert "--time-step" in result.stderr
    assert result.stdout == ""
    assert call("colvar", "quickstart", "metad", folder / "t.xyz", "--time-step", 0).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("quickstart", "monomer-dimmer"), ("monomer-dimer (on system dimer)", "did you mean")),
        (("ag6", "metad"), ("has 2 biases", "--name: monomer-dimer, dimers-octahedron")),
        (("ag6", "metad", "--name", "dimer"), ("no bias called 'dimer' in its stage metad",)),
        (("ag6", "monomer-dimer", "--name", "x"), ("--name: found 'x' beside 'monomer-dimer'",)),
        (("no-such-study", "metad"), ("shipped studies: ag6, ag6-xtb, quickstart",)),
    ],
)
def test_unknown_stages_are_refused_with_what_there_is(
    folder: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    for command in (("colvar", *arguments, folder / "t.xyz"), ("bias", *arguments),
                    ("cv-preview", *arguments)):  # fmt: skip
        result = call(*command)
        assert result.exit_code == 2
        for word in words:
            assert word in result.stderr


def test_bias_is_what_a_run_is_given(tmp_path: Path) -> None:
    from nucleoflow.study.bias_use import used_bias
    from nucleoflow.study.load import load_study
    from nucleops.engines.lammps.biasing import write_bias

    study = load_study("quickstart")
    used = used_bias(study, "metad", None, None)
    bias, md = study.biases["monomer-dimer"], study.metad["monomer-dimer"].md
    write_bias(bias, used.topology, md, tmp_path, "colvars")
    for engine, name in (("plumed", "bias.plumed.dat"), ("colvars", "bias.colvars")):
        expected = (tmp_path / name).read_text()
        assert call("bias", "quickstart", "metad", "--engine", engine).stdout == expected
        out = tmp_path / "to" / engine
        assert call("bias", "quickstart", "metad", "--engine", engine, "-o", out).exit_code == 0
        assert out.read_text() == expected


def test_bias_says_what_colvars_leaves_out_or_refuses() -> None:
    result = call("bias", "ag6", "learn", "--name", "monomer-dimer", "--engine", "colvars")
    assert result.exit_code == 0
    assert "left out: wall wholeCO on cCO: the lowest of coordination numbers" in result.stderr
    assert "left out" not in result.stdout
    assert "wholeCO" not in result.stdout
    assert "PRINT" in call("bias", "ag6", "learn", "--name", "monomer-dimer").stdout


def test_a_part_that_must_not_be_left_out_is_an_error(tmp_path: Path) -> None:
    text = call("studies", "--show", "ag6").stdout
    assert "left_out_by_colvars: leave out" in text
    (tmp_path / "s.yaml").write_text(text.replace("left_out_by_colvars: leave out", ""))
    result = call("bias", tmp_path / "s.yaml", "learn", "--name", "monomer-dimer",
                  "--engine", "colvars")  # fmt: skip
    assert result.exit_code == 2
    assert "Colvars cannot say: cCH" in result.stderr
    assert result.stdout == ""


def test_a_start_off_the_grid_is_an_error_for_bias_and_a_caution_for_preview(
    folder: Path, tmp_path: Path
) -> None:
    system = read_extxyz(folder / "dimer.extxyz")
    # a methanol oxygen at the nucleus, where it counts 1 and more than the grid of 0.5
    text = call("studies", "--show", "quickstart").stdout
    (tmp_path / "s.yaml").write_text(text.replace("grid_max: [3.6, 5.0]", "grid_max: [3.6, 0.5]"))
    oxygen = system.symbols.index("O")
    moved = system.positions.copy()
    moved[oxygen] = system.cell / 2
    write_extxyz(system.with_positions(moved), tmp_path / "start.extxyz")
    given = (tmp_path / "s.yaml", "metad", "--system", tmp_path / "start.extxyz")
    result = call("bias", *given)
    assert result.exit_code == 2
    assert "bias.metadynamics.grid_min/grid_max of s2" in result.stderr
    result = call("cv-preview", *given)
    assert result.exit_code == 0
    assert "caution: s2 starts at 1.1" in result.stdout


def test_preview_shows_tables_and_writes_what_is_asked(tmp_path: Path) -> None:
    result = call("cv-preview", "quickstart", "metad", "-o", tmp_path / "p.html")
    assert result.exit_code == 0
    for word in ("system dimer: 36 atoms", "s1", "combination", "reach", "6 distances", "78 %"):
        assert word in result.stdout
    assert "caution" not in result.stdout
    page = (tmp_path / "p.html").read_text()
    assert "<title>quickstart: monomer-dimer</title>" in page
    assert page.count("<svg") == 1
    assert "Nothing here to regret" in page
    for suffix, head in ((".png", b"\x89PNG"), (".svg", b"<?xml")):
        out = tmp_path / f"p{suffix}"
        assert call("cv-preview", "quickstart", "metad", "-o", out).exit_code == 0
        assert out.read_bytes().startswith(head)
    refused = call("cv-preview", "quickstart", "metad", "-o", tmp_path / "p.pdf")
    assert refused.exit_code == 2
    assert "allowed: .png, .svg, .html" in refused.stderr


def test_preview_of_the_article_warns_of_its_long_tails() -> None:
    result = call("cv-preview", "ag6", "monomer-dimer")
    assert result.exit_code == 0
    assert "cAgAg, cAgN12, cAgN21: s is still 0.11 at half the cell (10 A" in result.stdout


@pytest.mark.parametrize("study", ["ag6", "ag6-xtb"])
@pytest.mark.parametrize("stage", ["learn", "metad"])
@pytest.mark.parametrize("bias", ["monomer-dimer", "dimers-octahedron"])
def test_a_biased_run_starts_inside_its_walls(study: str, stage: str, bias: str) -> None:
    result = call("cv-preview", study, stage, "--name", bias)
    assert result.exit_code == 0
    assert "kT) at the start" not in result.stdout  # as a strained wall is told
    assert "nan" not in result.stdout
    assert result.stderr == ""
