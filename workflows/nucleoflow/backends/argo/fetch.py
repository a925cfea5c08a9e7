"""Bring the outputs of a run's stages from the store, laid out as those of a local run."""

from __future__ import annotations

import hashlib
import json
import shutil
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleoflow.backends.argo.logs import ARCHIVED
from nucleoflow.backends.argo.nodes import NodeTree
from nucleoflow.runs.folder import RunFolder
from nucleoflow.runs.results import CATALOGUES, is_product, lay_out, unwrapped
from nucleops.errors import MissingObject, TruncatedOutput, WrongInput
from nucleops.storage.objects import ObjectStore

RECORD = "download"
"""``download.json``: which artifact each of the results came from."""
_ARCHIVES = (".tgz", ".tar.gz")


@dataclass(frozen=True)
class StageArtifact:
    """An output of a finished stage.

    Attributes
    ----------
    stage, name : str
        The stage, and what it calls the output.
    key : str
        Where it is in the bucket: an object, or what the keys of its files begin with.
    """

    stage: str
    name: str
    key: str


def stage_artifacts(workflow: dict[str, Any]) -> list[StageArtifact]:
    """Return the outputs of the outermost steps that have succeeded so far.

    Parameters
    ----------
    workflow : dict
        With its nodes.
    """
    tree = NodeTree(workflow)
    outermost = [*tree.leaves(), *tree.holders()]
    finished = [n for n in outermost if n.boundary == tree.name and n.phase == "Succeeded"]
    return [
        StageArtifact(node.step, str(artifact["name"]), str(artifact["s3"]["key"]))
        for node in finished
        for artifact in node.artifacts
        if is_product(artifact["name"])
        and artifact["name"] != ARCHIVED
        and (artifact.get("s3") or {}).get("key")
    ]


def download(
    workflow: dict[str, Any], store: ObjectStore, run: RunFolder, wanted: Sequence[str] = ()
) -> Path:
    """Download outputs to ``results/<name>``.

    What is there already is not fetched again, and a download that was cut short goes on with
    the object at which it stopped.

    Parameters
    ----------
    workflow : dict
        With its nodes.
    store : ObjectStore
        The bucket.
    run : RunFolder
        Where to.
    wanted : sequence of str
        Names of outputs or of stages; empty for all.

    Returns
    -------
    Path
        The ``results`` folder.

    Raises
    ------
    WrongInput
        A name is unknown, or no stage has finished.
    TruncatedOutput
        An artifact lacks files that its step made, or is damaged.
    StorageUnreachable
        The store does not answer; what has come so far is kept.
    """
    record = run.read(RECORD)
    for artifact in _chosen(stage_artifacts(workflow), wanted, run.id):
        if record.get(artifact.name) == artifact.key and (run.results / artifact.name).is_dir():
            continue
        part = run.path / f".{RECORD}" / hashlib.sha256(artifact.key.encode()).hexdigest()[:16]
        content = _fetch(store, artifact, part)
        _check_catalogue(content, artifact)
        lay_out(unwrapped(content), run.results / artifact.name)
        record[artifact.name] = artifact.key
        run.write(RECORD, record)
        shutil.rmtree(part)
    shutil.rmtree(run.path / f".{RECORD}", ignore_errors=True)
    return run.results


def delete_artifacts(store: ObjectStore, prefix: str) -> int:
    """Remove all objects whose keys begin with ``prefix``; returns how many there were."""
    keys = store.list(prefix)
    for key in keys:
        store.delete(key)
    return len(keys)


def _chosen(
    artifacts: list[StageArtifact], wanted: Sequence[str], run_id: str
) -> list[StageArtifact]:
    if not artifacts:
        raise WrongInput(
            f"no stage of run {run_id} has finished yet; there is nothing to download",
            advice=f"'nucleoflow status {run_id}' tells how far it is",
        )
    for name in wanted:
        if not any(name in (a.stage, a.name) for a in artifacts):
            there = ", ".join(sorted({n for a in artifacts for n in (a.stage, a.name)}))
            raise WrongInput(
                f"run {run_id} has no results of '{name}' so far", advice=f"it has: {there}"
            )
    return [a for a in artifacts if not wanted or a.stage in wanted or a.name in wanted]


def _fetch(store: ObjectStore, artifact: StageArtifact, part: Path) -> Path:
    """Bring the objects of an artifact to a folder; returns the folder of its content."""
    content = part / "content"
    keys = store.list(f"{artifact.key}/")
    for key in keys:
        target = content / _relative(key, f"{artifact.key}/")
        # a file appears only when it is complete, so what is there need not be fetched again
        if not target.is_file():
            store.get_file(key, target)
    if keys:
        return content
    whole = part / Path(artifact.key).name
    try:
        if not whole.is_file():
            store.get_file(artifact.key, whole)
    except MissingObject:
        raise TruncatedOutput(
            f"artifact '{artifact.name}' of stage '{artifact.stage}' is not in the bucket any more"
            f" (key {artifact.key})",
            advice="was it deleted, or has the bucket a lifecycle rule?",
        ) from None
    content.mkdir(parents=True, exist_ok=True)
    if whole.name.endswith(_ARCHIVES):
        _unpack(whole, content, artifact)
    else:
        shutil.copy2(whole, content / whole.name)
    return content


def _relative(key: str, prefix: str) -> Path:
    path = Path(key.removeprefix(prefix))
    if path.is_absolute() or ".." in path.parts:
        raise WrongInput(f"key '{key}' in the bucket would be written outside of the run's folder")
    return path


def _unpack(archive: Path, target: Path, artifact: StageArtifact) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            # refuses links and paths that lead out of the folder
            tar.extractall(target, filter="data")
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        archive.unlink()
        raise TruncatedOutput(
            f"artifact '{artifact.name}' of stage '{artifact.stage}' is damaged: {error}",
            advice="download again; if it stays so, run the stage again",
        ) from None


def _check_catalogue(content: Path, artifact: StageArtifact) -> None:
    """Refuse an artifact that lacks what dflow's list of its paths names."""
    missing = [path for path in _catalogued(content) if not (content / path).exists()]
    if missing:
        raise TruncatedOutput(
            f"artifact '{artifact.name}' of stage '{artifact.stage}' lacks {len(missing)} of its"
            f" files in the bucket (the first: {missing[0]})",
            advice="was something deleted from the bucket?",
        )


def _catalogued(content: Path) -> Iterator[str]:
    for folder in CATALOGUES:
        for file in sorted((content / folder).glob("*")):
            try:
                entries = json.loads(file.read_text(encoding="utf-8")).get("path_list") or []
            except (ValueError, AttributeError):
                continue
            for entry in entries:
                item = entry.get("dflow_list_item") if isinstance(entry, dict) else None
                if isinstance(item, str):
                    yield item
