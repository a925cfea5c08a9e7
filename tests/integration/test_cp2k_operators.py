"""The labelling operators as dflow runs them: in debug mode, each step a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nucleops
from nucleops.learning.dataset import read_deepmd
from nucleops.systems.files import read_extxyz, read_trajectory, write_extxyz
from nucleops.systems.packing import build_system
from nucleops.systems.spec import SystemSpec

pytestmark = pytest.mark.integration

WORKFLOW = """
import json, sys
from pathlib import Path
from dflow import Step, Workflow, argo_range, config, download_artifact, upload_artifact
from dflow.python import PythonOPTemplate, Slices
from dpgen2.superop import PrepRunFp
from dpgen2.utils.step_config import normalize
from nucleops.label import PrepLabel, RunAimd, RunLabel

config["mode"] = "debug"
config["debug_workdir"] = str(Path("work").absolute())
level = {"method": "gfn1-xtb"}
type_map = ["Ag", "S", "N", "C", "H", "O"]
run = {"system": "droplet", "temperatures_K": [300.0, 400.0], "steps": 12, "skip_steps": 4,
       "stride": 4}
tasks = [{"system": "droplet", "temperature_K": T, "seed": 1, "run": run, "level": level,
          "type_map": type_map} for T in (300.0, 400.0)]
aimd = Step(
    "aimd",
    PythonOPTemplate(
        RunAimd,
        command=[sys.executable],
        slices=Slices("{{item}}", input_parameter=["task"],
                      output_artifact=["labeled_data", "log", "extra_outputs"]),
    ),
    parameters={"task": tasks},
    artifacts={"systems": upload_artifact("systems")},
    with_param=argo_range(2),
    key="aimd-{{item}}",
)
here = normalize({"template_config": {"command": [sys.executable]}})
label = Step(
    "label",
    PrepRunFp("prep-run-label", PrepLabel, RunLabel, prep_config=here, run_config=here),
    parameters={
        "block_id": "one",
        "fp_config": {"level": level, "label": {"frames_per_task": 2}},
        "type_map": type_map,
    },
    artifacts={"confs": upload_artifact(["systems/droplet.extxyz", "systems/methanol.extxyz"])},
    key="label",
)
none = Step(
    "none",
    PrepRunFp("prep-run-none", PrepLabel, RunLabel, prep_config=here, run_config=here),
    parameters={"block_id": "two", "fp_config": {"level": level}, "type_map": type_map},
    artifacts={"confs": upload_artifact([])},
    key="none",
)
workflow = Workflow("labels")
for step in (aimd, label, none):
    workflow.add(step)
workflow.submit()
assert workflow.query_status() == "Succeeded", workflow.query_status()
for step, names in (("aimd", ("labeled_data", "extra_outputs", "log")),
                    ("label", ("labeled_data", "extra_outputs", "logs"))):
    for name in names:
        found = workflow.query_step(name=step)[0].outputs.artifacts[name]
        download_artifact(found, path=f"got/{step}/{name}")
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """Run the workflow once."""
    folder = tmp_path_factory.mktemp("dflow")
    (folder / "systems").mkdir()
    for name, contents in {
        "droplet": [{"motif": "dimer", "count": 1}, {"motif": "methanol", "count": 1}],
        "methanol": [{"motif": "methanol", "count": 2}],
    }.items():
        spec = {"contents": contents, "box": {"shape": "droplet", "radius_A": 6.0}}
        system = build_system(name, SystemSpec.model_validate(spec), "Ag", 1)
        write_extxyz(system, folder / "systems" / f"{name}.extxyz")
    (folder / "flow.py").write_text(WORKFLOW)
    ops = str(Path(nucleops.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "flow.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ops},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def only(folder: Path, name: str) -> list[Path]:
    return sorted(folder.rglob(name))


def test_aimd(finished):
    data = only(finished / "got/aimd/labeled_data", "type.raw")
    assert sorted(path.parent.name for path in data) == ["droplet-300K", "droplet-400K"]
    for path in data:
        frames = read_deepmd(path.parent)
        assert len(frames) == 3
        assert not frames.periodic
        account = json.loads((path.parent / "labels.json").read_text())
        assert account["n_labelled"] == account["n_frames"] == 3
        assert account["thinning"]["stride_steps"] == 4
        assert account["thinning"]["decided_by"] in ("minimum stride", "fewest frames")
        assert frames.provenance is not None
        assert [frame.step for frame in frames.provenance] == [4, 8, 12]
        assert {frame.parent for frame in frames.provenance} == {f"aimd-{path.parent.name}-1"}
        assert {frame.level for frame in frames.provenance} == {"GFN1-xTB"}
    (first, _) = only(finished / "got/aimd/extra_outputs", "trajectory.extxyz")
    positions, _ = read_trajectory(first)
    assert len(positions) == 3
    assert read_extxyz(first).molecules
    assert only(finished / "got/aimd/extra_outputs", "summary.json")
    assert len(only(finished / "got/aimd/log", "aimd.out")) == 2


def test_labels(finished):
    data = [read_deepmd(path.parent) for path in only(finished / "got/label", "type.raw")]
    assert sorted(len(frames.symbols) for frames in data) == [12, 18]
    assert len(only(finished / "got/label/labeled_data", "labels.json")) == 2
    assert len(only(finished / "got/label/extra_outputs", "summary.json")) == 2
    assert len(only(finished / "got/label/logs", "labels.log")) == 2


def test_progress_was_reported(finished):
    texts = {p.read_text() for p in only(finished / "work", "ARGO_PROGRESS_FILE")}
    assert {"12/12", "1/1"} <= texts
