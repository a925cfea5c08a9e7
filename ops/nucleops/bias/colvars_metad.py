"""The metadynamics block of a Colvars configuration: its grid, its hills, its walkers."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil, degrees
from pathlib import Path

import numpy as np

from nucleops.bias.enhanced import Metadynamics, SharedHills
from nucleops.bias.resolved import ResolvedBias, ResolvedCV

KCAL_MOL_IN_EV = 0.0433641153087705
"""1 kcal/mol in eV: 4184 J / (N_A e), CODATA 2018."""
METAD = "metad"
"""Name of the metadynamics in Colvars' configuration and files."""


def grid_of(metad: Metadynamics, resolved: ResolvedBias) -> list[tuple[float, float, float]]:
    """Return lower edge, upper edge and bin width of Colvars' grid, in Colvars' units (degrees).

    The spacing is kept, and the upper edge is moved up to a whole number of bins; a torsion keeps
    its period, and its spacing is made to fit.
    """
    grid = []
    for name, low, high, width in zip(
        metad.cvs, metad.grid_min, metad.grid_max, metad.spacing, strict=True
    ):
        cv = resolved.cvs[name]
        if cv.kind == "torsion":
            grid.append((-180.0, 180.0, 360.0 / ceil(2 * np.pi / width - 1e-6)))
        else:
            bins = ceil((high - low) / width - 1e-6)
            grid.append((unit(cv, low), unit(cv, low + bins * width), unit(cv, width)))
    return grid


def metad_block(
    metad: Metadynamics, bias: ResolvedBias, temperature_K: float, shared: SharedHills | None
) -> str:
    """Return the block of metadynamics, alone or as one of several walkers that share hills."""
    sigmas = [unit(bias.cvs[n], s) for n, s in zip(metad.cvs, metad.sigma, strict=True)]
    walkers = shared.walkers if shared is not None else 1
    return block(
        "metadynamics",
        [
            f"name {METAD}",
            f"colvars {' '.join(metad.cvs)}",
            f"hillWeight {metad.height_kcal_mol * KCAL_MOL_IN_EV!r}",
            f"newHillFrequency {metad.pace_steps}",
            f"gaussianSigmas {' '.join(repr(s) for s in sigmas)}",
            "wellTempered on",
            f"biasTemperature {temperature_K * (metad.bias_factor - 1) / walkers!r}",
            # without a grid every hill is lost on a restart, silently; kept hills let a restart
            # with another grid begin from the hills themselves
            "useGrids on",
            *(["keepHills on"] if shared is None else _replica(shared)),
            "writeHillsTrajectory on",
            "writeFreeEnergyFile off",
            "outputEnergy on",
        ],
    )


def _replica(shared: SharedHills) -> list[str]:
    # Colvars refuses keepHills here. Every walker writes its files where it runs, and has a
    # registry of its own that names copies of the others': see nucleops.engines.lammps.relay
    return [
        "multipleReplicas on",
        f"replicaID {shared.number}",
        f"replicasRegistry {registry_file(Path(shared.folder), shared.number)}",
        f"replicaUpdateFrequency {shared.exchange_steps}",
    ]


def registry_file(exchange: Path, number: int) -> Path:
    """Return the file that tells a walker where the hills of the others are."""
    return exchange / f"replicas.{number}.txt"


def hills_file(prefix: str, shared: SharedHills | None = None) -> str:
    """Return the name of the hills' trajectory that Colvars writes under an output prefix."""
    replica = f".{shared.number}" if shared is not None else ""
    return f"{prefix}.colvars.{METAD}{replica}.hills.traj"


def unit(cv: ResolvedCV, value: float) -> float:
    """Return a value of a variable in Colvars' unit: degrees in place of radian."""
    return degrees(value) if cv.unit == "rad" else value


def block(keyword: str, body: Iterable[str]) -> str:
    """Return a block of a configuration, its lines indented."""
    return "\n".join([f"{keyword} {{", *(f"  {line}" for line in body), "}"]) + "\n"
