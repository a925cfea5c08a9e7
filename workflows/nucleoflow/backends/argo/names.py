"""Names of templates that read well in Argo's pages, and are the same every time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from nucleoflow.backends.argo.dflow_mode import RANDOM
from nucleoflow.profile.kinds import KIND_OF_OPERATOR

_SHARED = ("check-success-ratio", "check-num-success")
"""Templates that are the same behind every operator."""
_RANDOM_PARTS = re.compile(rf"-{RANDOM}\d{{5}}")


def rename_templates(manifest: dict[str, Any]) -> dict[str, str]:
    """Give every template a name without random parts.

    Templates of an operator are called by the operator's class (``run-replica``); where there are
    several, the second is ``run-replica-2``, and so on in the order of the manifest.

    Parameters
    ----------
    manifest : dict
        A workflow; changed in place.

    Returns
    -------
    dict
        Old name to new name.
    """
    templates = manifest["spec"]["templates"]
    names: dict[str, str] = {}
    taken: set[str] = set()
    for template in templates:
        stem = _readable(_RANDOM_PARTS.sub("", template["name"]))
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        names[template["name"]] = name
    for template in templates:
        template["name"] = names[template["name"]]
        for step in calls(template):
            step["template"] = names[step["template"]]
    manifest["spec"]["entrypoint"] = names[manifest["spec"]["entrypoint"]]
    return names


def calls(template: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the steps of a ``steps`` template, or the tasks of a ``dag`` template."""
    for group in template.get("steps") or ():
        yield from group
    yield from (template.get("dag") or {}).get("tasks") or ()


def _readable(name: str) -> str:
    """Put hyphens back where dflow made a class's name lower case."""
    for check in _SHARED:
        if name.endswith(check):
            return check
    for operator in sorted(KIND_OF_OPERATOR, key=len, reverse=True):
        lower = operator.lower()
        if name == lower or name.startswith(f"{lower}-"):
            words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", operator).lower()
            return words + name[len(lower) :]
    return name
