"""DeePMD-kit's learning curve."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nucleops.errors import TruncatedOutput

_UNITS = {
    "rmse_e_trn": "energy_rmse_training_eV_atom",
    "rmse_e_val": "energy_rmse_held_out_eV_atom",
    "rmse_f_trn": "force_rmse_training_eV_A",
    "rmse_f_val": "force_rmse_held_out_eV_A",
    "rmse_trn": "loss_training",
    "rmse_val": "loss_held_out",
    "lr": "learning_rate",
}


@dataclass(frozen=True)
class LearningCurve:
    """Errors on single batches during training.

    Attributes
    ----------
    step : ndarray
        Training steps, shape (R,).
    columns : dict of ndarray
        DeePMD-kit's columns by their names (``rmse_f_trn`` ...), shape (R,) each.
    """

    step: NDArray[np.int64]
    columns: dict[str, NDArray[np.float64]]

    def first_not_finite(self) -> int | None:
        """Step of the first row with a training error or learning rate that is not finite."""
        # Held-out columns are NaN where there is no held-out data, which is no fault.
        checked = [c for name, c in self.columns.items() if not name.endswith("_val")]
        bad = ~np.isfinite(np.array(checked).reshape(len(checked), -1)).all(axis=0)
        return int(self.step[np.argmax(bad)]) if bad.any() else None


def read_curve(path: Path) -> LearningCurve:
    """Read ``lcurve.out``.

    Parameters
    ----------
    path : Path
        File that DeePMD-kit wrote; a last line that is cut off is left out.

    Raises
    ------
    TruncatedOutput
        If the file is missing or has no header.
    """
    if not path.is_file():
        raise TruncatedOutput(f"the training left no {path.name}")
    names: list[str] = []
    rows: list[list[float]] = []
    text = path.read_text(encoding="utf-8")
    for line in text[: text.rfind("\n") + 1].splitlines():
        words = line.split()
        if line.startswith("#"):
            names = words[1:] if words[1:2] == ["step"] else names
        elif len(words) == len(names):
            rows.append([float(word) for word in words])
    if not names:
        raise TruncatedOutput(f"{path.name} has no header")
    table = np.array(rows, dtype=np.float64).reshape(-1, len(names))
    columns = {name: table[:, i] for i, name in enumerate(names) if name != "step"}
    return LearningCurve(table[:, names.index("step")].astype(np.int64), columns)


def tidy_curve(path: Path, last_step: int | None = None) -> None:
    """Write ``lcurve.out`` anew with one header and every step once.

    A training that is gone on with writes its header again, with TensorFlow the row of the
    checkpoint too; the first row of a step, of the batch that was trained on, is kept.

    Parameters
    ----------
    path : Path
        File that DeePMD-kit wrote.
    last_step : int or None
        Rows of later steps are left out.
    """
    text = path.read_text(encoding="utf-8")
    header: dict[str, None] = {}
    rows: dict[int, str] = {}
    for line in text[: text.rfind("\n") + 1].splitlines():
        word = line.partition("#")[0].split()[:1]
        if not word:
            header.setdefault(line)
        elif last_step is None or int(word[0]) <= last_step:
            rows.setdefault(int(word[0]), line)
    path.write_text("\n".join([*header, *rows.values(), ""]), encoding="utf-8")


def write_curve_csv(curve: LearningCurve, path: Path) -> None:
    """Write a learning curve as CSV, one row a step, units in the column names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["step", *(_UNITS.get(name, name) for name in curve.columns)])
        for i, step in enumerate(curve.step):
            writer.writerow([int(step), *(float(column[i]) for column in curve.columns.values())])
