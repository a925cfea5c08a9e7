"""Each format gives back what was written, by other people's writers where there are any."""

from __future__ import annotations

import gzip
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.systems.dcd import AKMA_FS
from nucleops.systems.files import frames_of, write_trajectory
from nucleops.systems.frames import Frames
from nucleops.systems.system import System, type_map
from nucleops.systems.trajectory import Trajectory, format_of

SAME_FOLDER = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
SYMBOLS = ("Ag", "S", "N", "C", "H", "H", "O")


def made(seed: int, n_frames: int, periodic: bool = True) -> tuple[System, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(-40, 40, size=(n_frames, len(SYMBOLS), 3))
    cells = rng.uniform(5, 60, size=(n_frames, 3))
    return System("made", SYMBOLS, positions[0], cells[0], periodic), positions, cells


def whole(path: Path, topology: System, **chosen: int) -> Frames:
    """All chunks as one."""
    parts = list(Trajectory(path, topology, **chosen))
    steps = [p.steps for p in parts if p.steps is not None]
    times = [p.times_fs for p in parts if p.times_fs is not None]
    return Frames(
        np.concatenate([p.numbers for p in parts]),
        np.concatenate([p.positions for p in parts]),
        np.concatenate([p.cells for p in parts]),
        np.concatenate(steps) if steps else None,
        np.concatenate(times) if times else None,
        parts[0].clock,
    )


def dump_text(
    positions: np.ndarray, cells: np.ndarray, columns: str, order: np.ndarray, low: float
) -> str:
    """What LAMMPS would write, with 17 digits; atoms in the given order."""
    types = {element: k for k, element in enumerate(type_map("Ag"), start=1)}
    names = columns.split()
    text = []
    for k, (x, cell) in enumerate(zip(positions, cells, strict=True)):
        text += ["ITEM: TIMESTEP", str(50 * k), "ITEM: NUMBER OF ATOMS", str(len(x))]
        text += [
            "ITEM: BOX BOUNDS pp pp pp",
            *(f"{low!r} {low + edge!r}" for edge in cell.tolist()),
        ]
        text.append(f"ITEM: ATOMS {columns}")
        scaled = (x - low) / cell
        for i in order.tolist():
            row: dict[str, object] = {"id": i + 1, "type": types[SYMBOLS[i]], "element": SYMBOLS[i]}
            for axis in range(3):
                row |= {"xyz"[axis]: x[i, axis], "xyz"[axis] + "u": x[i, axis]}
                row |= {"xyz"[axis] + "s": scaled[i, axis], "xyz"[axis] + "su": scaled[i, axis]}
            text.append(" ".join(str(row[name]) for name in names))
    return "\n".join(text) + "\n"


@given(st.integers(0, 10**6), st.integers(1, 5), st.booleans())
@SAME_FOLDER
def test_extended_xyz(tmp_path: Path, seed: int, n_frames: int, packed: bool) -> None:
    topology, positions, cells = made(seed, n_frames)
    path = tmp_path / "t.xyz"
    write_trajectory(frames_of(topology, positions, cells), path)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    frames = whole(path, topology)
    np.testing.assert_allclose(frames.positions, positions, rtol=0, atol=1e-10)
    np.testing.assert_allclose(frames.cells, cells, rtol=0, atol=1e-10)
    assert frames.numbers.tolist() == list(range(n_frames))
    assert frames.steps is None
    assert frames.times_fs is None


@pytest.mark.parametrize(
    "columns",
    [
        "id type x y z",
        "id element xu yu zu",
        "z y x type id",
        "id xs ys zs",
        "id type xsu ysu zsu",
    ],
)
@given(st.integers(0, 10**6), st.integers(1, 4), st.booleans(), st.floats(-30, 30))
@SAME_FOLDER
def test_lammps_dump(
    tmp_path: Path, columns: str, seed: int, n_frames: int, packed: bool, low: float
) -> None:
    topology, positions, cells = made(seed, n_frames)
    order = np.random.default_rng(seed).permutation(len(SYMBOLS))
    text = dump_text(positions, cells, columns, order, low).encode()
    path = tmp_path / "t.dump"
    path.write_bytes(gzip.compress(text) if packed else text)
    frames = whole(path, topology)
    np.testing.assert_allclose(frames.positions, positions, rtol=0, atol=1e-11)
    np.testing.assert_allclose(frames.cells, cells, rtol=0, atol=1e-11)
    assert frames.steps is not None
    assert frames.steps.tolist() == [50 * k for k in range(n_frames)]


def write_by_mdanalysis(path: Path, positions: np.ndarray, cells: np.ndarray, dt_ps: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import MDAnalysis

        universe = MDAnalysis.Universe.empty(positions.shape[1], trajectory=True)
        options = {"dt": dt_ps, "nsavc": 1} if path.suffix == ".dcd" else {}
        with MDAnalysis.Writer(str(path), positions.shape[1], **options) as out:
            for k, (x, cell) in enumerate(zip(positions, cells, strict=True)):
                universe.atoms.positions = x
                universe.trajectory.ts.dimensions = [*cell, 90, 90, 90]
                universe.trajectory.ts.time = k * dt_ps
                universe.trajectory.ts.data["step"] = 20 * k
                out.write(universe.atoms)


# XTC keeps 0.001 nm; the others single precision, 4e-6 of up to 60 A
@pytest.mark.parametrize(("suffix", "within_A"), [("xtc", 6e-3), ("trr", 1e-5), ("dcd", 1e-5)])
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([0.001, 0.01, 0.25, 1.0]))
@SAME_FOLDER
def test_binary(
    tmp_path: Path, suffix: str, within_A: float, seed: int, n_frames: int, dt_ps: float
) -> None:
    topology, positions, cells = made(seed, n_frames)
    path = tmp_path / f"t.{suffix}"
    write_by_mdanalysis(path, positions, cells, dt_ps)
    frames = whole(path, topology)
    np.testing.assert_allclose(frames.positions, positions, rtol=0, atol=within_A)
    np.testing.assert_allclose(frames.cells, cells, rtol=0, atol=1e-5)
    assert frames.positions.dtype == np.float64
    assert frames.times_fs is not None
    # a DCD counts in 48.88821 fs, in single precision
    np.testing.assert_allclose(frames.times_fs, 1000 * dt_ps * np.arange(n_frames), rtol=3e-7)
    assert frames.clock == {"xtc": "xtc-ps", "trr": "trr-ps", "dcd": "dcd-AKMA"}[suffix]
    if suffix != "dcd":
        assert frames.steps is not None
        assert frames.steps.tolist() == [20 * k for k in range(n_frames)]
    assert sorted(p.name for p in tmp_path.glob(".*")) == [], "index files are left behind"


@pytest.mark.parametrize(
    ("delta", "remarks", "step_fs", "clock"),
    [
        (0.0005, "Written by LAMMPS", 0.5, "dcd-LAMMPS-ps"),
        (0.5, "Written by LAMMPS", 0.5, "dcd-LAMMPS-fs"),
        (0.02, "Created by NAMD", 0.02 * AKMA_FS, "dcd-AKMA"),
    ],
)
def test_time_of_a_dcd_is_that_of_its_program(
    tmp_path: Path, delta: float, remarks: str, step_fs: float, clock: str
) -> None:
    from MDAnalysis.lib.formats.libdcd import DCDFile

    topology, positions, cells = made(3, 3)
    path = tmp_path / "t.dcd"
    with DCDFile(str(path), "w") as out:
        out.write_header(remarks, len(SYMBOLS), 100, 10, delta, 1)
        for x, cell in zip(positions, cells, strict=True):
            out.write(x.astype(np.float32), np.array([cell[0], 90, cell[1], 90, 90, cell[2]]))
    frames = whole(path, topology)
    assert frames.clock == clock
    assert frames.steps is not None
    assert frames.steps.tolist() == [100, 110, 120]
    np.testing.assert_allclose(frames.times_fs, step_fs * frames.steps, rtol=1e-12)


CP2K = """3
 i =       20, time =       10.000, E =       -17.2
  O 0.0 0.0 0.0
  H 0.0 0.0 1.0
  H 0.0 1.0 0.0
3
 i =       40, time =       20.000, E =       -17.3
  O 0.1 0.0 0.0
  H 0.0 0.0 1.0
  H 0.0 1.0 0.0
"""


def test_cp2k_trajectories_have_times_but_no_cell(tmp_path: Path) -> None:
    (tmp_path / "pos-1.xyz").write_text(CP2K)
    water = System("water", ("O", "H", "H"), np.zeros((3, 3)), np.full(3, 9.0), False)
    frames = whole(tmp_path / "pos-1.xyz", water)
    assert frames.times_fs is not None
    assert frames.times_fs.tolist() == [10.0, 20.0]
    assert frames.clock == "cp2k-fs"
    np.testing.assert_array_equal(frames.cells, np.full((2, 3), 9.0))
    repeating = System("water", ("O", "H", "H"), np.zeros((3, 3)), np.full(3, 9.0), True)
    with pytest.warns(UserWarning, match="has no cell"):
        assert whole(tmp_path / "pos-1.xyz", repeating).cells.tolist() == [[9.0] * 3] * 2


def test_time_and_units_of_a_dump_are_used_where_it_has_them(tmp_path: Path) -> None:
    topology, positions, cells = made(1, 2)
    text = dump_text(positions, cells, "id type x y z", np.arange(7), 0.0)
    with_time = text.replace(
        "ITEM: TIMESTEP\n0", "ITEM: UNITS\nmetal\nITEM: TIME\n0\nITEM: TIMESTEP\n0"
    )
    with_time = with_time.replace("ITEM: TIMESTEP\n50", "ITEM: TIME\n0.025\nITEM: TIMESTEP\n50")
    (tmp_path / "t.dump").write_text(with_time)
    frames = whole(tmp_path / "t.dump", topology)
    assert frames.times_fs is not None
    assert frames.times_fs.tolist() == [0.0, 25.0]
    assert frames.clock == "dump-units-metal"
    (tmp_path / "lj.dump").write_text(with_time.replace("metal", "lj"))
    assert whole(tmp_path / "lj.dump", topology).times_fs is None


def _xyz(path: Path, topology: System, positions: np.ndarray, cells: np.ndarray) -> None:
    write_trajectory(frames_of(topology, positions, cells), path)


def _dump(path: Path, topology: System, positions: np.ndarray, cells: np.ndarray) -> None:
    path.write_text(dump_text(positions, cells, "id type x y z", np.arange(7), 0.0))


def _binary(path: Path, topology: System, positions: np.ndarray, cells: np.ndarray) -> None:
    write_by_mdanalysis(path, positions, cells, 0.01)


Writer = Callable[[Path, System, np.ndarray, np.ndarray], None]


@pytest.mark.parametrize(
    ("suffix", "write"),
    [("xyz", _xyz), ("dump", _dump), ("xtc", _binary), ("trr", _binary), ("dcd", _binary)],
)
@given(
    st.integers(0, 8),
    st.one_of(st.none(), st.integers(1, 12)),
    st.integers(1, 4),
    st.integers(1, 4),
)
@SAME_FOLDER
def test_range_and_chunks_are_those_of_a_slice(
    tmp_path: Path, suffix: str, write: Writer, start: int, stop: int | None, stride: int, at: int
) -> None:
    topology, positions, cells = made(8, 9)
    # the name tells nothing: formats are known by their content
    path = tmp_path / "trajectory"
    write(tmp_path / f"t.{suffix}", topology, positions, cells)
    (tmp_path / f"t.{suffix}").rename(path)
    assert format_of(path) == suffix
    if stop is not None and stop <= start:
        stop = start + stop
    expected = list(range(9))[start:stop:stride]
    parts = list(
        Trajectory(path, topology, start, stop, stride, atoms_at_once=at * topology.n_atoms)
    )
    assert [n for part in parts for n in part.numbers.tolist()] == expected
    assert max(len(part.positions) for part in parts) == min(at, len(expected))
    got = np.concatenate([part.positions for part in parts])
    np.testing.assert_allclose(got, positions[expected], rtol=0, atol=6e-3)
