"""Packmol: where it is, its input, its run and its verdict."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nucleops.errors import MissingProgram, ProgramFailed, TimeLimit, TruncatedOutput
from nucleops.systems.extxyz import frame_text, read_frames
from nucleops.systems.motifs import Motif
from nucleops.systems.system import FloatArray

_MAX_LOOPS = 50


@dataclass(frozen=True)
class Placement:
    """So many copies of a molecule, and where they may lie.

    Attributes
    ----------
    motif : Motif
        The molecule.
    count : int
        Copies.
    centred : bool
        Fix the (only) copy at the box's centre as it is stored.
    within_A : float or None
        Keep every atom in a sphere of this radius about the box's centre.
    held : ndarray or None
        Where every copy is held: coordinates in angstrom about the box's centre, shape
        (count, n_atoms, 3).
    """

    motif: Motif
    count: int
    centred: bool = False
    within_A: float | None = None
    held: FloatArray | None = None

    @property
    def structures(self) -> list[tuple[int, FloatArray]]:
        """Packmol's structures: how many copies, and their coordinates; held ones are one each."""
        if self.held is None:
            return [(self.count, self.motif.positions)]
        return [(1, positions) for positions in self.held]


def packmol_program() -> str:
    """Path of packmol: beside this interpreter (the PyPI package), else on the PATH.

    Raises
    ------
    MissingProgram
        It is in neither place.
    """
    beside = Path(sys.executable).parent / "packmol"
    found = str(beside) if beside.exists() else shutil.which("packmol")
    if found is None:
        raise MissingProgram(
            "packmol is neither beside this Python nor on the PATH",
            advice="install the PyPI package packmol",
        )
    return found


def packmol_input(
    placements: list[Placement], cell: FloatArray, periodic: bool, tolerance_A: float, seed: int
) -> str:
    """Write packmol's input; structures are read from ``molecule-<n>-<k>.xyz``.

    Parameters
    ----------
    placements : list of Placement
        What to pack, in the order in which the atoms come out.
    cell : ndarray
        Edge lengths in angstrom, shape (3,).
    periodic : bool
        Whether distances count across the cell's faces.
    tolerance_A : float
        Smallest distance in angstrom between atoms of different molecules.
    seed : int
        Random seed.
    """
    edges = " ".join(f"{edge:.6f}" for edge in cell)
    centre = " ".join(f"{edge / 2:.6f}" for edge in cell)
    lines = [f"tolerance {tolerance_A:.4f}", "filetype xyz", "output packed.xyz", f"seed {seed}"]
    lines.append(f"nloop {_MAX_LOOPS}")
    if periodic:
        lines.append(f"pbc 0.0 0.0 0.0 {edges}")
    for index, placement in enumerate(placements):
        if placement.held is not None:
            where = [f"  fixed {centre} 0.0 0.0 0.0"]
        elif placement.centred:
            where = ["  center", f"  fixed {centre} 0.0 0.0 0.0"]
        elif placement.within_A is not None:
            where = [f"  inside sphere {centre} {placement.within_A:.6f}"]
        else:
            where = [f"  inside box 0.0 0.0 0.0 {edges}"]
        for k, (number, _) in enumerate(placement.structures):
            lines += ["", f"structure molecule-{index}-{k}.xyz", f"  number {number}", *where]
            lines.append("end structure")
    return "\n".join(lines) + "\n"


def run_packmol(
    placements: list[Placement],
    cell: FloatArray,
    periodic: bool,
    tolerance_A: float,
    seed: int,
    folder: Path,
    timeout_s: float,
) -> FloatArray | None:
    """Pack once.

    Parameters
    ----------
    placements, cell, periodic, tolerance_A, seed
        As for :func:`packmol_input`.
    folder : Path
        Empty folder for its files.
    timeout_s : float
        Wall-clock limit in seconds.

    Returns
    -------
    ndarray or None
        Coordinates in angstrom, shape (n_atoms, 3), in the order of ``placements``; None if
        packmol found no packing.

    Raises
    ------
    MissingProgram, TimeLimit, ProgramFailed, TruncatedOutput
    """
    for index, placement in enumerate(placements):
        for k, (_, positions) in enumerate(placement.structures):
            text = frame_text({}, positions, {"species": ("S", placement.motif.symbols)})
            (folder / f"molecule-{index}-{k}.xyz").write_text(text)
    source, log = folder / "packmol.inp", folder / "packmol.log"
    source.write_text(packmol_input(placements, cell, periodic, tolerance_A, seed))
    try:
        # A real file on stdin: packmol rewinds it, which a pipe cannot do.
        with source.open() as stdin, log.open("w") as out:
            done = subprocess.run(
                [packmol_program()],
                cwd=folder,
                stdin=stdin,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=timeout_s,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise TimeLimit(f"packmol did not end within {timeout_s:.0f} s") from error
    text = log.read_text(errors="replace")
    if "ENDED WITHOUT PERFECT PACKING" in text:
        return None
    if done.returncode != 0 or "Success!" not in text:
        last = next((line.strip() for line in reversed(text.splitlines()) if "ERROR" in line), "")
        raise ProgramFailed(f"packmol ended with status {done.returncode} {last}".rstrip())
    return _packed(placements, folder / "packed.xyz")


def _packed(placements: list[Placement], path: Path) -> FloatArray:
    expected = [s for p in placements for s in p.motif.symbols * p.count]
    frame = next(read_frames(path), None)
    if frame is None or frame.columns["species"] != expected:
        raise TruncatedOutput("packmol's output does not hold the atoms that were asked for")
    return np.asarray(frame.positions, dtype=np.float64)
