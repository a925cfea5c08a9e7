"""What interrupted AIMD goes on from: CP2K's restart file, and what had been written by then."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from nucleops.engines.cp2k.identity import program_of_log
from nucleops.engines.cp2k.inputs import PROJECT, RESTART
from nucleops.engines.cp2k.log import read_log
from nucleops.engines.keeping import Keeping
from nucleops.errors import NucleoError
from nucleops.storage.checkpoints import CheckpointStore
from nucleops.storage.increments import Piece
from nucleops.storage.manifest import Manifest

COST = "cost.json"
"""What the parts that are done have cost."""
OUTPUTS = ("aimd.out", f"{PROJECT}-1.ener", f"{PROJECT}-frc-1.xyz", f"{PROJECT}-pos-1.xyz")
"""Files that CP2K appends to, part by part."""
_log = logging.getLogger(__name__)


class AimdKeeper:
    """Stores the parts of one run as they are done.

    Parameters
    ----------
    keeping : Keeping
        Where.
    decided : mapping
        What decides the run; the parts of another are not gone on from.
    """

    def __init__(self, keeping: Keeping, decided: Mapping[str, str]) -> None:
        self._key = keeping.key
        self._store = CheckpointStore(
            keeping.store, keeping.key, dict(decided), decided_by="settings or atoms"
        )
        self._manifest: Manifest | None = None
        self._versions: Mapping[str, str] = {}
        self._resumed: tuple[int, ...] = ()

    def restore(self, folder: Path) -> int:
        """Put what the parts that are done have left into an empty folder.

        Returns
        -------
        int
            Steps that are done; 0 where nothing is kept.

        Raises
        ------
        StorageUnreachable
            The store does not answer; to begin anew could throw days of work away.
        """
        self._manifest = self._store.newest(folder)
        if self._manifest is None:
            return 0
        self._versions = self._manifest.versions
        self._resumed = (*self._manifest.resumed, self._manifest.step)
        return self._manifest.step

    def save(self, folder: Path, step: int) -> None:
        """Store what a run has left at the end of a part; that it cannot be stored is no failure.

        Parameters
        ----------
        folder : Path
            Where it runs.
        step : int
            Steps that are done.
        """
        before = self._manifest
        positions = before.positions if before else {}
        pieces = []
        for name in OUTPUTS:
            path, start = folder / name, positions.get(name, 0)
            pieces.append(Piece(name, path, start, path.stat().st_size - start))
        spool = folder / "spool"
        spool.mkdir(exist_ok=True)
        state = {name: folder / name for name in (RESTART, COST)}
        if before is None:  # later parts are not read for it: the log grows
            self._versions = {"cp2k": program_of_log(read_log(folder / "aimd.out"))}
        try:
            packed = self._store.pack(step, state, pieces, spool, before)
            self._manifest = self._store.save(packed, self._versions, self._resumed)
        except NucleoError as error:
            _log.warning("step %d of %s is not kept: %s", step, self._key, error.message)
