"""Keeping a run: its checkpoints go to a store while it goes on, and it is gone on with from there.

LAMMPS writes a checkpoint every ``checkpoint_steps`` to its own disk, at the same steps in every
run, for writing one rebuilds the neighbour lists and thereby decides the last bits of what follows.
Every so many *seconds* the newest of them is stored, with what the run has written by that step.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from nucleops.engines.keeping import Keeping
from nucleops.engines.lammps.inputs import CHECKPOINT
from nucleops.engines.lammps.legs import LEG_FILE, Leg, checkpoints, step_of
from nucleops.engines.lammps.positions import Output, Positions
from nucleops.storage.background import Background
from nucleops.storage.checkpoints import CheckpointStore
from nucleops.storage.increments import Piece
from nucleops.storage.manifest import Manifest, physics_digest

_SHARE_FOR_MD = 0.4
_SHARE_FOR_ALL = 0.85
_PATIENCE_AT_END_S = 60.0


class Keeper:
    """Stores the checkpoints of one run, in the background.

    Parameters
    ----------
    keeping : Keeping
        Where and how often.
    physics : mapping
        What decides the dynamics, see :func:`nucleops.engines.lammps.physics.physics_of`.
    versions : mapping
        Programs and their versions, for the record.
    """

    def __init__(
        self, keeping: Keeping, physics: Mapping[str, str], versions: Mapping[str, str]
    ) -> None:
        self._keeping = keeping
        self._store = CheckpointStore(keeping.store, keeping.key, dict(physics))
        self._versions = versions
        self._manifest: Manifest | None = None
        self._saving = Background(self._save, f"checkpoint of {keeping.key}")
        self._files = threading.Lock()
        self._closed = False
        self._asked: float | None = None
        self.resumed: tuple[int, ...] = ()

    def restore(self, folder: Path) -> None:
        """Make a folder what a run leaves that was interrupted at its newest stored checkpoint.

        Parameters
        ----------
        folder : Path
            What is in it is removed: a store is either ahead of it or as far.

        Raises
        ------
        StorageUnreachable
            The store does not answer.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._manifest = self._store.newest(folder)
        if self._manifest is not None:
            self.resumed = (*self._manifest.resumed, self._manifest.step)
            record = {"start_step": 0, "physics": physics_digest(self._store.physics)}
            (folder / LEG_FILE).write_text(json.dumps(record) + "\n", encoding="utf-8")

    def begin(self, folder: Path, leg: Leg, outputs: Sequence[Output]) -> None:
        """Say where the run goes on; called before it does."""
        self._folder = folder
        start = None if leg.checkpoint is None else leg.start_step
        self._positions = Positions(folder, outputs, start)
        # beside the run's folder, for what lies in that is the run's; on its disk, for links
        self._spool = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        self._last_offer = time.monotonic()

    def look(self) -> None:
        """Offer what LAMMPS has written if it is time; called about twice a second."""
        if time.monotonic() - self._last_offer >= self._keeping.interval_s:
            self._offer()

    def linger(self) -> bool:
        """Whether the run may go on a little after we were told to end, for one more checkpoint.

        The newest one there is is stored at once; the run may go on until the next one appears, for
        no more than a part of the grace period, as storing that takes time as well.
        """
        if self._asked is None:
            self._asked = time.monotonic()
            self._at_first = self._newest_step()
            self._offer()
        waited = time.monotonic() - self._asked
        return self._newest_step() == self._at_first and waited < (
            _SHARE_FOR_MD * self._keeping.grace_s
        )

    def close(self, *, keep: bool = True) -> None:
        """Store the last checkpoint and stop; called when LAMMPS has ended.

        Parameters
        ----------
        keep : bool
            Whether what was written since the last stored checkpoint may be gone on from.
        """
        patience_s = _PATIENCE_AT_END_S
        if self._asked is not None:
            spent = time.monotonic() - self._asked
            patience_s = max(0.5, _SHARE_FOR_ALL * self._keeping.grace_s - spent)
        if keep:
            self._offer()
        self._saving.finish(patience_s)
        with self._files:  # what is in writing reads the outputs, which are joined next
            self._closed = True
        shutil.rmtree(self._spool, ignore_errors=True)

    def _newest_step(self) -> int:
        found = checkpoints(self._folder)
        return step_of(found[-1]) if found else -1

    def _offer(self) -> None:
        """Offer the checkpoints there are, newest first: the newest may be ahead of the outputs."""
        stored = -1 if self._manifest is None else self._manifest.step
        found = [path for path in checkpoints(self._folder) if step_of(path) > stored]
        if not found:
            return
        self._last_offer = time.monotonic()
        # LAMMPS' own files are deleted as new ones come
        staged = [_linked(path, self._spool) for path in reversed(found)]
        self._saving.offer([path for path in staged if path is not None])

    def _save(self, staged: Sequence[Path]) -> None:
        with self._files:
            if self._closed:
                return
            self._forget_staged(staged)
            found = self._cut(staged)
            if found is None:
                return
            path, pieces = found
            state = {f"{CHECKPOINT}.{step_of(path)}": path}
            packed = self._store.pack(step_of(path), state, pieces, self._spool, self._manifest)
        self._manifest = self._store.save(packed, self._versions, self.resumed)
        self._positions.advance(pieces, packed.step)

    def _cut(self, staged: Sequence[Path]) -> tuple[Path, list[Piece]] | None:
        for path in staged:
            if self._manifest is not None and step_of(path) <= self._manifest.step:
                return None
            pieces = self._positions.pieces(step_of(path))
            if pieces is not None:
                return path, pieces
        return None

    def _forget_staged(self, kept: Sequence[Path]) -> None:
        oldest = min(step_of(path) for path in kept)
        for path in self._spool.glob(f"{CHECKPOINT}.*"):
            if step_of(path) < oldest:
                path.unlink(missing_ok=True)


def _linked(path: Path, folder: Path) -> Path | None:
    target = folder / path.name
    if target.exists():
        return target
    try:
        os.link(path, target)
    except FileNotFoundError:
        return None
    except OSError:
        shutil.copyfile(path, target)
    return target
