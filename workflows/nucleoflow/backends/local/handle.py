"""A run on this machine, as the commands handle it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from nucleoflow.backends.local.resources import machine_limits
from nucleoflow.backends.local.run import stop_run
from nucleoflow.backends.local.table import Watcher, run_state, step_log
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.handle import refuse_live
from nucleops.errors import ProgramFailed, WrongInput


class LocalRun:
    """One run on this machine; see :class:`nucleoflow.runs.handle.Run`.

    Parameters
    ----------
    folder : RunFolder
        Its folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    @property
    def slots(self) -> int:
        """Cores that it may use."""
        limits = self.folder.read("run").get("limits") or {}
        return limits.get("cores") or machine_limits().cores

    def state(self) -> str:
        """Return its state."""
        return run_state(self.folder)

    def watch(self) -> Watcher:
        """Begin to follow it."""
        return Watcher(self.folder)

    def log(self, step: str | None, *, follow: bool) -> Iterator[str]:
        """Yield pieces of the log of a step, or of the controller."""
        path = step_log(self.folder, step) if step else self.folder.log
        if not path.is_file():
            raise ProgramFailed(f"there is no log yet: {path}")
        with path.open(encoding="utf-8", errors="backslashreplace") as log:
            while True:
                ends = not follow or self.state() != "running"
                while text := log.read(65_536):
                    yield text
                if ends:
                    return
                time.sleep(0.5)

    def stop(self) -> bool:
        """End it and all its processes; steps get time to end themselves."""
        return stop_run(self.folder)

    def terminate(self) -> bool:
        """End it and all its processes at once."""
        return stop_run(self.folder, patience_s=0.0)

    def download(self, products: tuple[str, ...]) -> Path:
        """Say where the results are: they never were elsewhere.

        Raises
        ------
        WrongInput
            One of the products is not there.
        """
        for product in products:
            if not (self.folder.results / product).is_dir():
                there = ", ".join(sorted(path.name for path in self.folder.results.glob("*")))
                raise WrongInput(
                    f"run {self.folder.id} has no results of '{product}'",
                    advice=f"it has: {there or 'none yet'}",
                )
        return self.folder.results

    def delete(self, *, artifacts: bool) -> list[str]:
        """Remove its folder, and with it everything there is of it.

        Raises
        ------
        WrongInput
            It runs.
        """
        refuse_live(self.state(), self.folder.id, "delete")
        shutil.rmtree(self.folder.path)
        return [str(self.folder.path)]
