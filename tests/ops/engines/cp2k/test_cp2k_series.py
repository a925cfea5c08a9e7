"""Series of single points: what is asked of CP2K, and what is believed of its answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.cp2k.md_inputs import SERIES, cell_of_all, series_input
from nucleops.engines.cp2k.series import longest_series, read_series, same_atoms
from nucleops.engines.cp2k.settings import Gfn1Xtb, PbeD3
from nucleops.errors import TruncatedOutput
from nucleops.systems.system import System

LEVEL = Gfn1Xtb()


def system(n_atoms: int = 2, edge: float = 9.0, *, periodic: bool = False) -> System:
    positions = np.arange(3.0 * n_atoms).reshape(-1, 3)
    return System("s", ("O",) * n_atoms, positions, np.full(3, edge), periodic)


def test_input_names_the_configurations_and_hands_nothing_on():
    systems = [system(), replace(system(), positions=np.array([[0.0, 0, 0], [0, 0, 5]]))]
    cell = cell_of_all(systems)
    assert cell.tolist() == [17.0] * 3  # the larger droplet with 6 A around it
    text, configurations = series_input(systems, LEVEL, cell)
    said = [line.strip() for line in text.splitlines()]
    for line in (
        "ENSEMBLE REFTRAJ",
        f"TRAJ_FILE_NAME {SERIES}",
        "LAST_SNAPSHOT 2",
        "EXTRAPOLATION USE_GUESS",
        "EVAL_FORCES T",
    ):
        assert line in said
    assert any(line.split() == ["ABC", *["17.0000000000"] * 3] for line in said)
    rows = configurations.splitlines()
    assert [rows[0], rows[4]] == ["2", "2"]
    assert [float(word) for word in rows[7].split()[1:]] == [8.5, 8.5, 11.0]


def test_a_series_holds_the_same_atoms_in_the_same_cell():
    alike = [system()] * 3
    assert longest_series([*alike, system(3), system()]) == 3
    assert longest_series([system()] * 99) == 20
    assert longest_series([system(500)] * 9) == 4
    assert longest_series([system(5000)] * 2) == 1
    assert same_atoms(system(), system(edge=10.0))  # a droplet's cell is not its own
    assert not same_atoms(system(periodic=True), system(edge=10.0, periodic=True))
    assert not same_atoms(system(), system(periodic=True))


@pytest.fixture
def systems(made):
    return made.distorted(made.SERIES)


def test_what_cp2k_left_is_read(series_folder, systems):
    frames, steps = read_series(series_folder, systems, level=LEVEL)
    assert sorted(frames) == list(range(len(systems)))
    assert all(frames[k].system is systems[k] for k in frames)
    assert {frame.program for frame in frames.values()} == {"CP2K 2023.1"}
    assert len({frame.energy_eV for frame in frames.values()}) == len(systems)
    assert min(steps) > 5


def test_a_series_that_ended_early_keeps_what_is_whole(series_folder, systems):
    log = series_folder / "series.out"
    text = log.read_text()
    log.write_text(text[: text.index("MD| Step number", text.index("Step number  ") + 1)])
    frames, steps = read_series(series_folder, systems, level=LEVEL)
    assert sorted(frames) == [0, 1]
    assert len(steps) == 3


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (lambda s: [s[0], s[2], s[1], *s[3:]], {0, 3, 4, 5}),
        (lambda s: [*s[:4], s[4].with_positions(s[4].positions + 1e-5 * np.eye(6, 3)), s[5]], 4),
    ],
)
def test_labels_of_other_configurations_are_refused(series_folder, systems, change, left):
    frames, _ = read_series(series_folder, change(systems), level=LEVEL)
    assert set(frames) == (left if isinstance(left, set) else set(range(6)) - {left})


def test_a_frame_that_did_not_converge_is_left_out(series_folder, systems):
    log = series_folder / "series.out"
    before, found, after = log.read_text().partition("*** SCF run converged in")
    log.write_text(f"{before}*** SCF run NOT converged {after}")
    assert found
    frames, steps = read_series(series_folder, systems, level=LEVEL)
    assert sorted(frames) == [1, 2, 3, 4, 5]
    assert len(steps) == 6


def test_a_force_beyond_what_is_allowed_leaves_a_frame_out(series_folder, systems):
    whole, _ = read_series(series_folder, systems)
    largest = {k: np.linalg.norm(f.forces_eV_A, axis=1).max() for k, f in whole.items()}
    middle = float(np.median([*largest.values()]))
    frames, _ = read_series(series_folder, systems, largest_force_eV_A=middle)
    assert set(frames) == {k for k in largest if largest[k] <= middle}


def test_another_series_is_an_error(series_folder, systems):
    with pytest.raises(TruncatedOutput, match="6 SCF runs for 5 systems"):
        read_series(series_folder, systems[:5])
    with pytest.raises(TruncatedOutput, match="not of this configuration"):
        read_series(series_folder, systems[1:])
    with pytest.raises(TruncatedOutput, match="pbe-d3"):
        read_series(series_folder, systems, level=PbeD3())
    (series_folder / "label-frc-1.xyz").unlink()
    with pytest.raises(TruncatedOutput, match="label-frc-1"):
        read_series(series_folder, systems)


def test_two_runs_in_one_log_are_an_error(series_folder: Path, systems):
    log = series_folder / "series.out"
    log.write_text(2 * log.read_text())
    with pytest.raises(TruncatedOutput):
        read_series(series_folder, systems)
