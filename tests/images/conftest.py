"""Shared by the tests of the images: Dockerfiles instruction by instruction, and lock files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from image_tools.catalogue import ROOT


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Dockerfile: its keyword in capitals, and what follows in one line."""

    keyword: str
    rest: str


def instructions(path: Path) -> list[Instruction]:
    """Return a Dockerfile's instructions in order; comments are dropped and lines joined."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = []
    for line in filter(None, (line.strip() for line in joined.splitlines())):
        keyword, _, rest = line.partition(" ")
        found.append(Instruction(keyword.upper(), re.sub(r"\s+", " ", rest)))
    return found


def pins(lock: str) -> dict[str, str]:
    """Return name and version of everything a lock file of the project names."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))
