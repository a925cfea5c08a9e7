"""Where outputs are at a step; no checkpoint is gone on from that they have not reached."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nucleops.engines.lammps.legs import next_leg
from nucleops.engines.lammps.positions import Output, Positions, outputs_of
from nucleops.engines.lammps.settings import MdSettings

sys.path.insert(0, str(Path(__file__).parent))

from test_lammps_legs import DT_FS, EVERY, PACE, STRIDE, dynamics  # the made-up run is there

OUTPUTS = (
    Output("trajectory.dump", "frames", STRIDE),
    Output("log.lammps", "log", STRIDE),
    Output("model_devi.out", "rows", STRIDE),
    Output("COLVAR", "rows", STRIDE, DT_FS),
    Output("HILLS", "rows", PACE, DT_FS, at_start=False),
)


def test_the_made_up_run_is_what_a_run_writes() -> None:
    md = MdSettings(steps=100, stride=STRIDE, time_step_fs=DT_FS)
    assert set(outputs_of(md, 2, "plumed", PACE)) == set(OUTPUTS)
    assert [output.name for output in outputs_of(md, 1, None, None)] == [
        "trajectory.dump",
        "log.lammps",
    ]


@settings(max_examples=40, deadline=None)
@given(
    moments=st.lists(st.integers(0, 200), min_size=1, max_size=5),
    torn=st.booleans(),
    start=st.sampled_from([0, 40, 80]),
)
def test_pieces_are_what_came_since_and_nothing_else(
    moments: list[int], torn: bool, start: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = tmp_path_factory.mktemp("leg")
    positions = Positions(here, OUTPUTS, start or None)
    collected: dict[str, bytes] = {}
    step = start
    for moment in sorted(moments):
        if moment < start:
            continue
        for path in here.iterdir():
            path.unlink()
        dynamics(here, start, moment, torn)
        step = moment // EVERY * EVERY
        if step < start:
            continue
        pieces = positions.pieces(step)
        assert pieces is not None
        for piece in pieces:
            new = piece.path.read_bytes()[piece.start : piece.start + piece.size]
            collected[piece.name] = collected.get(piece.name, b"") + new
        positions.advance(pieces, step)
    if not collected:
        return
    whole = tmp_path_factory.mktemp("whole")
    dynamics(whole, start, step)
    for name, data in collected.items():
        expected = (whole / name).read_bytes()
        # a leg writes the step that it starts at once more
        assert expected.endswith(data), name
        if not data:
            continue  # no row yet, and a header comes with the first
        skipped = expected[: len(expected) - len(data)]
        assert (b"\n" in skipped) == (start > 0), name


@pytest.mark.parametrize("name", ["trajectory.dump", "log.lammps", "COLVAR", "HILLS"])
def test_a_checkpoint_ahead_of_an_output_is_passed_over(tmp_path: Path, name: str) -> None:
    """LAMMPS writes the thermodynamic row of a step after the checkpoint of the same step."""
    next_leg(tmp_path, "same")
    dynamics(tmp_path, 0, 120)
    path = tmp_path / name
    lines = path.read_text().splitlines(keepends=True)
    frame = 10 if name == "trajectory.dump" else 1
    path.write_text("".join(lines[:-frame]))
    assert Positions(tmp_path, OUTPUTS, None).pieces(120) is None
    assert Positions(tmp_path, OUTPUTS, None).pieces(80) is not None
    assert next_leg(tmp_path, "same", OUTPUTS).start_step == 80


def test_an_output_that_is_not_there_yet_is_behind(tmp_path: Path) -> None:
    dynamics(tmp_path, 0, 80)
    (tmp_path / "COLVAR").unlink()
    (tmp_path / "HILLS").write_text("")
    assert Positions(tmp_path, OUTPUTS, None).pieces(40) is None
    first = [Output("HILLS", "rows", 1000, DT_FS, at_start=False)]
    assert Positions(tmp_path, first, None).pieces(40) is not None
