"""Commands that are run, or only shown."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from image_tools.catalogue import ROOT
from nucleops.errors import MissingProgram, ProgramFailed


@dataclass(frozen=True)
class Shell:
    """Runs commands in the project's folder and shows them first.

    Attributes
    ----------
    dry_run : bool
        Show commands as they could be typed, and run none.
    """

    dry_run: bool = False

    def run(self, command: Sequence[str]) -> None:
        """Run a command; what it says is shown as it comes.

        Raises
        ------
        MissingProgram, ProgramFailed
            If it cannot be started, or fails.
        """
        self._show(command)
        if not self.dry_run:
            _finish(command, capture=False)

    def output(self, command: Sequence[str], stdin: str | None = None) -> str:
        """Run a command and return its standard output, stripped; empty where none is run.

        Raises
        ------
        MissingProgram, ProgramFailed
            If it cannot be started, or fails.
        """
        self._show(command)
        return "" if self.dry_run else _finish(command, stdin=stdin)

    def _show(self, command: Sequence[str]) -> None:
        print(f"$ {shlex.join(command)}", flush=True)


def quietly(command: Sequence[str]) -> str | None:
    """Return a command's standard output, None if it cannot be started or fails."""
    try:
        return _finish(command)
    except (MissingProgram, ProgramFailed):
        return None


def _finish(command: Sequence[str], *, capture: bool = True, stdin: str | None = None) -> str:
    pipe = subprocess.PIPE if capture else None
    try:
        done = subprocess.run(
            command, cwd=ROOT, stdout=pipe, stderr=pipe, input=stdin, text=True, check=False
        )
    except OSError as error:
        raise MissingProgram(f"{command[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = (done.stderr or "").strip().splitlines()[-1:]
        raise ProgramFailed(
            f"{shlex.join(command[:3])} ... ended with exit code {done.returncode}"
            + (f": {said[0]}" if said else ""),
        )
    return (done.stdout or "").strip()
