"""Members of a fan-out whose attempts fail, are killed or go on: none is mixed into the result."""

from __future__ import annotations

import json

import pytest
from emulated.bench import Bench, codes, first_attempt
from emulated.sandbox import Pod
from emulated.toy import STORE_URL, fan_out

from nucleoflow.backends.argo.attempts import scope_attempts

pytestmark = pytest.mark.integration

OUTPUT = "/tmp/outputs/artifacts/result"
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
def test_an_attempt_that_failed_is_not_part_of_the_result(trouble: str, bench: Bench) -> None:
    member = MEMBER.replace("TROUBLE", trouble)
    manifest = fan_out(bench.name, member, CONSUMER, bench.endpoint)
    outcome, nodes = bench.run(scope_attempts(manifest, STORE_URL))
    assert outcome.phase == "Succeeded", [node.log for node in nodes]
    assert json.loads(outcome.parameters["seen"]) == GOOD
    assert [n.outcome.failed for n in nodes if n.template == "member"].count(True) == 1


def test_without_keys_of_its_own_it_would_be(bench: Bench) -> None:
    """The control: a container that is killed whole has its half-made outputs uploaded."""
    kill = "os.kill(os.getppid(), signal.SIGKILL); os.kill(os.getpid(), signal.SIGKILL)"
    member = MEMBER.replace("TROUBLE", kill)
    outcome, _ = bench.run(fan_out(bench.name, member, CONSUMER, bench.endpoint))
    assert json.loads(outcome.parameters["seen"])[1] == [
        "frame-0 whole",
        "frame-1 whole",
        "frame-9 half",
    ]


def is_promoted(pod: Pod) -> bool:
    """Whether it waits at its very end."""
    return "promoted" in pod.log


def test_a_member_that_was_promoted_and_then_lost_is_replaced(bench: Bench) -> None:
    """The node goes away after the promotion and before Argo hears of it."""
    say = "print('promoted', flush=True)"
    hold = f"import atexit, time; atexit.register(lambda: ({say}, time.sleep(60)))"
    manifest = fan_out(bench.name, MEMBER.replace("TROUBLE", hold), CONSUMER, bench.endpoint)
    outcome, nodes = bench.run(
        scope_attempts(manifest, STORE_URL), interfere=first_attempt(is_promoted, Pod.lose)
    )
    assert outcome.phase == "Succeeded", [node.log for node in nodes]
    assert json.loads(outcome.parameters["seen"]) == GOOD
    assert attempts_below(bench) == 4


def has_half(pod: Pod) -> bool:
    """Whether it is the member with trouble, in the middle of its work."""
    return pod.step == "member" and pod.inside(f"{OUTPUT}/task.1/frame-9").exists()


def test_a_member_on_a_lost_node_that_goes_on_does_not_mix_in(bench: Bench) -> None:
    """It uploads its own result while its successor, which ends later, works."""
    member = MEMBER.replace("TROUBLE", "pass") + "\nimport time; time.sleep(4 * {{retries}} + 1)"
    manifest = fan_out(bench.name, member, CONSUMER, bench.endpoint)
    outcome, _ = bench.run(
        scope_attempts(manifest, STORE_URL), interfere=first_attempt(has_half, Pod.disconnect)
    )
    assert json.loads(outcome.parameters["seen"]) == GOOD
    assert attempts_below(bench) == 4


def attempts_below(bench: Bench) -> int:
    """Count the attempts that uploaded something into the shared folder."""
    prefix = f"{bench.name}/group/result/"
    parts = {key.removeprefix(prefix).split("/")[0] for key in bench.server.store().list(prefix)}
    return sum(part.startswith("attempt-") for part in parts)


def test_a_store_that_refuses_is_named_with_advice(bench: Bench) -> None:
    manifest = fan_out(bench.name, MEMBER.replace("TROUBLE", "pass"), CONSUMER, bench.endpoint)
    outcome, nodes = bench.run(scope_attempts(manifest, "s3://no-such-bucket"))
    assert outcome.phase == "Failed"
    members = [node for node in nodes if node.template == "member"]
    assert codes(members) == [2, 2, 2]
    for node in members:
        line = node.log.splitlines()[-1]
        assert "NoSuchBucket; make the bucket, or correct its name" in line
