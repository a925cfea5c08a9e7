"""A run is judged while it goes on: what was appended, the newest frame, and whether it moves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.lammps import watch as watching
from nucleops.engines.lammps.criteria import Criteria, Ending, Failure
from nucleops.engines.lammps.geometry import Geometry
from nucleops.engines.lammps.inputs import DYNAMICS_MARK
from nucleops.engines.lammps.readers import Dump
from nucleops.engines.lammps.region import write_failure
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.engines.lammps.watch import TrustWatch
from nucleops.errors import NoProgress
from nucleops.reporting.failure import draw_failure
from nucleops.systems.files import read_extxyz
from nucleops.systems.system import FloatArray, Molecule, System

METHANOL = np.array(
    [[0.0, 0, 0], [1.4, 0, 0], [-0.4, 1.0, 0], [-0.4, -0.5, 0.9], [-0.4, -0.5, -0.9], [1.7, 0.9, 0]]
)
SYSTEM = System(
    "methanols",
    ("C", "O", "H", "H", "H", "H") * 2,
    np.vstack([METHANOL + np.array([x, 6, 6]) for x in (1.0, 9.0)]),
    np.full(3, 20.0),
    True,
    (
        Molecule("methanol", tuple(range(6)), ("C", "O", "H1", "H2", "H3", "HO")),
        Molecule("methanol", tuple(range(6, 12)), ("C", "O", "H1", "H2", "H3", "HO")),
    ),
)
TRUST = Trust(energy_rise_eV_atom=0.5)


def watch_in(folder: Path, **md: float) -> TrustWatch:
    settings = MdSettings.model_validate({"steps": 100, "stride": 20, **md})
    criteria = Criteria(TRUST, 300.0, SYSTEM.n_atoms)
    return TrustWatch(folder, settings, criteria, Geometry(SYSTEM, TRUST), None)


def frame(step: int, positions: FloatArray) -> str:
    lines = ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(SYSTEM.n_atoms)]
    lines += ["ITEM: BOX BOUNDS pp pp pp", *["0.0 20.0"] * 3, "ITEM: ATOMS id type x y z"]
    lines += [f"{i} 1 {x:.5f} {y:.5f} {z:.5f}" for i, (x, y, z) in enumerate(positions, start=1)]
    return "\n".join(lines) + "\n"


def torn() -> FloatArray:
    positions = SYSTEM.positions.copy()
    positions[2] += [-1.2, 1.0, 0.0]
    return np.mod(positions, 20.0)


def test_a_methanol_torn_apart_ends_the_run_while_it_goes_on(tmp_path: Path) -> None:
    look = watch_in(tmp_path)
    dump = tmp_path / "trajectory.dump"
    whole = frame(0, SYSTEM.positions) + frame(20, SYSTEM.positions)
    dump.write_text(whole + frame(40, torn())[:-3])
    assert look() is None
    assert look.reason is None  # the frame that is torn apart is still being written
    dump.write_text(whole + frame(40, torn()) + "ITEM: TIMESTEP\n60\n")
    look()
    assert "the bond C1-H3 is" in str(look.reason)
    assert "at step 40" in str(look.reason)
    assert (tmp_path / "STOP").exists()


def rows(*potentials: float) -> str:
    lines = [f"{20 * k} 300 {energy} 1 1" for k, energy in enumerate(potentials)]
    return "\n".join([DYNAMICS_MARK, *lines, ""])


def test_an_energy_that_runs_away_ends_it(tmp_path: Path) -> None:
    (tmp_path / "log.lammps").write_text(rows(-120.0, -119.0, -113.9))
    look = watch_in(tmp_path)
    look()
    assert look.reason == ("the potential energy has risen by 0.508 eV/atom at step 40 (limit 0.5)")


def test_a_leg_is_measured_against_the_first_row_of_the_run() -> None:
    criteria = Criteria(TRUST, 300.0, 12, None, -120.0)
    failure = criteria.row(500, 300.0, -113.0)
    assert failure is not None
    assert failure.kind is Ending.ENERGY_RISE
    assert Criteria(TRUST, 300.0, 12).row(500, 300.0, -113.0) is None


def test_classes() -> None:
    criteria = Criteria(TRUST, 300.0, 12, -10.0)
    kinds = [
        criteria.deviation(0, 9.0),
        criteria.row(0, float("nan"), -120.0),
        criteria.row(0, 300.0, -130.0),
        Geometry(SYSTEM, TRUST).failure(0, torn(), SYSTEM.cell),
        Geometry(SYSTEM, TRUST).failure(0, SYSTEM.positions * np.nan, SYSTEM.cell),
    ]
    assert [failure.kind if failure else None for failure in kinds] == [
        Ending.DEVIATION,
        Ending.TEMPERATURE,
        Ending.ENERGY_BELOW,
        Ending.TORN,
        Ending.LOST,
    ]


def test_a_run_that_stands_still_is_ended_as_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: now[0])
    look = watch_in(tmp_path, stall_s=100.0)
    log = tmp_path / "log.lammps"
    look()
    now[0] = 400.0  # loading and minimising may take five times as long
    look()
    log.write_text(rows(-120.0))
    look()
    now[0] = 410.0
    log.write_text(rows(-120.0, -120.0))
    look()
    now[0] = 410.0 + 199.0  # twenty times as long as a row took
    look()
    now[0] = 410.0 + 201.0
    with pytest.raises(NoProgress, match=r"no row for 201.0 s \(limit 200.0 s\)") as caught:
        look()
    assert caught.value.transient


def test_what_went_wrong_is_left_with_a_picture_and_the_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    for step in (20, 40, 60):
        (tmp_path / f"checkpoint.{step}").write_bytes(b"x" * 60 + b"LammpS RestartT\0")
    steps = np.array([0, 20, 40, 60])
    frames = np.array([SYSTEM.positions, SYSTEM.positions, torn(), torn()])
    dump = Dump(steps, frames, np.tile(SYSTEM.cell, (4, 1)), np.ones(12, dtype=np.int64))
    geometry = Geometry(SYSTEM, TRUST)
    failure = geometry.failure(40, torn(), SYSTEM.cell)
    assert failure is not None
    assert write_failure(failure, 20, SYSTEM, dump, geometry, tmp_path) == 20
    left = {path.name for path in (tmp_path / "failure").iterdir()}
    assert left == {"checkpoint.20", "region.extxyz", "failure.json"}
    record = json.loads((tmp_path / "failure" / "failure.json").read_text())
    assert (record["kind"], record["step"], record["frame_step"]) == ("torn molecule", 40, 40)
    assert record["atoms"] == [0, 2]
    # the other methanol is 8 A away, and this one is whole though it crosses the boundary
    region = read_extxyz(tmp_path / "failure" / "region.extxyz")
    assert region.symbols == ("C", "O", "H", "H", "H", "H")
    assert np.ptp(region.positions, axis=0).max() < 5
    picture = draw_failure(tmp_path)
    assert picture is not None
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_where_nobody_knows_the_atoms_the_most_strained_ones_are_shown(tmp_path: Path) -> None:
    geometry = Geometry(SYSTEM, TRUST)
    frames = np.array([SYSTEM.positions, torn()])
    dump = Dump(np.array([0, 20]), frames, np.tile(SYSTEM.cell, (2, 1)), np.ones(12, dtype=int))
    failure = Failure(20, "the models' forces deviate", Ending.DEVIATION)
    assert write_failure(failure, 0, SYSTEM, dump, geometry, tmp_path) is None
    record = json.loads((tmp_path / "failure" / "failure.json").read_text())
    assert record["atoms"] == [0, 2]
    assert record["checkpoint_step"] is None
