"""Kernels of OPES: PLUMED's KERNELS file.

Kernels are not hills. The bias of OPES is the logarithm of a density that is built of merged
kernels, so the kernels of this file do not add up to it; the bias felt stands in COLVAR. What they
tell is where the run deposited, and how wide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from nucleops.bias.blocks import Paths
from nucleops.bias.gaussians import periods_of, read_gaussians
from nucleops.bias.resolved import FloatArray


@dataclass(frozen=True)
class KernelsTable:
    """Kernels of OPES in the order in which they were added, before merging.

    Attributes
    ----------
    cvs : tuple of str
        Names of the biased variables.
    time_fs : ndarray
        Shape (n_kernels,).
    centres, sigmas : ndarray
        Shape (n_kernels, n_cvs), in the variables' units.
    log_weight : ndarray
        Shape (n_kernels,): bias over kT at the moment each was added.
    bias_factor : float
        gamma; may be infinite.
    constants : dict of str to str
        What ``#! SET`` lines say, such as ``action``, ``epsilon`` or ``min_phi``.
    """

    cvs: tuple[str, ...]
    time_fs: FloatArray
    centres: FloatArray
    sigmas: FloatArray
    log_weight: FloatArray
    bias_factor: float
    constants: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.time_fs)

    @property
    def periods(self) -> tuple[float | None, ...]:
        """Period of each variable (of a torsion 2 pi), or None."""
        return periods_of(self.cvs, self.constants)


def read_kernels(paths: Paths) -> KernelsTable:
    """Read a KERNELS file, or the segments of one run.

    Raises
    ------
    WrongInput
        The file is missing, or is not a KERNELS file.
    TruncatedOutput
        A row that is not the last is malformed.
    """
    read = read_gaussians(paths, "logweight", "a KERNELS file", "height, logweight")
    table = read.table
    factor = table.constants.get("biasfactor", "inf")
    return KernelsTable(
        cvs=read.cvs,
        time_fs=table["time"],
        centres=read.centres,
        sigmas=read.sigmas,
        log_weight=table["logweight"],
        bias_factor=inf if factor.lower() == "inf" else float(factor),
        constants=dict(table.constants),
    )
