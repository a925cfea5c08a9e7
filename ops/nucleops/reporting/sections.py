"""What each section of the page says, from the stages' summaries."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nucleops.analysis.stages.files import SUMMARY, read_json
from nucleops.errors import WrongInput

STAGES = ("learning", "metad", "unbiased", "nucleate", "charges")
TITLES = {
    "learning": "learning",
    "metad": "metadynamics",
    "unbiased": "unbiased run",
    "nucleate": "nucleation",
    "charges": "atomic charges",
}
PROGRAMS = {"lammps": "LAMMPS", "deepmd-kit": "DeePMD-kit", "plumed": "PLUMED"}
"""Programs by their key in an MD run's versions."""


@dataclass(frozen=True)
class Verdict:
    """First line of a section: good, caution or missing; in words."""

    level: str
    text: str
    missing: tuple[str, ...] = ()
    met: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """A result folder: of learning, of the pool of replicas, or of one named run.

    Attributes
    ----------
    stage : str
        One of :data:`STAGES`.
    folder : Path
        Where.
    summary : dict
        Its ``summary.json``.
    name : str
        Name of the run in the study; empty where the stage has no named runs.
    tag : str
        Behind the names of its figures and ids; empty where the stage has one result only.
    """

    stage: str
    folder: Path
    summary: dict[str, Any]
    name: str = ""
    tag: str = ""

    @property
    def id(self) -> str:
        """Id of its part of the page."""
        return f"{self.stage}{self.tag}"

    @property
    def title(self) -> str:
        """The run's kind and name, for tables and warnings."""
        return f"{TITLES[self.stage]}: {self.name}" if self.name else TITLES[self.stage]

    @property
    def verdict(self) -> Verdict:
        """First line of its section."""
        v = self.summary.get("verdict") or {}
        good = bool(v.get("converged", v.get("enough", False)))
        return Verdict(
            "good" if good else "caution",
            v.get("sentence", ""),
            tuple(v.get("missing") or ()),
            tuple(v.get("met") or ()),
        )


Results = dict[str, list[Result]]
"""Stage -> its results; every stage is there, with an empty list where it was not run."""


def read_results(folders: Mapping[str, Path | Sequence[Path] | None]) -> Results:
    """Read the summaries of the stages that were run.

    Parameters
    ----------
    folders : mapping
        Stage -> its result folder, or one for each named run.

    Raises
    ------
    WrongInput
        If a folder has no `summary.json`.
    """
    results: Results = {}
    for stage in STAGES:
        given = folders.get(stage)
        paths = [] if given is None else [given] if isinstance(given, Path) else list(given)
        read = [(path, _summary(stage, path)) for path in paths]
        names = _unique([str(summary.get("name") or "") for _, summary in read])
        results[stage] = [
            Result(stage, path, summary, name, f"_{name}" if len(read) > 1 else "")
            for (path, summary), name in zip(read, names, strict=True)
        ]
    return results


def _summary(stage: str, folder: Path) -> dict[str, Any]:
    path = folder / SUMMARY
    if not path.is_file():
        raise WrongInput(f"{path}: no such file; the {stage} folder of a report has one")
    found: dict[str, Any] = read_json(path)
    return found


def _unique(names: Sequence[str]) -> list[str]:
    """Number names that are missing or that occur again; keep what may stand in a file name."""
    if len(names) == 1:
        return list(names)
    clean = [re.sub(r"[^\w-]+", "-", name) for name in names]
    return [
        name if name and clean.count(name) == 1 else f"{name or 'run'}-{k + 1}"
        for k, name in enumerate(clean)
    ]


def level(results: Sequence[Result]) -> str:
    """Level of a stage: the worst of its results, missing where there is none."""
    levels = {r.verdict.level for r in results}
    return "missing" if not levels else "caution" if "caution" in levels else "good"


def runs(results: Results) -> list[dict[str, Any]]:
    """Every MD run of the report, with how long it was trusted and why it ended, in words."""
    rows = []
    for result in (r for stage in STAGES[1:] for r in results[stage]):
        for run in result.summary.get("runs") or []:
            own = "" if result.stage == "unbiased" else run["name"]
            words = {"run": _join(result.title, own), "why": why(run)}
            rows.append(run | words | {"share": _share(run)})
        for gone in result.summary.get("unfinished") or []:
            empty = dict.fromkeys(("trusted_ps", "run_ps", "wall_s", "seed"))
            words = {"run": _join(result.title, gone["name"]), "why": gone["why"]}
            rows.append(empty | words | {"status": "unfinished", "share": 0.0})
    return rows


def _join(title: str, name: str) -> str:
    return f"{title}, {name}" if name else title


def programs(results: Results) -> dict[str, str]:
    """Versions of the simulation programs, as the programs themselves stated them."""
    found: dict[str, str] = {}
    for learning in results["learning"]:
        name, _, version = (learning.summary.get("reference_program") or "").rpartition(" ")
        if name:
            found[name] = version
    for result in (r for stage in STAGES[1:] for r in results[stage]):
        for path in sorted(result.folder.glob("*/md.json")):
            stated = (read_json(path).get("versions") or {}).items()
            found |= {PROGRAMS[key]: str(version) for key, version in stated if key in PROGRAMS}
    return found


def why(run: dict[str, Any]) -> str:
    """Say why a run ended, in words a chemist would use."""
    if run.get("status") == "trust-ended":
        return f"trust ended: {run.get('reason') or 'no reason was recorded'}"
    return "ran to its planned length"


def _share(run: dict[str, Any]) -> float:
    return 100.0 * run["trusted_ps"] / run["run_ps"] if run.get("run_ps") else 0.0
