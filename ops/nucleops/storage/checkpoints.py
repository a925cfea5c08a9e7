"""Checkpoints of a long run in a store: what a run is gone on with from, wherever it ran before.

One checkpoint is a state (what the program itself needs to go on) and what the run had written to
its outputs by then. Outputs only ever grow, so each checkpoint stores what is new as one increment
(see :mod:`nucleops.storage.increments`), and costs the same whether the run is young or old::

    <key>/<physics>/increment-<step>-<try>.tar    what came to the outputs
    <key>/<physics>/state-<step>-<try>.tar        the program's own files
    <key>/<physics>/manifest-<step>-<try>.json    written last: the checkpoint exists

``<physics>`` is the digest of all that decides how the run goes on; a run of other physics neither
sees these checkpoints nor removes them before it has ended. ``<try>`` is another each time that one
is written, so that no try, nor an attempt which was given up and still writes, overwrites anything.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nucleops.errors import DamagedObject, MissingObject, NucleoError, StorageUnreachable
from nucleops.storage.archives import unpack
from nucleops.storage.increments import Piece, StoredFile, digest_of, restore_outputs, write_tar
from nucleops.storage.manifest import Manifest, differences, physics_digest
from nucleops.storage.objects import ObjectStore
from nucleops.storage.retrying import fetched

KEPT = 2
"""Checkpoints kept: the newest, and the one before it in case the newest is torn."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packed:
    """What a checkpoint consists of, as files on the way to the store.

    Attributes
    ----------
    step : int
        MD step.
    state, increment : Path
        The two tars; no increment where nothing came to the outputs.
    before : StoredFile or None
        The increment before.
    positions : dict of str to int
        Length in bytes of every output at this step.
    """

    step: int
    state: Path
    increment: Path | None
    before: StoredFile | None
    positions: dict[str, int]


@dataclass
class CheckpointStore:
    """The checkpoints of one run.

    Parameters
    ----------
    store : ObjectStore
        Where they are.
    key : str
        The run: stage, name and number.
    physics : dict of str to str
        What decides how the run goes on, part by part: name -> value or digest.
    patience : int
        Tries of each reading before an object counts as damaged or the store as unreachable.
    decided_by : str
        What the physics is called in the warning that it changed.
    """

    store: ObjectStore
    key: str
    physics: dict[str, str]
    patience: int = 8
    decided_by: str = "physics"
    _whole: list[str] = field(default_factory=list)

    @property
    def folder(self) -> str:
        """What stands before the keys of this physics."""
        return f"{self.key}/{physics_digest(self.physics)[:16]}"

    def pack(
        self,
        step: int,
        state: Mapping[str, Path],
        pieces: Sequence[Piece],
        spool: Path,
        before: Manifest | None,
    ) -> Packed:
        """Copy what a checkpoint consists of to files that nobody else touches.

        Parameters
        ----------
        step : int
            MD step.
        state : mapping
            The program's own files by the names that they are restored under.
        pieces : sequence of Piece
            What came to the outputs since ``before``.
        spool : Path
            Folder for the files.
        before : Manifest or None
            The checkpoint that this one adds to; None for the first.
        """
        positions = dict(before.positions) if before else {}
        newest = before.newest if before else None
        stem = f"{step:012d}-{secrets.token_hex(4)}"
        for piece in pieces:
            positions[piece.name] = positions.get(piece.name, 0) + piece.size
        increment = None
        if any(piece.size for piece in pieces):
            increment = spool / f"increment-{stem}.tar"
            write_tar(increment, pieces, newest)
        packed = spool / f"state-{stem}.tar"
        write_tar(packed, [Piece(n, path, 0, path.stat().st_size) for n, path in state.items()])
        return Packed(step, packed, increment, newest, positions)

    def save(
        self, packed: Packed, versions: Mapping[str, str], resumed: Sequence[int] = ()
    ) -> Manifest:
        """Store a checkpoint, its manifest last, and remove all but the last two.

        Parameters
        ----------
        packed : Packed
            From :meth:`pack`; its files are removed, also where storing them fails.
        versions : mapping
            Programs and their versions.
        resumed : sequence of int
            Steps at which the run was gone on with.

        Raises
        ------
        StorageUnreachable, WrongInput
            From the store; nothing has changed for a reader then.
        """
        stem = packed.state.name.removeprefix("state-").removesuffix(".tar")
        written = packed.state.with_name(f"manifest-{stem}.json")
        try:
            manifest = Manifest(
                packed.step,
                dict(self.physics),
                dict(versions),
                self._put(packed.state),
                packed.before if packed.increment is None else self._put(packed.increment),
                packed.positions,
                tuple(resumed),
                time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            )
            written.write_bytes(manifest.to_bytes())
            self._whole.append(self._put(written).key)
        finally:
            # tries that fail while the store is away must not fill the disk
            for path in filter(None, (packed.increment, packed.state, written)):
                path.unlink(missing_ok=True)
        # the checkpoint is there; what could not be removed is removed with the next
        with contextlib.suppress(NucleoError):
            self._prune()
        return manifest

    def newest(self, folder: Path) -> Manifest | None:
        """Restore the newest checkpoint that is whole.

        Parameters
        ----------
        folder : Path
            New or empty; gets the outputs, cut back to the checkpoint, and the state's files.

        Returns
        -------
        Manifest or None
            What was restored; None where there is nothing to go on from, and ``folder`` is empty.
            A torn checkpoint is passed over for the one before, with a warning.

        Raises
        ------
        StorageUnreachable
            The store does not answer. To begin anew then could throw days of work away.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for key in reversed(self._manifests()):
            try:
                manifest = self._read(key)
                self._restore(manifest, folder)
            except (DamagedObject, MissingObject) as error:
                _log.warning("the checkpoint %s is torn, passing it over: %s", key, error.message)
                _empty(folder)
                continue
            self._whole = [key]
            return manifest
        self._tell_others()
        return None

    def forget(self) -> None:
        """Remove every checkpoint of the run, those of other physics too.

        Raises
        ------
        StorageUnreachable
            The store does not answer.
        """
        forget_below(self.store, self.key)

    def _manifests(self) -> list[str]:
        return fetched(lambda: self.store.list(f"{self.folder}/manifest-"), self.patience)

    def _read(self, key: str) -> Manifest:
        return fetched(lambda: Manifest.from_bytes(self.store.get_bytes(key)), self.patience)

    def _put(self, path: Path) -> StoredFile:
        """Store a file and read it back: a checkpoint that is gone on from must be whole."""
        stored = StoredFile(f"{self.folder}/{path.name}", path.stat().st_size, digest_of(path))
        self.store.put_file(path, stored.key)
        back = path.with_suffix(".back")
        try:
            stored.fetch(self.store, back, 1)
        except (DamagedObject, MissingObject) as error:
            raise StorageUnreachable(f"{stored.key} was not stored whole: {error}") from error
        finally:
            back.unlink(missing_ok=True)
        return stored

    def _restore(self, manifest: Manifest, folder: Path) -> None:
        spool = folder / ".fetched"
        try:
            manifest.state.fetch(self.store, spool, self.patience)
            with tarfile.open(spool) as tar:
                unpack(tar, folder)
            restore_outputs(self.store, manifest.newest, manifest.positions, folder, self.patience)
        finally:
            spool.unlink(missing_ok=True)

    def _prune(self) -> None:
        """Remove what is older than the last checkpoints known to be whole.

        Their increments stay, for the newer ones rest on them; so do newer manifests, which are
        torn or those of an attempt that was given up and still writes.
        """
        self._whole = self._whole[-KEPT:]
        if len(self._whole) < KEPT:
            return
        for key in self.store.list(f"{self.folder}/manifest-"):
            if key < self._whole[0]:
                # the manifest goes first: none is left whose state is gone
                self.store.delete(key)
                stem = key.rpartition("/manifest-")[2].removesuffix(".json")
                self.store.delete(f"{self.folder}/state-{stem}.tar")

    def _tell_others(self) -> None:
        """Say which part of the physics changed where there are checkpoints of another."""
        keys = fetched(lambda: self.store.list(f"{self.key}/"), self.patience)
        others = [key for key in keys if not key.startswith(f"{self.folder}/")]
        foreign = [key for key in others if "/manifest-" in key]
        if not foreign:
            return
        newest = max(foreign, key=lambda key: key.rpartition("/")[2])
        try:
            manifest = self._read(newest)
        except (DamagedObject, MissingObject):
            return
        changed = "; ".join(differences(manifest.physics, self.physics))
        _log.warning(
            "the checkpoints of %s (newest: step %d) are of other %s, and the run begins "
            "anew; what changed: %s. They are kept until the run has ended: change it back to go "
            "on with them",
            *(self.key, manifest.step, self.decided_by, changed),
        )


def forget_below(store: ObjectStore, key: str) -> None:
    """Remove every checkpoint below a key, manifests first.

    Raises
    ------
    StorageUnreachable
        The store does not answer.
    """
    for name in sorted(store.list(f"{key}/"), key=lambda name: "/manifest-" not in name):
        store.delete(name)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
