"""PLUMED's series in one place: COLVAR (:mod:`tables`), HILLS (:mod:`hills`), KERNELS."""

from __future__ import annotations

from nucleops.bias.hills import HillsTable, hills_bias, merge_hills, read_hills, write_hills
from nucleops.bias.kernels import KernelsTable, read_kernels
from nucleops.bias.tables import ColvarTable, read_colvar, write_colvar

__all__ = [
    "ColvarTable",
    "HillsTable",
    "KernelsTable",
    "hills_bias",
    "merge_hills",
    "read_colvar",
    "read_hills",
    "read_kernels",
    "write_colvar",
    "write_hills",
]
