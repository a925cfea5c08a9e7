"""``bases.lock``: what images are built on, by tag and digest."""

from __future__ import annotations

import re
from pathlib import Path

from image_tools.catalogue import ROOT
from nucleops.errors import WrongInput

LOCK = ROOT / "images" / "bases.lock"

_LINE = re.compile(r"^([A-Z_]+)=(\S+)$")
_REFERENCE = re.compile(r"^(?P<tagged>[^@\s]+:[^:/@\s]+)?(?P<digest>@sha256:[0-9a-f]{64})?$")


def read_bases(path: Path = LOCK) -> dict[str, str]:
    """Return references by name.

    Raises
    ------
    WrongInput
        If a line is neither a comment nor ``NAME=reference``, or names no exact version.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if match is None:
            raise WrongInput(
                f"{path.name}, line {number}: '{line}'", advice="allowed: NAME=image:tag@sha256:..."
            )
        check_reference(match[2], f"{path.name}, line {number}")
        found[match[1]] = match[2]
    return found


def check_reference(reference: str, where: str) -> None:
    """Refuse what may be another image tomorrow: no tag, or the tag ``latest``.

    Raises
    ------
    WrongInput
        Says where it stands.
    """
    match = _REFERENCE.match(reference)
    tagged = match["tagged"] if match else None
    if tagged is None or tagged.endswith(":latest"):
        raise WrongInput(
            f"{where}: '{reference}' names no exact version", advice="write image:tag@sha256:..."
        )


def tagged(reference: str) -> str:
    """Return a reference without its digest."""
    return reference.partition("@")[0]


def with_digests(text: str, digests: dict[str, str]) -> str:
    """Return a lock file's text with other digests, comments kept.

    Parameters
    ----------
    text : str
        The file as it is.
    digests : dict
        ``sha256:...`` by name.
    """
    lines = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is not None and match[1] in digests:
            line = f"{match[1]}={tagged(match[2])}@{digests[match[1]]}"
        lines.append(line)
    return "\n".join(lines) + "\n"
