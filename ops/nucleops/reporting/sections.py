"""What each section of the page says, from the stages' summaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nucleops.analysis.stages.files import SUMMARY, read_json
from nucleops.errors import WrongInput

STAGES = ("learning", "metad", "unbiased", "nucleate")


@dataclass(frozen=True)
class Verdict:
    """First line of a section: good, caution or missing; in words."""

    level: str
    text: str
    missing: tuple[str, ...] = ()
    met: tuple[str, ...] = ()


@dataclass
class Stage:
    """A stage's folder and summary."""

    name: str
    folder: Path
    summary: dict[str, Any] = field(default_factory=dict)


def read_stages(folders: dict[str, Path | None]) -> dict[str, Stage]:
    """Read the summaries of the stages that were run.

    Raises
    ------
    WrongInput
        If a folder has no `summary.json`.
    """
    stages = {}
    for name, folder in folders.items():
        if folder is None:
            continue
        path = Path(folder) / SUMMARY
        if not path.is_file():
            raise WrongInput(f"{path}: no such file; the {name} folder of a report has one")
        stages[name] = Stage(name, Path(folder), read_json(path))
    return stages


def verdicts(stages: dict[str, Stage]) -> dict[str, Verdict]:
    """One verdict for each stage, run or not."""
    found = {}
    for name in STAGES:
        if name not in stages:
            found[name] = Verdict("missing", "This stage was not run, or did not finish.")
            continue
        v = stages[name].summary.get("verdict") or {}
        good = bool(v.get("converged", v.get("enough", False)))
        found[name] = Verdict(
            "good" if good else "caution",
            v.get("sentence", ""),
            tuple(v.get("missing") or ()),
            tuple(v.get("met") or ()),
        )
    return found


def runs(stages: dict[str, Stage]) -> list[dict[str, Any]]:
    """Every MD run of the report, with how long it was trusted and why it ended, in words."""
    rows = []
    for name, title in (
        ("metad", "metadynamics"),
        ("unbiased", "unbiased"),
        ("nucleate", "nucleation"),
    ):
        if name not in stages:
            continue
        for run in stages[name].summary.get("runs") or []:
            rows.append(run | {"stage": title, "why": why(run), "share": _share(run)})
        for gone in stages[name].summary.get("unfinished") or []:
            rows.append(
                {
                    "stage": title,
                    "name": gone["name"],
                    "why": gone["why"],
                    "status": "unfinished",
                    "trusted_ps": None,
                    "run_ps": None,
                    "share": 0.0,
                    "wall_s": None,
                }
            )
    return rows


def why(run: dict[str, Any]) -> str:
    """Say why a run ended, in words a chemist would use."""
    if run.get("status") == "trust-ended":
        return f"trust ended: {run.get('reason') or 'no reason was recorded'}"
    return "ran to its planned length"


def _share(run: dict[str, Any]) -> float:
    return 100.0 * run["trusted_ps"] / run["run_ps"] if run.get("run_ps") else 0.0


def warnings(stages: dict[str, Stage]) -> list[str]:
    """What a reader must know before using a number."""
    found: list[str] = []
    if "learning" in stages:
        found += _learning_warnings(stages["learning"].summary)
    if "metad" in stages:
        found += _metad_warnings(stages["metad"].summary)
    for row in runs(stages):
        if row["status"] == "trust-ended":
            found.append(
                f"{row['stage'].capitalize()} run {row['name']} counts only up to "
                f"{row['trusted_ps']:.3g} of {row['run_ps']:.3g} ps ({row['why']}). "
                "What came later is left out everywhere."
            )
        elif row["status"] == "unfinished":
            found.append(
                f"{row['stage'].capitalize()} {row['name']} is not in the pool: {row['why']}."
            )
    return found


def _learning_warnings(summary: dict[str, Any]) -> list[str]:
    found = []
    method = (summary.get("level_of_theory") or {}).get("method")
    if method == "gfn1-xtb":
        found.append(
            "The reference is GFN1-xTB, a cheap semi-empirical method. Energies and geometries "
            "show that the machinery works; they are not of DFT quality."
        )
    for row in summary.get("rounds") or []:
        dropped = row.get("n_dropped") or {}
        if sum(dropped.values()):
            reasons = ", ".join(f"{n} × {reason}" for reason, n in dropped.items())
            found.append(f"Labels dropped in {row['name']}: {reasons}.")
        if row.get("stalled"):
            found.append(
                f"{row['name']} found no frame to label although it was not accurate enough."
            )
    forces = ((summary.get("final") or {}).get("force_rmse_meV_A")) or []
    worst = max((f for f in forces if f is not None), default=0.0)
    if worst > 100.0:
        found.append(
            f"The potential's force error is {worst:.0f} meV/Å; the article reached about 50. "
            "Barriers and rates from it are not quantitative."
        )
    return found


def _metad_warnings(summary: dict[str, Any]) -> list[str]:
    found = []
    surface = summary.get("surface") or {}
    if surface and not surface.get("error_is_level"):
        found.append(
            "No block size shows a level free-energy error (the run is short beside the time its "
            "variables take to forget), so the stated errors are lower bounds."
        )
    left_out = sorted(
        {x for r in summary.get("runs") or [] for x in r.get("left_out_of_bias") or []}
    )
    if left_out:
        found.append(
            "Colvars cannot express these parts of the bias, and the runs went without them: "
            + ", ".join(left_out)
            + "."
        )
    return found
