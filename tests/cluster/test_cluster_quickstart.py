"""The quick start from submission to report, while a pod is deleted and a node is drained."""

from __future__ import annotations

import json
import threading
from pathlib import Path

from cluster_bench import Bench  # beside this file, which is not a package
from disturbances import delete_pod, drained, nodes_of, running_pods, wait_for

from nucleoflow.dag.plan import MAKERS, SUMMARY, products_in
from nucleoflow.study.load import load_study


def test_the_doctor_finds_nothing_wrong(bench: Bench) -> None:
    done = bench.call("doctor", "--json")
    found = json.loads(done.stdout)
    assert [f for f in found["findings"] if f["state"] in ("failed", "skipped")] == []
    assert done.returncode == 0


def test_the_quick_start_survives_a_lost_pod_and_a_drained_node(bench: Bench) -> None:
    run = bench.submit("quickstart")
    disturbed: list[str] = []
    disturber = threading.Thread(target=disturb, args=(bench, run, disturbed), daemon=True)
    disturber.start()
    watched = bench.call("watch", run, timeout_s=2 * 3600)
    disturber.join(60)
    assert watched.returncode == 0, watched.stdout[-2000:] + watched.stderr[-2000:]
    assert bench.phase(run) == "Succeeded"

    assert len(disturbed) >= 2, "nothing was disturbed"
    nodes = nodes_of(bench.workflow(run))
    lost = [n for n in nodes if n["type"] == "Pod" and n["phase"] in ("Error", "Failed")]
    assert len(lost) >= 2, "no attempt was lost, so nothing was shown"

    assert run in bench.well("list")
    shown = bench.well("status", run)
    for stage in ("build", "learn", "metad", "nucleate", "report"):
        assert stage in shown
    assert "succeeded" in shown
    bench.well("download", run, timeout_s=1200)
    results = Path(bench.environment["NUCLEOFLOW_RUNS"]) / run / "results"
    check_results(results)

    assert bench.call("resume", run).returncode == 2  # nothing to resume
    bench.well("delete", run, "--yes", "--artifacts")
    assert run not in bench.well("list")


def test_logs_follow_a_step(bench: Bench) -> None:
    run = bench.submit("quickstart", "--stage", "build")
    assert bench.end_of(run, 1200) == "Succeeded"
    assert bench.well("logs", run, "build").strip()
    assert bench.well("logs", run, "build", "-f", timeout_s=120).strip()
    bench.well("delete", run, "--yes", "--artifacts")


def disturb(bench: Bench, run: str, disturbed: list[str]) -> None:
    """Delete a pod that labels; then drain the node of one that runs molecular dynamics."""

    def pods(kind: str) -> list[dict[str, object]]:
        return running_pods(bench.cluster, bench.namespace, run, kind)

    pod = wait_for("pod that labels", lambda: pods("label"), 1800)[0]
    delete_pod(bench.cluster, pod)
    disturbed.append(pod["metadata"]["name"])
    pod = wait_for("pod with molecular dynamics", lambda: pods("md"), 3600)[0]
    with drained(bench.cluster, pod["spec"]["nodeName"], bench.namespace, run) as evicted:
        disturbed += evicted
        # the pod's successor has to find another node
        wait_for("pod elsewhere", lambda: pods("md"), 600)


def check_results(results: Path) -> None:
    """Every stage left its products; the report is whole, and nothing is missing or there twice."""
    found = products_in(results)
    assert set(found) == set(MAKERS) - {"report"}
    study = load_study("quickstart")
    assert study.learn is not None
    assert study.nucleate is not None
    assert len(found["models"]) == study.learn.train.n_models
    pool = json.loads((found["nucleate"][0] / SUMMARY).read_text())
    replicas = [replica["name"] for replica in pool["replicas"]]
    assert replicas == [f"replica-{k:03d}" for k in range(study.nucleate.replicas)]
    rounds = json.loads((found["learning"][0] / SUMMARY).read_text())["rounds"]
    assert [entry["name"] for entry in rounds] == sorted({entry["name"] for entry in rounds})
    assert all(entry["n_labelled"] >= 1 for entry in rounds)
    text = (results / "report" / "report.html").read_text()
    for section in ("learning", "metad", "unbiased", "nucleate", "structures"):
        assert f'id="{section}' in text
    assert "This stage was not run" not in text
