"""A store that fails as stores do: refused connections, truncated objects, slow answers."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from nucleops.errors import StorageUnreachable
from nucleops.storage.objects import ObjectStore


class FlakyStore:
    """A store round another one, of which a share of the calls go wrong.

    Parameters
    ----------
    inner : ObjectStore
        Where the objects are.
    seed : int
        Of which calls fail, and how.
    share : float
        Share of the calls that fail.
    longest_s : float
        Slowest answer in seconds.
    """

    def __init__(
        self, inner: ObjectStore, seed: int, share: float = 0.2, longest_s: float = 0.0
    ) -> None:
        self.inner = inner
        self.failures = 0
        self._random = random.Random(seed)
        self._share = share
        self._longest_s = longest_s

    def _may_fail(self, what: str) -> str | None:
        """Raise, or return how the call goes wrong without a word; None where it goes well."""
        if self._longest_s:
            time.sleep(self._random.uniform(0, self._longest_s))
        if self._random.random() >= self._share:
            return None
        self.failures += 1
        how = self._random.choice(["refused", "truncated", "late"])
        if how == "refused":
            raise StorageUnreachable(f"{what}: connection refused")
        return how

    def put_file(self, path: Path, key: str) -> None:
        self.put_bytes(path.read_bytes(), key)

    def put_bytes(self, data: bytes, key: str) -> None:
        how = self._may_fail(f"write {key}")
        if how == "truncated":
            data = data[: self._random.randrange(len(data) + 1)]
        self.inner.put_bytes(data, key)
        if how == "late":
            raise StorageUnreachable(f"write {key}: timed out, though it was stored")

    def get_file(self, key: str, path: Path) -> None:
        path.write_bytes(self.get_bytes(key))

    def get_bytes(self, key: str) -> bytes:
        how = self._may_fail(f"read {key}")
        data = self.inner.get_bytes(key)
        return data[: len(data) // 2] if how == "truncated" else data

    def list(self, prefix: str) -> Any:
        self._may_fail("list")
        return self.inner.list(prefix)

    def copy(self, source_key: str, key: str) -> None:
        self.inner.copy(source_key, key)

    def delete(self, key: str) -> None:
        self._may_fail(f"delete {key}")
        self.inner.delete(key)

    def exists(self, key: str) -> bool:
        return self.inner.exists(key)
