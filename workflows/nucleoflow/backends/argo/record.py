"""What this machine keeps of a run in a cluster: ``run.json`` and ``study.yaml`` in its folder."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from nucleoflow.profile.model import ClusterProfile
from nucleoflow.runs.folder import RunFolder
from nucleoflow.versions import versions
from nucleops.errors import WrongInput

BACKEND = "argo"


def record_run(
    run: RunFolder,
    profile: ClusterProfile,
    *,
    study: str,
    name: str,
    digest: str,
    stages: Sequence[str],
    from_run: str | None,
    line: Sequence[str] = (),
    given: Mapping[str, str | Sequence[str]] | None = None,
    results: Path | None = None,
) -> None:
    """Write what identifies a run; nothing secret is in a profile, so it is kept whole.

    Parameters
    ----------
    run : RunFolder
        Its folder, whose name is that of the workflow.
    profile : ClusterProfile
        Where it runs.
    study : str
        Text of the study.
    name, digest : str
        The study's name and the SHA-256 of its content.
    stages : sequence of str
        Stages to run; empty for all.
    from_run : str or None
        Id of the run whose results the stages start from.
    line : sequence of str
        The runs that it goes on from, the first first.
    given : mapping or None
        Where products of an earlier run are in the bucket.
    results : Path or None
        Folder on this machine with products of an earlier run.
    """
    run.study.write_text(study, encoding="utf-8")
    run.write(
        "run",
        {
            "id": run.id,
            "backend": BACKEND,
            "study": name,
            "digest": digest,
            "stages": list(stages),
            "from_run": from_run,
            "line": list(line),
            "given": {k: v if isinstance(v, str) else list(v) for k, v in (given or {}).items()},
            "results": str(results) if results else None,
            "profile": profile.model_dump(mode="json", exclude_unset=True),
            "created": time.time(),
            "versions": versions(),
        },
    )


def recorded_profile(run: RunFolder) -> ClusterProfile:
    """Return the profile that a run was submitted with.

    Raises
    ------
    WrongInput
        The record is damaged, or of a version whose profiles were different.
    """
    try:
        return ClusterProfile.model_validate(run.read("run").get("profile"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise WrongInput(
            f"{run.path / 'run.json'}: profile.{where}: {first['msg']}",
            advice="give the cluster's profile with --profile",
        ) from None


def elsewhere(root: Path, workflow: dict[str, Any]) -> tuple[RunFolder, dict[str, Any]]:
    """Describe a run that was submitted from elsewhere: where its folder would be, and its record.

    Parameters
    ----------
    root : Path
        The folder that holds the runs.
    workflow : dict
        The workflow; its nodes are not needed.
    """
    from nucleoflow.backends.argo.client import STUDY_LABEL
    from nucleoflow.backends.argo.nodes import seconds

    metadata = workflow.get("metadata") or {}
    name = str(metadata.get("name", ""))
    meta = {
        "id": name,
        "backend": BACKEND,
        "study": (metadata.get("labels") or {}).get(STUDY_LABEL, ""),
        "stages": [],
        "created": seconds(metadata.get("creationTimestamp")) or 0.0,
    }
    return RunFolder(root / name), meta
