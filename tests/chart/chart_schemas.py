"""What the operators of custom objects take.

`kubernetes-validate` has no schemas of custom objects. Argo's are checked as manifests are; those
of the Prometheus operator have strict schemas here, of what this chart uses and nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from nucleoflow.backends.argo.check import ManifestError, check_manifest
from nucleoflow.backends.argo.strict import check_fields

_SCHEMAS = Path(__file__).parent / "schemas"


def mistakes_of_custom_object(obj: dict[str, Any]) -> list[str]:
    """Return what is wrong with a custom object, a sentence each."""
    if obj["kind"] == "WorkflowTemplate":
        try:
            check_fields(obj)
            check_manifest(obj)
        except ManifestError as error:
            return list(error.mistakes)
        return []
    schema = json.loads(_SCHEMAS.joinpath("monitoring.json").read_text())
    return [
        f"{error.json_path}: {error.message}"
        for error in jsonschema.Draft202012Validator(schema).iter_errors(obj)
    ]
