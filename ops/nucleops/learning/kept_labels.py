"""Frames of a labelling task that are done, in a store: what an interrupted task goes on with.

Each frame is one object, written when it is judged, so that a task that is killed loses the frame,
or the series of frames, in work and nothing else. The task's key is the digest of its frames and of
all that decides their labels; a task of other frames or of another level of theory finds nothing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.cp2k.frames import LabelledFrame
from nucleops.engines.cp2k.inputs import WAVEFUNCTION
from nucleops.errors import DamagedObject, MissingObject, NucleoError
from nucleops.learning.account import ACCOUNT_FILE
from nucleops.storage.folder import FolderStore
from nucleops.storage.increments import digest_of
from nucleops.storage.kept import STORE_VARIABLE, forget
from nucleops.storage.objects import ObjectStore, open_store
from nucleops.storage.retrying import fetched
from nucleops.systems.system import System

_PATIENCE = 8
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one frame.

    Attributes
    ----------
    frame : LabelledFrame or None
        The label; None if the frame was dropped.
    detail : dict
        What the account says of it.
    wavefunction : str
        SHA-256 of the wavefunction that was kept; empty for none.
    """

    frame: LabelledFrame | None
    detail: dict[str, Any]
    wavefunction: str = ""


@dataclass
class KeptLabels:
    """The finished frames of one task.

    Parameters
    ----------
    store : ObjectStore
        Where they are.
    key : str
        The task.
    folder : Path
        Where the task runs, a folder ``frame-0000`` ... for each frame.
    elsewhere : bool
        Whether the store outlives the folder, so that wavefunctions have to be in it too.
    """

    store: ObjectStore
    key: str
    folder: Path
    elsewhere: bool
    _there: set[str] = field(default_factory=set)

    @classmethod
    def of_task(
        cls, systems: Sequence[System], decides: dict[str, Any], folder: Path
    ) -> KeptLabels:
        """Open the store of ``$NUCLEOFLOW_CHECKPOINTS``, without it ``done`` in the task's folder.

        Parameters
        ----------
        systems : sequence of System
            The task's frames.
        decides : dict
            What decides the labels.
        folder : Path
            Where the task runs.

        Raises
        ------
        StorageUnreachable
            The store does not answer; to begin anew could throw hours of work away.
        """
        url = os.environ.get(STORE_VARIABLE)
        store = open_store(url) if url else FolderStore(folder / "done")
        kept = cls(store, f"labels/{_digest(systems, decides)}", folder, bool(url))
        kept._there = set(fetched(lambda: store.list(f"{kept.key}/"), _PATIENCE))
        return kept

    def has(self, index: int) -> bool:
        """Whether a frame was done before, as far as one can tell without looking at it."""
        return self._name(index) in self._there

    def get(self, index: int, system: System) -> Outcome | None:
        """Return what became of a frame; None if it is still to be computed.

        Raises
        ------
        StorageUnreachable
            The store does not answer.
        """
        if not self.has(index):
            return None
        name = self._name(index)
        try:
            return fetched(lambda: _read(self.store.get_bytes(name), system), _PATIENCE)
        except (DamagedObject, MissingObject) as error:
            _log.warning("frame %d is computed again: %s", index, error.message)
            return None

    def put(self, index: int, outcome: Outcome) -> None:
        """Store a frame, its wavefunction first: a frame that is there is there as a whole."""
        try:
            if outcome.wavefunction and self.elsewhere:
                self.store.put_file(self._wavefunction(index), f"{self._name(index)}.wfn")
            self.store.put_bytes(_written(outcome), self._name(index))
        except NucleoError as error:
            # the label is there all the same; what is lost if the task is ended is this frame's
            _log.warning("frame %d is not kept: %s", index, error.message)

    def wavefunction(self, index: int, sha256: str) -> Path | None:
        """Return a finished frame's wavefunction; None where it is lost or damaged."""
        path = self._wavefunction(index)
        try:
            if not path.is_file():
                self.store.get_file(f"{self._name(index)}.wfn", path)
            return path if digest_of(path) == sha256 else None
        except NucleoError as error:
            _log.warning("frame %d: no wavefunction to begin from: %s", index, error.message)
            return None

    def tidy(self) -> None:
        """Remove the wavefunctions beside the inputs: the task is done, and they are large."""
        for path in self.folder.glob(f"frame-*/{WAVEFUNCTION}"):
            path.unlink()

    def _name(self, index: int) -> str:
        return f"{self.key}/frame-{index:04d}"

    def _wavefunction(self, index: int) -> Path:
        return self.folder / f"frame-{index:04d}" / WAVEFUNCTION


def forget_labels(folders: Iterable[Path]) -> None:
    """Remove the kept frames of tasks whose data sets have arrived.

    Parameters
    ----------
    folders : iterable of Path
        The data sets, with ``labels.json`` at any depth; folders may be links.
    """
    for root in folders:
        for folder, _, files in os.walk(root, followlinks=True):
            if ACCOUNT_FILE in files:
                account = Path(folder, ACCOUNT_FILE).read_text(encoding="utf-8")
                if key := json.loads(account).get("kept_as"):
                    forget(key)


def _digest(systems: Sequence[System], decides: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode())
    for system in systems:
        digest.update(json.dumps([system.symbols, system.periodic]).encode())
        digest.update(np.ascontiguousarray(system.cell, dtype="<f8").tobytes())
        digest.update(np.ascontiguousarray(system.positions, dtype="<f8").tobytes())
    return digest.hexdigest()[:32]


def _written(outcome: Outcome) -> bytes:
    """Return an outcome as JSON with a digest of itself; floats come back to the last bit."""
    frame = outcome.frame
    label = None
    if frame is not None:
        forces = frame.forces_eV_A.tolist()
        label = {"energy_eV": frame.energy_eV, "forces_eV_A": forces, "program": frame.program}
    content = {"label": label, "detail": outcome.detail, "wavefunction": outcome.wavefunction}
    text = json.dumps(content)
    return json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest(), "frame": text}).encode()


def _read(data: bytes, system: System) -> Outcome:
    try:
        outer = json.loads(data)
        if hashlib.sha256(outer["frame"].encode()).hexdigest() != outer["sha256"]:
            raise ValueError("its digest is another")
        content = json.loads(outer["frame"])
        label, frame = content["label"], None
        if label is not None:
            forces = np.array(label["forces_eV_A"], dtype=np.float64).reshape(system.n_atoms, 3)
            program = label["program"]
            frame = LabelledFrame(system, label["energy_eV"], forces, program=program)
        return Outcome(frame, content["detail"], content["wavefunction"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedObject(f"not a finished frame: {error}") from error
