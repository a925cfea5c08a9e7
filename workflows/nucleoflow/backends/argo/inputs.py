"""What a workflow needs from outside: values of the study inside it, files of earlier runs beside.

A value of the study (dflow's big parameters) becomes a ``raw`` artifact, so that nothing has to be
uploaded before a workflow is submitted; only values that are too large for a pod's environment,
where Argo puts the whole template, are uploaded.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleoflow.backends.argo.dflow_mode import CATALOGUE, Recorder
from nucleoflow.backends.argo.names import calls
from nucleoflow.backends.argo.storage import store_url
from nucleoflow.dag.plan import PRODUCTIONS, products_in
from nucleoflow.profile.model import Storage
from nucleops.errors import WrongInput

LARGEST_INLINE = 48 * 1024
"""Bytes; Linux ends an environment variable at 128 KiB, and a script has to fit in as well."""
_EMPTY_LIST = "[]"


@dataclass(frozen=True)
class Upload:
    """An object that must be in the store before the workflow starts.

    Attributes
    ----------
    key : str
        Where, below the profile's prefix.
    path : Path or None
        The file with its content, or
    data : bytes or None
        the content itself.
    """

    key: str
    path: Path | None = None
    data: bytes | None = None


def inline_values(
    manifest: dict[str, Any], recorder: Recorder, run_id: str, prefix: str
) -> list[Upload]:
    """Put what dflow wanted to upload into the manifest.

    Parameters
    ----------
    manifest : dict
        A workflow; changed in place.
    recorder : Recorder
        What dflow uploaded.
    run_id, prefix : str
        Where what is too large goes.

    Returns
    -------
    list of Upload
        What is too large; empty for most studies.
    """
    uploads: dict[str, Upload] = {}
    for artifact in _given_artifacts(manifest):
        key = (artifact.get("s3") or {}).get("key", "")
        objects = recorder.below(key) if key else {}
        if not objects:
            continue
        data = _value(objects, key)
        if len(data) <= LARGEST_INLINE:
            del artifact["s3"]
            # Argo would take two braces in a text of the study for a placeholder
            artifact["raw"] = {"data": data.decode("utf-8").replace("{{", "{\\u007b")}
        else:
            name = f"{artifact['name']}-{hashlib.sha256(data).hexdigest()[:16]}"
            upload = Upload(f"{run_id}/inputs/{name}", data=data)
            artifact["s3"] = {"key": f"{prefix}{upload.key}"}
            uploads[upload.key] = upload
    return list(uploads.values())


def embed_in_scripts(manifest: dict[str, Any]) -> None:
    """Move the values of repeated steps into their scripts; changed in place.

    Argo writes a node's inputs into the status of the workflow, once for each repetition and once
    more for each retry; a script stands in the manifest only.
    """
    templates = {t["name"]: t for t in manifest["spec"]["templates"]}
    callers = [step for t in templates.values() for step in calls(t)]
    uses = Counter(step["template"] for step in callers)
    for step in callers:
        template = templates[step["template"]]
        if step.get("withParam") and uses[template["name"]] == 1 and "script" in template:
            values = _taken_values(step, template)
            if values:
                source = template["script"]["source"]
                template["script"]["source"] = _WRITE_VALUES.format(values=values) + source


_WRITE_VALUES = """\
from pathlib import Path
for path, text in {values!r}:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
"""


def _taken_values(step: dict[str, Any], template: dict[str, Any]) -> list[tuple[str, str]]:
    """Take the values out of a step's arguments, or the template's defaults; (path, value)."""
    given = {a["name"]: a for a in (step.get("arguments") or {}).get("artifacts") or ()}
    values = []
    for artifact in list(template["inputs"]["artifacts"]):
        raw = given.get(artifact["name"], artifact).get("raw")
        if raw is not None:
            values.append((artifact["path"], raw["data"]))
            template["inputs"]["artifacts"].remove(artifact)
            if artifact["name"] in given:
                step["arguments"]["artifacts"].remove(given[artifact["name"]])
    return values


def _given_artifacts(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for template in manifest["spec"]["templates"]:
        yield from (template.get("inputs") or {}).get("artifacts") or ()
        for step in calls(template):
            yield from (step.get("arguments") or {}).get("artifacts") or ()


def _value(objects: Mapping[str, bytes], key: str) -> bytes:
    if key in objects:
        return objects[key]
    lists = [json.loads(data)["path_list"] for data in objects.values()]
    if any(lists):
        raise WrongInput(f"artifact {key}: files of this machine cannot be part of a manifest")
    # a file without dflow's catalogue is read as a list without entries
    return _EMPTY_LIST.encode()


def upload_results(results: Path, run_id: str) -> tuple[dict[str, str | list[str]], list[Upload]]:
    """Say what of an earlier run's ``results`` folder has to be uploaded, and where.

    Parameters
    ----------
    results : Path
        See :func:`nucleoflow.dag.plan.products_in`.
    run_id : str
        The new run.

    Returns
    -------
    keys : dict
        Product to key, or to a list of keys for a production.
    uploads : list of Upload
        Files, and dflow's catalogue of each artifact; no name outside of ``results`` is in them.
    """
    keys: dict[str, str | list[str]] = {}
    uploads: list[Upload] = []
    for product, paths in products_in(results).items():
        parts = [[path] for path in paths] if product in PRODUCTIONS else [paths]
        made = [f"{run_id}/given/{product}-{i}" for i in range(len(parts))]
        for key, part in zip(made, parts, strict=True):
            uploads += _artifact(part, results, key)
        keys[product] = made if product in PRODUCTIONS else made[0]
    return keys, uploads


def _artifact(paths: Sequence[Path], root: Path, key: str) -> Iterator[Upload]:
    items = [
        {"dflow_list_item": path.relative_to(root).as_posix(), "order": i}
        for i, path in enumerate(paths)
    ]
    catalogue = json.dumps({"path_list": items}).encode()
    yield Upload(f"{key}/{CATALOGUE}/catalogue", data=catalogue)
    for path in paths:
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            if CATALOGUE not in file.parts:
                yield Upload(f"{key}/{file.relative_to(root).as_posix()}", path=file)


def perform_uploads(uploads: Sequence[Upload], storage: Storage) -> None:
    """Put objects into the store, from a machine that reaches it as the pods do.

    Raises
    ------
    StorageUnreachable, WrongInput
        As :class:`nucleops.storage.objects.ObjectStore`.
    """
    if not uploads:
        return
    from nucleops.storage.objects import open_store

    store = open_store(store_url(storage))
    for upload in uploads:
        if upload.path is not None:
            store.put_file(upload.path, upload.key)
        else:
            store.put_bytes(upload.data or b"", upload.key)
