"""What is written of structure: tables of densities, radial distribution functions, series."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.bond_tally import Followed
from nucleops.analysis.follow import Structure
from nucleops.analysis.radial import Radial
from nucleops.analysis.settings import Reference
from nucleops.analysis.tables import write_table

_UNITS = {"distances": "A", "angles": "degree"}


def write_structure(structure: Structure, out: Path) -> dict[str, Any]:
    """Write the tables of a structure, each as CSV and Parquet.

    Parameters
    ----------
    structure : Structure
        What was followed.
    out : Path
        Existing folder for ``distances``, ``angles`` (kind, role, x, density, error), ``radial``
        (pair, r, g, local density, their errors, coordination) and ``series`` (mean of each kind).

    Returns
    -------
    dict
        What a summary says of it: ``kinds`` with their maxima and ``roles``, ``radial``,
        ``n_frames``.
    """
    for name, unit in _UNITS.items():
        write_table(out, name, _densities([f for f in structure.followed if f.unit == unit], unit))
    if structure.radials:
        write_table(out, "radial", _radials(structure.radials))
    units = {kind.name: kind.unit for kind in structure.kinds}
    means = {f"{name}_{units[name]}": values for name, values in structure.series.items()}
    write_table(out, "series", {"time_ps": structure.times_ps} | means)
    kinds: dict[str, Any] = {}
    for f in structure.followed:
        if f.role:
            kinds[f.name]["roles"][f.role] = account(f)
        else:
            kinds[f.name] = account(f) | {"roles": {}}
    return {
        "n_frames": structure.n_kept,
        "kinds": kinds,
        "radial": {r.pair: _shell(r) for r in structure.radials},
    }


def account(f: Followed) -> dict[str, Any]:
    """What a summary says of one density."""
    return {
        "unit": f.unit,
        "n_bonded": f.n_bonded,
        "bandwidth": f.density.bandwidth,
        "block_frames": f.block_frames,
        "error_is_level": f.long_enough,
        "lost": f.lost,
        "maxima": [
            {"position": m.position, "error": m.error, "density": m.density}
            for m in f.density.maxima
        ],
    }


def against_references(
    kinds: Mapping[str, Any], ranges: Mapping[str, Sequence[Reference]]
) -> list[dict[str, Any]]:
    """Set maxima beside crystal ranges.

    Parameters
    ----------
    kinds : mapping
        ``kinds`` of a summary.
    ranges : mapping
        Kind to its references.

    Returns
    -------
    list of dict
        For each reference of a kind that was found: the maximum nearest to it, and how far outside
        the range that lies (0 inside), in A or degrees, and in standard errors.
    """
    rows = []
    for kind, references in ranges.items():
        maxima = (kinds.get(kind) or {}).get("maxima") or []
        for reference in references if maxima else ():
            outside = [_outside(m["position"], reference) for m in maxima]
            k = int(np.argmin(np.abs(outside)))
            error = maxima[k]["error"]
            known = error is not None and error > 0
            rows.append(
                {
                    "kind": kind,
                    "unit": kinds[kind]["unit"],
                    "reference": reference.label,
                    "low": reference.low,
                    "high": reference.high,
                    "maximum": maxima[k]["position"],
                    "error": error,
                    "outside": outside[k],
                    "outside_in_errors": outside[k] / error if known else None,
                }
            )
    return rows


def _outside(position: float, reference: Reference) -> float:
    return position - float(np.clip(position, reference.low, reference.high))


def _shell(radial: Radial) -> dict[str, Any]:
    peak, number = radial.first_shell()
    return {
        "first_peak_A": peak,
        "coordination": number,
        "normalised": bool(np.isfinite(radial.g).all()),
        "max_A": float(radial.r[-1] + (radial.r[-1] - radial.r[-2]) / 2),
        "n_first": radial.n_first,
        "n_second": radial.n_second,
        "n_frames": radial.n_frames,
        "n_blocks": radial.n_blocks,
    }


def _densities(followed: Sequence[Followed], unit: str) -> dict[str, Any]:
    lengths = [len(f.density.x) for f in followed]
    return {
        "kind": np.repeat(np.array([f.name for f in followed], dtype=object), lengths),
        "role": np.repeat(np.array([f.role for f in followed], dtype=object), lengths),
        f"x_{unit}": _joined(f.density.x for f in followed),
        f"density_per_{unit}": _joined(f.density.density for f in followed),
        f"error_per_{unit}": _joined(f.density.error for f in followed),
    }


def _radials(radials: Sequence[Radial]) -> dict[str, Any]:
    lengths = [len(r.r) for r in radials]
    return {
        "pair": np.repeat(np.array([r.pair for r in radials], dtype=object), lengths),
        "r_A": _joined(r.r for r in radials),
        "g": _joined(r.g for r in radials),
        "g_error": _joined(r.g_error for r in radials),
        "local_density_per_A3": _joined(r.local for r in radials),
        "local_density_error_per_A3": _joined(r.local_error for r in radials),
        "coordination": _joined(r.coordination for r in radials),
    }


def _joined(parts: Iterable[Any]) -> Any:
    return np.concatenate([*parts, np.zeros(0)])
