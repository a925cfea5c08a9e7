"""Upload what one member of a fan-out made to where its consumers look for all members' outputs.

dflow has every member write into one shared folder of the bucket, whose objects under ``.dflow``
say which file belongs to which member. Attempts at the same member would overwrite one another's
files there, and leave two entries for one member. Here an attempt writes into a folder of its own
below the shared one, and becomes the member's result by a single write: the member's entry, whose
name is the same for all attempts, after everything else is there. What consumers read is what the
entries name; an attempt without an entry does not exist for them.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nucleops.errors import WrongInput
from nucleops.storage.objects import ObjectStore

STACKED_VARIABLE = "NUCLEOFLOW_STACKED"
"""Environment variable with JSON: name of an output artifact to the shared key."""
STORE_VARIABLE = "NUCLEOFLOW_ARTIFACTS"
"""Environment variable with the URL of the store that these keys are in."""
CATALOG = ".dflow"
"""dflow's ``catalog_dir_name``."""


def stacked_outputs(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the stacked outputs of this pod: artifact name to shared key.

    Raises
    ------
    WrongInput
        The variable is not what :func:`.attempts.scope_attempts` writes.
    """
    text = environment.get(STACKED_VARIABLE, "{}")
    try:
        return {str(name): str(key) for name, key in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise WrongInput(f"{STACKED_VARIABLE}: found {text!r}, allowed: a JSON object") from error


def publish(stacked: Mapping[str, str], artifacts: Path, store: ObjectStore) -> str:
    """Upload the stacked outputs of a finished attempt and make them the member's result.

    Parameters
    ----------
    stacked : mapping of str to str
        Name of each stacked output to its shared key.
    artifacts : Path
        Folder with one folder for each output, as dflow's script leaves it.
    store : ObjectStore
        Where to.

    Returns
    -------
    str
        Name of the attempt, which is the name of its folder below each shared key.

    Raises
    ------
    StorageUnreachable, WrongInput
        The store failed; nothing was promoted.
    """
    attempt = f"attempt-{uuid.uuid4().hex[:12]}"
    entries: dict[str, bytes] = {}
    for name, key in stacked.items():
        folder = artifacts / name
        for file in files_of(folder):
            store.put_file(file, f"{key}/{attempt}/{file.relative_to(folder).as_posix()}")
        items = catalog_items(folder)
        if items:
            entries[f"{key}/{CATALOG}/{entry_name(items)}"] = entry(items, attempt)
    for key, data in entries.items():
        store.put_bytes(data, key)
    return attempt


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the files of an output, without dflow's catalogue."""
    for where, folders, names in os.walk(folder, followlinks=True):
        here = Path(where)
        if here == folder and CATALOG in folders:
            folders.remove(CATALOG)
        yield from (here / name for name in sorted(names))


def catalog_items(folder: Path) -> list[dict[str, Any]]:
    """Return what dflow's script wrote into the catalogue of an output.

    Returns
    -------
    list of dict
        ``dflow_list_item``, a path relative to ``folder`` or None, and ``order``, the member.
    """
    items: list[dict[str, Any]] = []
    for file in sorted((folder / CATALOG).glob("*")):
        items += json.loads(file.read_text(encoding="utf-8"))["path_list"]
    return items


def entry_name(items: list[dict[str, Any]]) -> str:
    """Name a catalogue entry by the members it is about, so that a later attempt replaces it."""
    orders = sorted({str(item["order"]) for item in items})
    return hashlib.sha256("\n".join(orders).encode()).hexdigest()[:32]


def entry(items: list[dict[str, Any]], attempt: str) -> bytes:
    """Write a catalogue entry whose paths lead into an attempt's folder."""
    moved = [
        {**item, "dflow_list_item": path and f"{attempt}/{path}"}
        for item, path in ((item, item["dflow_list_item"]) for item in items)
    ]
    return json.dumps({"path_list": moved}).encode()
