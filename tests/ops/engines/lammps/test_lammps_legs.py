"""Runs that go on: which checkpoint, and outputs without a row twice or missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.bias.series import read_colvar, read_hills
from nucleops.engines.lammps.joining import join_outputs, join_rows, join_thermo
from nucleops.engines.lammps.legs import (
    LEG_FILE,
    checkpoints,
    forget,
    next_leg,
    prune,
    spans,
    step_of,
)
from nucleops.engines.lammps.readers import read_dump, read_model_deviation
from nucleops.errors import WrongInput

END = b"LammpS RestartT\0"
STRIDE, PACE, EVERY, STEPS, DT_FS = 10, 20, 40, 200, 0.5


def value(step: int) -> str:
    """Stands for everything that the dynamics decides: the same step, the same value."""
    return f"{(step * 7919) % 1009 / 1009:.9f}"


def dynamics(folder: Path, start: int, killed_after: int, torn: bool = False) -> None:
    """Write what LAMMPS with PLUMED leaves when it is killed after a step.

    The step that a leg starts at is written again, hills are appended to those read back, and none
    is added at the first step of a leg.
    """
    hills = folder / "HILLS"
    if not hills.exists():
        hills.write_text("#! FIELDS time d sigma_d height biasf\n#! SET multivariate false\n")
    colvar, deviation, log = ["#! FIELDS time d"], ["#  step  v v v  f f f"], []
    log = ["nucleops: dynamics begins", "   Step Temp PotEng KinEng TotEng"]
    frames, new_hills = [], []
    for step in range(start, killed_after + 1):
        if step % STRIDE == 0:
            colvar.append(f" {step * DT_FS:.6f} {value(step)}")
            deviation.append(f" {step} 0 0 0 {value(step)} 0 0")
            log.append(f" {step} {value(step)} 1 2 3")
            frames.append(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS\n")
            frames.append("0 9\n0 9\n0 9\nITEM: ATOMS id type x y z\n")
            frames.append(f"1 1 {value(step)} 0 0\n")
        if step % PACE == 0 and step > start:
            new_hills.append(f" {step * DT_FS:.6f} {value(step)} 0.1 0.3 10")
        if step % EVERY == 0 and step > start:
            (folder / f"checkpoint.{step}").write_bytes(b"x" * 100 + END)
    (folder / "COLVAR").write_text("\n".join(colvar) + "\n" + (" 1.0 0." if torn else ""))
    (folder / "model_devi.out").write_text("\n".join(deviation) + "\n" + (" 9" if torn else ""))
    (folder / "log.lammps").write_text("\n".join(log) + "\n" + (" 9 9" if torn else ""))
    (folder / "trajectory.dump").write_text("".join(frames) + ("ITEM: TIM" if torn else ""))
    with hills.open("a") as file:
        file.write("".join(f"{row}\n" for row in new_hills) + (" 9" if torn else ""))


def run_to_its_end(folder: Path, kills: list[tuple[int, bool]]) -> Path:
    for steps, torn in [*kills, (10**6, False)]:
        leg = next_leg(folder, "same")
        if leg.checkpoint is not None:
            join_rows("HILLS", spans(folder), folder / "HILLS", DT_FS)
        dynamics(folder, leg.start_step, min(leg.start_step + steps, STEPS), torn)
    join_outputs(folder, "plumed", DT_FS)
    return folder


@settings(max_examples=40, deadline=None)
@given(kills=st.lists(st.tuples(st.integers(0, 130), st.booleans()), max_size=6))
def test_outputs_are_those_of_a_run_that_was_never_stopped(
    kills: list[tuple[int, bool]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = run_to_its_end(tmp_path_factory.mktemp("whole"), [])
    stopped = run_to_its_end(tmp_path_factory.mktemp("stopped"), kills)
    for name in ("COLVAR", "HILLS", "model_devi.out", "trajectory.dump"):
        assert (stopped / name).read_text() == (whole / name).read_text(), name
    thermo = join_thermo(spans(stopped))
    assert thermo.steps.tolist() == list(range(0, STEPS + 1, STRIDE))
    assert [f"{x:.9f}" for x in thermo.temperature_K] == [value(s) for s in thermo.steps.tolist()]
    assert len(read_hills(stopped / "HILLS")) == STEPS // PACE
    assert len(read_colvar(stopped / "COLVAR")) == STEPS // STRIDE + 1
    assert len(read_dump(stopped / "trajectory.dump").steps) == STEPS // STRIDE + 1
    assert read_model_deviation(stopped / "model_devi.out").steps[-1] == STEPS
    forget(stopped)
    left = {path.name for path in stopped.iterdir()}
    assert left == {"COLVAR", "HILLS", "model_devi.out", "trajectory.dump", "log.lammps"}


def test_a_torn_checkpoint_is_passed_over(tmp_path: Path) -> None:
    assert next_leg(tmp_path, "same").start_step == 0
    dynamics(tmp_path, 0, 130)
    (tmp_path / "checkpoint.120").write_bytes(b"x" * 60 + END[:-4])
    (tmp_path / "checkpoint.80.tmp").touch()
    assert [step_of(path) for path in checkpoints(tmp_path)] == [40, 80]
    leg = next_leg(tmp_path, "same")
    assert leg.start_step == 80
    assert leg.checkpoint == tmp_path / "leg-000" / "checkpoint.80"


def test_only_the_newest_checkpoints_are_kept_and_none_in_writing_is_touched(
    tmp_path: Path,
) -> None:
    dynamics(tmp_path, 0, 170)
    (tmp_path / "checkpoint.200").write_bytes(b"x")
    prune(tmp_path)
    left = sorted(path.name for path in tmp_path.glob("checkpoint.*"))
    assert left == ["checkpoint.120", "checkpoint.160", "checkpoint.200"]


def test_an_interrupted_move_is_taken_up_again(tmp_path: Path) -> None:
    next_leg(tmp_path, "same")
    dynamics(tmp_path, 0, 90)
    (tmp_path / "leg-000").mkdir()
    for name in ("COLVAR", "checkpoint.40"):
        (tmp_path / name).rename(tmp_path / "leg-000" / name)
    leg = next_leg(tmp_path, "same")
    assert leg.start_step == 80
    assert not (tmp_path / "leg-001").exists()
    assert {p.name for p in (tmp_path / "leg-000").iterdir()} >= {"COLVAR", "HILLS", LEG_FILE}


def test_other_physics_and_strange_folders_are_refused(tmp_path: Path) -> None:
    next_leg(tmp_path, "one")
    dynamics(tmp_path, 0, 50)
    with pytest.raises(WrongInput, match="other settings, system, bias or models"):
        next_leg(tmp_path, "two")
    assert (tmp_path / "COLVAR").is_file()  # nothing was moved
    assert json.loads((tmp_path / LEG_FILE).read_text())["physics"] == "one"
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "notes.txt").touch()
    with pytest.raises(WrongInput, match="not empty and holds no run"):
        next_leg(strange, "one")


def test_rows_whose_time_is_written_with_few_digits_count(tmp_path: Path) -> None:
    run = tmp_path / "run"
    next_leg(run, "same")
    dynamics(run, 0, 100)
    next_leg(run, "same")
    dynamics(run, 80, 200)
    times = read_colvar(run / "COLVAR").time_fs
    assert times[0] == 80 * DT_FS
    join_rows("COLVAR", spans(run), run / "COLVAR", DT_FS)
    assert read_colvar(run / "COLVAR").time_fs.tolist() == [
        step * DT_FS for step in range(0, STEPS + 1, STRIDE)
    ]
