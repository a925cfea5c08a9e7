"""Start runs of the test workflows as a user does, and read what they leave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nucleoflow.backends.local.lock import controller_pid
from nucleoflow.backends.local.processes import members_of_run
from nucleoflow.runs.folder import RunFolder, all_runs

HERE = Path(__file__).parent


class Bench:
    """A folder of runs, and a ledger in which the operators write what they do."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "runs"
        self.ledger_path = folder / "ledger"
        self.ledger_path.touch()
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(HERE),
            "NUCLEOFLOW_RUNS": str(self.root),
            "NUCLEOFLOW_GRACE_S": "3",
        }

    def start(self, builder: str, **options: Any) -> subprocess.Popen[str]:
        """Start a run in the foreground of a new process."""
        options = {"ledger": str(self.ledger_path), **options}
        command = [str(HERE / "local_main.py"), str(self.root), builder, json.dumps(options)]
        return self._spawn([sys.executable, *command])

    def nucleoflow(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command line."""
        return self._spawn([sys.executable, "-m", "nucleoflow.cli.app", *arguments])

    def _spawn(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.root.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # a shell that runs the tests in its background has them ignore Ctrl-C
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    @property
    def run(self) -> RunFolder:
        """The only run."""
        (run,) = all_runs(self.root)
        return run

    def lines(self, word: str) -> list[tuple[str, float]]:
        """Names and times of a kind of entry in the ledger."""
        entries = [line.split() for line in self.ledger_path.read_text().splitlines()]
        return [(name, float(at)) for kind, name, at in entries if kind == word]

    def count(self, word: str) -> Counter[str]:
        """How often each name has an entry of a kind."""
        return Counter(name for name, _ in self.lines(word))

    def events(self, event: str) -> list[dict[str, Any]]:
        """Events of a kind."""
        text = (self.run.path / "events.jsonl").read_text()
        records = [json.loads(line) for line in text.splitlines()]
        return [record for record in records if record["event"] == event]

    def wait_for(self, condition: Callable[[], object], patience_s: float = 30.0) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < deadline, self.explain()
            time.sleep(0.02)

    def is_controlled(self) -> bool:
        """Whether the run exists and has a living controller."""
        return bool(all_runs(self.root)) and controller_pid(self.run) is not None

    def wait_until_dead(self) -> None:
        """Wait until no process of the run is left."""
        self.wait_for(lambda: not members_of_run(self.run.path))

    def explain(self) -> str:
        """Everything known, for the message of a failed test."""
        log = self.run.log.read_text() if all_runs(self.root) else ""
        return f"{self.ledger_path.read_text()}\n{log}"

    def check_exactly_once(self) -> None:
        """No finished step was begun again, and no two copies of one ran at once."""
        succeeded = Counter(event["step"] for event in self.events("succeeded"))
        assert succeeded
        assert set(succeeded.values()) == {1}
        finished = {event["step"]: event["time"] for event in self.events("succeeded")}
        for event in self.events("started"):
            assert event["time"] <= finished.get(event["step"], event["time"])
        assert not self.lines("collision")
