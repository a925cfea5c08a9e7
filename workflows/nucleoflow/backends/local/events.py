"""What happened in a run, one JSON object a line, appended by many processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = "events.jsonl"


def append(run: Path, event: str, **fields: Any) -> None:
    """Append one event.

    Parameters
    ----------
    run : Path
        The run folder.
    event : str
        For steps ``queued``, ``started``, ``attempt-failed``, ``succeeded``, ``failed``,
        ``interrupted`` or ``skipped``; for the run ``run-started`` and ``run-ended``.
    **fields
        Anything that JSON can hold.

    Notes
    -----
    One ``write`` to a descriptor opened for appending: lines of different processes never mix.
    """
    record = {"time": round(time.time(), 3), "event": event, **fields}
    line = json.dumps(record, ensure_ascii=True) + "\n"
    descriptor = os.open(run / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode("ascii"))
    finally:
        os.close(descriptor)


class Reader:
    """Follow the events of a run.

    Parameters
    ----------
    run : Path
        The run folder.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / FILE
        self._offset = 0

    def new(self) -> Iterator[dict[str, Any]]:
        """Yield the events since the last call; a line still being written waits for the next."""
        if not self._path.is_file():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                self._offset += len(line)
                try:
                    record = json.loads(line)
                except ValueError:
                    continue  # torn by a crash of the machine
                if isinstance(record, dict):
                    yield record
