"""Pods that fail in every way a cluster has for them: what is tried again, what stays behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from emulated.controller import Controller
from emulated.nodes import Node, Outcome
from emulated.pods import Kubelet
from emulated.sandbox import Pod
from emulated.toy import STORE_URL, fan_out, script, workflow
from s3_server import ACCESS_KEY, SECRET_KEY, S3Server

from nucleoflow.backends.argo.attempts import scope_attempts

pytestmark = pytest.mark.integration

SECRETS = {"nucleoflow-s3": {"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}}
Run = Callable[..., tuple[Outcome, list[Node]]]


@pytest.fixture
def run(s3_environment: S3Server, tmp_path: Path) -> Run:
    """Run a workflow; returns its outcome and its nodes in the order in which they ended."""

    def run(manifest: dict[str, Any], **options: Any) -> tuple[Outcome, list[Node]]:
        kubelet = Kubelet(tmp_path / "pods", s3_environment.store(), SECRETS, **options)
        return Controller(manifest, kubelet).run(), kubelet.nodes

    return run


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Name of the test's workflow, and so the prefix of its keys."""
    return f"failures-{abs(hash(request.node.name))}"


def codes(nodes: list[Node]) -> list[int | None]:
    return [node.outcome.exit_code for node in nodes]


OPERATOR = """
import sys, traceback
from dflow.python import FatalError, TransientError
from nucleops.errors import *
from nucleops.errors import dflow_errors

@dflow_errors
def execute():
    {statement}

try:
    execute()
except TransientError:
    traceback.print_exc()
    sys.exit(1)
except FatalError:
    traceback.print_exc()
    sys.exit(2)
"""


@pytest.mark.parametrize(
    ("statement", "ended", "says"),
    [
        (
            "raise StorageUnreachable('no answer', advice='is it up?')",
            [1, 1, 1],
            "[storage unreachable] no answer; is it up? (exit code 1: tried again",
        ),
        ("raise ScfNotConverged('frame 3')", [2], "[SCF not converged] frame 3 (exit code 2: not"),
        ("{}['missing']", [2], "[program bug] KeyError: 'missing' (exit code 2: not tried again"),
        ("raise MemoryError", [2], "[program bug] MemoryError"),
    ],
)
def test_a_failure_of_an_operator_ends_as_its_class(
    statement: str, ended: list[int], says: str, run: Run, name: str, s3_server: S3Server
) -> None:
    source = OPERATOR.format(statement=statement)
    outcome, nodes = run(workflow(name, "step", script("step", source, s3_server.endpoint)))
    assert outcome.phase == "Failed"
    assert codes(nodes) == ended
    assert says in nodes[-1].log.splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "ended", "says"),
    [
        ("raise ValueError('not caught')", [70], "[program bug] ValueError: not caught (exit co"),
        ("raise MemoryError", [1, 1, 1], "[out of memory]"),
        ("import sys; sys.exit(3)", [3], "exit code 3: not tried again"),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            [137, 137, 137],
            "[killed] the step was ended by SIGKILL: most likely memory ran out",
        ),
        ("import ctypes; ctypes.string_at(0)", [139], "[killed] the step was ended by SIGSEGV"),
    ],
)
def test_what_a_script_does_itself(
    source: str, ended: list[int], says: str, run: Run, name: str, s3_server: S3Server
) -> None:
    outcome, nodes = run(workflow(name, "step", script("step", source, s3_server.endpoint)))
    assert outcome.phase == "Failed"
    assert codes(nodes) == ended
    assert says in nodes[-1].log.splitlines()[-1]


PATIENT = """
import signal, sys, time
from pathlib import Path

def asked(number, frame):
    raise RuntimeError('Got SIGTERM')  # as in dflow's scripts

signal.signal(signal.SIGTERM, asked)
Path('/tmp/outputs').mkdir()
Path('/tmp/outputs/half').write_text('half')
if {{retries}} == 0:
    Path('/tmp/ready').touch()
    try:
        time.sleep(60)
    finally:
        Path('/tmp/checkpoint').write_text('last')
Path('/tmp/outputs/half').write_text('whole')
"""


def patient(endpoint: str) -> dict[str, Any]:
    output = {"name": "half", "valueFrom": {"path": "/tmp/outputs/half", "default": "none"}}
    return script("step", PATIENT, endpoint, outputs={"parameters": [output]})


def when_ready(action: Callable[[Pod], None]) -> Callable[[Pod], None]:
    """Do something to the first attempt once it has written half of its output."""

    def interfere(pod: Pod) -> None:
        end = time.monotonic() + 60
        while pod.attempt == 0 and time.monotonic() < end:
            if pod.inside("/tmp/ready").exists():
                action(pod)
                return
            time.sleep(0.02)

    return interfere


@pytest.mark.parametrize(
    ("action", "code", "says"),
    [
        (Pod.terminate, 143, "[preempted] the step was ended by SIGTERM"),
        (Pod.kill_script, 137, "[killed] the step was ended by SIGKILL"),
        (Pod.lose, None, ""),
    ],
)
def test_a_step_that_a_cluster_ends_is_tried_again(
    action: Callable[[Pod], None],
    code: int | None,
    says: str,
    run: Run,
    name: str,
    s3_server: S3Server,
    tmp_path: Path,
) -> None:
    manifest = workflow(name, "step", patient(s3_server.endpoint))
    outcome, nodes = run(manifest, interfere=when_ready(action))
    assert outcome.phase == "Succeeded"
    assert codes(nodes) == [code, 0]
    assert says in nodes[0].log
    assert outcome.parameters == {"half": "whole"}
    first = tmp_path / "pods" / "000" / "tmp"
    # only who is asked can write a last checkpoint, and only who survives can tidy up
    assert (first / "checkpoint").exists() == (action is Pod.terminate)
    assert (first / "outputs").exists() == (action is Pod.lose)


COUNTING = """
import signal, time
from pathlib import Path

heard = []
signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
Path('/tmp/ready').touch()
while not heard:
    time.sleep(0.02)
time.sleep(1)
print('heard', len(heard))
"""


def test_a_request_to_end_is_heard_once(run: Run, name: str, s3_server: S3Server) -> None:
    """A second one would have an engine killed before it has written its last checkpoint."""
    manifest = workflow(name, "step", script("step", COUNTING, s3_server.endpoint))
    outcome, (node,) = run(manifest, interfere=when_ready(Pod.terminate))
    assert outcome.phase == "Succeeded"
    assert "heard 1" in node.log.splitlines()


MEMBER = """
import json, os, signal, sys, uuid
from pathlib import Path

out = Path('/tmp/outputs/artifacts/result')
folder = out / 'task.{{inputs.parameters.number}}'
folder.mkdir(parents=True)
(out / '.dflow').mkdir()
item = {'dflow_list_item': folder.name, 'order': {{inputs.parameters.number}}}
(out / '.dflow' / str(uuid.uuid4())).write_text(json.dumps({'path_list': [item]}))
(folder / 'frame-{{retries}}').write_text('whole')
if {{inputs.parameters.number}} == 1 and {{retries}} == 0:
    (folder / 'frame-9').write_text('half')
    TROUBLE
"""
CONSUMER = """
import json
from pathlib import Path
from dflow.utils import assemble_path_object

folders = assemble_path_object('/tmp/inputs/artifacts/results')
seen = [sorted(f'{p.name} {p.read_text()}' for p in Path(f).iterdir()) for f in folders]
Path('/tmp/outputs/parameters').mkdir(parents=True)
Path('/tmp/outputs/parameters/seen').write_text(json.dumps(seen))
"""
GOOD = [["frame-0 whole"], ["frame-1 whole"], ["frame-0 whole"]]


@pytest.mark.parametrize(
    "trouble",
    [
        "sys.exit(1)",
        "os.kill(os.getpid(), signal.SIGKILL)",
        "os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)",
    ],
)
def test_an_attempt_that_failed_is_not_part_of_the_result(
    trouble: str, run: Run, name: str, s3_server: S3Server
) -> None:
    member = MEMBER.replace("TROUBLE", trouble)
    manifest = fan_out(name, member, CONSUMER, s3_server.endpoint)
    outcome, nodes = run(scope_attempts(manifest, STORE_URL))
    assert outcome.phase == "Succeeded", [node.log for node in nodes]
    assert json.loads(outcome.parameters["seen"]) == GOOD
    assert [n.outcome.failed for n in nodes if n.template == "member"].count(True) == 1


def test_without_keys_of_its_own_it_would_be(run: Run, name: str, s3_server: S3Server) -> None:
    """The control: a container that is killed whole has its half-made outputs uploaded."""
    kill = "os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)"
    member = MEMBER.replace("TROUBLE", kill)
    outcome, _ = run(fan_out(name, member, CONSUMER, s3_server.endpoint))
    assert json.loads(outcome.parameters["seen"])[1] == [
        "frame-0 whole",
        "frame-1 whole",
        "frame-9 half",
    ]


def test_a_member_that_was_promoted_and_then_lost_is_replaced(
    run: Run, name: str, s3_server: S3Server
) -> None:
    def lose_first(pod: Pod) -> None:
        """Take the node away when the member has been promoted, before Argo hears of it."""
        end = time.monotonic() + 60
        while pod.step == "member" and pod.attempt == 0 and time.monotonic() < end:
            if "promoted" in pod.log:
                pod.lose()
                return
            time.sleep(0.02)

    say = "print('promoted', flush=True)"
    hold = f"import atexit, time; atexit.register(lambda: ({say}, time.sleep(60)))"
    manifest = fan_out(name, MEMBER.replace("TROUBLE", hold), CONSUMER, s3_server.endpoint)
    outcome, nodes = run(scope_attempts(manifest, STORE_URL), interfere=lose_first)
    assert outcome.phase == "Succeeded", [node.log for node in nodes]
    assert json.loads(outcome.parameters["seen"]) == GOOD
    assert attempts_below(s3_server, f"{name}/group/result/") == 4


def test_a_member_on_a_lost_node_that_goes_on_does_not_mix_in(
    run: Run, name: str, s3_server: S3Server
) -> None:
    """It uploads its own result while its successor, which ends later, works."""

    def disconnect(pod: Pod) -> None:
        end = time.monotonic() + 60
        half = pod.inside("/tmp/outputs/artifacts/result/task.1/frame-9")
        while pod.step == "member" and pod.attempt == 0 and time.monotonic() < end:
            if half.exists():
                pod.disconnect()
                return
            time.sleep(0.02)

    member = MEMBER.replace("TROUBLE", "pass") + "\nimport time; time.sleep(4 * {{retries}} + 1)"
    manifest = fan_out(name, member, CONSUMER, s3_server.endpoint)
    outcome, _ = run(scope_attempts(manifest, STORE_URL), interfere=disconnect)
    assert json.loads(outcome.parameters["seen"]) == GOOD
    assert attempts_below(s3_server, f"{name}/group/result/") == 4


def attempts_below(server: S3Server, prefix: str) -> int:
    """Count the attempts that uploaded something below a key."""
    parts = {key.removeprefix(prefix).split("/")[0] for key in server.store().list(prefix)}
    return sum(part.startswith("attempt-") for part in parts)


def test_a_store_that_refuses_is_named_with_advice(
    run: Run, name: str, s3_server: S3Server
) -> None:
    manifest = fan_out(name, MEMBER.replace("TROUBLE", "pass"), CONSUMER, s3_server.endpoint)
    outcome, nodes = run(scope_attempts(manifest, "s3://no-such-bucket"))
    assert outcome.phase == "Failed"
    members = [node for node in nodes if node.template == "member"]
    assert codes(members) == [2, 2, 2]
    for node in members:
        line = node.log.splitlines()[-1]
        assert "NoSuchBucket; make the bucket, or correct its name" in line


def test_the_log_does_not_show_credentials(run: Run, name: str, s3_server: S3Server) -> None:
    source = (
        "import os\nprint(dict(os.environ))\nraise ValueError(os.environ['AWS_SECRET_ACCESS_KEY'])"
    )
    _, nodes = run(workflow(name, "step", script("step", source, s3_server.endpoint)))
    assert "NUCLEOFLOW_S3_ENDPOINT" in nodes[0].log
    assert ACCESS_KEY not in nodes[0].log
    assert SECRET_KEY not in nodes[0].log
    assert "[hidden]" in nodes[0].log


def test_the_end_of_a_program_log_is_kept(run: Run, name: str, s3_server: S3Server) -> None:
    statement = (
        "import pathlib; log = pathlib.Path('engine.out'); log.write_text('SCF run NOT converged');"
        " raise ProgramFailed('cp2k ended with exit code 1', log=log)"
    )
    source = OPERATOR.format(statement=statement)
    _, nodes = run(workflow(name, "step", script("step", source, s3_server.endpoint)))
    assert "SCF run NOT converged" in nodes[0].log
