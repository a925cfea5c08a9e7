"""Real LAMMPS: walkers that share hills feel one another's, and OPES is not silently left out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nucleops.analysis.settings import FreeEnergySettings
from nucleops.analysis.stages.files import read_json
from nucleops.analysis.stages.metad import metad_folder
from nucleops.bias.colvars_metad import grid_of, hills_file
from nucleops.bias.convert import colvars_to_plumed
from nucleops.bias.enhanced import SharedHills
from nucleops.bias.hills import hills_bias, merge_hills
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.series import ColvarTable, HillsTable, read_colvar, read_hills
from nucleops.bias.spec import Bias
from nucleops.engines.lammps.inputs import COLVARS_PREFIX
from nucleops.engines.lammps.md import run_md
from nucleops.engines.lammps.program import has_plumed
from nucleops.engines.lammps.settings import MdSettings, Sharing, Trust
from nucleops.engines.lammps.task import MdTask
from nucleops.engines.lammps.together import produce_together
from nucleops.errors import ProgramFailed, WrongInput
from nucleops.metad import RunSharedMetadynamics
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import System

pytestmark = pytest.mark.integration

PACE, EXCHANGE, STRIDE, STEPS = 10, 20, 5, 1200
# a potential trained for a second holds no molecule together; what the bias does is all that counts
LENIENT = Trust(
    force_deviation_eV_A=500,
    temperature_factor=200,
    energy_margin_eV_atom=500,
    energy_rise_eV_atom=500,
    bond_stretch=1e3,
    closest_contact_A=0.01,
)
DISTANCE = {"d": {"kind": "distance", "sites": [{"index": 1}, {"index": 2}]}}
BIAS = Bias.model_validate(
    {
        "cvs": DISTANCE,
        "walls": {"far": {"side": "upper", "of": "d", "at": 4.0, "kappa_kcal_mol": 50}},
        "metadynamics": {
            "cvs": ["d"],
            "height_kcal_mol": 0.5,
            "sigma": [0.1],
            "pace_steps": PACE,
            "bias_factor": 10,
            "grid_min": [1.0],
            "grid_max": [8.0],
        },
    }
)


def task(walkers: int, **md: Any) -> MdTask:
    return MdTask(
        system="droplet",
        md=MdSettings(**{"steps": STEPS, "stride": STRIDE, **md}),
        trust=LENIENT,
        bias=BIAS,
        seed=5,
        sharing=Sharing(walkers=walkers, exchange_steps=EXCHANGE),
    )


@dataclass(frozen=True)
class Pair:
    """Two walkers that shared their hills."""

    folders: list[Path]
    resolved: ResolvedBias
    colvar: list[ColvarTable]
    hills: list[HillsTable]


@pytest.fixture(scope="module")
def pair(committee: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    root = tmp_path_factory.mktemp("shared")
    folders = [root / "walker-000", root / "walker-001"]
    system = start()
    done = produce_together(task(2), system, committee.models, {}, folders)
    assert [result.status for result in done] == ["completed", "completed"]
    return Pair(
        folders,
        resolve(BIAS, system),
        [read_colvar(folder / "COLVAR") for folder in folders],
        [read_hills(folder / "HILLS") for folder in folders],
    )


def start() -> System:
    from nucleops.engines.deepmd.data import atom_elements, load_frames

    data = Path(__file__).parents[1] / "data" / "deepmd" / "dimer"
    positions = load_frames(data)["coord"][0].reshape(-1, 3)
    positions = positions - positions.mean(axis=0) + 15.0
    return System("droplet", tuple(atom_elements(data)), positions, np.full(3, 30.0), False)


@pytest.mark.skipif(has_plumed(), reason="the accounting is of Colvars' grid")
def test_what_a_walker_feels_are_the_hills_of_both(pair: Pair) -> None:
    most = 0.0
    for walker in (0, 1):
        colvar, own, other = pair.colvar[walker], pair.hills[walker], pair.hills[1 - walker]
        steps = np.rint(colvar.time_fs / 0.5).astype(int)
        # hills of the other are read every EXCHANGE steps and put on the grid PACE steps later:
        # from then on everything that is felt is the value in the middle of a bin
        rows = np.flatnonzero(steps % EXCHANGE >= PACE)
        assert BIAS.metadynamics is not None
        ((low, _, width),) = grid_of(BIAS.metadynamics, pair.resolved)
        at = low + (np.floor((colvar["d"][rows] - low) / width) + 0.5) * width
        mine = hills_bias(own, at, np.searchsorted(own.time_fs, colvar.time_fs[rows]))
        rest = colvar["metad.bias"][rows] - mine
        known = 0
        for value, place in zip(rest, at, strict=True):
            counts = np.arange(known, len(other) + 1)
            partial = hills_bias(other, np.full(len(counts), place), counts)
            fits = counts[np.abs(partial - value) < 1e-5]
            assert len(fits), f"{value} is no sum of the other's first hills from {known} on"
            known = int(fits[0])
        most = max(most, float(rest.max()))
    # one of them may have been far ahead of the other, but not each ahead of each
    assert most > 0.5, "the other's hills are not felt: the test would prove nothing"


def test_without_the_other_it_is_not_explained(pair: Pair) -> None:
    beyond = []
    for colvar, own in zip(pair.colvar, pair.hills, strict=True):
        alone = hills_bias(own, colvar["d"], np.searchsorted(own.time_fs, colvar.time_fs))
        merged = hills_bias(merge_hills(pair.hills), colvar["d"])
        felt = colvar["metad.bias"]
        beyond.append((felt - alone)[len(felt) // 2 :].mean())
        assert np.all(felt < merged + 0.1 * merged.max())
    assert max(beyond) > 0.5


def test_the_walkers_differ_and_each_folder_is_whole(pair: Pair) -> None:
    assert np.abs(pair.colvar[0]["d"] - pair.colvar[1]["d"]).max() > 0.05
    for folder, hills in zip(pair.folders, pair.hills, strict=True):
        assert len(hills) == STEPS // PACE
        meta = json.loads((folder / "md.json").read_text())
        assert (meta["sharing_walkers"], meta["biased_cvs"]) == (2, ["d"])
    exchange = pair.folders[0].parent / "exchange"
    assert list(exchange.iterdir())


@pytest.mark.skipif(has_plumed(), reason="a rule of Colvars")
def test_each_hill_is_tempered_by_the_walkers_own(pair: Pair, tmp_path: Path) -> None:
    """The rule that the configuration counts on; another number of walkers does not explain it."""
    folder = pair.folders[0]

    def convert(walkers: int) -> None:
        shared = SharedHills(walkers=walkers, number=0, exchange_steps=EXCHANGE)
        colvars_to_plumed(
            folder / f"{COLVARS_PREFIX}.colvars.traj",
            folder / hills_file(COLVARS_PREFIX, shared),
            pair.resolved,
            tmp_path,
            time_step_fs=0.5,
            shared=shared,
            temperature_K=300.0,
        )

    convert(2)
    for wrong in (1, 4):
        with pytest.raises(ProgramFailed, match="does not temper shared hills"):
            convert(wrong)


def test_the_analysis_takes_them_as_one_bias(pair: Pair, tmp_path: Path) -> None:
    out = metad_folder(pair.folders, FreeEnergySettings(bins=20), tmp_path / "metad")
    summary = read_json(out / "summary.json")
    assert summary["shared_bias"]
    assert summary["n_hills"] == [STEPS // PACE] * 2
    assert summary["surface"]["difference_kcal_mol"] is not None
    with pytest.raises(WrongInput, match="all walkers that shared"):
        metad_folder(pair.folders[:1], FreeEnergySettings(), tmp_path / "alone")


def test_many_hills_between_two_exchanges_break_no_walker(committee: Any, tmp_path: Path) -> None:
    """Colvars would hand over half a hill where its buffer is full, and the reader would end."""
    metad = {**BIAS.model_dump()["metadynamics"], "pace_steps": 2, "height_kcal_mol": 0.02}
    bias = Bias.model_validate({**BIAS.model_dump(), "metadynamics": metad})
    many = task(2).model_copy(
        update={"bias": bias, "sharing": Sharing(walkers=2, exchange_steps=301)}
    )
    folders = [tmp_path / "walker-000", tmp_path / "walker-001"]
    done = produce_together(many, start(), committee.models, {}, folders)
    assert [result.steps_run for result in done] == [STEPS, STEPS]
    assert [len(read_hills(folder / "HILLS")) for folder in folders] == [STEPS // 2] * 2


def test_one_that_trust_ends_does_not_stop_the_other(
    committee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nucleops.engines.lammps import production

    run_task = production.run_task

    def strict_for_one(task: MdTask, *rest: Any) -> Any:
        if task.number == 1:
            strict = task.trust.model_copy(update={"force_deviation_eV_A": 1e-4})
            task = task.model_copy(update={"trust": strict})
        return run_task(task, *rest)

    monkeypatch.setattr(production, "run_task", strict_for_one)
    folders = [tmp_path / "walker-000", tmp_path / "walker-001"]
    first, second = produce_together(task(2, steps=4000), start(), committee.models, {}, folders)
    assert (first.status, first.steps_run) == ("completed", 4000)
    assert second.status == "trust-ended"
    assert second.steps_run < 4000
    assert len(read_hills(folders[1] / "HILLS")) == second.steps_run // PACE


def test_the_operators_hand_the_walkers_to_the_analysis(
    committee: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dflow_debug: Path
) -> None:
    from dflow import Step, Workflow, upload_artifact
    from dflow.python import PythonOPTemplate

    import nucleops
    from nucleops.analyse import AnalyseMetadynamics

    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("PATH", f"{python.parent}:/usr/bin:/bin")
    monkeypatch.setenv("PYTHONPATH", str(Path(nucleops.__file__).parents[1]))
    (tmp_path / "systems").mkdir()
    write_extxyz(start(), tmp_path / "systems" / "droplet.extxyz")
    run = Step(
        "run",
        PythonOPTemplate(RunSharedMetadynamics),
        parameters={"task": task(2, steps=200).model_dump(mode="json")},
        artifacts={
            "systems": upload_artifact(tmp_path / "systems"),
            "models": upload_artifact(committee.models),
        },
    )
    analyse = Step(
        "analyse",
        PythonOPTemplate(AnalyseMetadynamics),
        parameters={"settings": {"bins": 20}, "name": "drop"},
        artifacts={"walkers": run.outputs.artifacts["result"]},
    )
    workflow = Workflow("shared")
    workflow.add(run)
    workflow.add(analyse)
    workflow.submit()
    assert workflow.query_status() == "Succeeded"
    (summary,) = {p.resolve() for p in dflow_debug.rglob("outputs/artifacts/metad/**/summary.json")}
    found = read_json(summary)
    assert found["shared_bias"]
    assert [row["name"] for row in found["runs"]] == ["walker-000", "walker-001"]
    assert found["n_hills"] == [20, 20]


def test_a_run_of_opes_is_refused_or_leaves_its_files(committee: Any, tmp_path: Path) -> None:
    opes = {"cvs": ["d"], "barrier_kcal_mol": 5, "sigma": [0.1], "pace_steps": 10}
    bias = Bias.model_validate({"cvs": DISTANCE, "opes": opes, "left_out_by_colvars": "leave out"})
    settings = MdSettings(steps=2000, stride=20)

    def run() -> None:
        run_md(start(), committee.models, settings, LENIENT, tmp_path / "md", 5, bias=bias)

    if not has_plumed():
        with pytest.raises(WrongInput, match="Colvars has no OPES"):
            run()
        return
    run()
    assert "opes.bias" in read_colvar(tmp_path / "md" / "COLVAR")
    assert (tmp_path / "md" / "KERNELS").stat().st_size > 0
    assert (tmp_path / "md" / "STATE").stat().st_size > 0
