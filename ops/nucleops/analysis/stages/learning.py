"""The `learning/` result folder: rounds, errors of the production models, parity."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.learning import concatenate, judge_rounds, round_row, thin
from nucleops.analysis.stages.accuracy import accuracy
from nucleops.analysis.stages.explored import explorations_csv, explored_files, verdict
from nucleops.analysis.stages.files import SUMMARY, read_json, write_csv, write_json
from nucleops.errors import WrongInput

MOST_FORCE_ROWS = 20_000
"""Rows of the force parity that are kept; the errors are of all rows."""


def learning_folder(
    rounds: Sequence[Path],
    train_logs: Sequence[Path],
    level_of_theory: Any,
    out: Path,
    *,
    init_data: Sequence[Path] = (),
    init_logs: Sequence[Path] = (),
    selection: Mapping[str, Any] | None = None,
    collection: Mapping[str, Any] | None = None,
) -> Path:
    """Summarise the learning loop and write the `learning/` folder.

    Parameters
    ----------
    rounds : sequence of Path
        Data folders ``iter-000000`` .. in order: DeePMD npy systems (with ``type.raw`` and
        ``set.*``) and, where labels came from a round, ``round.json``; optionally
        ``tests/model-*/lcurve.csv`` and ``explored.json``.
    train_logs : sequence of Path
        Log folder of each production model: ``test.json``, ``parity.npz``, ``lcurve.csv``.
    level_of_theory : object
        Whatever the study says; carried into the summary.
    out : Path
        Folder to make: ``rounds.csv``, ``learning_curve_<round>_<k>.csv``, ``parity_energy.csv``,
        ``parity_force.csv``, ``errors.csv``, ``explorations.csv``, ``deviation_<round>.csv``,
        ``deviation_along_<exploration>.csv``, ``summary.json``.
    init_data : sequence of Path
        Data sets of the AIMD runs, DeePMD npy systems at any depth.
    init_logs : sequence of Path
        Folders with the output of those runs, from which the program's version is read.
    selection : mapping, optional
        :class:`nucleops.learning.settings.Selection` as plain data.
    collection : mapping, optional
        ``address`` and ``n_frames`` of the data as one collection.

    Returns
    -------
    Path
        `out`.
    """
    out.mkdir(parents=True)
    rows = []
    for folder in rounds:
        record = folder / "round.json"
        if record.is_file():
            rows.append(_round(folder, read_json(record), out))
    judge_rounds(rows, selection or {})
    along = explored_files(rounds, out)
    logs = [_log_folder(path) for path in train_logs]
    tests = [read_json(log / "test.json") for log in logs if (log / "test.json").is_file()]
    for k, log in enumerate(logs):
        if (log / "lcurve.csv").is_file():
            shutil.copy2(log / "lcurve.csv", out / f"learning_curve_final_{k}.csv")
    _parity_files(logs, out)
    _rounds_csv(rows, out)
    explorations_csv(rows, out)
    by_origin = {"AIMD": compositions(init_data), "rounds": compositions(rounds)}
    data = dict(sum((Counter(part) for part in by_origin.values()), Counter()))
    final = accuracy(tests, out)
    write_json(
        out / SUMMARY,
        {
            "rounds": rows,
            "final": final,
            "data": data,
            "data_by_origin": by_origin,
            "n_frames": sum(data.values()),
            "selection": dict(selection or {}),
            "along": along,
            "collection": dict(collection or {}),
            "reference_program": reference_program(init_logs),
            "level_of_theory": level_of_theory,
            "verdict": verdict(rows, final, selection or {}),
        },
    )
    return out


def _log_folder(path: Path) -> Path:
    """Return the folder itself, or its `train_log`, whichever holds the records."""
    inner = path / "train_log"
    return inner if inner.is_dir() and not (path / "test.json").is_file() else path


def _round(folder: Path, record: dict[str, Any], out: Path) -> dict[str, Any]:
    row = round_row({"name": folder.name} | record)
    name = row["name"]
    for k, curve in enumerate(sorted(folder.glob("tests/model-*/lcurve.csv"))):
        shutil.copy2(curve, out / f"learning_curve_{name}_{k}.csv")
    return row


def _parity_files(logs: Sequence[Path], out: Path) -> None:
    energies, forces = [], []
    for k, log in enumerate(logs):
        path = log / "parity.npz"
        if path.is_file():
            energy, force, element = read_parity(path)
            energies.append((np.full(len(energy), k), energy))
            forces.append((np.full(len(force), k), force, element))
    columns = {
        "reference_eV_atom": concatenate(e[:, 0] for _, e in energies),
        "predicted_eV_atom": concatenate(e[:, 1] for _, e in energies),
        "model": concatenate(k for k, _ in energies).astype(int),
    }
    write_csv(out / "parity_energy.csv", columns)
    keep = thin(sum(len(f) for _, f, _ in forces), MOST_FORCE_ROWS)
    elements = np.concatenate([np.zeros(0, dtype="<U2"), *(e for _, _, e in forces)])
    columns = {
        "reference_eV_A": concatenate(f[:, 0] for _, f, _ in forces)[keep],
        "predicted_eV_A": concatenate(f[:, 1] for _, f, _ in forces)[keep],
        "element": elements[keep],
        "model": concatenate(k for k, _, _ in forces).astype(int)[keep],
    }
    write_csv(out / "parity_force.csv", columns)


def read_parity(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Read a `parity.npz`.

    Returns
    -------
    energy : ndarray
        Reference and predicted energy, shape (F, 2), in eV/atom.
    force : ndarray
        Reference and predicted force components, shape (M, 2), in eV/A.
    element : ndarray of str
        Element of each row of `force`, shape (M,).

    Raises
    ------
    WrongInput
        If the file holds other arrays.
    """
    with np.load(path, allow_pickle=False) as file:
        held = set(file.files)
        if {"energy_eV_atom", "force_eV_A", "element"} <= held:
            return file["energy_eV_atom"], file["force_eV_A"], file["element"]
        if {"energy_reference_eV_atom", "force_reference_eV_A", "element"} <= held:
            energy = [file[f"energy_{k}_eV_atom"].ravel() for k in ("reference", "predicted")]
            force = [file[f"force_{k}_eV_A"].reshape(-1) for k in ("reference", "predicted")]
            per_row = len(force[0]) // max(1, len(file["element"]))
            element = np.repeat(file["element"], per_row)
            return np.stack(energy, axis=1), np.stack(force, axis=1), element
    raise WrongInput(
        f"{path}: found arrays {sorted(held)}; needs energy_eV_atom, force_eV_A, element"
    )


def _rounds_csv(rows: Sequence[dict[str, Any]], out: Path) -> None:
    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values)) if len(values) else float("nan")

    simple = "name n_train_frames accurate candidate failed n_frames_explored n_selected n_labelled"
    table: dict[str, list[Any]] = {
        k: ["" if r.get(k) is None else r[k] for r in rows] for k in simple.split()
    }
    table["low_trust_level_eV_A"] = [r.get("low_eV_A") or "" for r in rows]
    for kind in ("training", "exploration", "labelling"):
        own = [(r.get("cost") or {}).get(kind) or {} for r in rows]
        table[f"{kind}_cpu_s"] = [cost.get("cpu_s", "") for cost in own]
        table[f"{kind}_wall_s"] = [cost.get("wall_s", "") for cost in own]
    table["n_dropped"] = [sum(r["n_dropped"].values()) for r in rows]
    for key in ("energy_rmse_meV_atom", "force_rmse_meV_A"):
        table[f"mean_{key}"] = [mean(r[key]) for r in rows]
    write_csv(out / "rounds.csv", table)


def reference_program(logs: Sequence[Path]) -> str | None:
    """Name and version of the program that labelled, from the first output that states it."""
    for root in logs:
        for path in [root] if root.is_file() else sorted(root.rglob("*.out")):
            with path.open(encoding="utf-8", errors="replace") as lines:
                for line in islice(lines, 500):
                    if "CP2K| version string:" in line:
                        words = line.split("version string:")[1].split()
                        return " ".join(word for word in words if word != "version")
    return None


def compositions(roots: Sequence[Path]) -> dict[str, int]:
    """Count frames by composition, from the DeePMD npy systems under some folders."""
    found: dict[str, int] = {}
    for root in roots:
        for raw in sorted(root.rglob("type.raw")):
            names = (raw.parent / "type_map.raw").read_text().split()
            types = np.loadtxt(raw, dtype=int).reshape(-1)
            counts = np.bincount(types, minlength=len(names))
            formula = " ".join(f"{n}{c}" for n, c in zip(names, counts, strict=False) if c)
            sets = (np.load(s / "energy.npy").size for s in sorted(raw.parent.glob("set.*")))
            found[formula] = found.get(formula, 0) + int(sum(sets))
    return found
