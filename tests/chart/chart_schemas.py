"""What the operators of custom objects take: hera's models for Argo, schemas here for Prometheus.

`kubernetes-validate` has no schemas of custom objects. Those here are strict subsets: what this
chart uses, and nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
from hera.workflows.models import WorkflowTemplate
from pydantic import BaseModel

_SCHEMAS = Path(__file__).parent / "schemas"


def mistakes_of_custom_object(obj: dict[str, Any]) -> list[str]:
    """Return what is wrong with a custom object, a sentence each."""
    if obj["kind"] == "WorkflowTemplate":
        model = WorkflowTemplate.model_validate(obj)
        return list(_unknown(obj, model.model_dump(by_alias=True, exclude_unset=True), ""))
    schema = json.loads(_SCHEMAS.joinpath("monitoring.json").read_text())
    return [
        f"{error.json_path}: {error.message}"
        for error in jsonschema.Draft202012Validator(schema).iter_errors(obj)
    ]


def _unknown(given: Any, understood: Any, path: str) -> list[str]:
    """Return the paths of what a model ignored."""
    if isinstance(understood, BaseModel):
        understood = understood.model_dump(by_alias=True, exclude_unset=True)
    if isinstance(given, dict) and isinstance(understood, dict):
        missing = [f"{path}.{key}: no such field" for key in given if key not in understood]
        known = [key for key in given if key in understood]
        return missing + [
            m for k in known for m in _unknown(given[k], understood[k], f"{path}.{k}")
        ]
    if isinstance(given, list) and isinstance(understood, list):
        pairs = enumerate(zip(given, understood, strict=True))
        return [m for i, (g, u) in pairs for m in _unknown(g, u, f"{path}[{i}]")]
    return []
