"""Hills between walkers of Colvars: only whole ones, and none is lost."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.bias.enhanced import SharedHills
from nucleops.bias.presets import monomer_dimer
from nucleops.engines.lammps import relay
from nucleops.engines.lammps.biasing import write_bias
from nucleops.engines.lammps.relay import HillRelay
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import WrongInput
from nucleops.systems.system import Molecule, System


def hill(step: int) -> str:
    return (
        f"hill {{\n step {step:>22d}\n weight {1e-3 * step:22.14e}\n centers {step:22.14e}\n"
        f" widths {0.1:22.14e}\nreplicaID 1\n}}\n"
    )


class Walker:
    """Writes what a walker of Colvars writes, when it is told to."""

    def __init__(self, folder: Path, number: int) -> None:
        folder.mkdir(parents=True)
        prefix = f"bias.out.colvars.metad.{number}"
        self.hills = folder / f"{prefix}.hills"
        self.hills.touch()
        (folder / f"{prefix}.state.tmp").write_text(f"state of {number}")
        (folder / f"{prefix}.state.tmp").replace(folder / f"{prefix}.state")

    def write(self, text: str) -> None:
        with self.hills.open("a") as out:
            out.write(text)

    def empty(self) -> None:
        """As Colvars does when it has written its state: another file under the same name."""
        self.hills.unlink()
        self.hills.touch()


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Carry only when the test says so."""
    monkeypatch.setattr(relay, "_INTERVAL_S", 3600.0)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[HillRelay, list[Path]]:
    (tmp_path / "exchange").mkdir()
    folders = [tmp_path / "walker-000", tmp_path / "walker-001"]
    return HillRelay(tmp_path / "exchange", folders), folders


def test_each_walker_is_told_of_the_others_copies_only(
    by_hand: None, pair: tuple[HillRelay, list[Path]], tmp_path: Path
) -> None:
    exchange = tmp_path / "exchange"
    with pair[0] as carrier:
        assert (exchange / "replicas.0.txt").read_text() == "1 ../exchange/walker.1.files.txt\n"
        assert (exchange / "replicas.1.txt").read_text() == "0 ../exchange/walker.0.files.txt\n"
        carrier._sources[1].carry()
        assert not (exchange / "walker.1.files.txt").exists(), "it has not begun yet"
        Walker(pair[1][1], 1)
        carrier._sources[1].carry()
        words = (exchange / "walker.1.files.txt").read_text().split()
        assert words[::2] == ["stateFile", "hillsFile"]
        # the paths are read from where a walker runs
        assert [(pair[1][1] / word).read_text() for word in words[1::2]] == ["state of 1", ""]


def test_half_a_hill_waits_for_its_other_half(
    by_hand: None, pair: tuple[HillRelay, list[Path]], tmp_path: Path
) -> None:
    copy = tmp_path / "exchange" / "walker.1.hills"
    with pair[0] as carrier:
        walker = Walker(pair[1][1], 1)
        text = hill(20) + hill(40)
        walker.write(text[:-30])
        carrier._sources[1].carry()
        assert copy.read_text() == hill(20)
        walker.write(text[-30:])
        carrier._sources[1].carry()
        assert copy.read_text() == text


def test_what_is_in_an_emptied_file_is_not_lost(
    by_hand: None, pair: tuple[HillRelay, list[Path]], tmp_path: Path
) -> None:
    with pair[0] as carrier:
        walker = Walker(pair[1][1], 1)
        walker.write(hill(20))
        carrier._sources[1].carry()
        walker.write(hill(40))
        walker.empty()
        walker.write(hill(60))
        carrier._sources[1].carry()
        walker.write(hill(80))  # carried on the way out
    copy = (tmp_path / "exchange" / "walker.1.hills").read_text()
    assert copy == hill(20) + hill(40) + hill(60) + hill(80)


@settings(max_examples=30, deadline=None)
@given(cuts=st.lists(st.integers(0, 12_000), max_size=12))
def test_no_hill_lies_across_two_pages(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("pages")
    (root / "exchange").mkdir()
    carrier = HillRelay(root / "exchange", [root / "walker-000"])
    walker, source = Walker(root / "walker-000", 0), carrier._sources[0]
    text = "".join(hill(20 * k) for k in range(1, 70))
    edges = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    for start, end in pairwise(edges):
        walker.write(text[start:end])
        source.carry()
    source.close()
    copy = (root / "exchange" / "walker.0.hills").read_text()
    assert [line for line in copy.split("\n") if line] == text.split("\n")[:-1]
    begin = 0
    while (at := copy.find("hill {", begin)) >= 0:
        end = copy.index("}\n", at) + 1
        assert at // 4096 == end // 4096
        begin = end


def test_it_carries_by_itself(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[HillRelay, list[Path]], tmp_path: Path
) -> None:
    monkeypatch.setattr(relay, "_INTERVAL_S", 0.01)
    copy = tmp_path / "exchange" / "walker.1.hills"
    with pair[0]:
        Walker(pair[1][1], 1).write(hill(20))
        deadline = time.monotonic() + 20
        while not (copy.is_file() and copy.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert copy.read_text() == hill(20)


def test_colvars_without_anybody_to_carry_is_refused(tmp_path: Path) -> None:
    roles = ("M1", "S1", "N1", "C1", "HC1", "HN1")
    grid = np.array(list(np.ndindex(2, 3, 3)), dtype=np.float64) * 2.2 + 8.0
    system = System(
        "two",
        ("Ag", "S", "N", "C", "H", "H") * 2 + ("C", "H", "H", "H", "O", "H"),
        grid,
        np.full(3, 25.0),
        False,
        (
            Molecule("monomer", tuple(range(6)), roles),
            Molecule("monomer", tuple(range(6, 12)), roles),
            Molecule("methanol", tuple(range(12, 18)), ("C", "H1", "H2", "H3", "O", "HO")),
        ),
    )
    out = tmp_path / "walker-000"
    out.mkdir()
    (tmp_path / "exchange").mkdir()
    shared = SharedHills(walkers=2, number=0, exchange_steps=100)
    bias, md = monomer_dimer(guards=False), MdSettings(steps=10)
    with pytest.raises(WrongInput, match="nobody carries hills between the walkers"):
        write_bias(bias, system, md, out, "colvars", shared=shared)
    (tmp_path / "exchange" / "replicas.0.txt").write_text("1 somewhere\n")
    assert write_bias(bias, system, md, out, "colvars", shared=shared).shared == shared
    assert "replicasRegistry ../exchange/replicas.0.txt" in (out / "bias.colvars").read_text()
