"""Placeholders in manifests: which steps, inputs and outputs a text refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_PART = r"(?:\.([A-Za-z0-9_-]+)|\[['\"]([^'\"]+)['\"]\])"
_IN_EXPRESSION = re.compile(
    rf"(?<![\w.'\"\]])(steps|tasks|inputs|outputs|workflow){_PART}?{_PART}?{_PART}?{_PART}?"
)
_WORD = re.compile(r"^[a-zA-Z]+$")


@dataclass(frozen=True)
class Reference:
    """One thing that a text refers to.

    Attributes
    ----------
    parts : tuple of str
        As ``("steps", "run", "outputs", "artifacts", "result")``.
    text : str
        The placeholder as it stands.
    expression : bool
        Whether it is an expression (``{{=...}}``), in which a reference need not be resolvable:
        it may stand in the branch that is not taken.
    """

    parts: tuple[str, ...]
    text: str
    expression: bool


def references_in(node: Any) -> Iterator[Reference]:
    """Yield every reference in all texts of a part of a manifest."""
    for text in _texts(node):
        yield from references_of(text)


def references_of(text: str) -> Iterator[Reference]:
    """Yield the references of one text."""
    for match in _PLACEHOLDER.finditer(text):
        body = match[1].strip()
        if not body.startswith("="):
            yield Reference(tuple(body.split(".")), match[0], expression=False)
            continue
        for found in _IN_EXPRESSION.finditer(body[1:]):
            groups = found.groups()[1:]
            parts = [groups[i] or groups[i + 1] for i in range(0, len(groups), 2)]
            kept = [found[1], *(part for part in parts if part is not None)]
            yield Reference(tuple(kept), match[0], expression=True)


def _texts(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
