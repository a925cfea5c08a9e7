"""Stay with a run until it ends, and say how it ended."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from nucleoflow.backends.local.attempt import tail
from nucleoflow.backends.local.run import Launched
from nucleoflow.backends.local.table import Watcher
from nucleoflow.cli.common import duration, reason
from nucleoflow.cli.view import LiveView, PlainView, View
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.handle import Run
from nucleoflow.runs.moment import RunStatus

INTERRUPTED_EXIT = 130
_LOG_LINES = 15


def follow(launched: Launched, *, plain: bool) -> int:
    """Show a run until it ends.

    Parameters
    ----------
    launched : Launched
        The run, started by this process.
    plain : bool
        A line for every event instead of a live table; so it is without a terminal anyway.

    Returns
    -------
    int
        The exit code: 0 only if the run succeeded, 130 if it was interrupted.

    Notes
    -----
    Ctrl-C ends all processes of the run and leaves it resumable; a second one does so at once.
    """
    console = Console()
    limits = launched.run.read("run").get("limits") or {}
    view: View = PlainView(console)
    if not plain and console.is_terminal:
        from nucleoflow.backends.local.resources import machine_limits

        view = LiveView(console, machine_limits(limits.get("cores"), limits.get("gpus")).cores)
    console.print(f"run {launched.run.id}", highlight=False)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _as_interrupt)
    watcher = Watcher(launched.run)
    view.start()
    try:
        _watch(launched, watcher, view)
        status = watcher.look()
        view.update(status, watcher.news)
    finally:
        view.stop()
    return conclude(status, console)


def watch(run: Run, *, plain: bool) -> int:
    """Show a run until it ends, without being needed by it; returns the exit code.

    Ctrl-C ends the watching, not the run.
    """
    console = Console()
    view: View = PlainView(console)
    if not plain and console.is_terminal:
        view = LiveView(console, run.slots)
    watching = run.watch()
    console.print(f"run {run.folder.id}", highlight=False)
    view.start()
    try:
        while True:
            status = watching.look()
            view.update(status, watching.news)
            if status.state not in ("pending", "running"):
                break
            time.sleep(watching.pause_s)
    except KeyboardInterrupt:
        view.stop()
        _say(console, f"the run goes on; watch it again with: nucleoflow watch {run.folder.id}")
        return INTERRUPTED_EXIT
    finally:
        view.stop()
    return conclude(status, console)


def _as_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _watch(launched: Launched, watcher: Watcher, view: View) -> None:
    while True:
        try:
            while launched.controller.poll() is None:
                status = watcher.look()
                view.update(status, watcher.news)
                time.sleep(0.5)
        except KeyboardInterrupt:
            launched.controller.terminate()
            print("stopping all steps; press Ctrl-C again to kill them", file=sys.stderr)
        else:
            return


def conclude(status: RunStatus, console: Console) -> int:
    """Say how a run ended; returns the exit code."""
    run = status.run
    took = duration(status.ended - status.started) if status.ended and status.started else ""
    if status.state == "succeeded":
        console.print(f"[green]succeeded[/green] in {took}", highlight=False)
        if run.report is not None:
            _say(console, f"report: {run.report}")
        elif run.results.is_dir():
            _say(console, f"results: {run.results}")
        elif status.address:
            _say(console, f"bring the results here with: {command('download', run)}")
        return 0
    if status.state == "interrupted":
        console.print("[yellow]interrupted[/yellow]; nothing of it runs any more", highlight=False)
        _say(console, resume_hint(run))
        return INTERRUPTED_EXIT
    if status.state == "lost" and status.problem:
        console.print("[bold red]lost[/bold red]", highlight=False)
        _say(console, str(status.problem.get("message", "")))
        return 1
    if status.state == "lost":
        console.print("[bold red]the controller ended without a word[/bold red]", highlight=False)
        _say(console, f"log: {run.log}")
    else:
        console.print(f"[bold red]failed[/bold red] after {took}", highlight=False)
        explain_failure(status, console)
    _say(console, resume_hint(run))
    return status.exit_code if status.exit_code in (1, 2) else 1


def explain_failure(status: RunStatus, console: Console) -> None:
    """Print which step failed, why, and the end of its log."""
    failures = status.failures
    if failures and not status.problem:
        first = failures[0]
        _say(console, f"step: {first.key}  ({first.place or first.name})")
        _say(console, f"reason: {reason(first.kind, first.message)}")
        if first.log:
            _show_log(console, Path(first.log))
        else:
            _say(console, f"log: {command('logs', status.run, first.key)}")
        if len(failures) > 1:
            others = ", ".join(task.key for task in failures[1:9])
            _say(console, f"{len(failures) - 1} more failed: {others}")
        return
    if status.problem:
        kind, message = status.problem.get("kind", ""), status.problem.get("message", "")
        _say(console, f"reason: {reason(kind, message)}")
    if not status.address:
        _show_log(console, status.run.log)


def _show_log(console: Console, path: Path) -> None:
    _say(console, f"log: {path}")
    if path.is_file():
        for line in tail(path).splitlines()[-_LOG_LINES:]:
            console.print(f"  | {line}", markup=False, highlight=False, soft_wrap=True, style="dim")


def resume_hint(run: RunFolder) -> str:
    """Say how a run is continued."""
    return f"continue with: {command('resume', run)}"


def command(verb: str, run: RunFolder, *words: str) -> str:
    """Write a command about a run as a user has to type it."""
    from nucleoflow.runs.folder import runs_root

    where = [] if runs_root() == run.path.parent else ["--runs", str(run.path.parent)]
    if not (run.path / "run.json").is_file():
        where += ["--profile", "FILE"]  # only the cluster knows it
    return " ".join(["nucleoflow", verb, run.id, *words, *where])


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
