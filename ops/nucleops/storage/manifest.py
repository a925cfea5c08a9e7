"""The manifest of a checkpoint, and the physics that decides who may go on from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from nucleops.errors import DamagedObject
from nucleops.storage.increments import StoredFile

FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """A checkpoint, as its manifest says it.

    Attributes
    ----------
    step : int
        MD step.
    physics : dict of str to str
        The parts of the physics, by which a change can be named.
    versions : dict of str to str
        Programs that wrote it.
    state : StoredFile
        The tar with the program's own files.
    newest : StoredFile or None
        The newest increment; it names the one before it, and so on. None where the run had written
        nothing.
    positions : dict of str to int
        Length in bytes of every output at this step.
    resumed : tuple of int
        Steps at which the run was gone on with before.
    written : str
        When, UTC.
    """

    step: int
    physics: dict[str, str]
    versions: dict[str, str]
    state: StoredFile
    newest: StoredFile | None
    positions: dict[str, int]
    resumed: tuple[int, ...] = ()
    written: str = ""
    format: int = FORMAT

    def to_bytes(self) -> bytes:
        """Return the manifest as stored: JSON with a digest of itself."""
        content = json.dumps(asdict(self), sort_keys=True)
        return json.dumps({"sha256": _sha256(content), "manifest": content}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Read what :meth:`to_bytes` wrote.

        Raises
        ------
        DamagedObject
            It is cut off, altered, or of another format.
        """
        try:
            outer = json.loads(data)
            if _sha256(outer["manifest"]) != outer["sha256"]:
                raise ValueError("its digest is another")
            values = json.loads(outer["manifest"])
            if values["format"] != FORMAT:
                raise ValueError(f"found format {values['format']}, allowed: {FORMAT}")
            newest = values["newest"]
            return cls(
                **{
                    **values,
                    "state": StoredFile(**values["state"]),
                    "newest": None if newest is None else StoredFile(**newest),
                    "resumed": tuple(values["resumed"]),
                }
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedObject(f"not the manifest of a checkpoint: {error}") from error


def physics_digest(physics: Mapping[str, str]) -> str:
    """Return the digest of all parts of the physics."""
    return _sha256(json.dumps(dict(physics), sort_keys=True))


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Say what changed between two physics, one part each."""
    changed = []
    for part in sorted({*before, *now}):
        old, new = before.get(part, "none"), now.get(part, "none")
        if old != new:
            # a digest tells a reader nothing
            telling = max(len(old), len(new)) < 40
            changed.append(f"{part} was {old}, is {new}" if telling else part)
    return changed


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
