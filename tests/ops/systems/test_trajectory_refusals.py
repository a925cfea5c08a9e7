"""What a trajectory is refused for, what is left out of it, and how much memory it takes."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.errors import WrongInput
from nucleops.systems.files import frames_of, write_trajectory
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

CELL = np.full(3, 10.0)
WATER = System("water", ("O", "H", "H"), np.eye(3), CELL, True)


def frame(step: int, columns: str = "id type x y z", rows: str | None = None) -> str:
    rows = rows or "3 5 0 1 0\n1 6 0.25 0 0\n2 5 0 0 1\n"
    head = f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{rows.count(chr(10))}\n"
    box = "ITEM: BOX BOUNDS pp pp pp\n0 10\n0 10\n0 10\n"
    return f"{head}{box}ITEM: ATOMS {columns}\n{rows}"


DUMP = frame(0) + frame(5) + frame(10)


def read(path: Path, topology: System = WATER) -> list[int]:
    return [n for part in Trajectory(path, topology) for n in part.numbers.tolist()]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (frame(0) + frame(5, rows="1 6 0 0 0\n2 5 0 0 1\n"), "frame 1", "found 2 atoms"),
        (DUMP.replace("pp pp pp", "xy xz yz pp pp pp"), "line 1, frame 0", "triclinic"),
        (DUMP.replace("pp pp pp", "abc origin pp pp pp"), "line 1, frame 0", "triclinic"),
        (DUMP.replace("pp pp pp", "pp pp ff"), "frame 0", "does not repeat"),
        (frame(0, "id type vx vy vz"), "frame 0", "needed are id, and xu yu zu"),
        (frame(0, "type type x y z"), "frame 0", "needed are id"),
        (frame(0) + frame(5).replace("\n3 5", "\n2 5"), "line 13, frame 1", "an id comes twice"),
        (frame(0) + frame(5).replace("0.25", "nan"), "frame 1", "not finite"),
        (frame(0) + frame(5).replace("0.25", "x"), "frame 1", "'x'"),
        (frame(0) + frame(5).replace("0.25 0 0", "0.25 0"), "frame 1", "column"),
        (frame(0).replace("3 5 0", "3 6 0"), "frame 0", "atoms 1 and 3 are both of type 6, but O"),
        (frame(0) + frame(5).replace("2 5", "2 6"), "frame 1", "types of its atoms are not those"),
        (DUMP.replace("\n5\n", "\nfive\n"), "line 14", "TIMESTEP is 'five'"),
        (DUMP.replace("TIMESTEP\n5\n", "TIME\n5\n"), "line 13", "without ITEM: TIMESTEP"),
        (frame(0) + "nonsense\n" + frame(5), "line 13", "found 'nonsense'"),
        ("3\n\nO 0 0 0\nH 0 0 1\nH 0 1 0\n3\n\nH 0 0 0\nO 0 0 1\nH 0 1 0\n", "frame 1",
         "atom 1 is H, but O in the topology 'water'"),
        ("2\n\nO 0 0 0\nH 0 0 1\n", "frame 0", "found 2 atoms"),
        ('3\nLattice="9 0 0 1 9 0 0 0 9"\nO 0 0 0\nH 0 0 1\nH 0 1 0\n', "line 2", "triclinic"),
        ("3\n\nO 0 0 0\nH 0 0 x\nH 0 1 0\n", "line 4", "not numbers"),
    ],
)  # fmt: skip
def test_refused_by_file_and_frame(tmp_path: Path, text: str, where: str, words: str) -> None:
    path = tmp_path / "t.txt"
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a plain XYZ without a cell
        with pytest.raises(WrongInput) as caught:
            read(path)
    assert "t.txt, " in caught.value.message
    assert f"{where}:" in caught.value.message
    assert words in caught.value.message


@pytest.mark.parametrize("suffix", ["xtc", "trr", "dcd"])
def test_binary_files_are_held_against_the_topology(tmp_path: Path, suffix: str) -> None:
    from MDAnalysis.lib.formats.libdcd import DCDFile
    from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile

    path = tmp_path / f"t.{suffix}"
    x = np.eye(3, dtype=np.float32)

    def write(box: np.ndarray, n: int) -> None:
        if suffix == "dcd":
            with DCDFile(str(path), "w") as out:
                out.write_header("", n, 0, 1, 1.0, 1)
                # the angles between edges are 90 degrees, but for one where the box is skew
                skew = 90.0 - 20.0 * box[1, 0]
                out.write(x[:n], np.array([1.0, skew, 1.0, 90.0, 90.0, 1.0]))
        elif suffix == "xtc":
            with XTCFile(str(path), "w") as out:
                out.write(x[:n], box, 0, 0.0)
        else:
            with TRRFile(str(path), "w") as out:
                out.write(x[:n], None, None, box, 0, 0.0, 0.0, n)

    straight = np.eye(3, dtype=np.float32)
    write(straight, 2)
    with pytest.raises(WrongInput, match=rf"t\.{suffix}, frame 0: found 2 atoms.*has 3"):
        read(path)
    skewed = straight.copy()
    skewed[1, 0] = 0.3
    write(skewed, 3)
    with pytest.raises(WrongInput, match=rf"t\.{suffix}, frame 0: found a triclinic cell"):
        read(path)
    path.write_bytes(path.read_bytes()[:8])
    with pytest.raises(WrongInput, match=rf"t\.{suffix}: "):
        read(path)


def test_a_trr_of_velocities_alone_is_refused(tmp_path: Path) -> None:
    from MDAnalysis.lib.formats.libmdaxdr import TRRFile

    x = np.eye(3, dtype=np.float32)
    with TRRFile(str(tmp_path / "v.trr"), "w") as out:
        out.write(None, x, None, x, 0, 0.0, 0.0, 3)
    with pytest.raises(WrongInput, match=r"v\.trr, frame 0: holds no coordinates"):
        read(tmp_path / "v.trr")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"CDF\x01netcdf", "begins with b'CDF"), (b"\x1f\x8b", "is empty"),
     (b"#! FIELDS time\n 0\n", "which is no trajectory; allowed: extended XYZ, LAMMPS")],
)  # fmt: skip
def test_other_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(WrongInput, match=r"/t: ") as caught:
        Trajectory(tmp_path / "t", WATER)
    assert words in caught.value.message


def test_missing_files_and_empty_ranges_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    with pytest.raises(WrongInput, match=r"t\.dump: cannot be read \(No such file"):
        Trajectory(path, WATER)
    with pytest.raises(WrongInput, match="cannot be read"):
        Trajectory(tmp_path, WATER)
    path.write_text(DUMP)
    for chosen, words in (
        ({"start": -1}, "start: found -1"),
        ({"stride": 0}, "stride: found 0"),
        ({"start": 2, "stop": 2}, "stop: found 2, allowed more than start, 2"),
    ):
        with pytest.raises(WrongInput, match=words):
            Trajectory(path, WATER, **chosen)
    with pytest.raises(WrongInput, match="no whole frame from number 3 on and before 9"):
        list(Trajectory(path, WATER, start=3, stop=9))


@given(st.integers(len("ITEM:"), len(DUMP)), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_dump_cut_anywhere_gives_its_whole_frames(
    tmp_path_factory: pytest.TempPathFactory, cut: int, packed: bool
) -> None:
    path = tmp_path_factory.mktemp("cut") / "t.dump"
    text = DUMP[:cut].encode()
    path.write_bytes(gzip.compress(text) if packed else text)
    ends = np.cumsum([len(frame(k)) for k in (0, 5, 10)])
    check_cut(path, int(np.sum(ends <= cut)), cut not in ends)


XYZ = "".join(f"3\nstep={k}\nO 0.{k} 0 0\nH 0 0 1\nH 0 1.25 0.375\n" for k in range(3))
FREE = System("free", WATER.symbols, WATER.positions, CELL, False)


@given(st.integers(1, len(XYZ)))
@settings(max_examples=60, deadline=None)
def test_an_xyz_cut_anywhere_gives_its_whole_frames(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "t.xyz"
    path.write_text(XYZ[:cut])
    size = len(XYZ) // 3
    check_cut(path, cut // size, cut % size > 0, topology=FREE)


@given(st.sampled_from(["xtc", "trr", "dcd"]), st.data())
@settings(max_examples=60, deadline=None)
def test_a_binary_file_cut_anywhere_gives_its_whole_frames(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    from MDAnalysis.lib.formats.libdcd import DCDFile
    from MDAnalysis.lib.formats.libmdaxdr import TRRFile, XTCFile

    rng = np.random.default_rng(0)
    atoms = System("many", ("O",) * 20, np.zeros((20, 3)), CELL, True)
    path = tmp_path_factory.mktemp("cut") / f"t.{suffix}"
    box = np.eye(3, dtype=np.float32)
    sizes = [0]
    for n_frames in (1, 2, 3):  # of one to three frames, to know where each ends
        rng = np.random.default_rng(0)
        with {"dcd": DCDFile, "xtc": XTCFile, "trr": TRRFile}[suffix](str(path), "w") as out:
            if suffix == "dcd":
                out.write_header("", 20, 0, 1, 1.0, 1)
            for k in range(n_frames):
                x = rng.normal(size=(20, 3)).astype(np.float32)
                if suffix == "dcd":
                    out.write(x, np.array([10.0, 90, 10, 90, 90, 10]))
                elif suffix == "xtc":
                    out.write(x, box, k, float(k))
                else:
                    out.write(x, None, None, box, k, float(k), 0.0, 20)
        sizes.append(path.stat().st_size)
    cut = data.draw(st.integers(sizes[1] + 1, sizes[3]))
    path.write_bytes(path.read_bytes()[:cut])
    ends = sizes[1:]
    # of an XTC's first number or a TRR's header alone, the decoder says that the file is at its end
    unseen = {"dcd": 0, "xtc": 3, "trr": 83}[suffix]
    may_be_unsaid = any(end < cut <= end + unseen for end in ends)
    check_cut(path, sum(end <= cut for end in ends), cut not in ends, may_be_unsaid, atoms)


def check_cut(
    path: Path, n_whole: int, cut: bool, may_be_unsaid: bool = False, topology: System = WATER
) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        if n_whole == 0:
            with pytest.raises(WrongInput, match="no whole frame"):
                read(path, topology)
        else:
            assert read(path, topology) == list(range(n_whole))
    told = sum("left out" in str(w.message) for w in said)
    assert told == cut or (may_be_unsaid and told == 0)


def test_nothing_beyond_the_range_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "t.dump"
    path.write_text(frame(0) + frame(5) + "ITEM: BROKEN")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [f.numbers.tolist() for f in Trajectory(path, WATER, stop=2)] == [[0, 1]]
    # frames that are passed over are not parsed
    path.write_text(frame(0) + frame(5).replace("0.25", "broken") + frame(10))
    assert [f.numbers.tolist() for f in Trajectory(path, WATER, stride=2)] == [[0, 2]]


@pytest.mark.parametrize("suffix", ["xyz", "dump"])
def test_memory_does_not_grow_with_length(tmp_path: Path, suffix: str) -> None:
    n_atoms, peaks = 400, []
    rng = np.random.default_rng(0)
    gas = System("gas", ("O",) * n_atoms, np.zeros((n_atoms, 3)), CELL, True)
    for n_frames in (10, 100):
        path = tmp_path / f"{n_frames}.{suffix}"
        positions = rng.uniform(0, 10, size=(n_frames, n_atoms, 3))
        if suffix == "xyz":
            write_trajectory(frames_of(gas, positions), path)
        else:
            with path.open("w") as out:
                for k, p in enumerate(positions.tolist()):
                    rows = [f"{i} 6 {x} {y} {z}\n" for i, (x, y, z) in enumerate(p)]
                    out.write(frame(k, rows="".join(rows)))
        tracemalloc.start()
        seen = sum(len(f.numbers) for f in Trajectory(path, gas, atoms_at_once=2 * n_atoms))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert seen == n_frames
    assert peaks[1] < 1.2 * peaks[0]


def test_mdanalysis_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, nucleops.systems.trajectory, nucleops.bias.along, nucleoflow.cli.app;"
        "assert not {'MDAnalysis', 'matplotlib', 'numba'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_dump_that_lost_its_atoms_is_refused(tmp_path: Path) -> None:
    empty = frame(0).partition("3 5 0")[0].replace("ATOMS\n3", "ATOMS\n0")
    (tmp_path / "lost.dump").write_text(empty + frame(5))
    with pytest.raises(WrongInput, match=r"lost\.dump, frame 0: found 0 atoms"):
        read(tmp_path / "lost.dump")
