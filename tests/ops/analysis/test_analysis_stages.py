"""Stage result folders: trust is respected, failures spoil nothing, every file can be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import synthetic
from nucleops.analysis.settings import (
    FreeEnergySettings,
    NucleationSettings,
    State,
    StructureSettings,
)
from nucleops.analysis.stages.files import numbers, plain, read_csv, read_json, whole_system
from nucleops.analysis.stages.learning import learning_folder, read_parity
from nucleops.analysis.stages.metad import metad_folder
from nucleops.analysis.stages.nucleate import nucleate_folder, replica_name
from nucleops.analysis.stages.replica import analyse_or_say_why
from nucleops.analysis.stages.unbiased import unbiased_folder
from nucleops.analysis.trust import read_run, read_trust
from nucleops.errors import WrongInput
from nucleops.learning.record import write_round
from nucleops.systems.files import read_extxyz


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthetic.nucleate(tmp_path_factory.mktemp("n"), 30)


def test_only_trusted_frames_count(replicas: Path) -> None:
    run = read_run(replicas.parent / "raw/replica-001")
    assert run.steps[-1] == run.trusted.trusted_steps < run.trusted.steps_run
    series = read_csv(replicas / "replica-001/series.csv")
    assert numbers(series["time_ps"]) == pytest.approx(run.times_ps)


def test_octahedron_is_found_and_the_missing_replica_named(replicas: Path) -> None:
    summary = read_json(replicas / "summary.json")
    assert summary["kinds"]["perfect octahedron"] == 1
    assert [u["name"] for u in summary["unfinished"]] == ["replica-002"]
    (nucleus,) = read_json(replicas / "replica-000/replica.json")["nuclei"]
    assert nucleus["shape_measure"] < 1
    assert not nucleus["from_start"]
    assert nucleus["events"]["aggregation"]["after"] > nucleus["events"]["aggregation"]["before"]
    assert (replicas / "replica-000/nucleus-1.extxyz").is_file()
    series = {k: numbers(v) for k, v in read_csv(replicas / "replica-000/series.csv").items()}
    around = series["metal_around_point_1"]
    assert around[-1] > 2 * around[0]


def test_broken_replica_is_left_out_and_leaves_no_folder_behind(tmp_path: Path) -> None:
    good = synthetic.nucleate(tmp_path / "a", 12) / "replica-000"
    broken = tmp_path / "replica-007"
    broken.mkdir()
    (broken / "md.json").write_text("{")
    unread = tmp_path / "replica-008"
    unread.mkdir()
    (unread / "replica.json").write_text('{"kinds": ')
    analyse_or_say_why(broken, NucleationSettings(), tmp_path / "analysed/replica-007")
    out = nucleate_folder(
        [good, tmp_path / "analysed/replica-007", unread], NucleationSettings(), tmp_path / "pool"
    )
    summary = read_json(out / "summary.json")
    assert [r["name"] for r in summary["replicas"]] == ["replica-000"]
    assert "not JSON" in summary["unfinished"][0]["why"]
    assert "not the account of a replica" in summary["unfinished"][1]["why"]
    assert not (out / "replica-007").exists()
    assert not (out / "replica-008").exists()


def test_replicas_are_in_order_whichever_ended_first(replicas: Path, tmp_path: Path) -> None:
    folders = [replicas / "replica-001", replicas / "replica-000"]
    out = nucleate_folder(folders, NucleationSettings(), tmp_path / "pool", ["replica-002"])
    summary = read_json(out / "summary.json")
    assert [r["name"] for r in summary["replicas"]] == ["replica-000", "replica-001"]


def test_pool_of_replicas(replicas: Path) -> None:
    pooled = read_json(replicas / "summary.json")["pooled"]
    (curve_of_all,) = pooled["survival"]
    assert curve_of_all["replicas"] + pooled["with_nucleus_from_start"] == 2
    curve = read_csv(replicas / "survival.csv")
    assert numbers(curve["share_without_nucleus"])[0] == 1
    shares = read_csv(replicas / "size-distribution.csv")
    total = sum(numbers(v) for name, v in shares.items() if name != "time_ps")
    assert total[~np.isnan(total)] == pytest.approx(1)
    assert {(o["first"], o["second"]) for o in pooled["order"]} >= {("drying", "aggregation")}


def test_conditions_of_a_grid_have_curves_of_their_own(replicas: Path, tmp_path: Path) -> None:
    hot = tmp_path / "replica-005"
    shutil.copytree(replicas / "replica-000", hot)
    account = read_json(hot / "replica.json") | {"condition": "400 K", "first_nucleus_ps": None}
    (hot / "replica.json").write_text(json.dumps(account))
    out = nucleate_folder([replicas / "replica-000", hot], NucleationSettings(), tmp_path / "pool")
    curves = read_json(out / "summary.json")["pooled"]["survival"]
    assert [(c["condition"], c["events"]) for c in curves] == [("", 1), ("400 K", 0)]
    table = read_csv(out / "survival.csv")
    assert set(table["condition"]) == {"", "400 K"}


def test_replica_names() -> None:
    assert replica_name(Path("/x/replica-012/out"), 3) == "replica-012"
    assert replica_name(None, 3) == "replica-003"


def test_metad_folder_has_what_it_promises(tmp_path: Path) -> None:
    out = synthetic.metad(tmp_path, 2000)
    summary = read_json(out / "summary.json")
    assert summary["cvs"] == ["s1", "cn"]
    assert not summary["verdict"]["converged"]
    names = "fes_1d.csv fes_2d.csv fes_2d_reweighted.csv fes.npz convergence.csv blocks.csv"
    for name in (*names.split(), "hills.csv", "walker-000/last-trusted.extxyz"):
        assert (out / name).stat().st_size > 0, name
    profile = numbers(read_csv(out / "fes_1d.csv")["free_energy_kcal_mol"])
    assert np.nanmin(profile) == pytest.approx(0.0)
    # a short run: what is missing is said, and what its states look like is there all the same
    (words,) = summary["path_words"]
    assert words.startswith("No path from monomers to dimer")
    assert summary["path"] is None
    told = summary["structure"]
    assert told["distances"] == ["Ag1-Ag2", "Ag1-N2", "Ag2-N1", "N1-H", "N2-H"]
    assert told["frames"] == 20
    assert told["unmatched"] == 1, "the last frame is later than the last row"
    (joined,) = (group for group in told["groups"] if group["by"] == "joined")
    assert (joined["name"], joined["frames"]) == ("D", 20)
    written = {one["name"]: out / one["file"] for one in summary["states_written"]}
    assert {"monomers", "joined-D"} <= set(written)
    assert all(read_extxyz(path).molecules for path in written.values())


def test_walker_without_trusted_hills_gives_a_verdict_not_an_error(tmp_path: Path) -> None:
    synthetic.metad(tmp_path / "a", 1000)
    raw = tmp_path / "a/raw-walker"
    meta = json.loads((raw / "md.json").read_text())
    (raw / "md.json").write_text(
        json.dumps(meta | {"trusted_steps": 0, "status": "trust-ended", "reason": "hot"})
    )
    summary = read_json(
        metad_folder([raw], FreeEnergySettings(), tmp_path / "metad") / "summary.json"
    )
    assert summary["surface"] is None
    assert summary["verdict"]["sentence"].startswith("No free energy")


def test_no_walker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="no walker"):
        metad_folder([], FreeEnergySettings(), tmp_path / "metad")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not JSON"),
        ('{"status": "completed"}', "steps_run"),
        (
            '{"status": "fine", "steps_run": 1, "trusted_steps": 1, "time_step_fs": 0.5,'
            ' "temperature_K": 300}',
            "allowed: completed, trust-ended",
        ),
    ],
)
def test_bad_md_json_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "md.json").write_text(text)
    with pytest.raises(WrongInput, match=words):
        read_trust(tmp_path)


def test_learning_tolerates_missing_records(tmp_path: Path) -> None:
    (tmp_path / "iter-000000").mkdir()
    (tmp_path / "iter-000000/round.json").write_text("{}")
    out = learning_folder([tmp_path / "iter-000000"], [tmp_path], {}, tmp_path / "learning")
    summary = read_json(out / "summary.json")
    assert summary["rounds"][0]["name"] == "iter-000000"
    assert summary["final"] is None
    assert "No production model was tested" in summary["verdict"]["sentence"]


def test_learning_counts_frames(tmp_path: Path) -> None:
    summary = read_json(synthetic.learning(tmp_path) / "summary.json")
    assert summary["data"] == {"Ag2 S2 N2 C6 H22 O4": 92}
    assert summary["data_by_origin"]["AIMD"] == {"Ag2 S2 N2 C6 H22 O4": 12}
    assert summary["n_frames"] == 92
    assert summary["reference_program"] == "CP2K 2023.1"
    assert (summary["final"]["n_train_frames"], summary["final"]["n_held_out"]) == (540, 60)
    assert len(summary["rounds"]) == 2


def test_round_says_how_many_frames_were_trained_on(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    test = {"n_train_frames": 90, "n_held_out": 10, "force_rmse_meV_A": 80.0}
    (tmp_path / "log/test.json").write_text(json.dumps(test))
    labels = {"n_labelled": 7, "n_dropped": {}}
    path = write_round(tmp_path / "iter-000000", labels, None, [tmp_path / "log"])
    record = read_json(path)
    assert (record["n_train_frames"], record["n_held_out"]) == (90, 10)
    path = write_round(tmp_path, labels, None, [])
    assert "n_held_out" not in read_json(path)


def test_too_few_frames_make_no_density(tmp_path: Path) -> None:
    synthetic.unbiased(tmp_path / "a", 40)
    raw = tmp_path / "a/raw-unbiased"
    meta = json.loads((raw / "md.json").read_text())
    cut = {"trusted_steps": 0, "status": "trust-ended", "reason": "hot"}
    (raw / "md.json").write_text(json.dumps(meta | cut))
    out = unbiased_folder(raw, StructureSettings(), tmp_path / "unbiased", "cluster")
    summary = read_json(out / "summary.json")
    assert summary["name"] == "cluster"
    assert summary["kinds"] == {}
    assert summary["verdict"]["sentence"].startswith("Too short for a density")


def test_both_spellings_of_parity_files(tmp_path: Path) -> None:
    e, f = np.arange(4.0), np.arange(12.0).reshape(4, 3)
    np.savez(
        tmp_path / "p.npz", energy_reference_eV_atom=e, energy_predicted_eV_atom=e + 1,
        force_reference_eV_A=f, force_predicted_eV_A=f + 2, element=np.array(["Ag", "S", "N", "C"]),
    )  # fmt: skip
    energy, force, element = read_parity(tmp_path / "p.npz")
    assert energy.shape == (4, 2)
    assert force.shape == (12, 2)
    assert element[:4].tolist() == ["Ag", "Ag", "Ag", "S"]
    np.savez(tmp_path / "q.npz", other=e)
    with pytest.raises(WrongInput, match="energy_eV_atom"):
        read_parity(tmp_path / "q.npz")


def test_json_never_holds_nan() -> None:
    assert plain({"a": np.array([1.0, np.nan]), "b": np.float64("inf")}) == {
        "a": [1.0, None],
        "b": None,
    }


def test_drawn_molecules_are_whole() -> None:
    system = synthetic.solvated("x", ["octahedron"], [np.full(3, 7.0)], 20, 15.0)
    torn = system.with_positions(system.positions % 15.0)
    for molecule in whole_system(torn).molecules:
        own = list(molecule.indices)
        near = np.linalg.norm(np.diff(system.positions[own], axis=0), axis=1)
        made = np.linalg.norm(np.diff(whole_system(torn).positions[own], axis=0), axis=1)
        np.testing.assert_allclose(made, near, atol=1e-6)


def test_empty_state_range_is_refused() -> None:
    with pytest.raises(ValueError, match="range of s1 is empty"):
        State(name="a", ranges={"s1": (2.0, 1.0)})
