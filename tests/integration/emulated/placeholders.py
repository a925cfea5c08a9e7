"""Argo's placeholders in manifests: ``{{inputs.parameters.a}}`` and ``{{=expression}}``."""

from __future__ import annotations

import json
import re
from typing import Any

from emulated.expressions import ExpressionError, evaluate

_TAG = re.compile(r"\{\{(?P<tag>.*?)\}\}", re.DOTALL)


def resolve(node: Any, scope: dict[str, Any]) -> Any:
    """Return a copy of a part of a manifest with every placeholder that has a value replaced.

    Others are left: a later scope may know them, as with ``{{item}}``.
    """
    if isinstance(node, dict):
        return {key: resolve(value, scope) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(value, scope) for value in node]
    return resolve_text(node, scope) if isinstance(node, str) else node


def resolve_text(text: str, scope: dict[str, Any]) -> str:
    """Return a text with every placeholder that has a value replaced."""

    def replace(match: re.Match[str]) -> str:
        tag = match["tag"].strip()
        try:
            value = evaluate(tag[1:], scope) if tag.startswith("=") else look_up(tag, scope)
        except (ExpressionError, KeyError):
            return match[0]
        return as_text(value)

    return _TAG.sub(replace, text)


def look_up(tag: str, scope: dict[str, Any]) -> Any:
    """Return what a plain placeholder names.

    Raises
    ------
    KeyError
        It has no value in this scope.
    """
    value: Any = scope
    for part in tag.split("."):
        if not isinstance(value, dict):
            raise KeyError(tag)
        value = value[part]
    return value


def as_text(value: Any) -> str:
    """Return a value as Argo writes it into a text."""
    return value if isinstance(value, str) else json.dumps(value)


def unresolved(node: Any) -> list[str]:
    """Return the placeholders that are left in a part of a manifest."""
    if isinstance(node, dict):
        return [tag for value in node.values() for tag in unresolved(value)]
    if isinstance(node, list):
        return [tag for value in node for tag in unresolved(value)]
    return [match[0] for match in _TAG.finditer(node)] if isinstance(node, str) else []
