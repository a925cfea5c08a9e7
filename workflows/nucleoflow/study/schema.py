"""The JSON schema of a study file, for editors."""

from __future__ import annotations

from typing import Any

from nucleoflow.study.model import Study


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that study files follow."""
    schema = Study.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "nucleoflow study"
    return schema
