"""Validation of manifests against hera's models of Argo's types, with no field unknown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from nucleoflow.backends.argo.check import ManifestError


def check_fields(manifest: Mapping[str, Any]) -> None:
    """Raise :class:`ManifestError` for what Argo's types do not have, or have otherwise.

    hera's models drop what they do not know, so what comes out is compared with what went in.
    """
    import hera.workflows.models as argo

    models: dict[str, Any] = {"Workflow": argo.Workflow, "WorkflowTemplate": argo.WorkflowTemplate}
    name = str((manifest.get("metadata") or {}).get("name", "?"))
    model = models.get(str(manifest.get("kind")))
    if model is None:
        raise ManifestError(name, [f"kind: found {manifest.get('kind')!r}, allowed: {[*models]}"])
    try:
        read = model.model_validate(dict(manifest))
    except ValidationError as error:
        raise ManifestError(name, [_said(entry) for entry in error.errors()]) from None
    written = read.model_dump(by_alias=True, exclude_unset=True, mode="json")
    lost = list(_lost(manifest, written, ""))
    if lost:
        raise ManifestError(name, [f"{path}: unknown field" for path in lost])


def _said(entry: Any) -> str:
    return f"{'.'.join(str(part) for part in entry['loc'])}: {entry['msg']}"


def _lost(given: Any, kept: Any, path: str) -> Iterator[str]:
    if isinstance(given, Mapping):
        if not isinstance(kept, Mapping):
            yield path
            return
        for key, value in given.items():
            where = f"{path}.{key}".removeprefix(".")
            if key not in kept:
                yield where
            else:
                yield from _lost(value, kept[key], where)
    elif isinstance(given, list):
        for i, value in enumerate(given):
            yield from _lost(value, kept[i], f"{path}[{i}]")
