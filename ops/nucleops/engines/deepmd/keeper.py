"""Keeping a training: its checkpoints go to a store, and it is gone on with from there."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nucleops.engines.deepmd.kept import SAVE_NOW, kept_checkpoints
from nucleops.engines.keeping import Keeping
from nucleops.storage.background import Background
from nucleops.storage.checkpoints import CheckpointStore
from nucleops.storage.manifest import Manifest

_SHARE_FOR_STEPS = 0.4
_SHARE_FOR_ALL = 0.85
_PATIENCE_AT_END_S = 60.0
_log = logging.getLogger(__name__)


def decided_by(script: Mapping[str, Any], data: str, init_model: str) -> dict[str, str]:
    """Return all that decides a training, part by part, so that a change can be named.

    Parameters
    ----------
    script : mapping
        DeePMD-kit's ``input.json``.
    data, init_model : str
        Digests of the frames and of the model that it starts from.

    Returns
    -------
    dict of str to str
        ``training.numb_steps`` and the like, as ``input.json`` calls them, to their values.
    """
    parts = {"data": data, "initial model": init_model}
    for section, content in script.items():
        for key, value in content.items():
            if isinstance(value, Mapping):
                parts |= {f"{section}.{key}.{k}": str(v) for k, v in value.items()}
            else:
                parts[f"{section}.{key}"] = str(value)
    return parts


class TrainKeeper:
    """Stores the checkpoints of one training, in the background.

    Parameters
    ----------
    keeping : Keeping
        Where and how often.
    decided : mapping
        What decides the training, see :func:`decided_by`; a checkpoint of another is not gone on
        from.
    versions : mapping
        Programs and their versions, for the record.
    """

    def __init__(
        self, keeping: Keeping, decided: Mapping[str, str], versions: Mapping[str, str]
    ) -> None:
        self._keeping = keeping
        self._store = CheckpointStore(
            keeping.store, keeping.key, dict(decided), decided_by="settings or data"
        )
        self._versions = versions
        self._manifest: Manifest | None = None
        self._saving = Background(self._save, f"checkpoint of {keeping.key}")
        self._offered: Path | None = None
        self._asked: float | None = None
        self.resumed: tuple[int, ...] = ()

    def restore(self, folder: Path, spool: Path) -> int:
        """Put the files of the newest stored checkpoint, and its learning curve, into a folder.

        Parameters
        ----------
        folder : Path
            Where the training is to run.
        spool : Path
            Folder for files on their way; made.

        Returns
        -------
        int
            Step of the checkpoint, 0 where there is none. A torn one is passed over for the one
            before, and one of other settings, data or initial model for none, with a warning.

        Raises
        ------
        StorageUnreachable
            The store does not answer.
        """
        self._folder, self._spool = folder, spool
        self._manifest = self._store.newest(spool)
        if self._manifest is None:
            return 0
        for path in spool.iterdir():
            path.replace(folder / path.name)
        self.resumed = (*self._manifest.resumed, self._manifest.step)
        return self._manifest.step

    def look(self) -> None:
        """Offer what the training has kept; called about twice a second."""
        newest = self._newest()
        if newest is not None and newest != self._offered:
            self._offered = newest
            self._saving.offer(newest)

    def linger(self) -> bool:
        """Whether the training may go on a little after we were told to end.

        It is asked for a checkpoint, and may go on until that is there, for no more than a part of
        the grace period, as storing it takes time as well.
        """
        if self._asked is None:
            self._asked = time.monotonic()
            self._at_first = self._newest()
            (self._folder / SAVE_NOW).touch()
        waited = time.monotonic() - self._asked
        return self._newest() == self._at_first and waited < (
            _SHARE_FOR_STEPS * self._keeping.grace_s
        )

    def close(self) -> None:
        """Store the last checkpoint and stop; called when the training has ended."""
        patience_s = _PATIENCE_AT_END_S
        if self._asked is not None:
            spent = time.monotonic() - self._asked
            patience_s = max(0.5, _SHARE_FOR_ALL * self._keeping.grace_s - spent)
        self.look()
        if not self._saving.finish(patience_s):
            _log.warning("the last checkpoint of %s is not stored", self._keeping.key)

    def _newest(self) -> Path | None:
        found = kept_checkpoints(self._folder)
        return found[-1] if found else None

    def _save(self, checkpoint: Path) -> None:
        step = int(checkpoint.name)
        if self._manifest is not None and step <= self._manifest.step:
            return
        try:
            state = {path.name: path for path in sorted(checkpoint.iterdir())}
            packed = self._store.pack(step, state, [], self._spool, self._manifest)
        except FileNotFoundError:  # a newer one came, for which this one was removed
            return
        self._manifest = self._store.save(packed, self._versions, self.resumed)
