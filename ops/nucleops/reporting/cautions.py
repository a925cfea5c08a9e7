"""What a reader must know before using a number, in sentences."""

from __future__ import annotations

from typing import Any

from nucleops.reporting.sections import Result, Results, runs

MOST_NAMED = 4
"""Runs cut short that are named one by one; of more, only the number is told."""


def warnings(results: Results) -> list[str]:
    """What a reader must know before using a number."""
    found: list[str] = []
    for result in results["learning"]:
        found += _learning_warnings(result.summary)
    for result in results["metad"]:
        found += _metad_warnings(result)
    cut = [row for row in runs(results) if row["status"] != "completed"]
    if len(cut) > MOST_NAMED:
        none = sum(not row["trusted_ps"] for row in cut)
        found.append(
            f"{len(cut)} of {len(runs(results))} runs count only in part, {none} of them not at "
            "all; the table says which and why. What came later is left out everywhere."
        )
    else:
        found += [_cut(row) for row in cut]
    return found


def _cut(row: dict[str, Any]) -> str:
    name = _capital(row["run"])
    if row["status"] == "unfinished":
        return f"{name} is not in the pool: {row['why']}."
    if not row["trusted_ps"]:
        return f"{name} does not count at all ({row['why']})."
    return (
        f"{name} counts only up to {row['trusted_ps']:.3g} of {row['run_ps']:.3g} ps "
        f"({row['why']}). What came later is left out everywhere."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _round(name: str) -> str:
    number = name.removeprefix("iter-")
    return f"round {int(number)}" if number.isdigit() else name


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
            found.append(f"Labels dropped in {_round(row['name'])}: {reasons}.")
        if row.get("stalled"):
            found.append(
                f"{_capital(_round(row['name']))} found no frame to label although it was not "
                "accurate enough."
            )
    forces = ((summary.get("final") or {}).get("force_rmse_meV_A")) or []
    worst = max((f for f in forces if f is not None), default=0.0)
    if worst > 100.0:
        found.append(
            f"The potential's force error is {worst:.0f} meV/Å; the article reached about 50. "
            "Barriers and rates from it are not quantitative."
        )
    return found


def _metad_warnings(result: Result) -> list[str]:
    found = []
    summary, title = result.summary, _capital(result.title)
    surface = summary.get("surface") or {}
    if surface and not surface.get("error_is_level"):
        found.append(
            f"{title}: no block size shows a level free-energy error (the run is short beside the "
            "time its variables take to forget), so the stated errors are lower bounds."
        )
    left_out = sorted(
        {x for r in summary.get("runs") or [] for x in r.get("left_out_of_bias") or []}
    )
    if left_out:
        found.append(
            f"{title}: Colvars cannot express these parts of the bias, and the runs went without "
            f"them: {', '.join(left_out)}."
        )
    return found
