"""The molecules that systems are built from, with relaxed geometries shipped as package data.

A cluster motif is M_n L_n with L = S-CH=NH:

* ``monomer``: ML. S on the metal; alone in vacuum the ligand's N chelates it as well.
* ``dimer``: the M2L2 staple. Ligand k has S on Mk and N on the other metal.
* ``octahedron``: M6L6. Odd metals form one triangle, even metals the other, turned by 60 degrees.
  Ligand k has S on Mk and on the next metal of the same triangle, N on the metal of the other
  triangle below that edge: it caps their face. Every metal carries two S and one N. Ligand k sits
  on M1/M2, M3/M4 or M5/M6 as in the dimer, so that a path from three dimers to the octahedron
  adds exactly the six bonds of ``topology.octahedron_only_bonds()``.

``make_motifs`` made the files in ``data/``; each says how in its comment line.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nucleops.errors import WrongInput
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.files import read_extxyz, read_provenance
from nucleops.systems.spec import CLUSTER_MOTIFS, MOTIFS
from nucleops.systems.system import METALS, FloatArray

__all__ = ["CLUSTER_MOTIFS", "DATA", "MOTIFS", "Motif", "motif", "motif_file"]

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Motif:
    """A molecule to build with.

    Attributes
    ----------
    name : str
        ``monomer``, ``dimer``, ``octahedron`` or ``methanol``; for a molecule that a study brings
        along, its name there.
    symbols : tuple of str
        Elements, shape (n_atoms,).
    positions : ndarray
        Relaxed coordinates in angstrom about the centroid, shape (n_atoms, 3); read-only.
    roles : tuple of str
        ``M1``.. then ``Sk``, ``Nk``, ``Ck``, ``HCk``, ``HNk`` of each ligand k in turn;
        ``C``, ``H1``, ``H2``, ``H3``, ``O``, ``HO`` for methanol.
    provenance : str
        Level of theory, program, energy and construction of the geometry.
    """

    name: str
    symbols: tuple[str, ...]
    positions: FloatArray
    roles: tuple[str, ...]
    provenance: str

    @property
    def mass_g_mol(self) -> float:
        """Molar mass in g/mol."""
        return sum(MASS_G_MOL[s] for s in self.symbols)


def motif_file(name: str, metal: str) -> str:
    """File name of a motif's geometry in ``data/``; methanol's has no metal."""
    return f"{name}.extxyz" if name == "methanol" else f"{name}_{metal}.extxyz"


@cache
def motif(name: str, metal: str = "Ag") -> Motif:
    """Return a motif's relaxed geometry.

    Parameters
    ----------
    name : str
        ``monomer``, ``dimer``, ``octahedron`` or ``methanol``.
    metal : str
        ``Ag``, ``Au`` or ``Cu``.

    Raises
    ------
    WrongInput
        Unknown motif or metal.
    """
    if name not in MOTIFS:
        raise WrongInput(f"motif {name!r}; allowed: {', '.join(MOTIFS)}")
    if metal not in METALS:
        raise WrongInput(f"metal {metal!r}; allowed: {', '.join(METALS)}")
    path = DATA / motif_file(name, metal)
    stored = read_extxyz(path)
    positions = stored.positions - stored.positions.mean(axis=0)
    positions.setflags(write=False)
    roles = stored.molecules[0].roles
    return Motif(name, stored.symbols, positions, roles, read_provenance(path))
