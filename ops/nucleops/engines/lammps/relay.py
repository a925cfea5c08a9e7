"""Carrying hills between walkers of Colvars, whole hills only and every one of them.

Colvars reads the files of other walkers while they are being written: a hill of which it sees the
first half ends its run, and what a walker lays between another's last look and its own end is never
read, because the file is emptied then. So no walker is told of another's files. Each has a registry
of its own, which names copies that a thread of ours keeps up to date: they hold whole hills only,
and what is left in an emptied file is read through the descriptor that is still open.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from nucleops.bias.colvars_metad import METAD, registry_file
from nucleops.engines.lammps.inputs import COLVARS_PREFIX

_INTERVAL_S = 0.2
_PAGE = 4096
_END_OF_HILL = b"}\n"


class HillRelay:
    """A context in which the hills of each walker reach the others.

    Parameters
    ----------
    exchange : Path
        Folder of the copies; beside the folders of the walkers.
    folders : sequence of Path
        Where the walkers run, or will.
    """

    def __init__(self, exchange: Path, folders: Sequence[Path]) -> None:
        self._sources = [_Source(exchange, folder, k) for k, folder in enumerate(folders)]
        self._exchange = exchange
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._carry_on, name="hill-relay", daemon=True)

    def __enter__(self) -> HillRelay:
        """Write the registries and begin to carry."""
        for k in range(len(self._sources)):
            others = [source for source in self._sources if source.number != k]
            lines = [f"{other.number} ../{self._exchange.name}/{other.name}" for other in others]
            text = "\n".join(lines) + "\n"
            registry_file(self._exchange, k).write_text(text, encoding="ascii")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Carry what is left, and stop."""
        self._done.set()
        self._thread.join()
        self._carry_all()
        for source in self._sources:
            source.close()

    def _carry_on(self) -> None:
        while not self._done.wait(_INTERVAL_S):
            self._carry_all()

    def _carry_all(self) -> None:
        for source in self._sources:
            # what is in the way of one walker's hills must not keep the others'
            with contextlib.suppress(OSError):
                source.carry()


class _Source:
    """Where the hills of one walker come from, and the copies that the others read."""

    def __init__(self, exchange: Path, folder: Path, number: int) -> None:
        self.number = number
        self.name = f"walker.{number}.files.txt"
        prefix = folder / f"{COLVARS_PREFIX}.colvars.{METAD}.{number}"
        self._state = prefix.with_name(prefix.name + ".state")
        self._hills = prefix.with_name(prefix.name + ".hills")
        self._exchange = exchange
        self._copied_state = exchange / f"walker.{number}.state"
        self._copied_hills = exchange / f"walker.{number}.hills"
        self._reading: BinaryIO | None = None
        self._writing: BinaryIO | None = None
        self._rest = b""

    def carry(self) -> None:
        """Copy the hills that have become whole since the last time."""
        if self._writing is None and not self._announce():
            return
        for _ in range(2):  # the file that was emptied meanwhile, then its successor
            if self._reading is None:
                with contextlib.suppress(FileNotFoundError):
                    self._reading = self._hills.open("rb")
            if self._reading is None:
                return
            emptied = self._is_another()
            self._copy(self._reading.read())
            if not emptied:
                return
            self._reading.close()
            self._reading = None

    def close(self) -> None:
        """Let go of the files."""
        for file in (self._reading, self._writing):
            if file is not None:
                file.close()

    def _announce(self) -> bool:
        """Name the copies to the others, once there is the state that the walker began with."""
        if not self._state.is_file():  # it appears whole, by renaming
            return False
        try:
            os.link(self._state, self._copied_state)
        except OSError:
            shutil.copyfile(self._state, self._copied_state)
        # unbuffered: a hill becomes visible by a single write
        self._writing = self._copied_hills.open("ab", buffering=0)
        here = f"../{self._exchange.name}"
        text = f"stateFile {here}/{self._copied_state.name}\n"
        text += f"hillsFile {here}/{self._copied_hills.name}\n"
        new = self._exchange / f".{self.name}"
        new.write_text(text, encoding="ascii")
        new.replace(self._exchange / self.name)
        return True

    def _is_another(self) -> bool:
        """Whether the file by this name is no longer the one that is being read."""
        assert self._reading is not None
        try:
            return self._hills.stat().st_ino != os.fstat(self._reading.fileno()).st_ino
        except FileNotFoundError:
            return True

    def _copy(self, new: bytes) -> None:
        assert self._writing is not None
        *whole, self._rest = (self._rest + new).split(_END_OF_HILL)
        size = self._writing.seek(0, os.SEEK_END)
        for hill in whole:
            text = hill + _END_OF_HILL
            # an append shows all at once where it stays within a page of the file; blank lines
            # between hills mean nothing
            if size % _PAGE + len(text) > _PAGE:
                size += self._writing.write(b"\n" * (_PAGE - size % _PAGE))
            size += self._writing.write(text)
