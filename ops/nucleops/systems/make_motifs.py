"""Make the motif library anew: construct, relax with CP2K, check, store.

    python -m nucleops.systems.make_motifs OUTDIR [--metals Ag Au Cu] [--work FOLDER]

Takes a few minutes on one core; needs CP2K on the PATH. To replace the library that ships with
the package, give its ``systems/data`` folder as OUTDIR.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nucleops.errors import NucleoError, ProgramFailed
from nucleops.seeds import derive_seed
from nucleops.systems.construct import construct
from nucleops.systems.files import write_extxyz
from nucleops.systems.motifs import CLUSTER_MOTIFS, motif_file
from nucleops.systems.relax import forces, frequencies, relax
from nucleops.systems.system import METALS, Molecule, System
from nucleops.systems.topology import topology_faults

_DISPLACEMENT_A = 0.02
_VACUUM_A = 12.0


def make_motif(name: str, metal: str, work: Path) -> tuple[System, str]:
    """Construct and relax one motif.

    Parameters
    ----------
    name, metal : str
        Which motif.
    work : Path
        Folder for CP2K's files.

    Returns
    -------
    system : System
        The relaxed molecule in a vacuum cell.
    provenance : str
        How it was made.

    Raises
    ------
    ProgramFailed
        The relaxed geometry lost the motif's bonding, or is not a minimum.
    NucleoError
        Whatever CP2K's run ended as.
    """
    sketch = construct(name, metal)
    # The sketch is symmetric; a small push off symmetry keeps it from resting on a saddle point.
    rng = np.random.default_rng(derive_seed(1, "motif", name, metal))
    start = sketch.positions + rng.normal(scale=_DISPLACEMENT_A, size=sketch.positions.shape)
    relaxed = relax(sketch.symbols, start, work)
    positions = relaxed.positions - relaxed.positions.mean(axis=0)
    faults = topology_faults(name, sketch.symbols, positions, sketch.roles)
    if faults:
        raise ProgramFailed(f"{name} {metal}: relaxation broke the motif: {'; '.join(faults)}")
    energy, force = forces(sketch.symbols, positions, work)
    lowest = float(frequencies(sketch.symbols, positions, work)[0])
    if lowest <= 0:
        raise ProgramFailed(f"{name} {metal}: a saddle point, lowest wavenumber {lowest:.1f} 1/cm")
    largest = float(np.linalg.norm(force, axis=1).max())
    provenance = (
        f"GFN1-xTB (vacuum, charge 0, singlet), {relaxed.version}; total energy {energy:.6f} eV;"
        f" largest force {largest:.5f} eV/A; lowest wavenumber {lowest:.1f} 1/cm;"
        f" constructed from target distances by nucleops.systems.construct,"
        f" displaced by {_DISPLACEMENT_A} A rms,"
        f" relaxed in {relaxed.steps} BFGS steps by nucleops.systems.make_motifs"
    )
    edge = float(np.ptp(positions, axis=0).max()) + _VACUUM_A
    cell = np.full(3, round(edge, 3))
    molecule = Molecule(name, tuple(range(len(sketch.roles))), sketch.roles)
    system = System(name, sketch.symbols, positions + cell / 2, cell, False, (molecule,))
    return system, provenance


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nucleops.systems.make_motifs")
    parser.add_argument("outdir", type=Path, help="folder for the .extxyz files")
    parser.add_argument("--metals", nargs="+", default=list(METALS), choices=METALS)
    parser.add_argument("--work", type=Path, help="keep CP2K's files here (default: temporary)")
    options = parser.parse_args(arguments)
    options.outdir.mkdir(parents=True, exist_ok=True)
    wanted = [("methanol", options.metals[0])]
    wanted += [(name, metal) for metal in options.metals for name in CLUSTER_MOTIFS]
    with tempfile.TemporaryDirectory(prefix="motifs-") as scratch:
        work = options.work or Path(scratch)
        for name, metal in wanted:
            try:
                system, provenance = make_motif(name, metal, work.resolve() / f"{name}_{metal}")
            except NucleoError as error:
                print(f"{name} {metal}: {error}", file=sys.stderr)
                return 1
            path = options.outdir / motif_file(name, metal)
            write_extxyz(system, path, provenance=provenance)
            print(f"{path}: {provenance}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
