"""Strict validation of manifests against a CRD of Argo's.

::

    python -m nucleoflow.backends.argo.crd CRD_FILE MANIFEST...

The CRD is YAML, plain or with gzip; manifests are YAML or JSON.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


def read_crd(path: Path) -> dict[str, dict[str, Any]]:
    """Read a CRD file.

    Parameters
    ----------
    path : Path
        One or several ``CustomResourceDefinition``.

    Returns
    -------
    dict
        Kind to the schema of its newest stored version.
    """
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    schemas = {}
    for document in _documents(text.decode("utf-8")):
        if document and document.get("kind") == "CustomResourceDefinition":
            spec = document["spec"]
            version = next(v for v in spec["versions"] if v["storage"])
            schemas[spec["names"]["kind"]] = version["schema"]["openAPIV3Schema"]
    return schemas


def unfit(value: Any, schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield what does not fit a structural schema of Kubernetes', unknown fields included."""
    if schema.get("x-kubernetes-int-or-string"):
        if not isinstance(value, (int, str)):
            yield f"{path}: found {type(value).__name__}, allowed: integer or string"
        return
    wanted = schema.get("type")
    if wanted is not None and not _is(value, wanted):
        yield f"{path}: found {type(value).__name__}, allowed: {wanted}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: found {value!r}, allowed: {schema['enum']}"
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{path}: found {value!r}, allowed: {schema['pattern']}"
    if isinstance(value, dict):
        yield from _unfit_fields(value, schema, path)
    if isinstance(value, list):
        for i, entry in enumerate(value):
            yield from unfit(entry, schema.get("items", {}), f"{path}[{i}]")


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, bool):
        return wanted == "boolean"
    return isinstance(value, _TYPES[wanted])


def _unfit_fields(value: dict[str, Any], schema: Mapping[str, Any], path: str) -> Iterator[str]:
    known: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{path}.{name}: is required and missing"
    others = schema.get("additionalProperties")
    free = bool(schema.get("x-kubernetes-preserve-unknown-fields")) or not (known or others)
    for name, entry in value.items():
        where = f"{path}.{name}".removeprefix(".")
        if name in known:
            yield from unfit(entry, known[name], where)
        elif isinstance(others, Mapping):
            yield from unfit(entry, others, where)
        elif not free and others is not True:
            yield f"{where}: unknown field"


def _documents(text: str) -> Iterator[Any]:
    from ruamel.yaml import YAML

    # the C library behind it; a CRD has 100,000 lines
    yield from YAML(typ="safe").load_all(text)


def main(arguments: list[str]) -> int:
    """Validate and report; returns 1 if a manifest does not fit, 2 if there is nothing to do."""
    if len(arguments) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    schemas = read_crd(Path(arguments[0]))
    failures = 0
    for name in arguments[1:]:
        for manifest in _documents(Path(name).read_text(encoding="utf-8")):
            kind = manifest.get("kind")
            if kind not in schemas:
                found = [f"kind: found {kind!r}, the CRD has {[*schemas]}"]
            else:
                found = list(unfit(manifest, schemas[kind]))
            failures += bool(found)
            print(f"{name}: {kind}: {'fits' if not found else f'{len(found)} mistakes'}")
            for line in found:
                print(f"  {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
