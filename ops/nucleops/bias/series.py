"""PLUMED's series in one place: COLVAR (:mod:`tables`) and HILLS (:mod:`hills`)."""

from __future__ import annotations

from nucleops.bias.hills import HillsTable, hills_bias, read_hills, write_hills
from nucleops.bias.tables import ColvarTable, read_colvar, write_colvar

__all__ = [
    "ColvarTable",
    "HillsTable",
    "hills_bias",
    "read_colvar",
    "read_hills",
    "write_colvar",
    "write_hills",
]
