"""XTC and DCD, which the project's own code reads, held against MDAnalysis' file classes."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from MDAnalysis.lib.formats.libdcd import DCDFile
from MDAnalysis.lib.formats.libmdaxdr import XTCFile

from nucleops.errors import WrongInput
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

SAME_FOLDER = settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def atoms(n: int, periodic: bool = True) -> System:
    return System("made", ("O",) * n, np.zeros((n, 3)), np.full(3, 10.0), periodic)


def liquid(rng: np.random.Generator, n: int, edge_nm: float) -> np.ndarray:
    """Molecules of three atoms at random places: what the compression is made for."""
    centres = rng.uniform(0, edge_nm, size=(-(-n // 3), 1, 3))
    return (centres + rng.normal(0, 0.06, size=(len(centres), 3, 3))).reshape(-1, 3)[:n]


def write_xtc(path: Path, frames: list[np.ndarray], precision: float = 1000.0) -> None:
    box = 10.0 * np.eye(3, dtype=np.float32)
    with XTCFile(str(path), "w") as out:
        for k, x in enumerate(frames):
            out.write(x.astype(np.float32), box, k, float(k), precision)


def second_of(data: bytes) -> int:
    """Where the second frame of an XTC begins."""
    size: int = struct.unpack_from(">i", data, 88)[0]
    return 92 + size + -size % 4


def by_mdanalysis(path: Path) -> np.ndarray:
    with XTCFile(str(path)) as file:
        return 10.0 * np.array([frame.x for frame in file], dtype=np.float64)


def chunks_of(path: Path, topology: System, chosen: np.ndarray | None = None) -> np.ndarray:
    parts = list(Trajectory(path, topology, atoms_at_once=3 * topology.n_atoms))
    return np.concatenate(
        [p.positions if chosen is None else p.of(chosen, np.float64) for p in parts]
    )


@given(
    st.integers(0, 10**6),
    st.integers(1, 400),
    # from a small box up to one whose edges need more than 24 bits, and joined numbers of 72 bits
    st.sampled_from([0.05, 3.0, 60.0, 500.0, 9000.0, 30000.0]),
    st.sampled_from([10.0, 1000.0, 100000.0]),
)
@SAME_FOLDER
def test_xtc_is_decoded_to_the_last_bit(
    tmp_path: Path, seed: int, n: int, edge_nm: float, precision: float
) -> None:
    if edge_nm * precision > 2e9:  # beyond what the format holds
        precision = 1000.0
    rng = np.random.default_rng(seed)
    path = tmp_path / "t.xtc"
    # flat in one direction every other time: axes of their own widths
    flat = np.array([1.0, 1.0, rng.choice([1.0, 1e-4])])
    write_xtc(path, [flat * liquid(rng, n, edge_nm) for _ in range(4)], precision)
    expected, topology = by_mdanalysis(path), atoms(n)
    np.testing.assert_array_equal(chunks_of(path, topology), expected)
    chosen = rng.permutation(n)[: rng.integers(1, n + 1)]
    np.testing.assert_array_equal(chunks_of(path, topology, chosen), expected[:, chosen])
    single = next(iter(Trajectory(path, topology))).of(chosen, np.float32)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, expected[:, chosen].astype(np.float32))


def test_xtc_of_one_molecule_far_away_needs_wide_cubes(tmp_path: Path) -> None:
    """A narrow joined number with differences too wide for a word: the wide loop takes over."""
    rng = np.random.default_rng(1)
    x = rng.choice([0.0, 100.0], size=(60, 3)) + rng.normal(0, 1e-4, size=(60, 3))
    write_xtc(tmp_path / "t.xtc", [x], 100.0)
    np.testing.assert_array_equal(
        chunks_of(tmp_path / "t.xtc", atoms(60)), by_mdanalysis(tmp_path / "t.xtc")
    )


def of_2023(frame: bytes) -> bytes:
    """A frame as GROMACS 2023 writes large ones: another number, and eight bytes for the size."""
    size = struct.unpack(">i", frame[88:92])[0]
    return struct.pack(">i", 2023) + frame[4:88] + struct.pack(">q", size) + frame[92:]


def test_xtc_of_more_than_32_bits(tmp_path: Path) -> None:
    x = liquid(np.random.default_rng(2), 50, 3.0)
    write_xtc(tmp_path / "old.xtc", [x])
    expected = by_mdanalysis(tmp_path / "old.xtc")
    new = of_2023((tmp_path / "old.xtc").read_bytes())
    (tmp_path / "new.xtc").write_bytes(new + new)
    found = chunks_of(tmp_path / "new.xtc", atoms(50))
    np.testing.assert_array_equal(found, np.concatenate([expected, expected]))


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=300)
def test_damaged_xtc_is_refused_or_read_but_never_more(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Whatever the bytes: no crash, no endless loop, and every whole frame has all its atoms."""
    rng = np.random.default_rng(seed)
    path = tmp_path_factory.mktemp("damaged") / "t.xtc"
    write_xtc(path, [liquid(rng, 40, 3.0) for _ in range(3)])
    data = bytearray(path.read_bytes())
    begin = int(rng.integers(4, len(data)))
    for at in range(begin, min(len(data), begin + int(rng.integers(1, 40)))):
        data[at] = int(rng.integers(256))
    path.write_bytes(bytes(data))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = chunks_of(path, atoms(40))
        except WrongInput as error:
            found, said = None, error.message
    if found is None:
        assert str(path) in said
    else:
        assert found.shape[1:] == (40, 3)
        assert 1 <= len(found) <= 3


def test_a_frame_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.xtc"
    write_xtc(path, [liquid(np.random.default_rng(k), 40, 3.0) for k in range(3)])
    data = bytearray(path.read_bytes())
    second = second_of(data)
    data[second + 84 : second + 88] = struct.pack(">i", 5)  # no such cube
    path.write_bytes(bytes(data))
    with pytest.raises(WrongInput, match=r"t\.xtc, frame 1: its coordinates cannot be decoded"):
        chunks_of(path, atoms(40))


def test_of_a_length_that_is_nonsense_no_memory_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "t.xtc"
    write_xtc(path, [liquid(np.random.default_rng(k), 40, 3.0) for k in range(2)])
    data = bytearray(path.read_bytes())
    second = second_of(data)
    data[second + 88 : second + 92] = struct.pack(">i", 2**30)
    with path.open("wb") as file:
        file.write(data)
        file.truncate(2**31)  # sparse: the bytes would be there
    with pytest.warns(UserWarning, match=r"frame 1 cannot be decoded \(of 1073741824 bytes\)"):
        assert len(chunks_of(path, atoms(40))) == 1


def write_dcd(path: Path, frames: list[np.ndarray], periodic: bool) -> None:
    with DCDFile(str(path), "w") as out:
        out.write_header("made", len(frames[0]), 0, 1, 1.0, int(periodic))
        for x in frames:
            out.write(x.astype(np.float32), np.array([10.0, 90, 11.0, 90, 90, 12.0]))


def first_of(data: bytes) -> int:
    """Where the first frame of a DCD begins: behind three blocks."""
    first = 0
    for _ in range(3):
        first += 8 + struct.unpack_from("<i", data, first)[0]
    return first


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("turned", [True, False])
def test_dcd_of_either_order_of_bytes(tmp_path: Path, periodic: bool, turned: bool) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(7, 11, 3)).astype(np.float32)
    path = tmp_path / "t.dcd"
    write_dcd(path, list(x), periodic)
    if turned:
        path.write_bytes(turned_around(path.read_bytes(), 11, periodic))
        with DCDFile(str(path)) as file:  # the test's own doing is right
            np.testing.assert_array_equal(np.array([f.xyz.copy() for f in file]), x)
    topology = atoms(11, periodic)
    np.testing.assert_array_equal(chunks_of(path, topology), x)
    chosen = np.array([7, 0, 3])
    np.testing.assert_array_equal(chunks_of(path, topology, chosen), x[:, chosen])
    cells = next(iter(Trajectory(path, topology))).cells
    np.testing.assert_array_equal(cells[0], [10, 11, 12] if periodic else [10, 10, 10])


def turned_around(data: bytes, n_atoms: int, periodic: bool) -> bytes:
    """The same DCD in the other order of bytes; text stays as it is, cells are double numbers."""
    first = first_of(data)
    head = np.frombuffer(data[:first], dtype="<u4").byteswap().tobytes()
    texts = [slice(4, 8), slice(100, first - 16)]  # CORD, and the remarks
    kept = bytearray(head)
    for text in texts:
        kept[text] = data[text]
    frame = 3 * (8 + 4 * n_atoms) + (56 if periodic else 0)
    out = bytes(kept)
    for at in range(first, len(data), frame):
        own = bytearray(np.frombuffer(data[at : at + frame], dtype="<u4").byteswap().tobytes())
        if periodic:
            cell = np.frombuffer(data[at + 4 : at + 52], dtype="<f8").byteswap().tobytes()
            own[4:52] = cell
        out += bytes(own)
    return out


def test_dcd_with_fixed_atoms(tmp_path: Path) -> None:
    """After the first frame only the free atoms are there: MDAnalysis' class knows how."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 6, 3)).astype(np.float32)
    free = np.array([1, 2, 4])  # from 1, as in the file
    x[:, [2, 4, 5]] = x[0, [2, 4, 5]]
    path = tmp_path / "t.dcd"
    write_dcd(path, list(x), periodic=False)
    data = path.read_bytes()
    first = first_of(data)
    head = bytearray(data[:first])
    head[40:44] = struct.pack("<i", 3)
    block = struct.pack("<i", 12) + free.astype("<i4").tobytes() + struct.pack("<i", 12)
    frame = 3 * (8 + 4 * 6)
    out = bytes(head) + block + data[first : first + frame]
    for k in (1, 2):
        for axis in range(3):
            own = x[k, free - 1, axis].astype("<f4").tobytes()
            out += struct.pack("<i", 12) + own + struct.pack("<i", 12)
    path.write_bytes(out)
    np.testing.assert_array_equal(chunks_of(path, atoms(6, periodic=False)), x)


def test_dcd_that_goes_on_with_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.dcd"
    write_dcd(path, list(np.zeros((3, 5, 3))), periodic=True)
    data = bytearray(path.read_bytes())
    frame = 3 * (8 + 4 * 5) + 56
    begin = len(data) - frame + 56
    data[begin : begin + 4] = struct.pack("<i", 16)
    path.write_bytes(bytes(data))
    with pytest.raises(WrongInput, match=r"t\.dcd, frame 2: found a block of 16 bytes, allowed 20"):
        chunks_of(path, atoms(5))
