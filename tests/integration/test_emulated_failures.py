"""Pods that fail in every way a cluster has for them: what is tried again, what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from emulated.bench import Bench, codes, first_attempt
from emulated.sandbox import Pod
from emulated.toy import script, workflow
from s3_server import ACCESS_KEY, SECRET_KEY

pytestmark = pytest.mark.integration

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
    statement: str, ended: list[int], says: str, bench: Bench
) -> None:
    source = OPERATOR.format(statement=statement)
    outcome, nodes = bench.run(workflow(bench.name, "step", script("step", source, bench.endpoint)))
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
def test_what_a_script_does_itself(source: str, ended: list[int], says: str, bench: Bench) -> None:
    outcome, nodes = bench.run(workflow(bench.name, "step", script("step", source, bench.endpoint)))
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


def is_ready(pod: Pod) -> bool:
    """Whether it has written half of its output."""
    return pod.inside("/tmp/ready").exists()


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
    bench: Bench,
) -> None:
    manifest = workflow(bench.name, "step", patient(bench.endpoint))
    outcome, nodes = bench.run(manifest, interfere=first_attempt(is_ready, action))
    assert outcome.phase == "Succeeded"
    assert codes(nodes) == [code, 0]
    assert says in nodes[0].log
    assert outcome.parameters == {"half": "whole"}
    first = bench.folder / "000" / "tmp"
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


def test_a_request_to_end_is_heard_once(bench: Bench) -> None:
    """A second one would have an engine killed before it has written its last checkpoint."""
    manifest = workflow(bench.name, "step", script("step", COUNTING, bench.endpoint))
    outcome, (node,) = bench.run(manifest, interfere=first_attempt(is_ready, Pod.terminate))
    assert outcome.phase == "Succeeded"
    assert "heard 1" in node.log.splitlines()


def test_the_log_does_not_show_credentials(bench: Bench) -> None:
    source = (
        "import os\nprint(dict(os.environ))\nraise ValueError(os.environ['AWS_SECRET_ACCESS_KEY'])"
    )
    _, nodes = bench.run(workflow(bench.name, "step", script("step", source, bench.endpoint)))
    assert "NUCLEOFLOW_S3_ENDPOINT" in nodes[0].log
    assert ACCESS_KEY not in nodes[0].log
    assert SECRET_KEY not in nodes[0].log
    assert "[hidden]" in nodes[0].log


def test_the_end_of_a_program_log_is_kept(bench: Bench) -> None:
    statement = (
        "import pathlib; log = pathlib.Path('engine.out'); log.write_text('SCF run NOT converged');"
        " raise ProgramFailed('cp2k ended with exit code 1', log=log)"
    )
    source = OPERATOR.format(statement=statement)
    _, nodes = bench.run(workflow(bench.name, "step", script("step", source, bench.endpoint)))
    assert "SCF run NOT converged" in nodes[0].log
