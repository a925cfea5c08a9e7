"""Reading AIMD: every step is judged by its own SCF, in its own part of the log."""

from __future__ import annotations

import re

import numpy as np
import pytest

from nucleops.engines.cp2k.aimd_frames import read_aimd
from nucleops.engines.cp2k.single_point import read_single_point
from nucleops.errors import TruncatedOutput


@pytest.fixture(params=["xtb", "pbe"])
def run(request, made, aimd_folder):
    """Return folder, system and number of steps of a kept run."""
    system = made.methanol(periodic=request.param == "pbe")
    return aimd_folder(request.param), system, made.STEPS[request.param]


def steps(read) -> list[int]:
    return [frame.step for frame in read.frames]


def edit(folder, name, change):
    path = folder / name
    before = path.read_bytes()
    after = change(before)
    assert after != before
    path.write_bytes(after)


def test_all_steps(run):
    folder, system, n = run
    read = read_aimd(folder, system)
    assert steps(read) == list(range(n + 1))
    assert not read.dropped
    assert read.steps_run == n
    first, last = read.frames[0], read.frames[-1]
    assert np.abs(first.system.positions - system.positions).max() < 1e-9
    assert 1e-3 < np.abs(last.system.positions - system.positions).max() < 0.3
    assert last.system.cell is system.cell
    # The force is the slope of the energy: along the path, to second order in the step.
    for a, b in zip(read.frames, read.frames[1:], strict=False):
        moved = b.system.positions - a.system.positions
        work = -((a.forces_eV_A + b.forces_eV_A) / 2 * moved).sum()
        assert b.energy_eV - a.energy_eV == pytest.approx(work, abs=2e-3)


def test_first_step_is_the_single_point(made, output, aimd_folder, tmp_path):
    system = made.methanol(periodic=False)
    frame = read_aimd(aimd_folder("xtb"), system).frames[0]
    (tmp_path / "single").write_bytes(output("xtb-single.out"))
    point = read_single_point(tmp_path / "single", system)
    assert frame.energy_eV == pytest.approx(point.energy_eV, abs=1e-8)
    assert np.abs(frame.forces_eV_A - point.forces_eV_A).max() < 1e-6


def test_skip_and_stride(made, aimd_folder):
    folder = aimd_folder("xtb")
    read = read_aimd(folder, made.methanol(periodic=False), skip_steps=2, stride=3)
    assert steps(read) == [2, 5, 8]


def test_unconverged_step_is_dropped_alone(made, aimd_folder):
    folder, system = aimd_folder("xtb"), made.methanol(periodic=False)

    def spoil(text: bytes) -> bytes:
        parts = text.split(b"SCF run converged in")
        return (
            b"SCF run converged in".join(parts[:4])
            + b"SCF run NOT converged"
            + b"".join(b"SCF run converged in" * (i > 0) + part for i, part in enumerate(parts[4:]))
        )

    edit(folder, "aimd.out", spoil)
    read = read_aimd(folder, system)
    assert steps(read) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert read.dropped[3].startswith("SCF not converged")


def test_run_that_never_converged_gives_nothing(made, output, aimd_folder):
    folder = aimd_folder("xtb")
    (folder / "aimd.out").write_bytes(output("unconverged-aimd.out"))
    read = read_aimd(folder, made.methanol(periodic=False))
    assert not read.frames
    assert all(why.startswith("SCF not converged") for why in read.dropped.values())


@pytest.mark.parametrize("name", ["aimd.out", "label-pos-1.xyz", "label-frc-1.xyz"])
def test_cut_off_files_lose_their_last_steps_only(run, name):
    folder, system, n = run
    text = (folder / name).read_bytes()
    true = {frame.step: frame for frame in read_aimd(folder, system).frames}
    for cut in range(0, len(text), max(1, len(text) // 150)):
        (folder / name).write_bytes(text[:cut])
        try:
            read = read_aimd(folder, system)
        except TruncatedOutput:
            continue
        assert steps(read) == list(range(len(read.frames)))
        assert len(read.frames) <= n + (name == "aimd.out")
        for frame in read.frames:
            assert frame.energy_eV == true[frame.step].energy_eV
            assert (frame.forces_eV_A == true[frame.step].forces_eV_A).all()
            assert (frame.system.positions == true[frame.step].system.positions).all()


@pytest.mark.parametrize("bad", [b"NaN         ", b"************", b"   Infinity"])
@pytest.mark.parametrize("name", ["label-pos-1.xyz", "label-frc-1.xyz"])
def test_damaged_frame_is_dropped_alone(made, aimd_folder, name, bad):
    folder, system = aimd_folder("xtb"), made.methanol(periodic=False)

    def spoil(text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        line = 3 * (system.n_atoms + 2) + 4
        lines[line] = lines[line][:8] + bad + lines[line][8 + len(bad) :]
        return b"".join(lines)

    edit(folder, name, spoil)
    read = read_aimd(folder, system)
    assert 3 not in steps(read)
    assert steps(read) == [0, 1, 2, 4, 5, 6, 7, 8]


def test_log_and_trajectory_have_to_agree(made, aimd_folder):
    folder, system = aimd_folder("xtb"), made.methanol(periodic=False)
    edit(
        folder,
        "label-frc-1.xyz",
        lambda t: re.sub(rb"(i = +2,(?:.*\n){2}.*?\.)\d", rb"\g<1>7", t, count=1),
    )
    edit(folder, "label-pos-1.xyz", lambda t: re.sub(rb"(i = +5,.*E = +-\d\.)\d", rb"\g<1>0", t))
    assert sorted(read_aimd(folder, system).dropped) == [2, 5]


def test_repeated_steps_are_dropped(made, aimd_folder):
    """A restarted run repeats the steps since its last restart."""
    folder, system = aimd_folder("xtb"), made.methanol(periodic=False)

    def repeat(text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        size = system.n_atoms + 2
        return b"".join(lines[: 5 * size] + lines[4 * size :])

    edit(folder, "label-pos-1.xyz", repeat)
    assert sorted(read_aimd(folder, system).dropped) == [4]


def test_two_runs_in_one_log_are_refused(run):
    folder, system, _ = run
    edit(folder, "aimd.out", lambda t: t + t)
    with pytest.raises(TruncatedOutput):
        read_aimd(folder, system)


def test_a_run_of_another_system_is_refused(run):
    folder, system, _ = run
    moved = system.with_positions(system.positions * 1.01)
    with pytest.raises(TruncatedOutput, match="not of this configuration"):
        read_aimd(folder, moved)


def test_an_atom_that_jumps_is_refused(made, aimd_folder):
    folder, system = aimd_folder("xtb"), made.methanol(periodic=False)

    def jump(text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        line = 6 * (system.n_atoms + 2) + 4
        x = lines[line][4:21]
        lines[line] = lines[line].replace(x, b"%17.10f" % (float(x) + 1.0))
        return b"".join(lines)

    edit(folder, "label-pos-1.xyz", jump)
    assert 6 in read_aimd(folder, system).dropped
