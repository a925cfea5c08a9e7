"""A whole study as Kubernetes would run it: rendered, in pods, through a real S3 server.

Three pods are ended on the way. ``NUCLEOFLOW_EMULATED_STUDY=quickstart`` runs the shipped study
instead of the smallest one.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from emulated import leaks
from emulated.controller import Controller
from emulated.nodes import Node, Outcome
from emulated.pods import Kubelet
from emulated.sandbox import Pod
from s3_server import ACCESS_KEY, BUCKET, SECRET_KEY, S3Server

from nucleoflow.backends.argo.fetch import download
from nucleoflow.backends.argo.render import render
from nucleoflow.dag.plan import products_in
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder
from nucleoflow.study.load import load_study
from nucleops.storage.s3 import S3Store

pytestmark = pytest.mark.integration

MINI = str(Path(__file__).parents[1] / "data" / "studies" / "mini.yaml")
STUDY = os.environ.get("NUCLEOFLOW_EMULATED_STUDY", MINI)
RUN_ID = "study-20261128-120000"
PREFIX = "emulated-study/"
TOKEN = "planted-token-for-argo-Zq81"
PLANTED = [ACCESS_KEY, SECRET_KEY, TOKEN]
ENDED = {
    "iter-000000--run-train-0000": Pod.kill_script,
    "iter-000000--run-fp-000000": Pod.terminate,
    "run-nucleate-1": Pod.lose,
}
"""What happens to the first attempt at a step."""


@dataclass
class Finished:
    """A run that has ended."""

    manifest: dict[str, Any]
    outcome: Outcome
    nodes: list[Node]
    store: S3Store
    pods: Path

    def last(self, step: str) -> Node:
        """Return the last attempt at a step."""
        return [node for node in self.nodes if node.step == step][-1]

    def artifact(self, step: str, name: str) -> dict[str, bytes]:
        """Return the objects of an artifact, without dflow's catalogue: path to content."""
        key = self.last(step).outcome.artifacts[name]["key"]
        keys = [k for k in self.store.list(key) if "/.dflow/" not in k]
        return {k.removeprefix(f"{key}/"): self.store.get_bytes(k) for k in keys}


def end_some(pod: Pod) -> None:
    """End the first attempts of :data:`ENDED` soon after they began to work."""
    action = ENDED.get(pod.step)
    deadline = time.monotonic() + 60
    while action is not None and pod.attempt == 0 and time.monotonic() < deadline:
        if pod.progress:
            action(pod)
            return
        time.sleep(0.02)


@pytest.fixture(scope="module")
def environment(s3_server: S3Server) -> Iterator[S3Server]:
    """What is on the machine that renders: credentials, and dflow's own variables."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server.environment().items():
            patch.setenv(name, value)
        for name in ("ARGO_TOKEN", "DFLOW_TOKEN"):
            patch.setenv(name, TOKEN)
        patch.setenv("DFLOW_S3_ACCESS_KEY", ACCESS_KEY)
        patch.setenv("DFLOW_S3_SECRET_KEY", SECRET_KEY)
        yield s3_server


@pytest.fixture(scope="module")
def run(environment: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    storage = {"endpoint": environment.endpoint, "bucket": BUCKET, "prefix": PREFIX}
    profile = ClusterProfile.model_validate({"storage": storage})
    rendered = render(load_study(STUDY), profile, run_id=RUN_ID)
    pods = tmp_path_factory.mktemp("pods")
    store = environment.store()
    for upload in rendered.uploads:
        data = upload.path.read_bytes() if upload.path is not None else upload.data
        assert data is not None
        store.put_bytes(data, f"{PREFIX}{upload.key}")
    secrets = {"nucleoflow-s3": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}}
    kubelet = Kubelet(pods, store, secrets, interfere=end_some)
    outcome = Controller(rendered.manifest, kubelet).run()
    failed = [node.log[-2000:] for node in kubelet.nodes if node.outcome.failed]
    assert outcome.phase == "Succeeded", (outcome.message, *failed)
    return Finished(rendered.manifest, outcome, kubelet.nodes, store, pods)


def test_every_template_ran(run: Finished) -> None:
    templates = {t["name"] for t in run.manifest["spec"]["templates"] if "script" in t}
    assert {node.template for node in run.nodes} == templates


def test_the_run_ends_with_its_report_in_the_bucket(run: Finished) -> None:
    report = run.artifact("report", "report")
    (page,) = (data.decode() for path, data in report.items() if path.endswith("report.html"))
    for section in ("learning", "metad", "unbiased", "nucleate", "structures"):
        assert f'id="{section}' in page
    assert "This stage was not run" not in page
    assert RUN_ID in page


def test_learning_has_labels_and_models(run: Finished) -> None:
    (summary,) = (
        json.loads(data)
        for path, data in run.artifact("learn--summary", "learning").items()
        if path.endswith("summary.json")
    )
    assert summary["rounds"][0]["n_labelled"] >= 1
    assert len(summary["final"]["force_rmse_meV_A"]) == 2


def test_steps_that_were_ended_were_tried_again(run: Finished) -> None:
    codes = defaultdict(list)
    for node in run.nodes:
        codes[node.step].append(node.outcome.exit_code)
    assert {step: codes[step] for step in ENDED} == {
        "iter-000000--run-train-0000": [137, 0],
        "iter-000000--run-fp-000000": [143, 0],
        "run-nucleate-1": [None, 0],
    }
    others = [node for node in run.nodes if node.step not in ENDED]
    assert all(node.outcome.exit_code == 0 for node in others)


def test_each_member_is_in_a_shared_folder_once(run: Finished) -> None:
    """Every entry names what is there, no member has two, and nothing else was uploaded."""
    entries: dict[str, list[list[dict[str, Any]]]] = defaultdict(list)
    for key in run.store.list(PREFIX):
        folder, found, _ = key.partition("/.dflow/")
        if found and "-group/" in folder:
            entries[folder].append(json.loads(run.store.get_bytes(key))["path_list"])
    assert len(entries) > 10
    for folder, lists in entries.items():
        members = [order for items in lists for order in {item["order"] for item in items}]
        assert len(members) == len(set(members))
        named = [
            f"{folder}/{item['dflow_list_item']}"
            for items in lists
            for item in items
            if item["dflow_list_item"] is not None
        ]
        keys = [k for k in run.store.list(f"{folder}/") if "/.dflow/" not in k]
        assert all(any(k == n or k.startswith(f"{n}/") for k in keys) for n in named)
        assert all(any(k == n or k.startswith(f"{n}/") for n in named) for k in keys)


def test_all_keys_are_below_the_prefix_and_name_run_and_attempt(run: Finished) -> None:
    for key in run.store.list(PREFIX):
        start, rest = key.removeprefix(PREFIX).split("/", 1)
        assert start == RUN_ID
        assert re.search(r"/attempt-[0-9a-f]{12}/|/\.dflow/|study-\d{8}-\d{6}-|^inputs/", rest), key
    assert not run.store.list(RUN_ID)


def test_progress_is_of_the_form_that_argo_reads(run: Finished) -> None:
    written = {node.step: node.progress for node in run.nodes if node.progress}
    assert {"run-nucleate-0", "iter-000000--run-train-0001", "learn--aimd-0"} <= set(written)
    for progress in written.values():
        found = re.fullmatch(r"(\d+)/(\d+)", progress)
        assert found
        assert 0 <= int(found[1]) <= int(found[2])
        assert int(found[2]) > 0


def test_planted_secrets_are_nowhere(run: Finished) -> None:
    for node in run.nodes:
        assert not any(secret in node.log for secret in PLANTED)
    texts = iter(
        [
            ("manifest", json.dumps(run.manifest).encode()),
            ("nodes", repr([(n.outcome, n.manifest) for n in run.nodes]).encode()),
        ]
    )
    assert leaks.holding(PLANTED, texts) == {}
    assert leaks.holding(PLANTED, leaks.stored(run.store, "")) == {}
    assert leaks.holding(PLANTED, leaks.files(run.pods)) == {}


def test_secrets_would_have_been_found_inside_archives(run: Finished) -> None:
    """The control: a text of a packed file is found."""
    found = leaks.holding(["systems.json"], leaks.stored(run.store, f"{PREFIX}{RUN_ID}/build"))
    assert [key for key in found if key.endswith("systems.tgz")]


def test_nothing_of_this_machine_is_in_the_manifest(run: Finished) -> None:
    text = json.dumps(run.manifest)
    for path in (Path.home(), Path(__file__).parents[2], run.pods):
        assert str(path) not in text


def test_downloaded_results_are_those_of_a_local_run(run: Finished, tmp_path: Path) -> None:
    outputs = {
        "build": ("systems", run.last("build").outcome.artifacts["systems"]["key"]),
        "learn": ("models", f"{PREFIX}{RUN_ID}/final--run-train-group/model"),
        "report": ("report", run.last("report").outcome.artifacts["report"]["key"]),
    }
    nodes: dict[str, dict[str, Any]] = {
        stage: {
            "id": stage, "name": f"{RUN_ID}.{stage}", "displayName": stage, "type": "Steps",
            "phase": "Succeeded", "boundaryID": RUN_ID,
            "outputs": {"artifacts": [{"name": name, "s3": {"key": key}}]},
        }
        for stage, (name, key) in outputs.items()
    }  # fmt: skip
    workflow = {"metadata": {"name": RUN_ID}, "status": {"nodes": nodes}}
    folder = RunFolder(tmp_path / RUN_ID)
    folder.path.mkdir()
    results = download(workflow, run.store, folder)
    assert folder.report == results / "report" / "report.html"
    found = products_in(results)
    assert len(found["models"]) == 2
    assert {path.stem for path in (results / "systems").glob("*.extxyz")} >= {"monomers", "cluster"}
