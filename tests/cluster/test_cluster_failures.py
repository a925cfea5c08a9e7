"""How a run ends, and goes on, after each way in which a step can fail."""

from __future__ import annotations

from cluster_bench import Bench, run_id  # beside this file, which is not a package
from disturbances import TRANSIENT_ENDS, attempts_of, inject, nodes_of, wait_for

LEARN = ("--stage", "build", "--stage", "learn")


def test_transient_failures_are_retried(bench: Bench) -> None:
    run = bench.submit("quickstart", *LEARN)
    for template, code in TRANSIENT_ENDS.items():
        inject(bench.cluster, bench.namespace, run, template, code)
    assert bench.end_of(run) == "Succeeded"
    workflow = bench.workflow(run)
    for template, code in TRANSIENT_ENDS.items():
        steps = attempts_of(workflow, template)
        assert steps, template
        assert {tuple(codes[:2]) for codes in steps.values()} == {(str(code), "0")}, template
    bench.well("delete", run, "--yes", "--artifacts")


def test_a_fatal_failure_is_not_retried_and_resume_finishes_after_the_fix(bench: Bench) -> None:
    run = bench.submit("quickstart", *LEARN)
    inject(bench.cluster, bench.namespace, run, "run-train", 2)
    assert bench.end_of(run) == "Failed"
    failed = attempts_of(bench.workflow(run), "run-train")
    assert {tuple(codes) for codes in failed.values()} == {("2",)}
    assert "failed" in bench.well("status", run)
    aimd = succeeded(bench, run, "run-aimd")

    again = run_id(bench.well("resume", run))  # rendered afresh: without the fault
    assert bench.end_of(again) == "Succeeded"
    # the labelling before the fault was not done a second time
    assert aimd
    assert again == run or not succeeded(bench, again, "run-aimd")
    for name in {run, again}:
        bench.well("delete", name, "--yes", "--artifacts")


def test_a_step_past_its_deadline_is_ended_and_said_so(bench: Bench) -> None:
    short = bench.write_profile("short", train={"deadline_s": 5, "retry": {"limit": 1}})
    run = bench.submit("quickstart", *LEARN, "--profile", str(short))
    assert bench.end_of(run) == "Failed"
    messages = " ".join(n.get("message", "") for n in nodes_of(bench.workflow(run)))
    assert "deadline" in messages.lower()
    assert "deadline" in bench.well("status", run).lower()
    again = run_id(bench.well("resume", run, "--profile", str(bench.profile_file)))
    assert bench.end_of(again) == "Succeeded"
    for name in {run, again}:
        bench.well("delete", name, "--yes", "--artifacts")


def test_a_stopped_run_goes_on_by_retry(bench: Bench) -> None:
    run = bench.submit("quickstart", *LEARN)
    wait_for("step", lambda: nodes_of(bench.workflow(run)), 300)
    bench.well("stop", run)
    assert bench.end_of(run, 300) == "Failed"
    assert "Succeeded" not in bench.phase(run)
    bench.well("retry", run)
    wait_for("new start", lambda: bench.phase(run) == "Running", 120)
    assert bench.end_of(run) == "Succeeded"
    bench.well("delete", run, "--yes", "--artifacts")


def test_a_second_run_of_a_study_is_refused_while_one_goes_on(bench: Bench) -> None:
    run = bench.submit("quickstart", *LEARN)
    refused = bench.call("submit", "quickstart")
    assert refused.returncode == 2
    assert run in refused.stdout + refused.stderr
    bench.well("stop", run)
    bench.end_of(run, 300)
    bench.well("delete", run, "--yes", "--artifacts")


def succeeded(bench: Bench, run: str, template: str) -> list[str]:
    """Pods of a template that did their work in this run, and were not taken from an earlier."""
    return [
        node["displayName"]
        for node in nodes_of(bench.workflow(run))
        if node.get("templateName") == template
        and node["type"] == "Pod"
        and node["phase"] == "Succeeded"
        and not (node.get("memoizationStatus") or {}).get("hit")
    ]
