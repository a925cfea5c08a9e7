"""Tables and words of a path."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.paths.along import PathProfile
from nucleops.analysis.tables import write_table


def write_path(path: PathProfile, unit: str, folder: Path) -> None:
    """Write ``path.csv`` (its points) and ``path_order.csv`` (pairs of variables); Parquet too.

    Parameters
    ----------
    path : PathProfile
        The path.
    unit : str
        Unit of energy, for the columns' names.
    folder : Path
        Where.
    """
    unit = unit.replace("/", "_")
    columns: dict[str, Any] = {"along": path.along}
    columns |= dict(zip(path.variables, path.values.T, strict=True))
    columns |= {f"free_energy_{unit}": path.profile, f"error_{unit}": path.error}
    done = zip(path.variables, path.progress.T, strict=True)
    columns |= {f"progress_{name}": column for name, column in done}
    columns["pass"] = (np.arange(len(path.points)) == path.top).astype(int)
    write_table(folder, "path", columns)
    orders: dict[str, Any] = {
        "before": np.array([one.before for one in path.orders], dtype=str),
        "after": np.array([one.after for one in path.orders], dtype=str),
    }
    for name, field in (("order", "value"), ("order_low", "low"), ("order_high", "high")):
        orders[name] = np.array([getattr(one, field) for one in path.orders], dtype=np.float64)
    if path.orders:
        write_table(folder, "path_order", orders)


def path_words(path: PathProfile | None, wanted: tuple[str, str], unit: str) -> list[str]:
    """Say what a path is, a line each: pass, difference, order; or that the wanted is none."""
    if path is None:
        return [
            f"No path from {wanted[0]} to {wanted[1]}: no points that the run has visited join "
            "the two."
        ]
    start, end = path.ends
    lines = [
        f"Path from {start} to {end}"
        + (f" by {', '.join(path.crossed[1:-1])}" if len(path.crossed) > 2 else "")
        + f": pass {_number(path.height, path.height_error, unit)} above {start}"
    ]
    where = ", ".join(
        f"{name} = {value:.4g}"
        for name, value in zip(path.variables, path.values[path.top], strict=True)
    )
    if path.top == 0:
        lines[0] = lines[0].split(": pass")[0] + ": downhill, without a barrier"
    elif path.top == len(path.points) - 1:
        lines[0] = lines[0].split(": pass")[0] + ": uphill all the way"
    else:
        lines[0] += f" at {where}"
    lines[0] += f"; the end {_number(path.profile[-1], path.error[-1], unit)}."
    return lines + [f"  {one.sentence()}" for one in path.orders]


def path_account(path: PathProfile) -> dict[str, Any]:
    """Return what a summary keeps of a path."""
    return {
        "from": path.ends[0],
        "to": path.ends[1],
        "crossed": path.crossed,
        "pass": path.height,
        "pass_error": path.height_error,
        "pass_at": dict(zip(path.variables, path.values[path.top], strict=True)),
        "difference": path.profile[-1],
        "difference_error": path.error[-1],
        "half_way": dict(zip(path.variables, path.half_way, strict=True)),
        "orders": [vars(one) | {"sentence": one.sentence()} for one in path.orders],
        "replicates": path.replicates,
    }


def _number(value: float, error: float, unit: str) -> str:
    if not np.isfinite(value):
        return "not known"
    return f"{value:.2f}" + (f" ± {error:.2f}" if np.isfinite(error) else "") + f" {unit}"
