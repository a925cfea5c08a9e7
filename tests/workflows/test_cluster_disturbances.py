"""The tests' own tools for real clusters, on workflows in files and on the stub cluster."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from pytest_httpserver import HTTPServer

sys.path.insert(0, str(Path(__file__).parents[1] / "cluster"))
sys.path.insert(0, str(Path(__file__).parent / "doctor"))

from cluster_bench import run_id  # in tests/cluster, whose own tests need a cluster
from disturbances import (
    TRANSIENT_ENDS,
    attempts_of,
    delete_pod,
    drained,
    inject,
    running_pods,
    wait_for,
    with_failing_first_attempts,
    workflow_path,
)
from stub_cluster import HERE, NAMESPACE, StubCluster, node

from nucleoflow.doctor.cluster import ApiRefused, Cluster

RUN = "quickstart-20260101-000000"
POD = """
import pathlib, sys
from nucleoflow.backends.argo import pod
pod.OUTPUTS = pathlib.Path("outputs")  # /tmp/outputs is the pod's own only in a pod
sys.exit(pod.main())
"""


def workflow(source: str = "print('work')\n") -> dict[str, Any]:
    script = {"command": ["python3"], "source": source}
    return {
        "metadata": {"name": RUN},
        "spec": {
            "templates": [
                {"name": "main", "steps": []},
                {"name": "run-label", "script": script, "retryStrategy": {"limit": "3"}},
                {"name": "once", "script": script},
            ]
        },
    }


@pytest.fixture
def stub(httpserver: HTTPServer) -> StubCluster:
    return StubCluster(httpserver)


@pytest.fixture
def cluster(stub: StubCluster) -> Cluster:
    configuration = client.Configuration()
    configuration.host = stub.address
    return Cluster(client.ApiClient(configuration))


def add_pod(stub: StubCluster, name: str, on: str, phase: str = "Running") -> dict[str, Any]:
    pods = stub.objects.setdefault(f"{HERE}/pods", {"items": []})
    pod = {
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"nodeName": on},
        "status": {"phase": phase},
    }
    pods["items"].append(pod)
    return pod


@pytest.mark.parametrize("code", [1, 2, 70, 137, 143])
@pytest.mark.parametrize("attempt", [0, 1])
def test_the_first_attempt_ends_as_it_is_told(tmp_path: Path, code: int, attempt: int) -> None:
    before = workflow()
    changed = with_failing_first_attempts(before, "run-label", code)
    assert before == workflow()
    source = changed["spec"]["templates"][1]["script"]["source"]
    script = tmp_path / "script.py"
    script.write_text(source.replace("{{retries}}", str(attempt)))  # as Argo does
    # as a pod would run it: a shell reports a death by signal as 128 + signal
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} {script}; exit $?"], capture_output=True, text=True
    )
    assert done.returncode == (0 if attempt else code)
    assert done.stdout == ("work\n" if attempt else "")


def test_a_step_without_numbered_attempts_is_refused() -> None:
    with pytest.raises(LookupError, match="retryStrategy"):
        with_failing_first_attempts(workflow(), "once", 1)
    with pytest.raises(LookupError, match=r"there are once, run-label"):
        with_failing_first_attempts(workflow(), "main", 1)


def test_pods_of_the_quick_start_end_as_they_are_told(tmp_path: Path) -> None:
    from nucleoflow.backends.argo.render import render
    from nucleoflow.profile.load import load_profile
    from nucleoflow.study.load import load_study

    stages = ("build", "learn")
    rendered = render(load_study("quickstart"), load_profile("kind"), run_id=RUN, stages=stages)
    ends = {}
    for template, code in TRANSIENT_ENDS.items():
        changed = with_failing_first_attempts(rendered.manifest, template, code)
        (broken,) = [t for t in changed["spec"]["templates"] if t["name"] == template]
        script = tmp_path / template
        script.write_text(broken["script"]["source"].replace("{{retries}}", "0"))
        command = [sys.executable, "-P", "-c", POD, str(script)]
        ends[template] = subprocess.run(command, capture_output=True, cwd=tmp_path).returncode
    assert ends == TRANSIENT_ENDS


def test_a_failure_is_injected_into_the_workflow_there_is(
    stub: StubCluster, cluster: Cluster
) -> None:
    path = workflow_path(NAMESPACE, RUN)
    stub.objects[path] = workflow()
    inject(cluster, NAMESPACE, RUN, "run-label", 137)
    templates = stub.objects[path]["spec"]["templates"]
    assert "os.kill(os.getpid(), 9)" in templates[1]["script"]["source"]
    assert [t["name"] for t in templates] == ["main", "run-label", "once"]


def test_a_drained_node_is_cordoned_emptied_of_the_run_and_given_back(
    stub: StubCluster, cluster: Cluster
) -> None:
    stub.objects["/api/v1/nodes/n1"] = node("n1")
    add_pod(stub, "here", on="n1")
    add_pod(stub, "elsewhere", on="n2")
    add_pod(stub, "ended", on="n1", phase="Succeeded")
    with drained(cluster, "n1", NAMESPACE, RUN) as evicted:
        assert stub.objects["/api/v1/nodes/n1"]["spec"]["unschedulable"] is True
        assert evicted == ["here"]
    assert "unschedulable" not in stub.objects["/api/v1/nodes/n1"]["spec"]
    (eviction,) = [r for r in stub.requests if r[1].endswith("/eviction")]
    assert eviction[1] == f"{HERE}/pods/here/eviction"
    assert eviction[2] is not None
    assert eviction[2]["kind"] == "Eviction"


def test_a_node_is_given_back_although_the_eviction_failed(
    stub: StubCluster, cluster: Cluster
) -> None:
    stub.objects["/api/v1/nodes/n1"] = node("n1")
    add_pod(stub, "here", on="n1")
    stub.refused[f"{HERE}/pods/here/eviction"] = 403
    with pytest.raises(ApiRefused), drained(cluster, "n1", NAMESPACE, RUN):
        pass
    assert "unschedulable" not in stub.objects["/api/v1/nodes/n1"]["spec"]


def test_an_eviction_waits_for_a_disruption_budget(stub: StubCluster, cluster: Cluster) -> None:
    stub.objects["/api/v1/nodes/n1"] = node("n1")
    add_pod(stub, "here", on="n1")
    path = f"{HERE}/pods/here/eviction"
    stub.refused[path] = 429

    def relent(method: str, asked: str) -> None:
        if asked == path and sum(r[1] == path for r in stub.requests) == 2:
            del stub.refused[path]

    stub.on_request = relent
    with drained(cluster, "n1", NAMESPACE, RUN) as evicted:
        assert evicted == ["here"]
    assert sum(r[1] == path for r in stub.requests) == 2


def test_a_pod_is_deleted_at_once(stub: StubCluster, cluster: Cluster) -> None:
    delete_pod(cluster, add_pod(stub, "here", on="n1"))
    deletion = ("DELETE", f"{HERE}/pods/here", {"gracePeriodSeconds": 0})
    assert deletion in stub.requests
    assert [p["metadata"]["name"] for p in running_pods(cluster, NAMESPACE, RUN)] == ["here"]


@pytest.mark.parametrize("packed", [False, True])
def test_attempts_are_read_from_a_workflow(packed: bool) -> None:
    nodes = {
        "r": {"id": "r", "type": "Retry", "templateName": "run-label", "displayName": "label(0)",
              "children": ["a", "b", "next"]},
        "a": {"id": "a", "type": "Pod", "phase": "Failed", "outputs": {"exitCode": "137"}},
        "b": {"id": "b", "type": "Pod", "phase": "Succeeded", "outputs": {"exitCode": "0"}},
        "next": {"id": "next", "type": "StepGroup", "phase": "Succeeded"},
        "q": {"id": "q", "type": "Retry", "templateName": "run-label", "displayName": "label(1)",
              "children": ["c"]},
        "c": {"id": "c", "type": "Pod", "phase": "Error"},
        "other": {"id": "other", "type": "Retry", "templateName": "x", "displayName": "x"},
    }  # fmt: skip
    status: dict[str, Any] = {"nodes": nodes}
    if packed:
        text = gzip.compress(json.dumps(nodes).encode())
        status = {"compressedNodes": base64.b64encode(text).decode()}
    found = attempts_of({"status": status}, "run-label")
    assert found == {"label(0)": ["137", "0"], "label(1)": ["Error"]}


def test_tests_of_a_cluster_are_run_only_when_they_are_named() -> None:
    root = Path(__file__).parents[2]

    def collected(*arguments: str) -> str:
        pytest_ = [sys.executable, "-m", "pytest", "--collect-only", "-q", *arguments]
        return subprocess.run(pytest_, capture_output=True, text=True, cwd=root).stdout

    assert "test_transient_failures_are_retried" in collected("tests/cluster", "-m", "cluster")
    # the other folders take long to collect
    others = "--ignore-glob=tests/[iow]*"
    assert "test_transient_failures_are_retried" not in collected("tests", others)


def test_waiting_ends() -> None:
    assert wait_for("thing", lambda: "found", 1) == "found"
    with pytest.raises(TimeoutError, match="no thing within 0 s"):
        wait_for("thing", lambda: None, 0.01, 0.01)


def test_the_id_of_a_run_is_found_in_what_is_printed() -> None:
    assert run_id(f"submitted {RUN}\nwatch it with: nucleoflow watch {RUN}") == RUN
    with pytest.raises(AssertionError):
        run_id("nothing")
