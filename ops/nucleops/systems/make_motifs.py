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

from nucleops.errors import NucleoError
from nucleops.seeds import derive_seed
from nucleops.systems.construct import construct
from nucleops.systems.files import write_extxyz
from nucleops.systems.minimum import find_minimum
from nucleops.systems.motifs import CLUSTER_MOTIFS, motif_file
from nucleops.systems.system import METALS, System
from nucleops.systems.topology import topology_faults


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
    return find_minimum(
        name,
        sketch.symbols,
        sketch.roles,
        sketch.positions,
        lambda positions: topology_faults(name, sketch.symbols, positions, sketch.roles),
        derive_seed(1, "motif", name, metal),
        work,
        source="constructed from target distances by nucleops.systems.construct",
        maker="nucleops.systems.make_motifs",
    )


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
