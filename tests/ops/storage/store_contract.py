"""What every store has to do; run against a folder here and against a real S3 server in
tests/integration."""

from __future__ import annotations

from pathlib import Path

import pytest

from nucleops.errors import MissingObject, WrongInput
from nucleops.storage.objects import ObjectStore


class StoreContract:
    """Give it a fixture ``store``."""

    def test_bytes_come_back(self, store: ObjectStore) -> None:
        for data in (b"", b"\x00\xff hello", b"x" * 3_000_000):
            store.put_bytes(data, "a/b/bytes")
            assert store.get_bytes("a/b/bytes") == data

    def test_files_come_back_into_folders_that_are_made(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(bytes(range(256)) * 10)
        store.put_file(source, "files/one file.dat")
        store.get_file("files/one file.dat", tmp_path / "new" / "folder" / "copy")
        assert (tmp_path / "new" / "folder" / "copy").read_bytes() == source.read_bytes()
        assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["copy"]

    def test_keys_are_listed_by_any_beginning_sorted(self, store: ObjectStore) -> None:
        keys = ["list/a", "list/a-b/c", "list/b/c/d", "list/b/e", "listing"]
        for key in reversed(keys):
            store.put_bytes(b"", key)
        assert store.list("list/") == keys[:-1]
        assert store.list("list") == keys
        assert store.list("list/a") == ["list/a", "list/a-b/c"]
        assert store.list("list/b/") == ["list/b/c/d", "list/b/e"]
        assert store.list("nothing/here") == []

    def test_a_copy_is_an_object_of_its_own(self, store: ObjectStore) -> None:
        store.put_bytes(b"first", "copy/source")
        store.copy("copy/source", "copy/target")
        store.put_bytes(b"second", "copy/source")
        assert store.get_bytes("copy/target") == b"first"

    def test_delete_and_exists(self, store: ObjectStore) -> None:
        store.put_bytes(b"", "gone/key")
        assert store.exists("gone/key")
        assert not store.exists("gone/ke")
        assert not store.exists("gone")
        store.delete("gone/key")
        store.delete("gone/key")
        assert not store.exists("gone/key")

    def test_a_missing_object_is_named(self, store: ObjectStore, tmp_path: Path) -> None:
        target = tmp_path / "target"
        with pytest.raises(MissingObject, match="no/such/key"):
            store.get_bytes("no/such/key")
        with pytest.raises(MissingObject, match="no/such/key"):
            store.get_file("no/such/key", target)
        with pytest.raises(MissingObject, match="no/such/key"):
            store.copy("no/such/key", "copy/of/nothing")
        assert not target.exists()
        assert not store.exists("copy/of/nothing")

    @pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "."])
    def test_a_key_that_not_every_store_can_hold_is_refused(
        self, store: ObjectStore, key: str
    ) -> None:
        with pytest.raises(WrongInput, match="allowed are names"):
            store.put_bytes(b"", key)

    def test_a_file_that_is_not_there_is_wrong_input(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        with pytest.raises(WrongInput, match="absent"):
            store.put_file(tmp_path / "absent", "key")
