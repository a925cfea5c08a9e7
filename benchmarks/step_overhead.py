"""What a step of the local backend costs beside a step of bare dflow debug mode.

Both run the same trivial operators one after the other, in turns, in one go; read the ratio, not
the seconds::

    .venv/bin/python benchmarks/step_overhead.py
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dflow import Step, Steps, Workflow, config
from dflow.python import PythonOPTemplate

from nucleoflow.backends.local.run import RunRequest, start_run
from nucleoflow.runs.folder import RunConfig

STEPS = 5
TURNS = 3
OPERATOR = """
from dflow.python import OP, OPIO, OPIOSign


class Nothing(OP):
    @classmethod
    def get_input_sign(cls):
        return OPIOSign({})

    @classmethod
    def get_output_sign(cls):
        return OPIOSign({})

    @OP.exec_sign_check
    def execute(self, ip):
        return OPIO({})
"""


def steps() -> Steps:
    """Make the trivial steps."""
    import nothing_operator

    chain = Steps("bench")
    for i in range(STEPS):
        template = PythonOPTemplate(nothing_operator.Nothing, command=[sys.executable])
        chain.add(Step(f"step-{i}", template=template, key=f"step-{i}"))
    return chain


def build(run: RunConfig) -> Workflow:
    """Make the workflow for the local backend."""
    return Workflow("bench", steps=steps(), id=run.run_id)


def bare(folder: Path) -> float:
    """Run the steps in bare debug mode; return wall-clock seconds for each."""
    config.update(mode="debug", debug_workdir=str(folder))
    workflow = Workflow("bench", steps=steps())
    begun = time.perf_counter()
    workflow.submit()
    assert workflow.query_status() == "Succeeded"
    return (time.perf_counter() - begun) / STEPS


def supervised(folder: Path) -> float:
    """Run the steps in the local backend; return seconds from first start to last end."""
    request = RunRequest("bench", study="", digest="", builder="step_overhead:build")
    launched = start_run(request, folder)
    launched.controller.wait()
    lines = (launched.run.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert events[-1]["state"] == "succeeded"
    begun = min(e["time"] for e in events if e["event"] == "queued")
    ended = max(e["time"] for e in events if e["event"] == "succeeded")
    return (ended - begun) / STEPS


def main() -> None:
    """Print seconds for each kind, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "nothing_operator.py").write_text(OPERATOR)
        here = [folder, str(Path(__file__).parent)]
        sys.path[:0] = here
        os.environ["PYTHONPATH"] = os.pathsep.join(here)
        times: dict[Callable[[Path], float], list[float]] = {bare: [], supervised: []}
        for turn in range(TURNS):
            for kind, seconds in times.items():
                seconds.append(kind(Path(folder) / f"{kind.__name__}-{turn}"))
    theirs, ours = statistics.median(times[bare]), statistics.median(times[supervised])
    print(f"bare dflow debug mode: {theirs:.2f} s a step")
    print(f"local backend:         {ours:.2f} s a step, {ours / theirs:.2f} times the bare one")


if __name__ == "__main__":
    main()
