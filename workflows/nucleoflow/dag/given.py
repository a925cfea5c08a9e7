"""Products of an earlier run, given to stages that are run alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dflow import upload_artifact

SUMMARY = "summary.json"


def given_products(results: Path) -> dict[str, Any]:
    """Make dflow inputs of what a run left in its ``results`` folder.

    Parameters
    ----------
    results : Path
        The folder; stages that the run did not finish are missing from it.

    Returns
    -------
    dict
        Product (see :data:`nucleoflow.dag.compose.MAKERS`) to artifact, or to a list of them.
    """
    given: dict[str, Any] = {}
    if (results / "systems").is_dir():
        given["systems"] = upload_artifact(results / "systems")
    models = model_files(results / "models")
    if models:
        given["models"] = upload_artifact(models)
    if (results / "learning" / SUMMARY).is_file():
        given["learning"] = upload_artifact(results / "learning")
    for stage in ("metad", "unbiased", "nucleate"):
        folders = sorted(path.parent for path in results.glob(f"{stage}*/{SUMMARY}"))
        if folders:
            given[stage] = [upload_artifact(folder) for folder in folders]
    return given


def model_files(folder: Path) -> list[Path]:
    """Frozen models in a folder, in the order of the committee."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".pb", ".pth", ".pt2"))
