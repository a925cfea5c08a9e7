"""A COLVAR written along a trajectory: PLUMED's values, its header, and where time comes from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

from nucleops.bias.along import values_along, write_along
from nucleops.bias.resolve import resolve
from nucleops.bias.series import read_colvar
from nucleops.bias.spec import Bias
from nucleops.bias.values import evaluate
from nucleops.errors import WrongInput
from nucleops.systems.files import frames_of, write_trajectory
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

PLUMEDS_NAMES = {
    "mm": "cn_ag_ag",
    "mn1": "cn_ag_n1",
    "mn2": "cn_ag_n2",
    "s1": "s1",
    "cn": "cn",
    "d": "d",
    "stay.bias": "res.bias",
}


def test_values_are_plumeds(golden, tmp_path: Path) -> None:
    path = tmp_path / "golden.xyz"
    write_trajectory(frames_of(golden.system, golden.positions), path)
    out = tmp_path / "COLVAR"
    # two frames a chunk, so that chunks meet
    trajectory = Trajectory(path, golden.system, atoms_at_once=2 * golden.system.n_atoms)
    with out.open("w") as file:
        rows = write_along(golden.resolved, trajectory, file, time_step_fs=50.0)
    table = read_colvar(out)
    assert rows == len(table) == len(golden.positions)
    np.testing.assert_allclose(table.time_fs, 50.0 * np.arange(rows))
    for ours, theirs in PLUMEDS_NAMES.items():
        # coordinates were written with ten decimals, PLUMED's values with six
        np.testing.assert_allclose(table[ours], golden.colvar[theirs], rtol=1e-6, atol=2e-6)


TWIST = {
    "cvs": {
        "twist": {"kind": "torsion", "sites": [{"index": k} for k in (1, 2, 3, 4)]},
        "d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]},
    },
    "walls": {"kept": {"side": "upper", "of": "d", "at": 1.5, "kappa_kcal_mol": 10}},
}


def moving(path: Path, steps: bool = False) -> tuple[System, np.ndarray]:
    rng = np.random.default_rng(4)
    positions = rng.uniform(0, 4, size=(7, 4, 3))
    system = System("four", ("O",) * 4, positions[0], np.full(3, 12.0), False)
    if not steps:
        write_trajectory(frames_of(system, positions), path)
        return system, positions
    text = ""
    for k, x in enumerate(positions):
        rows = "\n".join(f"{i} 1 {a!r} {b!r} {c!r}" for i, (a, b, c) in enumerate(x.tolist()))
        text += f"ITEM: TIMESTEP\n{20 * k}\nITEM: NUMBER OF ATOMS\n4\nITEM: BOX BOUNDS pp pp pp\n"
        text += f"0 12\n0 12\n0 12\nITEM: ATOMS id type x y z\n{rows}\n"
    path.write_text(text)
    return system, positions


def written(path: Path, system: System, **options: object) -> str:
    out = io.StringIO()
    write_along(
        resolve(Bias.model_validate(TWIST), system), Trajectory(path, system), out, **options
    )
    return out.getvalue()


def test_header_says_units_time_and_periods(tmp_path: Path) -> None:
    system, positions = moving(tmp_path / "t.xyz")
    text = written(
        tmp_path / "t.xyz", system, time_step_fs=2.5, constants={"trajectory": "my file.xyz"}
    )
    lines = text.splitlines()
    assert lines[0] == "#! FIELDS time twist d kept.bias"
    assert lines[1:6] == [
        "#! SET time_unit fs",
        "#! SET time_from frames-of-2.5-fs",
        "#! SET trajectory my_file.xyz",
        "#! SET min_twist -pi",
        "#! SET max_twist pi",
    ]
    assert all(len(line.split()) == 4 for line in lines[1:])
    (tmp_path / "COLVAR").write_text(text)
    table = read_colvar(tmp_path / "COLVAR")
    expected = evaluate(resolve(Bias.model_validate(TWIST), system), positions)
    assert np.ptp(expected["kept.bias"]) > 1
    for name in ("twist", "d", "kept.bias"):
        np.testing.assert_allclose(table[name], expected[name], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("given", "known", "step_fs", "clock"),
    [
        (None, 0.5, 0.5, "steps-of-0.5-fs"),
        (2.0, 0.5, 2.0, "steps-of-2-fs"),
    ],
)
def test_steps_are_counted_in_time_steps(
    tmp_path: Path, given: float | None, known: float, step_fs: float, clock: str
) -> None:
    system, _ = moving(tmp_path / "t.dump", steps=True)
    resolved = resolve(Bias.model_validate(TWIST), system)
    trajectory = Trajectory(tmp_path / "t.dump", system, stride=2)
    ((columns, said),) = values_along(
        resolved, trajectory, time_step_fs=given, md_time_step_fs=known
    )
    np.testing.assert_allclose(columns["time"], 20 * step_fs * np.array([0, 2, 4, 6]))
    assert said == clock


def test_a_given_time_step_goes_before_the_files_times(tmp_path: Path) -> None:
    system, _ = moving(tmp_path / "t.dump", steps=True)
    text = (tmp_path / "t.dump").read_text()
    timed = "ITEM: UNITS\nmetal\n" + text.replace(
        "ITEM: TIMESTEP", "ITEM: TIME\n0.5\nITEM: TIMESTEP"
    )
    (tmp_path / "t.dump").write_text(timed)
    assert "time_from dump-units-metal" in written(tmp_path / "t.dump", system)
    assert "time_from steps-of-4-fs" in written(tmp_path / "t.dump", system, time_step_fs=4.0)


def test_frames_without_time_or_step_need_a_time_step(tmp_path: Path) -> None:
    system, _ = moving(tmp_path / "t.xyz")
    # the study's time step is of MD steps, and says nothing of frames
    with pytest.raises(WrongInput, match=r"t\.xyz: says neither") as caught:
        written(tmp_path / "t.xyz", system, md_time_step_fs=0.5)
    assert "--time-step" in caught.value.advice
