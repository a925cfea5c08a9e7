"""Reuse both ways: our operators in dpgen2's workflows, dpgen2's in ours, with the real engines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kept_runs import LENIENT

from nucleops.dpgen2 import STYLE, register
from nucleops.engines.lammps.readers import read_dump, read_model_deviation
from nucleops.explore import PrepExplore, RunExplore
from nucleops.label import PrepLabel, RunLabel
from nucleops.learning.dataset import read_deepmd, systems_below
from nucleops.selection import CollectData
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import System
from nucleops.train import PrepTrain, RunTrain

DATA = Path(__file__).parents[1] / "data" / "deepmd"
TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]
MASSES = [107.868, 32.06, 14.007, 12.011, 1.008, 15.999]
EVERYTHING = {"type": "fixed-levels", "level_f_lo": 1e-9, "level_f_hi": 1e9}
"""Trust levels between which every frame lies."""

pytestmark = pytest.mark.integration


def outputs(runs: Path, step: str, artifact: str) -> list[Path]:
    """Where the steps of a name left an artifact."""
    return sorted(runs.glob(f"*/{step}/outputs/artifacts/{artifact}"))


def exploration_group(droplet: System, folder: Path) -> Any:
    """Two of our runs: one that is trusted to its end, one that is not at all."""
    from dpgen2.exploration.task import BaseExplorationTaskGroup, ExplorationTask

    write_extxyz(droplet, folder / "topology.extxyz")
    topology = (folder / "topology.extxyz").read_text()
    group = BaseExplorationTaskGroup()
    for limit in (50.0, 1e-4):
        trust = LENIENT.model_copy(update={"force_deviation_eV_A": limit})
        task = {
            "system": "droplet",
            "md": {"steps": 6, "stride": 2},  # a tiny potential; later frames may clash
            "trust": trust.model_dump(mode="json"),
            "seed": 7,
        }
        files = ExplorationTask().add_file("task.json", json.dumps(task))
        group.add_task(files.add_file("topology.extxyz", topology))
    return group


def selector(max_frames: int) -> Any:
    """dpgen2's own selection of frames, from droplets."""
    from dpgen2.exploration.render import TrajRenderLammps
    from dpgen2.exploration.report import conv_styles
    from dpgen2.exploration.selector import ConfSelectorFrames

    levels = {key: value for key, value in EVERYTHING.items() if key != "type"}
    report = conv_styles[EVERYTHING["type"]](**levels, conv_accuracy=0.9)
    return ConfSelectorFrames(TrajRenderLammps(nopbc=True), report, max_frames)


def test_our_operators_in_a_block_with_dpgen2_selecting_and_collecting(
    debug_mode: Path, tiny_training: Any, droplet: System, tmp_path: Path
) -> None:
    """One round: we train, explore and label, between dpgen2's SelectConfs and CollectData."""
    from dflow import Step, Workflow, upload_artifact
    from dpgen2.op import CollectData as TheirCollectData
    from dpgen2.op import SelectConfs as TheirSelectConfs
    from dpgen2.superop import ConcurrentLearningBlock, PrepRunDPTrain, PrepRunFp, PrepRunLmp

    train = tiny_training.model_copy(update={"compress": False})
    block = ConcurrentLearningBlock(
        "block",
        PrepRunDPTrain("prep-run-train", PrepTrain, RunTrain),
        PrepRunLmp("prep-run-explore", PrepExplore, RunExplore),
        TheirSelectConfs,
        PrepRunFp("prep-run-label", PrepLabel, RunLabel),
        TheirCollectData,
    )
    workflow = Workflow("ours")
    workflow.add(
        Step(
            "round",
            block,
            parameters={
                "block_id": "iter-000000",
                "type_map": TYPE_MAP,
                "numb_models": 2,
                "template_script": {
                    "train": train.model_dump(mode="json"), "type_map": TYPE_MAP, "seed": 2
                },
                "train_config": {},
                "explore_config": {"result_folder": "extra_outputs"},
                "conf_selector": selector(2),
                "fp_config": {
                    "level": {"method": "gfn1-xtb"},
                    "label": {"largest_force_eV_A": 100.0},
                    "extra_output_files": [],
                },
                "expl_task_grp": exploration_group(droplet, tmp_path),
            },
            artifacts={
                "init_models": None,
                "init_data": upload_artifact([str(DATA / "dimer"), str(DATA / "mono")]),
                "iter_data": upload_artifact([]),
            },
        )
    )  # fmt: skip
    workflow.submit()
    assert workflow.query_status() == "Succeeded"
    models = {p.resolve() for p in debug_mode.rglob("outputs/artifacts/model/**/model.pb")}
    assert len(models) == 2
    tests = sorted(debug_mode.rglob("outputs/artifacts/log/**/test.json"))
    assert json.loads(tests[0].read_text())["n_held_out"] > 0
    n_frames = []
    for number in range(2):
        (step,) = debug_mode.glob(f"*/*run-lmp-{number:06d}/workdir/task.{number:06d}")
        steps = read_dump(step / "traj.dump").steps.tolist()
        assert steps == read_model_deviation(step / "model_devi.out").steps.tolist()
        assert json.loads((step / "md" / "md.json").read_text())["trusted_steps"] == steps[-1]
        n_frames.append(len(steps))
    assert n_frames == [4, 1]
    (collected,) = outputs(debug_mode, "iter-000000--collect-data", "iter_data")
    (system,) = systems_below([collected])
    frames = read_deepmd(system)
    assert (len(frames), len(frames.symbols), frames.periodic) == (2, 36, False)


def plain_input(models: list[Path], template: Path) -> dict[str, Any]:
    """An input file of dpgen2's, as its users write it, but for `fp`."""
    return {
        "name": "plain", "step_configs": {},
        "inputs": {
            "type_map": TYPE_MAP, "mass_map": MASSES,
            "init_data_sys": [str(DATA / "dimer"), str(DATA / "mono")],
        },
        "train": {
            "type": "dp", "numb_models": 2, "template_script": str(template),
            "init_models_paths": [str(model) for model in models],
        },
        "explore": {
            "type": "lmp",
            "config": {"command": "lmp -var restart 0"},
            "max_numb_iter": 1, "fatal_at_max": False, "output_nopbc": True,
            "convergence": {**EVERYTHING, "conv_accuracy": 0.9},
            "configurations": [
                {
                    "type": "file", "files": [str(DATA / "dimer")], "fmt": "deepmd/npy",
                    "remove_pbc": True,
                }
            ],
            "stages": [
                [
                    {
                        "type": "lmp-md", "ens": "nvt", "dt": 0.0005, "nsteps": 2,
                        "trj_freq": 1, "temps": [300], "conf_idx": [0], "n_sample": 1,
                    }
                ]
            ],
        },
        "fp": {
            "type": STYLE,
            "inputs_config": {"level": {"method": "gfn1-xtb"}},
            "run_config": {"label": {"frames_per_task": 2, "largest_force_eV_A": 100.0}},
            "task_max": 2,
        },
    }  # fmt: skip


def test_a_plain_input_of_dpgen2_labels_with_us(
    debug_mode: Path, committee: Any, tmp_path: Path
) -> None:
    """dpgen2 reads, checks, submits and runs its own loop; only `fp` names us.

    dpgen2 does not train a first committee that is given, which here is one that we trained.
    """
    from dpgen2.entrypoint.submit import submit_concurrent_learning

    register()
    template = tmp_path / "input.json"
    net = {"descriptor": {"type": "se_e2_a"}, "fitting_net": {}}
    template.write_text(json.dumps({"model": net, "training": {"training_data": {}}}))
    workflow = submit_concurrent_learning(plain_input(committee.models, template))
    assert workflow.query_status() == "Succeeded"
    key = "iter-000000--"
    (labelled,) = systems_below(outputs(debug_mode, f"{key}run-fp-000000", "labeled_data"))
    frames = read_deepmd(labelled)
    assert (len(frames), len(frames.symbols), frames.periodic) == (2, 36, False)
    assert np.abs(frames.forces).max() > 0.1
    (collected,) = systems_below(outputs(debug_mode, f"{key}collect-data", "iter_data"))
    theirs = read_deepmd(collected)
    # dpgen2 keeps single precision
    np.testing.assert_allclose(theirs.energies, frames.energies, rtol=1e-6)
    assert (labelled / "labels.json").is_file()
    our_round = check_that_we_collect_what_they_labelled(collected, tmp_path)
    # ours are in the order of their content
    np.testing.assert_allclose(sorted(our_round.energies), sorted(theirs.energies), rtol=1e-12)


def check_that_we_collect_what_they_labelled(theirs: Path, tmp_path: Path) -> Any:
    """Our CollectData takes labels that came without any provenance."""
    from dflow.python import OPIO

    made = CollectData().execute(
        OPIO(
            {
                "name": "iter-000007", "type_map": TYPE_MAP,
                "optional_parameter": {"mixed_type": False}, "labeled_data": [theirs],
                "iter_data": [], "train_logs": None, "selection_record": None,
            }
        )
    )  # fmt: skip
    (system,) = systems_below(made["iter_data"])
    frames = read_deepmd(system)
    assert {entry.round for entry in frames.provenance or ()} == {"iter-000007"}
    return frames
