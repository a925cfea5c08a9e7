"""Which structures stand for a state, what becomes of their charges, and the trend over states."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import synthetic
from nucleops.analysis.charges import changes, mean_charges
from nucleops.analysis.settings import StructureSettings
from nucleops.analysis.stages.charges import charges_folder
from nucleops.analysis.stages.files import read_json
from nucleops.analysis.stages.unbiased import unbiased_folder
from nucleops.engines.cp2k.charges import AtomicCharges
from nucleops.engines.cp2k.settings import Gfn1Xtb, PbeD3
from nucleops.errors import ScfNotConverged, TruncatedOutput, WrongInput
from nucleops.learning.account import LabelsLost
from nucleops.population import sources, task
from nucleops.population.settings import ChargeSettings, ChargeTask
from nucleops.systems.files import write_trajectory
from nucleops.systems.system import System

CONFIG = ChargeTask(level=Gfn1Xtb())


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[System]:
    """Stand in for CP2K: Ag 0.3 - 0.05 (number of Ag), by frame 0.01 more; the third fails."""
    seen: list[System] = []

    def charges_of(system: System, config: ChargeTask, folder: Path) -> AtomicCharges:
        seen.append(system)
        if len(seen) == 3:
            raise ScfNotConverged("the SCF did not converge", log=folder / "try-2.out")
        silver = 0.3 - 0.05 * system.symbols.count("Ag") + 0.01 * (len(seen) % 2)
        values = np.array([silver if s == "Ag" else -0.2 for s in system.symbols])
        return AtomicCharges({"mulliken": values}, -1.0, 1.0, 1.0)

    monkeypatch.setattr(task, "frame_charges", charges_of)
    return seen


def test_from_motifs_to_the_trend(computed: list[System], tmp_path: Path) -> None:
    states = sources.motif_states(("monomer", "octahedron"), "Ag")
    moved = replace(states["monomer"][0], positions=states["monomer"][0].positions + 1)
    states["monomer"] = [states["monomer"][0], moved, moved]
    tasks = sources.write_tasks(states, 2, tmp_path)
    assert [read_json(t / "task.json")["state"] for t in tasks] == ["monomer"] * 2 + ["octahedron"]
    done = []
    for k, path in enumerate(tasks):
        config = CONFIG.model_copy(update={"charges": ChargeSettings(allowed_loss=1.0)})
        task.charge_task(path, config, tmp_path / f"run-{k}", tmp_path / f"done-{k}")
        done.append(tmp_path / f"done-{k}")
    out = charges_folder(done[::-1], tmp_path / "charges")  # whichever ended first
    summary = read_json(out / "summary.json")
    assert summary["states"] == ["monomer", "octahedron"]
    assert summary["dropped"] == 1
    silver = [r for r in summary["rows"] if r["element"] == "Ag"]
    assert [r["mean_e"] for r in silver] == pytest.approx([0.255, 0.0])
    assert [(r["n_frames"], r["n_atoms"]) for r in silver] == [(2, 1), (1, 6)]
    assert silver[0]["error_e"] == pytest.approx(0.005)
    assert silver[1]["error_e"] is None
    assert (
        "charge of Ag falls by 0.255 e from monomer to octahedron"
        in (summary["verdict"]["sentence"])
    )
    assert not summary["verdict"]["enough"]
    assert (out / "charges.parquet").is_file()


def test_too_many_losses_fail_the_task(computed: list[System], tmp_path: Path) -> None:
    computed += [None, None]  # type: ignore[list-item]  # so that the first frame is the third
    (path,) = sources.write_tasks(sources.motif_states(("dimer",), "Ag"), 5, tmp_path)
    with pytest.raises(LabelsLost, match=r"charges of dimer: 1 of 1 .*SCF not converged 1"):
        task.charge_task(path, CONFIG, tmp_path / "run", tmp_path / "done")


def test_frames_are_spread_over_a_run() -> None:
    assert sources.spread(3, None) == [0, 1, 2]
    assert sources.spread(3, 5) == [0, 1, 2]
    assert sources.spread(100, 4) == [24, 49, 74, 99]
    assert sources.spread(7, 1) == [6]


def test_states_of_runs(tmp_path: Path) -> None:
    system = synthetic.solvated("cluster", ["octahedron"], [np.zeros(3)], 8, 16.0)
    frames = synthetic.jiggle(system, 30, 0.03, 1)
    md = synthetic.write_md(tmp_path / "raw", system, frames, trusted=20)
    unbiased = unbiased_folder(md, StructureSettings(), tmp_path / "unbiased", "cluster")
    metad = tmp_path / "metad"
    (metad / "states").mkdir(parents=True)
    (metad / "summary.json").write_text(json.dumps({"name": "two"}))
    write_trajectory([system] * 9, metad / "states" / "A.extxyz")
    states = sources.run_states([metad], [unbiased], 4)
    assert {name: len(found) for name, found in states.items()} == {"A": 4, "cluster": 4}
    last = states["cluster"][-1]
    # the last trusted frame, not the last
    assert last.positions == pytest.approx(frames[20] % 16.0, abs=1e-4)
    assert task.parts_of(last)[:36] == ["cluster"] * 36
    assert set(task.parts_of(last)[36:]) == {"solvent"}
    assert task.parts_of(replace(last, molecules=())) == ["all"] * last.n_atoms
    named = sources.run_states([metad, metad], [], 4)
    assert list(named) == ["two-A"]


def test_what_names_no_state_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=r"holds no \.extxyz file"):
        sources.file_states([tmp_path])
    (system,) = sources.motif_states(("monomer",), "Ag")["monomer"]
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_trajectory([system], tmp_path / folder / "D.extxyz")
    with pytest.raises(WrongInput, match="there is a state D already"):
        sources.file_states([tmp_path / "a", tmp_path / "b"])


def test_means_are_over_atoms_then_frames_and_errors_add_in_squares() -> None:
    rows = mean_charges(
        ["D"] * 4 + ["A"] * 2, [0, 0, 1, 1, 0, 1], ["Ag"] * 6, ["all"] * 6, ["ddec6"] * 6,
        [0.4, 0.6, 0.5, 0.7, 0.2, 0.4],
    )  # fmt: skip
    monomers, dimer = rows
    assert (monomers.mean_e, monomers.error_e) == (pytest.approx(0.55), pytest.approx(0.05))
    (change,) = changes(rows)
    assert (change.first, change.last) == ("D", "A")
    assert change.change_e == pytest.approx(-0.25)
    assert change.error_e == pytest.approx(np.hypot(monomers.error_e, dimer.error_e))


def test_levels_are_not_mixed_and_damage_is_named(computed: list[System], tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no task of charges finished"):
        charges_folder([], tmp_path / "out")
    done = []
    tasks = sources.write_tasks(sources.motif_states(("monomer", "dimer"), "Ag"), 5, tmp_path)
    for k, (path, level) in enumerate(zip(tasks, (Gfn1Xtb(), PbeD3()), strict=True)):
        config = CONFIG.model_copy(update={"level": level})
        task.charge_task(path, config, tmp_path / f"run-{k}", tmp_path / f"done-{k}")
        done.append(tmp_path / f"done-{k}")
    with pytest.raises(WrongInput, match="different levels of theory"):
        charges_folder(done, tmp_path / "out")
    (done[0] / "charges.csv").write_text("state\nmonomer\n")
    with pytest.raises(TruncatedOutput, match=r"charges\.csv: has columns state"):
        charges_folder(done[:1], tmp_path / "out")
    (done[0] / "charges.json").write_text("{}")
    with pytest.raises(TruncatedOutput, match="not a folder of charges"):
        charges_folder(done[:1], tmp_path / "out")


def test_ddec6_needs_a_density() -> None:
    with pytest.raises(ValueError, match="ddec6 needs an electron density"):
        ChargeSettings.model_validate({"level": {"method": "gfn1-xtb"}, "ddec6": {}})
    ChargeSettings.model_validate({"level": {"method": "pbe-d3"}, "ddec6": {}})
