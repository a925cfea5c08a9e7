"""What an aggregate is: by its size, its contacts, its bonds, and its shape.

The perfect octahedron of the article has six metals that touch as the vertices of an octahedron do,
two S and one N on every metal, every S on two metals and the N of the same ligand on a third, and
a shape close to the regular one. What fails is said.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nucleops.analysis.grid import BoolArray, FloatArray, IntArray
from nucleops.analysis.nuclei.looks import Looks, majority, median
from nucleops.analysis.nuclei.shapes import are_octahedral
from nucleops.analysis.settings import NucleationSettings

KINDS = ("monomer", "dimer", "open aggregate", "disordered nucleus", "perfect octahedron")
"""What an aggregate can be, from least to most ordered."""
OPEN, DISORDERED, PERFECT = 2, 3, 4
"""Places in :data:`KINDS`."""
_FEWEST_OF_NUCLEUS = 5
"""A compact aggregate of at least so many metals is a nucleus."""


@dataclass(frozen=True)
class Named:
    """One aggregate of constant members over some frames.

    Attributes
    ----------
    kinds : ndarray of int
        Places in :data:`KINDS`, shape (F,).
    contacts : ndarray
        Mean number of metals in contact with a metal, shape (F,).
    measure, rmsd_A : ndarray
        Continuous shape measure and distance from the best regular octahedron, shape (F,); nan
        unless there are six metals.
    sulfur, nitrogen : ndarray of int
        Donors bonded to each metal, shape (F, k).
    faults : ndarray of bool
        Which of :data:`FAULTS` keep it from being the perfect octahedron, shape (F, 5).
    """

    kinds: NDArray[np.int8]
    contacts: FloatArray
    measure: FloatArray
    rmsd_A: FloatArray
    sulfur: IntArray
    nitrogen: IntArray
    faults: BoolArray

    def reason(self, frame: int, settings: NucleationSettings) -> str:
        """Say in words why it is called so in a frame."""
        kind = int(self.kinds[frame])
        n = self.sulfur.shape[1]
        if kind < OPEN:
            return f"{n} metal atom{'s' if n > 1 else ''}"
        measure = self.measure[frame]
        if kind == PERFECT:
            return f"octahedral contacts, 2 S and 1 N on every metal, shape measure {measure:.2f}"
        if kind == OPEN:
            return f"{self.contacts[frame]:.1f} metal contacts per metal"
        if n != 6:
            return f"compact, but {n} metal atoms"
        shape = f"{FAULTS[1]} {measure:.2f} exceeds {settings.shape_limit:g}"
        words = [FAULTS[0], shape, *FAULTS[2:]]
        return "compact, but " + "; ".join(
            word for word, fault in zip(words, self.faults[frame], strict=True) if fault
        )


FAULTS = (
    "metal contacts are not those of an octahedron",
    "shape measure",
    "metals without exactly two S",
    "metals without exactly one N",
    "ligands that do not cap a face",
)


class Namer:
    """Names an aggregate of constant members, fed with its frames from the last to the first.

    A contact, bond or shape counts in a frame as it is in most of the frames about it
    (``settings.vote_frames``), so that a bond that swings beyond its limit in one frame changes
    nothing and a step from one state to another is dated to the frame.

    Parameters
    ----------
    ligands : ndarray of int
        Donors of one ligand, shape (l, 2).
    settings : NucleationSettings
        Limits.
    """

    def __init__(self, ligands: IntArray, settings: NucleationSettings) -> None:
        self._ligands = ligands
        self._settings = settings
        self._half = settings.vote_frames // 2
        self._seen: Looks | None = None
        self._at_end = True
        self._named: list[Named] = []

    def add(self, looks: Looks) -> None:
        """Take the frames just before those taken last."""
        seen = looks if self._seen is None else looks.followed_by(self._seen)
        if len(seen) > 2 * self._half:
            # the first frames wait for those before them
            self._name(seen, self._half, self._end(seen))
            seen, self._at_end = seen[: 2 * self._half], False
        self._seen = seen

    def result(self) -> Named:
        """Return the names of all frames taken, in order of time."""
        if self._seen is not None:
            self._name(self._seen, 0, self._end(self._seen))
            self._seen = None
        fields = Named.__dataclass_fields__
        return Named(*(np.concatenate([getattr(n, f) for n in self._named]) for f in fields))

    def _end(self, seen: Looks) -> int:
        return len(seen) if self._at_end else len(seen) - self._half

    def _name(self, seen: Looks, start: int, end: int) -> None:
        part, half = slice(start, end), self._half
        touching, sulfur, nitrogen = (
            majority(bonds, half)[part] for bonds in (seen.touching, seen.sulfur, seen.nitrogen)
        )
        measure, rmsd = (median(v, half)[part] for v in (seen.measure, seen.rmsd_A))
        k = touching.shape[1]
        contacts = touching.sum(axis=(1, 2)) / k
        faults = np.ones((len(measure), len(FAULTS)), dtype=np.bool_)
        if k == 6:
            faults = np.stack(
                [
                    ~are_octahedral(touching),
                    measure > self._settings.shape_limit,
                    np.any(sulfur.sum(axis=2) != 2, axis=1),
                    np.any(nitrogen.sum(axis=2) != 1, axis=1),
                    ~_caps_faces(sulfur, nitrogen, self._ligands),
                ],
                axis=1,
            )
        named = Named(
            kinds=_kinds(k, contacts, faults, self._settings),
            contacts=contacts,
            measure=measure,
            rmsd_A=rmsd,
            sulfur=sulfur.sum(axis=2),
            nitrogen=nitrogen.sum(axis=2),
            faults=faults,
        )
        self._named.insert(0, named)


def _kinds(
    k: int, contacts: FloatArray, faults: BoolArray, settings: NucleationSettings
) -> NDArray[np.int8]:
    if k <= 2:
        return np.full(len(contacts), k - 1, dtype=np.int8)
    compact = (contacts >= settings.compact_degree) & (k >= _FEWEST_OF_NUCLEUS)
    kinds = np.where(compact, DISORDERED, OPEN)
    return np.where(faults.any(axis=1), kinds, PERFECT).astype(np.int8)


def _caps_faces(sulfur: BoolArray, nitrogen: BoolArray, ligands: IntArray) -> BoolArray:
    """Whether every ligand caps a face: its S on two metals, its N on a third one; shape (F,).

    Parameters
    ----------
    sulfur, nitrogen : ndarray of bool
        Which donors are bonded to which metals of the aggregate, shapes (F, 6, s) and (F, 6, n).
    ligands : ndarray of int
        Donors of one ligand, shape (l, 2). Without any, only the bridges of S are asked for.
    """
    bridges = sulfur.sum(axis=1)  # (F, s)
    fine = np.all((bridges == 0) | (bridges == 2), axis=1)
    if not len(ligands):
        return np.asarray(fine, dtype=np.bool_)
    s, n = sulfur[:, :, ligands[:, 0]], nitrogen[:, :, ligands[:, 1]]  # (F, 6, l)
    bound = s.any(axis=1)
    third = (n & ~s).sum(axis=1) == 1
    return np.asarray(fine & np.all(~bound | third, axis=1), dtype=np.bool_)
