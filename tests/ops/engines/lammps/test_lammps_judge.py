"""Where trust ends, on made-up runs."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nucleops.engines.lammps.criteria import Criteria
from nucleops.engines.lammps.geometry import Geometry, kept_bonds
from nucleops.engines.lammps.inputs import DYNAMICS_MARK
from nucleops.engines.lammps.judge import Judgement, judge_run
from nucleops.engines.lammps.readers import Dump, ModelDeviation, Thermo
from nucleops.engines.lammps.settings import MdSettings, Trust
from nucleops.engines.lammps.watch import TrustWatch
from nucleops.systems.system import Molecule, System

CELL = np.full(3, 12.0)
# A methanol that lies across the periodic boundary, and a silver atom.
METHANOL = np.array(
    [[11.8, 6, 6], [13.2, 6, 6], [11.4, 7.0, 6], [11.4, 5.5, 6.9], [11.4, 5.5, 5.1], [13.5, 6.9, 6]]
)
SYSTEM = System(
    "methanol",
    ("C", "O", "H", "H", "H", "H", "Ag"),
    np.vstack([METHANOL, [[5.0, 6, 6]]]),
    CELL,
    True,
    (
        Molecule("methanol", tuple(range(6)), ("C", "O", "H1", "H2", "H3", "HO")),
        Molecule("monomer", (6,), ("M1",)),
    ),
)
STEPS = np.arange(0, 100, 20)
TRUST = Trust(force_deviation_eV_A=1.0, temperature_factor=2.0, energy_margin_eV_atom=0.1)


def judged(
    positions: np.ndarray | None = None,
    deviation: list[float] | None = None,
    temperature: list[float] | None = None,
    energy: list[float] | None = None,
    floor: float | None = None,
    died: str | None = None,
    cells: np.ndarray | None = None,
) -> Judgement:
    n = len(STEPS)
    frames = np.tile(SYSTEM.positions, (n, 1, 1)) if positions is None else positions
    frames = np.mod(frames, CELL)
    edges = np.tile(CELL, (n, 1)) if cells is None else cells
    dump = Dump(STEPS, frames, edges, np.array([4, 6, 5, 5, 5, 5, 1]))
    devi = np.array(deviation or [0.1] * n)
    kelvin = np.array(temperature or [300.0] * n)
    potential = SYSTEM.n_atoms * np.array(energy or [-10.0] * n)
    thermo = Thermo(STEPS, kelvin, potential, kelvin, potential)
    model_deviation = ModelDeviation(STEPS, devi, devi, devi)
    return judge_run(SYSTEM, dump, model_deviation, thermo, TRUST, 300.0, floor, died)


def moved(atom: int, by: list[float], from_frame: int) -> np.ndarray:
    frames = np.tile(SYSTEM.positions, (len(STEPS), 1, 1))
    frames[from_frame:, atom] += by
    return frames


def test_a_good_run_is_trusted_to_its_end() -> None:
    assert judged() == Judgement(80, None)


def test_bonds_that_must_hold_cross_the_boundary() -> None:
    pairs, lengths = kept_bonds(SYSTEM)
    names = sorted("".join(sorted(SYSTEM.symbols[i] for i in pair)) for pair in pairs)
    # O-H is free to break; C-H three times, C-O once.
    assert names == ["CH", "CH", "CH", "CO"]
    assert lengths.max() == pytest.approx(1.4)


def test_deviation() -> None:
    verdict = judged(deviation=[0.1, 0.2, 1.5, 0.1, 0.1])
    assert verdict.trusted_steps == 20
    assert verdict.reason == "the models' forces deviate by 1.50 eV/A at step 40 (limit 1)"


def test_a_deviation_that_is_not_a_number_fails() -> None:
    assert judged(deviation=[0.1, 0.1, 0.1, float("nan"), 0.1]).trusted_steps == 40


def test_temperature() -> None:
    verdict = judged(temperature=[300, 599, 601, 300, 300])
    assert verdict.trusted_steps == 20
    assert "601 K at step 40 (limit 600)" in str(verdict.reason)


def test_energy_below_everything_labelled() -> None:
    energies = [-10, -10.05, -10.09, -10.2, -10.3]
    assert judged(energy=energies).reason is None
    verdict = judged(energy=energies, floor=-10.0)
    assert verdict.trusted_steps == 40
    assert "-10.200 eV/atom at step 60" in str(verdict.reason)


def test_torn_bond() -> None:
    verdict = judged(moved(2, [-0.6, 1.2, 0.0], 3))
    assert verdict.trusted_steps == 40
    assert "C1-H3" in str(verdict.reason)


def test_a_shared_proton_is_no_torn_bond() -> None:
    assert judged(moved(5, [1.5, 0.0, 0.0], 1)).reason is None


@pytest.mark.parametrize("edge", [14.0, 10.0])
def test_a_cell_that_runs_away(edge: float) -> None:
    cells = np.tile(CELL, (len(STEPS), 1))
    cells[3:] = edge
    judgement = judged(cells=cells)
    assert judgement.trusted_steps == 40
    assert judgement.reason is not None
    assert "times that of the start at step 60 (limit 1.5 times" in judgement.reason


def test_collapse() -> None:
    verdict = judged(moved(6, [6.4, 0.0, 0.0], 4))
    assert verdict.trusted_steps == 60
    assert "0.40 A apart at step 80" in str(verdict.reason)


def test_the_earliest_failure_counts() -> None:
    verdict = judged(moved(6, [6.4, 0, 0], 4), deviation=[0.1, 3, 3, 3, 3], floor=-9.0)
    assert verdict.trusted_steps == 0
    assert "eV/atom at step 0" in str(verdict.reason)


def test_a_run_that_died_is_trusted_to_its_last_frame() -> None:
    verdict = judged(died="ERROR: Lost atoms: original 7 current 6")
    assert verdict.trusted_steps == 80
    assert verdict.reason == "LAMMPS stopped after step 80: ERROR: Lost atoms: original 7 current 6"


def watch(folder: Path, floor: float | None = None) -> tuple[TrustWatch, list[tuple[int, int]]]:
    seen: list[tuple[int, int]] = []
    settings = MdSettings(steps=100, stride=20)
    progress = lambda done, total: seen.append((done, total))  # noqa: E731
    criteria = Criteria(TRUST, 300.0, 7, floor)
    return TrustWatch(folder, settings, criteria, Geometry(SYSTEM, TRUST), progress), seen


def test_the_watch_reads_what_is_appended_and_asks_lammps_to_stop(tmp_path: Path) -> None:
    look, seen = watch(tmp_path)
    assert look() is None
    devi, log = tmp_path / "model_devi.out", tmp_path / "log.lammps"
    devi.write_text("# step ...\n 0 0 0 0 0.2 0 0\n 20 0 0 0 0.3 0")
    log.write_text(f"Step Temp\n5 9999 0 0 0\n{DYNAMICS_MARK}\n0 300 -70 1 -69\n20 3")
    assert look() is None
    assert look.reason is None
    assert seen == [(0, 100)]
    with devi.open("a") as file:
        file.write(" 0\n 40 0 0 0 1.25 0 0\n")
    assert look() is None
    assert "1.25 eV/A at step 40" in str(look.reason)
    assert (tmp_path / "STOP").exists()


def test_the_watch_knows_temperature_and_energy(tmp_path: Path) -> None:
    for row, floor, wanted in (
        ("20 700.0 -70 1 -69", None, "700 K at step 20"),
        ("20 300.0 -77 1 -69", -10.0, "-11.000 eV/atom"),
        ("20 nan nan nan nan", None, "nan K at step 20"),
    ):
        (tmp_path / "log.lammps").write_text(f"{DYNAMICS_MARK}\n{row}\n")
        look, _ = watch(tmp_path, floor)
        look()
        assert wanted in str(look.reason)


def test_md_json_reads_back(tmp_path: Path) -> None:
    from nucleops.engines.lammps.result import MdResult, read_result

    result = MdResult(tmp_path, "completed", None, 100, 100, 100, 0.5, 300.0, 7, 3, 20, 1.5)
    result.write()
    assert read_result(tmp_path) == result
    assert "folder" not in json.loads((tmp_path / "md.json").read_text())
