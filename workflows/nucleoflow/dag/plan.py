"""Which stages a run has, and what they need of one another; known without dflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nucleoflow.study.model import STAGES, Study
from nucleops.errors import WrongInput

MAKERS = {
    "systems": "build",
    "models": "learn",
    "learning": "learn",
    "metad": "metad",
    "unbiased": "unbiased",
    "nucleate": "nucleate",
    "charges": "charges",
    "report": "report",
}
"""Product that another stage or a resumed run can start from, to the stage that makes it.

The data set of stage ``learn`` is none: no stage needs it, and runs from before there was one are
complete without it.
"""

NEEDS: dict[str, tuple[str, ...]] = {
    "build": (),
    "learn": ("systems",),
    "metad": ("systems", "models"),
    "unbiased": ("systems", "models"),
    "nucleate": ("models",),
    "charges": (),
    "report": (),
}
"""Products that a stage cannot do without."""

PRODUCTIONS = ("metad", "unbiased", "nucleate")
"""Stages with one result for each named production."""

CHARGED = ("metad", "unbiased")
"""Products from which charges take structures, where they are there."""

REPORTED = ("learning", "metad", "unbiased", "nucleate", "charges")
"""Products that the report shows where they are there."""


def stages_of(study: Study, asked: Sequence[str] = ()) -> list[str]:
    """Stages to run, in order.

    Parameters
    ----------
    study : Study
        Stages that it does not describe are left out.
    asked : sequence of str
        Stages asked for; empty means all.

    Raises
    ------
    WrongInput
        A stage is unknown, or the study does not describe it.
    """
    described = [
        stage for stage in STAGES if stage not in (*PRODUCTIONS, "charges") or getattr(study, stage)
    ]
    for stage in asked:
        if stage not in described:
            raise WrongInput(
                f"study '{study.name}' has no stage '{stage}'; it has: {', '.join(described)}"
            )
    return [stage for stage in described if not asked or stage in asked]


def refuse_missing(stages: Sequence[str], given: Sequence[str]) -> None:
    """Raise ``WrongInput`` if a stage needs what neither a stage nor an earlier run makes."""
    for need, stage in missing_products(stages, given).items():
        raise WrongInput(
            f"stage '{stage}' needs {need}, which stage '{MAKERS[need]}' makes",
            advice="run that stage too, or give a run that has it with --from RUN",
        )


def missing_products(stages: Sequence[str], given: Sequence[str]) -> dict[str, str]:
    """Products that the stages need and that neither they nor an earlier run make.

    Returns
    -------
    dict
        Product to the stage that needs it.
    """
    made = {product for product, stage in MAKERS.items() if stage in stages}
    return {
        need: stage
        for stage in stages
        for need in NEEDS[stage]
        if need not in made and need not in given
    }


SUMMARY = "summary.json"


def products_in(results: Path) -> dict[str, list[Path]]:
    """Find what a run left in its ``results`` folder.

    Parameters
    ----------
    results : Path
        The folder; stages that the run did not finish are missing from it.

    Returns
    -------
    dict
        Product (see :data:`MAKERS`) to its files or folders; products that are not there are
        left out.
    """
    found = {
        "systems": [results / "systems"] if (results / "systems").is_dir() else [],
        "models": model_files(results / "models"),
    }
    for product in REPORTED:
        found[product] = sorted(path.parent for path in results.glob(f"{product}*/{SUMMARY}"))
    return {product: paths for product, paths in found.items() if paths}


def model_files(folder: Path) -> list[Path]:
    """Frozen models in a folder, in the order of the committee."""
    return sorted(path for path in folder.rglob("*") if path.suffix in (".pb", ".pth", ".pt2"))
