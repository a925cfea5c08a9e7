"""Tidy tables as CSV and Parquet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.analysis.stages.files import write_csv

MOST_CSV_ROWS = 300_000
"""Rows above which a table is written as Parquet alone."""


def write_table(folder: Path, name: str, columns: Mapping[str, Any]) -> list[Path]:
    """Write a table as ``<name>.csv``, unless that would be huge, and as ``<name>.parquet``.

    Parameters
    ----------
    folder : Path
        Where.
    name : str
        Without ending.
    columns : mapping
        Columns of one length; their names carry the unit.

    Returns
    -------
    list of Path
        The files.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = []
    length = len(next(iter(columns.values()), ()))
    if length <= MOST_CSV_ROWS:
        files.append(folder / f"{name}.csv")
        write_csv(files[-1], columns)
    files.append(folder / f"{name}.parquet")
    arrays = {key: pa.array(np.asarray(values)) for key, values in columns.items()}
    pq.write_table(pa.table(arrays), files[-1])
    return files
