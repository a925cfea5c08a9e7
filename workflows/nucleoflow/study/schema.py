"""The JSON schema of a study file, for editors."""

from __future__ import annotations

from typing import Any

from nucleoflow.documents import schema_of
from nucleoflow.study.model import Study


def json_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that study files follow."""
    return schema_of(Study, "nucleoflow study")
