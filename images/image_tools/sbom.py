"""Bills of materials: what an image holds, as CycloneDX 1.6."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from image_tools.engines import Engine

INVENTORY = Path(__file__).with_name("inventory.py")

Inventory = Mapping[str, Sequence[Mapping[str, Any]]]


def write_sbom(engine: Engine, reference: str, path: Path) -> None:
    """Ask an image what it holds and write that down.

    Parameters
    ----------
    engine : Engine
        Runs the image.
    reference : str
        The image.
    path : Path
        File to write; its folder is made.

    Raises
    ------
    ProgramFailed
        If the image's Python does not answer.
    """
    script = INVENTORY.read_text(encoding="utf-8")
    answer = engine.feed(reference, ["python3", "-I", "-"], script)
    if engine.shell.dry_run:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    document = cyclonedx(json.loads(answer), reference)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {path}: {len(document['components'])} components")


def cyclonedx(inventory: Inventory, reference: str) -> dict[str, Any]:
    """Return a CycloneDX document; the same inventory gives the same bytes.

    Parameters
    ----------
    inventory : mapping
        Packages by ecosystem, as ``inventory.py`` lists them.
    reference : str
        The image they are in.
    """
    components = sorted(_components(inventory), key=lambda c: str(c["purl"]))
    name, _, version = reference.rpartition(":")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "container",
                "bom-ref": reference,
                "name": name,
                "version": version,
            }
        },
        "components": list({c["bom-ref"]: c for c in components}.values()),
    }


def _components(inventory: Inventory) -> Iterator[dict[str, Any]]:
    for ecosystem, packages in inventory.items():
        for package in packages:
            purl = _purl(ecosystem, package)
            component: dict[str, Any] = {
                "type": "library",
                "bom-ref": purl,
                "name": package["name"],
                "version": package["version"],
                "purl": purl,
            }
            if package.get("licence"):
                component["licenses"] = [{"license": {"name": package["licence"]}}]
            yield component


def _purl(ecosystem: str, package: Mapping[str, Any]) -> str:
    """Return a package URL (https://github.com/package-url/purl-spec)."""
    name, version = str(package["name"]), quote(str(package["version"]), safe=":~+.-")
    if ecosystem == "deb":
        return f"pkg:deb/debian/{name}@{version}?arch={package['architecture']}"
    if ecosystem == "pypi":
        return f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"
    channel = "/".join(package["channel"])
    return f"pkg:conda/{name}@{version}?build={package['build']}&channel={quote(channel, safe='')}"
