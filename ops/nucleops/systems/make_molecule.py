"""Relax a molecule for a study with CP2K's GFN1-xTB, check it, and write its file.

    python -m nucleops.systems.make_molecule START -o FILE [--work FOLDER]

START is extended XYZ with a ``role`` column; a sketch is enough, as long as the atoms that are to
be bonded are closer than 1.25 times their covalent radii and no others are. FILE is what a study's
``molecules`` take: the relaxed geometry, the roles, and how it was made. Needs CP2K on the PATH.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nucleops.errors import NucleoError
from nucleops.seeds import derive_seed
from nucleops.systems.files import write_extxyz
from nucleops.systems.minimum import find_minimum
from nucleops.systems.molecules import read_molecule
from nucleops.systems.system import FloatArray, System
from nucleops.systems.topology import bonding_faults, bonds_by_role


def make_molecule(start: Path, name: str, work: Path) -> tuple[System, str]:
    """Relax the molecule of a file.

    Parameters
    ----------
    start : Path
        Extended XYZ with a ``role`` column.
    name : str
        What the molecule is called.
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
    WrongInput
        The file is not a molecule's.
    ProgramFailed
        The relaxed geometry has other bonds than the start, or is not a minimum.
    NucleoError
        Whatever CP2K's run ended as.
    """
    sketch = read_molecule(start).as_motif(name)
    wanted = bonds_by_role(sketch.symbols, sketch.positions, sketch.roles)

    def faults_of(positions: FloatArray) -> list[str]:
        return bonding_faults(bonds_by_role(sketch.symbols, positions, sketch.roles), wanted)

    return find_minimum(
        name,
        sketch.symbols,
        sketch.roles,
        sketch.positions,
        faults_of,
        derive_seed(1, "molecule", name),
        work,
        source=f"from {start.name}",
        maker="nucleops.systems.make_molecule",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nucleops.systems.make_molecule")
    parser.add_argument("start", type=Path, help="extended XYZ with a role column")
    parser.add_argument("-o", "--output", type=Path, required=True, help="file to write")
    parser.add_argument("--work", type=Path, help="keep CP2K's files here (default: temporary)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="molecule-") as scratch:
        work = (options.work or Path(scratch)).resolve()
        try:
            system, provenance = make_molecule(options.start, options.output.stem, work)
        except NucleoError as error:
            print(f"{options.start}: {error}", file=sys.stderr)
            return 1
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_extxyz(system, options.output, provenance=provenance)
    print(f"{options.output}: {provenance}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
