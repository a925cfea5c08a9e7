"""SYNTHETIC inputs of the analyses, for tests only: no engine ran, no number means anything.

Runs are model dynamics (Langevin on a model surface, noise about motif geometries, dimers moved
along straight lines), laid out exactly as the engines' result folders are; the stage folders are
then made from them by the package's own analyses.
"""

from __future__ import annotations

from pathlib import Path

from synthetic.learning import learning
from synthetic.production import charges, metad, nucleate, unbiased
from synthetic.runs import jiggle, solvated, write_md
from synthetic.study import PROVENANCE, STUDY

__all__ = [
    "PROVENANCE",
    "STUDY",
    "jiggle",
    "learning",
    "make_all",
    "metad",
    "nucleate",
    "solvated",
    "unbiased",
    "write_md",
]


def make_all(root: Path, small: bool = False) -> dict[str, Path]:
    """Make all stage folders under `root`; `small` for quick tests."""
    root.mkdir(parents=True, exist_ok=True)
    return {
        "learning": learning(root / "learn"),
        "metad": metad(root / "md1", 2000 if small else 8000),
        "unbiased": unbiased(root / "md2", 40 if small else 240),
        "nucleate": nucleate(root / "md3", 40 if small else 120),
        "charges": charges(root / "charges"),
    }
