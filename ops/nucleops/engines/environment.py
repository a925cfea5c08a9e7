"""The environment variables that a program is started with."""

from __future__ import annotations

import os
from collections.abc import Mapping

from nucleops.credentials import without_secrets

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_INTRA_OP_PARALLELISM_THREADS",
    "TF_INTER_OP_PARALLELISM_THREADS",
    "DP_INTRA_OP_PARALLELISM_THREADS",
    "DP_INTER_OP_PARALLELISM_THREADS",
)
"""Variables by which the programs and their libraries learn how many threads to start."""

_MPI_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
"""Containers run as root, which Open MPI refuses unless told twice."""

_MPI_ALONE = {"OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self"}
"""A program that Open MPI's ``mpirun`` did not start is told that it stays alone: it would start a
daemon, in case it should spawn others, and look for networks, which for CP2K takes about as long as
the energy of a small droplet at GFN1-xTB."""


def program_environment(
    threads: int, cores: int, own: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Environment of a program: ours without secrets, and what holds it to its share.

    Parameters
    ----------
    threads : int
        Threads of each process.
    cores : int
        MPI processes; one is started without a launcher.
    own : mapping of str to str, optional
        Variables of the program's own, which come before all others.
    """
    ours = without_secrets(os.environ)
    held_to = dict.fromkeys(THREAD_VARIABLES, str(threads))
    if cores > 1:
        return ours | held_to | _MPI_AS_ROOT | dict(own or {})
    # what was chosen outside for this machine's MPI stays
    return _MPI_ALONE | ours | held_to | dict(own or {})
