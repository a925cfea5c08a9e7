"""Operators and workflows with which the local backend is tested; imported by its processes."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import List  # noqa: UP035  # dflow knows no other way to say it

from dflow import Step, Steps, Workflow
from dflow.python import (
    OP,
    OPIO,
    Artifact,
    FatalError,
    OPIOSign,
    PythonOPTemplate,
    Slices,
    TransientError,
)

from nucleoflow.backends.local.executor import LocalExecutor
from nucleoflow.runs.folder import RunConfig


def note(ledger: str, word: str, name: str) -> None:
    """Append a line to the ledger that the tests read."""
    with Path(ledger).open("a") as file:
        file.write(f"{word} {name} {time.time():.3f}\n")


class Work(OP):
    """Works for some seconds, in a process of its own group, and keeps a ledger."""

    @classmethod
    def get_input_sign(cls):
        return OPIOSign({"name": str, "seconds": float, "ledger": str})

    @classmethod
    def get_output_sign(cls):
        return OPIOSign({"result": Artifact(Path), "name": str})

    @OP.exec_sign_check
    def execute(self, ip):
        # the program holds the lock too, so that one that outlives this process is noticed
        lock = os.open(f"{ip['ledger']}-{ip['name']}", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            note(ip["ledger"], "collision", ip["name"])
        note(ip["ledger"], "begin", ip["name"])
        program = [sys.executable, "-S", "-c", f"import time; time.sleep({ip['seconds']})"]
        subprocess.run(program, check=True, start_new_session=True, pass_fds=(lock,))
        self.progress_current = 1
        folder = Path(ip["name"])
        folder.mkdir()
        (folder / "value.txt").write_text(ip["name"])
        note(ip["ledger"], "end", ip["name"])
        return OPIO({"result": folder, "name": ip["name"]})


class Flaky(OP):
    """Fails in a way that can pass until it has been tried ``failures`` times."""

    @classmethod
    def get_input_sign(cls):
        return OPIOSign({"failures": int, "ledger": str})

    @classmethod
    def get_output_sign(cls):
        return OPIOSign({"result": Artifact(Path)})

    @OP.exec_sign_check
    def execute(self, ip):
        litter = Path("litter")
        litter.mkdir()  # fails if the last attempt was not cleared away
        note(ip["ledger"], "begin", "flaky")
        if Path(ip["ledger"]).read_text().count("begin flaky") <= ip["failures"]:
            raise TransientError("[storage unreachable] not now")
        note(ip["ledger"], "end", "flaky")
        (litter / "a.txt").write_text("a")
        return OPIO({"result": litter})


class Fatal(OP):
    """Fails in a way that cannot pass."""

    @classmethod
    def get_input_sign(cls):
        return OPIOSign({"name": str, "ledger": str})

    @classmethod
    def get_output_sign(cls):
        return OPIOSign({"result": Artifact(Path)})

    @OP.exec_sign_check
    def execute(self, ip):
        note(ip["ledger"], "begin", "fatal")
        raise FatalError("[SCF not converged] in frame 7")


class Picky(Work):
    """Fails for one of the names."""

    @OP.exec_sign_check
    def execute(self, ip):
        if ip["name"] == "bad":
            note(ip["ledger"], "begin", "bad")
            raise FatalError("[atoms lost] as always")
        return super().execute(ip)


class Gather(OP):
    """Reads what a fan-out has left."""

    @classmethod
    def get_input_sign(cls):
        return OPIOSign({"results": Artifact(List[Path]), "ledger": str})  # noqa: UP006

    @classmethod
    def get_output_sign(cls):
        return OPIOSign({"summary": Artifact(Path)})

    @OP.exec_sign_check
    def execute(self, ip):
        if Path(ip["ledger"] + "-obstacle").exists():
            raise FatalError("[wrong input] there is an obstacle")
        words = sorted((path / "value.txt").read_text() for path in ip["results"])
        note(ip["ledger"], "end", "gather")
        Path("summary.txt").write_text(" ".join(words))
        return OPIO({"summary": Path("summary.txt")})


def _work(
    config: RunConfig, step: str, names: list[str], operator: type[OP] = Work, **arguments
) -> Step:
    seconds = config.options.get("seconds", 0.3)
    return Step(
        step,
        PythonOPTemplate(
            operator,
            command=[sys.executable],
            slices=Slices(
                "int('{{item}}')", input_parameter=["name"], output_artifact=["result"],
                output_parameter=["name"],
            ),
        ),
        parameters={"name": names, "seconds": seconds, "ledger": config.options["ledger"]},
        with_param=range(len(names)),
        **arguments,
    )  # fmt: skip


def fan(config: RunConfig, step: str, names: list[str], keyed: bool = True) -> Steps:
    """A stage: a fan-out, and a step that gathers what it left."""
    steps = Steps(step)
    work = _work(config, "work", names, **({"key": f"{step}-work-{{{{item}}}}"} if keyed else {}))
    steps.add(work)
    template = PythonOPTemplate(Gather, command=[sys.executable])
    template.outputs.artifacts["summary"].global_name = step
    gather = Step(
        "gather",
        template,
        artifacts={"results": work.outputs.artifacts["result"]},
        parameters={"ledger": config.options["ledger"]},
        **({"key": f"{step}-gather"} if keyed else {}),
    )
    steps.add(gather)
    return steps


def build_nested(config: RunConfig) -> Workflow:
    """Three fan-outs of three, side by side; the last without keys."""
    workflow = Workflow("test", id=config.run_id, context=LocalExecutor(retries=0))
    stages = [
        Step(
            f"stage{i}",
            fan(config, f"stage{i}", [f"{i}{j}" for j in range(3)], keyed=i < 2),
            **({"key": f"stage{i}"} if i < 2 else {}),
        )
        for i in range(3)
    ]
    workflow.add(stages)
    return workflow


def build_tolerant(config: RunConfig) -> Workflow:
    """A fan-out that goes on without one of three, and a step that meets an obstacle."""
    workflow = Workflow("test", id=config.run_id)
    names = ["a", "bad", "c"]
    key = "work-{{item}}"
    work = _work(config, "work", names, Picky, key=key, continue_on_success_ratio=0.6)
    workflow.add(work)
    template = PythonOPTemplate(Gather, command=[sys.executable])
    template.outputs.artifacts["summary"].global_name = "summary"
    gather = Step(
        "gather",
        template,
        artifacts={"results": work.outputs.artifacts["result"]},
        parameters={"ledger": config.options["ledger"]},
    )
    workflow.add(gather)
    return workflow


def build_chain(config: RunConfig) -> Workflow:
    """Two stages one after the other, the second with no keys."""
    workflow = Workflow("test", id=config.run_id, context=LocalExecutor(retries=0))
    for i in range(2):
        names = [f"{i}{j}" for j in range(2)]
        workflow.add(Step(f"stage{i}", fan(config, f"stage{i}", names, keyed=i == 0)))
    return workflow


def build_single(config: RunConfig) -> Workflow:
    """One step: ``kind`` is flaky, fatal or slow."""
    workflow = Workflow("test", id=config.run_id)
    options = config.options
    ledger = options["ledger"]
    operator, parameters = {
        "flaky": (Flaky, {"failures": 1, "ledger": ledger}),
        "fatal": (Fatal, {"name": "f", "ledger": ledger}),
        "slow": (Work, {"name": "slow", "seconds": 60.0, "ledger": ledger}),
    }[options["kind"]]
    template = PythonOPTemplate(operator, command=[sys.executable])
    template.outputs.artifacts["result"].global_name = "outcome"
    executor = LocalExecutor(retries=1, backoff_s=0.1, timeout_s=options.get("timeout_s"))
    step = Step("one", template, parameters=parameters, key="one", executor=executor)
    workflow.add(step)
    return workflow
