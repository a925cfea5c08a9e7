"""Manifests as files that people read: YAML with scripts as blocks, or JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """Write a manifest as YAML, the same text for the same manifest."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 100
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.ignore_aliases = lambda *_: True
    out = io.StringIO()
    yaml.dump(_with_blocks(manifest), out)
    return out.getvalue()


def write_manifest(manifest: Mapping[str, Any], path: Path) -> None:
    """Write a manifest to a file: JSON if it ends with ``.json``, YAML otherwise."""
    if path.suffix == ".json":
        text = json.dumps(manifest, indent=1) + "\n"
    else:
        text = manifest_text(manifest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _with_blocks(node: Any) -> Any:
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(node, Mapping):
        return {key: _with_blocks(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_with_blocks(value) for value in node]
    if isinstance(node, str) and "\n" in node:
        return LiteralScalarString(node)
    return node
