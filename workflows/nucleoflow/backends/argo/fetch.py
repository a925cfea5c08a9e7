"""Bring the outputs of a run's stages from the store, laid out as those of a local run."""

from __future__ import annotations

import hashlib
import json
import re
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
from nucleoflow.runs.results import CATALOGUES, is_product, lay_out, link, unwrapped
from nucleops.errors import MissingObject, TruncatedOutput, WrongInput
from nucleops.storage.archives import unpack
from nucleops.storage.objects import ObjectStore

RECORD = "download"
"""``download.json``: which artifact each of the results came from."""
_ATTEMPT = re.compile(r"attempt-[0-9a-f]{12}")
"""Folders in which the members of a fan-out store their outputs, see :mod:`.stacked`."""
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
        lay_out(unwrapped(_without_attempts(content, part)), run.results / artifact.name)
        record[artifact.name] = artifact.key
        run.write(RECORD, record)
        shutil.rmtree(part)
    shutil.rmtree(run.path / f".{RECORD}", ignore_errors=True)
    return run.results


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
    paths = {_relative(key, f"{artifact.key}/"): key for key in store.list(f"{artifact.key}/")}
    if paths:
        lists = [path for path in paths if path.parts[0] in CATALOGUES]
        for path in lists:
            store.get_file(paths[path], content / path)
        listed = set(_catalogued(content))
        for path in paths:
            # a file appears only when it is complete, so what is there need not be fetched again
            if path not in lists and _wanted(path, listed) and not (content / path).is_file():
                store.get_file(paths[path], content / path)
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
    if not whole.name.endswith(_ARCHIVES):
        shutil.copy2(whole, content / whole.name)
        return content
    _unpack(whole, content, artifact)
    # Argo packs the output's folder itself, and takes it off again where it unpacks
    entries = list(content.iterdir())
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else content


def _wanted(path: Path, listed: set[str]) -> bool:
    """Whether a file belongs to what dflow's lists name; without lists, every file does.

    Attempts that did not finish have left files too, which no list names.
    """
    return not listed or any(str(part) in listed for part in (path, *path.parents))


def _without_attempts(content: Path, part: Path) -> Path:
    """Bring together what the members of a fan-out left in the folders of their attempts."""
    attempts = [path for path in content.iterdir() if _ATTEMPT.fullmatch(path.name)]
    if not attempts:
        return content
    together = part / "together"
    shutil.rmtree(together, ignore_errors=True)
    for attempt in attempts:
        shutil.copytree(attempt, together, copy_function=link, dirs_exist_ok=True)
    return together


def _relative(key: str, prefix: str) -> Path:
    path = Path(key.removeprefix(prefix))
    if path.is_absolute() or ".." in path.parts:
        raise WrongInput(f"key '{key}' in the bucket would be written outside of the run's folder")
    return path


def _unpack(archive: Path, target: Path, artifact: StageArtifact) -> None:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            # refuses links and paths that lead out of the folder
            unpack(tar, target)
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
