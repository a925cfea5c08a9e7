"""What the learning rounds say: a table of rounds, errors of the models, parity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.learning.levels import enough
from nucleops.learning.settings import AdaptiveLevel
from nucleops.learning.tally import shares

ROUND_KEYS = (
    "name",
    "n_train_frames",
    "n_held_out",
    "accurate",
    "candidate",
    "failed",
    "n_frames_explored",
    "n_selected",
    "n_labelled",
    "n_dropped",
    "converged",
)


def rmse(reference: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean square difference of two arrays of one shape, in their unit; nan if empty."""
    difference = np.asarray(predicted, dtype=np.float64) - np.asarray(reference, dtype=np.float64)
    return float(np.sqrt(np.mean(difference**2))) if difference.size else float("nan")


def round_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the rounds' table from a `round.json`.

    Parameters
    ----------
    record : mapping
        Keys of :data:`ROUND_KEYS`, and ``tests``: one entry for each model with
        ``energy_rmse_meV_atom`` and ``force_rmse_meV_A``. Missing ones become None or empty.
    """
    tests = list(record.get("tests") or [])
    row: dict[str, Any] = {key: record.get(key) for key in ROUND_KEYS}
    row["n_dropped"] = dict(record.get("n_dropped") or {}) if _is_map(record) else {}
    for key in ("energy_rmse_meV_atom", "force_rmse_meV_A"):
        row[key] = [float(t[key]) for t in tests if t.get(key) is not None]
    percentiles = record.get("max_deviation") or record.get("deviation_percentiles_eV_A")
    row["max_deviation"] = dict(percentiles or {})
    row["stalled"] = bool(record.get("stalled", False))
    row["low_eV_A"] = record.get("low_eV_A")
    row["advice"] = str(record.get("advice") or "")
    for key in ("explorations", "ended_early", "cost"):
        row[key] = dict(record.get(key) or {})
    return row


def judge_rounds(rows: Sequence[dict[str, Any]], selection: Mapping[str, Any]) -> None:
    """Fill in ``converged`` of rounds whose low trust level adapts.

    A round's own record cannot know: it depends on the rounds before.

    Parameters
    ----------
    rows : sequence of dict
        Of :func:`round_row`, in order; changed.
    selection : mapping
        :class:`nucleops.learning.settings.Selection` as plain data; may be empty.
    """
    if not selection.get("adaptive"):
        return
    rule = AdaptiveLevel.model_validate(selection["adaptive"])
    for k, row in enumerate(rows):
        lows = [r["low_eV_A"] for r in rows[: k + 1] if r["low_eV_A"] is not None]
        failed = 1.0 if row["failed"] is None else float(row["failed"])
        row["converged"] = enough(lows, failed, rule, float(selection["converged_accurate"]))


def least_accurate(row: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the exploration of a round with the smallest share of accurate frames, and that."""
    found = {label: shares(counts)[0] for label, counts in row["explorations"].items()}
    return min(found.items(), key=lambda item: item[1]) if found else None


def _is_map(record: Mapping[str, Any]) -> bool:
    return isinstance(record.get("n_dropped") or {}, Mapping)


def thin(n_rows: int, most: int, seed: int = 0) -> IntArray:
    """Choose at most `most` of `n_rows` rows at random, ascending; the same for the same seed."""
    if n_rows <= most:
        return np.arange(n_rows, dtype=np.int64)
    rng = np.random.default_rng(seed)
    return np.sort(rng.choice(n_rows, size=most, replace=False)).astype(np.int64)


ERRORS = ("energy_rmse_meV_atom", "energy_mae_meV_atom", "force_rmse_meV_A", "force_mae_meV_A")


def final_errors(tests: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Collect the production models' errors, one entry for each model.

    Returns
    -------
    dict
        :data:`ERRORS`: lists; ``per_element_force_rmse_meV_A`` and ``per_element_force_mae_meV_A``:
        element -> list; ``per_composition``: composition -> ``n_frames`` and :data:`ERRORS`. What
        a test does not tell is left out.
    """
    rows = list(tests)
    found: dict[str, Any] = {key: _listed(rows, key) for key in ERRORS}
    for key in ("per_element_force_rmse_meV_A", "per_element_force_mae_meV_A"):
        parts = [row.get(key) or {} for row in rows]
        found[key] = {e: _listed(parts, e) for e in dict.fromkeys(e for p in parts for e in p)}
    parts = [row.get("per_composition") or {} for row in rows]
    found["per_composition"] = {
        name: {"n_frames": own["n_frames"]}
        | {key: _listed([part.get(name) or {} for part in parts], key) for key in ERRORS}
        for name, own in (parts[0] if parts else {}).items()
    }
    return found


def _listed(rows: Iterable[Mapping[str, Any]], key: str) -> list[float]:
    return [float(row[key]) for row in rows if row.get(key) is not None]


def concatenate(parts: Iterable[ArrayLike]) -> FloatArray:
    """Join one-dimensional series; an empty array where there is none."""
    arrays = [np.asarray(p, dtype=np.float64).ravel() for p in parts]
    return np.concatenate(arrays) if arrays else np.zeros(0)
