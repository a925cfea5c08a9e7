"""What is known about runs and their steps, read from their folders."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

from nucleoflow.backends.local import lock
from nucleoflow.backends.local.attempt import LOG, PROGRESS
from nucleoflow.backends.local.events import Reader
from nucleoflow.backends.local.steptree import (
    StepNode,
    parents,
    read_node,
    read_word,
    step_folders,
    tolerated,
)
from nucleoflow.runs.find import find_task
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import FINAL, Group, RunStatus, Task
from nucleoflow.runs.rounds import data_of, reported_output, rounds_of


def run_state(run: RunFolder) -> str:
    """Return the state of a run; see :class:`RunStatus`."""
    if lock.controller_pid(run) is not None:
        return "running"
    return str(run.read("result").get("state", "lost"))


class Watcher:
    """Follow a run; every look costs what has changed since the last.

    Parameters
    ----------
    run : RunFolder
        The run.
    """

    pause_s = 0.5

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        self._reader = Reader(run.path)
        self._tasks: dict[str, Task] = {}
        self._nodes: dict[str, StepNode] = {}
        self._outputs: dict[str, dict[str, Any]] = {}
        self._started: float | None = None
        self.news: list[dict[str, Any]] = []

    def look(self) -> RunStatus:
        """Return the state now; :attr:`news` holds the events since the last look."""
        state = run_state(self.run)
        self.news = list(self._reader.new())
        for event in self.news:
            self._apply(event)
        self._read_folders()
        self._mark_tolerated()
        result = self.run.read("result")
        tasks = [task for key, task in self._tasks.items() if key in self._nodes or task.attempts]
        for task in tasks:
            if task.state not in FINAL:
                _refresh(task, self.run, state)
        reported = self._reported()
        return RunStatus(
            run=self.run,
            meta=self.run.read("run"),
            state=state,
            exit_code=result.get("exit_code"),
            problem=self.run.read("problem"),
            tasks=tasks,
            groups=self._groups(),
            rounds=rounds_of(reported),
            data=data_of(reported),
            started=self._started,
            ended=result.get("ended"),
        )

    def _task(self, key: str) -> Task:
        if key not in self._tasks:
            log = str(self.run.steps / key / LOG)
            self._tasks[key] = Task(key, key, log=log)
        return self._tasks[key]

    def _apply(self, event: dict[str, Any]) -> None:
        kind = event["event"]
        if kind == "run-started":
            self._started = self._started or event["time"]
        if "step" not in event or kind == "skipped":
            return
        task = self._task(event["step"])
        task.name = event.get("name") or task.name
        task.cores = event.get("cores", task.cores)
        if kind == "started":
            task.attempts += 1
            task.started, task.ended = event["time"], None
        elif kind != "queued":
            task.ended = event["time"]
        task.state = {"started": "running", "attempt-failed": "retrying"}.get(kind, kind)
        task.kind, task.message = event.get("kind", ""), event.get("message", "")

    def _read_folders(self) -> None:
        folders = step_folders(self.run.steps)
        present = {folder.name for folder in folders}
        for key in set(self._nodes) - present:
            del self._nodes[key]
        for folder in folders:
            known = self._nodes.get(folder.name)
            if known is None or not known.name or known.phase != "Succeeded":
                self._nodes[folder.name] = read_node(folder)
        open_groups = [f for f in folders if not self._nodes[f.name].is_leaf]
        holder = parents(self.run.steps, open_groups)
        for key, node in self._nodes.items():
            if node.is_leaf:
                task = self._task(key)
                task.name = node.name or task.name
                task.path = self._path(key, holder)
                if node.phase == "Succeeded":
                    task.state = "succeeded"
        self._holder = holder

    def _mark_tolerated(self) -> None:
        failed = [task for task in self._tasks.values() if task.state == "failed"]
        if failed:
            without = tolerated(self.run.steps, step_folders(self.run.steps))
            for task in failed:
                task.tolerated = task.key in without

    def _path(self, key: str, holder: dict[str, str]) -> tuple[str, ...]:
        names: list[str] = []
        seen = {key}
        while (key := holder.get(key, "")) and key not in seen:
            seen.add(key)
            names.insert(0, self._nodes[key].name or key)
        return tuple(names)

    def _groups(self) -> list[Group]:
        return [
            Group(key, node.name, self._path(key, self._holder), node.phase)
            for key, node in self._nodes.items()
            if not node.is_leaf
        ]

    def _reported(self) -> dict[str, dict[str, Any]]:
        """What finished steps of concurrent learning say about it; read once each."""
        for key, task in self._tasks.items():
            output = reported_output(key)
            if output and task.state == "succeeded" and key not in self._outputs:
                text = read_word(self.run.steps / key / "outputs" / "parameters" / output)
                self._outputs[key] = json.loads(text) if text else {}
        return self._outputs


def _refresh(task: Task, run: RunFolder, state: str) -> None:
    text = read_word(run.steps / task.key / PROGRESS)
    with contextlib.suppress(ValueError):
        done, total = text.split("/")
        task.progress = (int(done), int(total))
    if state != "running" and task.state != "pending":
        task.state = "interrupted"


def run_status(run: RunFolder) -> RunStatus:
    """Return the state of a run and all its tasks now."""
    return Watcher(run).look()


def step_log(run: RunFolder, key: str) -> Path:
    """Return the log of a step; ``key`` may be the beginning or the name of the step.

    Raises
    ------
    WrongInput
        No step, or more than one, is meant, or it has not started yet.
    """
    task = find_task(run_status(run), key, lambda task: Path(task.log).is_file())
    return Path(task.log)
