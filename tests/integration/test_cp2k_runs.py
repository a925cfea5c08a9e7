"""Real CP2K: labels and AIMD at both levels of theory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nucleops.engines.cp2k import series as series_module
from nucleops.engines.cp2k.aimd import run_aimd
from nucleops.engines.cp2k.aimd_frames import read_aimd
from nucleops.engines.cp2k.frames import ForcesTooLarge, LabelledFrame
from nucleops.engines.cp2k.md_inputs import cell_of_all, series_input
from nucleops.engines.cp2k.series import label_series
from nucleops.engines.cp2k.settings import AimdRun, Gfn1Xtb, PbeD3
from nucleops.engines.cp2k.single_point import label
from nucleops.errors import MissingProgram, ScfNotConverged
from nucleops.learning.dataset import read_deepmd, stack_frames, write_deepmd
from nucleops.systems.packing import build_system
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import System, type_map

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def droplet() -> System:
    """A silver dimer with two methanols in vacuum."""
    contents = [{"motif": "dimer", "count": 1}, {"motif": "methanol", "count": 2}]
    spec = SystemSpec.model_validate(
        {"contents": contents, "box": {"shape": "droplet", "radius_A": 6.0}}
    )
    return build_system("droplet", spec, "Ag", 3)


def methanol(*, periodic: bool = False, edge: float = 8.0) -> System:
    positions = [
        [4.0, 4.0, 4.7],
        [4.5, 4.9, 5.1],
        [4.5, 3.1, 5.1],
        [2.97, 4.0, 5.07],
        [4.0, 4.0, 3.28],
        [4.92, 4.0, 2.98],
    ]
    cell = np.full(3, edge)
    return System("methanol", tuple("CHHHOH"), np.array(positions), cell, periodic)


def test_forces_are_the_slope_of_the_energy(tmp_path):
    """Central difference along one coordinate of a distorted molecule."""
    system, step = methanol(), 0.01
    forces = label(system, Gfn1Xtb(eps_scf=1e-7), tmp_path / "0").frame.forces_eV_A
    energies = []
    for sign in (-1, 1):
        moved = system.positions.copy()
        moved[4, 2] += sign * step
        point = label(system.with_positions(moved), Gfn1Xtb(eps_scf=1e-7), tmp_path / str(sign))
        energies.append(point.frame.energy_eV)
    assert forces[4, 2] == pytest.approx(-(energies[1] - energies[0]) / (2 * step), abs=0.01)


def test_droplet_does_not_depend_on_where_it_is_or_on_the_order_of_atoms(droplet, tmp_path):
    here = label(droplet, Gfn1Xtb(), tmp_path / "a").frame
    order = np.random.default_rng(1).permutation(droplet.n_atoms)
    other = replace(
        droplet,
        symbols=tuple(droplet.symbols[i] for i in order),
        positions=droplet.positions[order] + 50.0,
        molecules=(),
    )
    there = label(other, Gfn1Xtb(), tmp_path / "b").frame
    assert there.energy_eV == pytest.approx(here.energy_eV, abs=1e-5)
    assert np.abs(there.forces_eV_A - here.forces_eV_A[order]).max() < 2e-3


def test_unconverged_is_refused_after_one_retry(tmp_path):
    with pytest.raises(ScfNotConverged):
        label(methanol(), Gfn1Xtb(max_scf=3), tmp_path)
    assert (tmp_path / "try-2.out").is_file()
    assert not (tmp_path / "try-3.out").exists()


def test_retry_with_safer_settings_can_save_a_frame(tmp_path):
    """15 steps converge at mixing 0.2; 10 do not, twice as many do."""
    point = label(methanol(), Gfn1Xtb(max_scf=10, retry_mixing_alpha=0.2), tmp_path)
    assert point.tries == 2
    once = label(methanol(), Gfn1Xtb(), tmp_path / "once")
    assert point.frame.energy_eV == pytest.approx(once.frame.energy_eV, abs=1e-6)


def test_a_neighbours_wavefunction_saves_steps_and_changes_nothing(tmp_path):
    system = methanol()
    first = label(system, Gfn1Xtb(), tmp_path / "first", keep_wavefunction=True)
    assert first.wavefunction is not None
    moved = system.with_positions(system.positions + np.array([[0.02, 0, 0]] + 5 * [[0, 0, 0.01]]))
    fresh = label(moved, Gfn1Xtb(), tmp_path / "fresh")
    begun = label(moved, Gfn1Xtb(), tmp_path / "begun", guess=first.wavefunction)
    assert fresh.wavefunction is None
    assert begun.scf_steps < fresh.scf_steps
    assert begun.frame.energy_eV == pytest.approx(fresh.frame.energy_eV, abs=1e-6)
    assert np.abs(begun.frame.forces_eV_A - fresh.frame.forces_eV_A).max() < 1e-3
    # one of other atoms is no failure: CP2K passes it over
    other = System("h2", ("H", "H"), np.array([[4, 4, 4], [4, 4, 4.8]]), np.full(3, 8.0), False)
    wrong = label(other, Gfn1Xtb(), tmp_path / "wrong", guess=first.wavefunction)
    right = label(other, Gfn1Xtb(), tmp_path / "right")
    assert wrong.frame.energy_eV == pytest.approx(right.frame.energy_eV, abs=1e-6)


def test_clashing_atoms_are_refused(tmp_path):
    positions = methanol().positions.copy()
    positions[1] = positions[2] + [0.0, 0.0, 0.2]
    with pytest.raises((ForcesTooLarge, ScfNotConverged)):
        label(methanol().with_positions(positions), Gfn1Xtb(), tmp_path)


def test_a_series_gives_the_labels_of_single_points(droplet, tmp_path):
    """To the last digit, whatever else is in it, and for less than they cost."""
    rng = np.random.default_rng(3)
    shape = droplet.positions.shape
    systems = [
        droplet.with_positions(droplet.positions + rng.normal(scale=0.03, size=shape))
        for _ in range(4)
    ]
    clash = droplet.positions.copy()
    clash[1] = clash[2] + [0.0, 0.0, 0.2]
    mixed = [*systems[:2], droplet.with_positions(clash), *systems[2:]]
    cell, level = cell_of_all(mixed), Gfn1Xtb()
    found = label_series(mixed, level, tmp_path / "a")
    assert sorted(found.points) == [0, 1, 3, 4]
    assert found.begun == 5
    for number, system in zip((0, 1, 3, 4), systems, strict=True):
        point, alone = found.points[number], label(system, level, tmp_path / "alone", cell=cell)
        same(point.frame, alone.frame)
        assert (point.scf_steps, point.tries) == (alone.scf_steps, 1)
        assert point.cpu_s < alone.cpu_s
    again = label_series(systems[1:3], level, tmp_path / "b", cell=cell)
    for number, other in ((0, 1), (1, 3)):
        same(again.points[number].frame, found.points[other].frame)
    # the cell is no physics
    own = label(systems[0], level, tmp_path / "alone").frame
    assert own.energy_eV == pytest.approx(found.points[0].frame.energy_eV, abs=1e-8)
    assert np.abs(own.forces_eV_A - found.points[0].frame.forces_eV_A).max() < 1e-9


def same(one: LabelledFrame, other: LabelledFrame) -> None:
    assert one.energy_eV == other.energy_eV
    assert (one.forces_eV_A == other.forces_eV_A).all()


def test_a_periodic_series(tmp_path):
    crowd = methanol(edge=12.0, periodic=True)
    systems = [crowd, crowd.with_positions(crowd.positions + 0.02 * np.eye(6, 3))]
    found = label_series(systems, Gfn1Xtb(), tmp_path / "a")
    assert sorted(found.points) == [0, 1]
    same(found.points[1].frame, label(systems[1], Gfn1Xtb(), tmp_path / "alone").frame)


def test_a_series_that_cannot_be_run_gives_nothing(tmp_path, monkeypatch):
    systems = [methanol(), methanol()]
    with pytest.raises(MissingProgram):
        label_series(systems, Gfn1Xtb(), tmp_path, program="cp2k.no-such")
    # a version that does not know a word of the input
    text, configurations = series_input(systems, Gfn1Xtb(), cell_of_all(systems))
    unknown = text.replace("EVAL_FORCES", "EVAL_SOMETHING"), configurations
    monkeypatch.setattr(series_module, "series_input", lambda *_: unknown)
    found = label_series(systems, Gfn1Xtb(), tmp_path)
    assert (found.points, found.begun) == ({}, 0)


def test_missing_program(tmp_path):
    with pytest.raises(MissingProgram):
        label(methanol(), Gfn1Xtb(), tmp_path, program="cp2k.no-such")


def test_aimd_to_a_data_set(droplet, tmp_path):
    settings = AimdRun(system="droplet", temperatures_K=(300.0,), steps=20, skip_steps=4, stride=4)
    seen: list[int] = []
    result = run_aimd(
        droplet, Gfn1Xtb(), settings, 300.0, 5, tmp_path / "md", progress=seen.append
    ).check()
    read = read_aimd(tmp_path / "md", droplet, skip_steps=4, stride=4)
    assert [frame.step for frame in read.frames] == [4, 8, 12, 16, 20]
    assert result.stopped_because is None
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, 20)
    (data,) = stack_frames(read.frames)
    write_deepmd(data, type_map("Ag"), tmp_path / "data")
    back = read_deepmd(tmp_path / "data")
    assert not back.periodic
    assert back.symbols == droplet.symbols
    assert (back.energies == data.energies).all()
    # A step's label is what a single point of its coordinates gives.
    last = read.frames[-1]
    point = label(last.system, Gfn1Xtb(), tmp_path / "sp").frame
    assert point.energy_eV == pytest.approx(last.energy_eV, abs=1e-3)
    assert np.abs(point.forces_eV_A - last.forces_eV_A).max() < 0.02


def test_seed_decides_the_trajectory(tmp_path):
    settings = AimdRun(system="methanol", temperatures_K=(300.0,), steps=3, skip_steps=0)
    ends = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        run_aimd(methanol(), Gfn1Xtb(), settings, 300.0, seed, tmp_path / name).check()
        frames = read_aimd(tmp_path / name, methanol()).frames
        ends.append(frames[-1].system.positions)
    assert np.abs(ends[0] - ends[1]).max() < 1e-6
    assert np.abs(ends[0] - ends[2]).max() > 1e-4


def test_aimd_that_never_converges_gives_no_frame(tmp_path):
    settings = AimdRun(system="methanol", temperatures_K=(300.0,), steps=2)
    run_aimd(methanol(), Gfn1Xtb(max_scf=3), settings, 300.0, 1, tmp_path)
    read = read_aimd(tmp_path, methanol())
    assert not read.frames
    assert len(read.dropped) >= 1


def test_pbe_d3_single_point(tmp_path):
    """Methanol in a small cell at a small cut-off: OT and diagonalisation find the same state."""
    small = PbeD3(cutoff_Ry=150.0, rel_cutoff_Ry=30.0)
    system = methanol(periodic=True, edge=6.0)
    found = [
        label(system, small.model_copy(update={"scf": scf}), tmp_path / scf).frame
        for scf in ("OT", "diagonalisation")
    ]
    assert found[0].energy_eV == pytest.approx(found[1].energy_eV, abs=1e-3)
    assert np.abs(found[0].forces_eV_A - found[1].forces_eV_A).max() < 0.01
    assert -700 < found[0].energy_eV < -600
