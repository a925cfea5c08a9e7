"""What can be done with a run, wherever it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.moment import RunStatus


class Watching(Protocol):
    """Follows a run; every look costs what has changed since the last where that can be."""

    news: list[dict[str, Any]]
    """Events since the look before the last, as in ``events.jsonl``."""
    pause_s: float
    """Seconds to wait between looks."""

    def look(self) -> RunStatus:
        """Return the state now."""
        ...


class Run(Protocol):
    """One run."""

    folder: RunFolder

    @property
    def slots(self) -> int:
        """How many single-core tasks can run at once."""
        ...

    def state(self) -> str:
        """Return its state; see :class:`RunStatus`."""
        ...

    def watch(self) -> Watching:
        """Begin to follow it."""
        ...

    def log(self, step: str | None, *, follow: bool) -> Iterator[str]:
        """Yield pieces of the log of a step, or of the run; ``follow`` goes on while it runs."""
        ...

    def stop(self) -> bool:
        """End it so that it can be resumed; returns whether it was running."""
        ...

    def terminate(self) -> bool:
        """End it now; returns whether it was running."""
        ...

    def download(self, products: tuple[str, ...]) -> Path:
        """Bring results to the run's folder, all or some by name; returns where they are."""
        ...

    def delete(self, *, artifacts: bool) -> list[str]:
        """Remove it, and say what was removed.

        Parameters
        ----------
        artifacts : bool
            What it stored elsewhere too.
        """
        ...


def refuse_live(state: str, run_id: str, verb: str) -> None:
    """Raise ``WrongInput`` if a run that has to have ended goes on."""
    from nucleops.errors import WrongInput

    if state in ("running", "pending"):
        raise WrongInput(
            f"run {run_id} is {state}; '{verb}' needs one that has ended",
            advice=f"end it with 'nucleoflow stop {run_id}'",
        )
