"""The atoms that matter for nucleation, of every frame, on disk.

A nucleus is known only at the end of a run, and is then followed backwards; reading a compressed
trajectory a second time for that costs as much as everything else. The atoms that can matter are
a tenth of all, so they are kept in files that are mapped into memory: what is held in memory does
not grow with the run.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from nucleops.analysis.grid import FloatArray, IntArray
from nucleops.cores import meanwhile
from nucleops.systems.frames import Frames
from nucleops.systems.system import System
from nucleops.systems.trajectory import Trajectory

FRAMES_AT_ONCE = 256
"""Frames of the watched atoms that are worked on at once: a few MB."""


@dataclass(frozen=True)
class Groups:
    """Atoms that matter, by what they are to a nucleus.

    Attributes
    ----------
    metal, sulfur, nitrogen : ndarray of int
        Metals of the cluster and the ligands' donors, shapes (n,), (s,), (k,).
    solvent : ndarray of int
        The one atom of each solvent molecule that is counted: O.
    ligands : ndarray of int
        Rows (place in ``sulfur``, place in ``nitrogen``) of the donors of one ligand, shape (l, 2).
    """

    metal: IntArray
    sulfur: IntArray
    nitrogen: IntArray
    solvent: IntArray
    ligands: IntArray


def groups_of(system: System) -> Groups:
    """Choose the atoms that matter by element and, for ligands and solvent, by molecule.

    Parameters
    ----------
    system : System
        Topology. Donors are paired where a molecule names them ``S1``, ``N1`` ...; oxygen counts as
        solvent where its molecule holds no metal, and everywhere if there are no molecules.
    """
    sulfur, nitrogen = system.of_element("S"), system.of_element("N")
    place = {int(atom): k for k, atom in enumerate(sulfur)}
    place |= {int(atom): k for k, atom in enumerate(nitrogen)}
    pairs = []
    for molecule in system.molecules:
        roles = dict(zip(molecule.roles, molecule.indices, strict=True))
        pairs += [
            (place[atom], place[roles[f"N{role[1:]}"]])
            for role, atom in roles.items()
            if role[:1] == "S" and atom in place and f"N{role[1:]}" in roles
        ]
    free = {i for molecule in system.without_metal() for i in molecule.indices}
    oxygen = system.of_element("O")
    solvent = [i for i in oxygen.tolist() if i in free] if system.molecules else oxygen
    return Groups(
        metal=system.of_element(system.metal),
        sulfur=sulfur,
        nitrogen=nitrogen,
        solvent=np.asarray(solvent, dtype=np.int64),
        ligands=np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2),
    )


@dataclass
class Watched:
    """Positions of the watched atoms in every frame; a context that removes its files.

    Attributes
    ----------
    groups : Groups
        Which atoms they are.
    periodic : bool
        Whether the cell repeats.
    frames : ndarray of int
        Number of each frame in the file, shape (F,).
    times_ps : ndarray
        Shape (F,).
    cells : ndarray
        Edge lengths in angstrom, shape (F, 3).
    metal, sulfur, nitrogen, solvent : ndarray of float32
        Angstrom, shape (F, n, 3) each, mapped from disk; the x of all atoms of a frame are side by
        side, then y, then z.
    """

    groups: Groups
    periodic: bool
    frames: IntArray
    times_ps: FloatArray
    cells: FloatArray
    metal: NDArray[np.float32]
    sulfur: NDArray[np.float32]
    nitrogen: NDArray[np.float32]
    solvent: NDArray[np.float32]
    _folder: Path = field(repr=False)

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self.frames)

    def __enter__(self) -> Watched:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the files."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def edges(self, part: slice) -> FloatArray:
        """Return the edge lengths of some frames, zero where the cell does not repeat: (F, 3)."""
        return self.cells[part] if self.periodic else np.zeros_like(self.cells[part])

    def chunks(self) -> Iterator[slice]:
        """Yield slices over the frames, in order."""
        for start in range(0, len(self), FRAMES_AT_ONCE):
            yield slice(start, min(start + FRAMES_AT_ONCE, len(self)))


def watch(
    trajectory: Trajectory,
    groups: Groups,
    *,
    frame_ps: float | None = None,
    step_fs: float | None = None,
    last_step: int | None = None,
    scratch: Path | None = None,
    each: Callable[[Frames], None] = lambda frames: None,
) -> Watched:
    """Read a trajectory once and keep what matters of it.

    Parameters
    ----------
    trajectory : Trajectory
        What to read.
    groups : Groups
        Atoms to keep.
    frame_ps, step_fs : float or None
        See :meth:`nucleops.systems.trajectory.Frames.times_ps`.
    last_step : int or None
        Frames of later MD steps are left out, where the file counts steps.
    scratch : Path or None
        Where the files go; None means the system's folder for temporary files.
    each : callable
        Called with every chunk that is kept.

    Raises
    ------
    WrongInput
        As :class:`nucleops.systems.trajectory.Trajectory`.
    """
    parts = (groups.metal, groups.sulfur, groups.nitrogen, groups.solvent)
    atoms = np.concatenate(parts)
    folder = Path(tempfile.mkdtemp(prefix="nuclei-", dir=scratch))
    numbers, times, cells = [], [], []
    written: Future[None] | None = None
    try:
        with (folder / "positions").open("wb") as file:
            for frames in trajectory:
                kept = frames.until(last_step)
                if not len(kept.numbers):
                    break
                each(kept)
                by_axis = kept.of(atoms, np.float32).transpose(0, 2, 1)
                if written is not None:
                    written.result()
                written = meanwhile(partial(by_axis.tofile, file))
                numbers.append(kept.numbers)
                cells.append(kept.cells)
                times.append(kept.times_ps(frame_ps, step_fs))
            if written is not None:
                written.result()
        by_axis = _mapped(folder / "positions", (sum(map(len, numbers)), 3, len(atoms)))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    ends = np.cumsum([len(part) for part in parts])[:-1]
    metal, sulfur, nitrogen, solvent = np.split(by_axis.transpose(0, 2, 1), ends, axis=1)
    return Watched(
        groups=groups,
        periodic=trajectory.topology.periodic,
        frames=np.concatenate(numbers) if numbers else np.zeros(0, dtype=np.int64),
        times_ps=np.concatenate(times) if times else np.zeros(0),
        cells=np.concatenate(cells) if cells else np.zeros((0, 3)),
        metal=metal,
        sulfur=sulfur,
        nitrogen=nitrogen,
        solvent=solvent,
        _folder=folder,
    )


def _mapped(path: Path, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    if 0 in shape:
        return np.zeros(shape, dtype=np.float32)  # an empty file cannot be mapped
    return np.memmap(path, dtype=np.float32, mode="r", shape=shape)
