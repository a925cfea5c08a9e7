"""Explorations that end early do not fail a round: our operators in dpgen2's superoperator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kept_runs import LENIENT

from nucleops.engines.lammps.readers import read_dump, read_model_deviation
from nucleops.explore import PrepExplore, RunExplore
from nucleops.systems.files import write_extxyz
from nucleops.systems.system import System

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]

pytestmark = pytest.mark.integration


def test_dpgen2_explores_with_our_operators(
    debug_mode: Path, committee: Any, droplet: System, tmp_path: Path
) -> None:
    from dflow import Step, Workflow, upload_artifact
    from dpgen2.exploration.task import BaseExplorationTaskGroup, ExplorationTask
    from dpgen2.superop import PrepRunLmp

    group = BaseExplorationTaskGroup()
    # one in peace, one beyond the hard limit from the start, one of atoms on top of one another
    for limit, shift in ((50.0, 0.0), (1e-4, 0.0), (50.0, 1.0)):
        trust = LENIENT.model_copy(update={"force_deviation_eV_A": limit})
        task = {
            "system": "droplet",
            "md": {"steps": 60, "stride": 20},
            "trust": trust.model_dump(mode="json"),
            "seed": 7,
        }
        start = droplet.positions.copy()
        start[1] += shift * (start[0] - start[1]) * 0.99
        write_extxyz(droplet.with_positions(start), tmp_path / "topology.extxyz")
        topology = (tmp_path / "topology.extxyz").read_text()
        files = ExplorationTask().add_file("task.json", json.dumps(task))
        group.add_task(files.add_file("topology.extxyz", topology))
    workflow = Workflow("explore")
    workflow.add(
        Step(
            "explore",
            PrepRunLmp("prep-run-lmp", PrepExplore, RunExplore),
            parameters={
                "block_id": "block",
                "expl_task_grp": group,
                "explore_config": {},
                "type_map": TYPE_MAP,
            },
            artifacts={"models": upload_artifact([str(path) for path in committee.models])},
        )
    )
    workflow.submit()
    assert workflow.query_status() == "Succeeded"
    n_frames = []
    for number in range(3):
        (step,) = debug_mode.glob(f"*/*run-lmp-{number:06d}/workdir/task.{number:06d}")
        traj, devi = step / "traj.dump", step / "model_devi.out"
        md = step / "md" / "md.json"
        steps = read_dump(traj).steps.tolist()
        assert steps == read_model_deviation(devi).steps.tolist()
        assert json.loads(md.read_text())["trusted_steps"] == steps[-1]
        n_frames.append(len(steps))
    assert n_frames == [4, 1, 1]
