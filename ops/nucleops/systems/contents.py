"""What is to be packed: how many of each molecule, into which space, and whether it has room."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from nucleops.errors import WrongInput
from nucleops.systems.arrangement import opened_octahedron
from nucleops.systems.elements import AVOGADRO_PER_CM3_IN_A3
from nucleops.systems.molecules import Molecules
from nucleops.systems.motifs import Motif
from nucleops.systems.packmol import Placement
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import METALS, FloatArray
from nucleops.systems.volume import fill_count, volume_of

ADVICE = "use a larger edge_A or radius_A, fewer molecules, or a smaller minimum_distance_A"


def counts_of(name: str, spec: SystemSpec, metal: str, molecules: Molecules | None) -> list[int]:
    """Copies of each content of a system, with ``fill`` worked out.

    Raises
    ------
    WrongInput
        The box has no room for a solvent that is to fill it.
    """
    others = [(c.motif, c.count) for c in spec.contents if c.count != "fill"]
    counts = []
    for content in spec.contents:
        if content.count != "fill":
            counts.append(content.count)
            continue
        if spec.box.edge_A is None:  # SystemSpec has refused it already
            raise WrongInput(f"system {name!r}: count: fill needs a cube with edge_A")
        density = spec.solvent_density_g_cm3
        count = fill_count(spec.box.edge_A, density, others, metal, content.motif, molecules)
        if count < 1:
            raise WrongInput(
                f"system {name!r}: a cube of {spec.box.edge_A} A has no room to fill with"
                f" {content.motif}",
                advice=ADVICE,
            )
        counts.append(count)
        others.append((content.motif, count))
    return counts


def space_of(
    spec: SystemSpec, counts: list[int], parts: Mapping[str, Motif]
) -> tuple[FloatArray, float | None]:
    """Cell, shape (3,), in angstrom, and the radius of a droplet's sphere (None for a cube)."""
    box = spec.box
    if box.radius_A is not None:
        return np.full(3, 2 * box.radius_A + box.vacuum_A), box.radius_A
    edge = box.edge_A
    if edge is None and box.density_g_cm3 is not None:
        contents = zip(spec.contents, counts, strict=True)
        mass = sum(parts[c.motif].mass_g_mol * n for c, n in contents)
        edge = (mass / (box.density_g_cm3 * AVOGADRO_PER_CM3_IN_A3)) ** (1.0 / 3.0)
    # Six decimals are what packmol reads; the cell is exactly what was packed.
    return np.full(3, round(float(edge or 0.0), 6)), None


def placements_of(
    spec: SystemSpec,
    counts: list[int],
    parts: Mapping[str, Motif],
    radius: float | None,
    metal: str,
) -> list[Placement]:
    """Say where the copies may lie; a cluster that is the only one is held at the centre."""
    clusters = {name for name, part in parts.items() if set(part.symbols) & set(METALS)}
    n_clusters = sum(n for c, n in zip(spec.contents, counts, strict=True) if c.motif in clusters)
    placements = []
    for content, count in zip(spec.contents, counts, strict=True):
        centred = n_clusters == 1 and content.motif in clusters
        limits = [r for r in (radius, content.within_A) if r is not None]
        within = min(limits) if limits else None
        held = None
        if content.opened_octahedron_A is not None:
            held = opened_octahedron(parts[content.motif], metal, content.opened_octahedron_A)
        placements.append(Placement(parts[content.motif], count, centred, within, held))
    return placements


def check_room(
    name: str,
    spec: SystemSpec,
    counts: list[int],
    parts: Mapping[str, Motif],
    cell: FloatArray,
    radius: float | None,
) -> float:
    """Refuse at once what cannot be packed; return the volume there is, in cubic angstrom."""
    available = float(cell.prod()) if radius is None else 4.0 / 3.0 * np.pi * radius**3
    needed = 0.0
    for content, count in zip(spec.contents, counts, strict=True):
        needed += count * volume_of(parts[content.motif])
        positions = parts[content.motif].positions
        span = float(np.linalg.norm(positions[:, None] - positions[None], axis=2).max())
        # A periodic molecule must keep clear of its own images too.
        room = float(cell[0]) - spec.minimum_distance_A if radius is None else 2 * radius
        if content.within_A is not None:
            room = min(room, 2 * content.within_A)
        if span > room:
            raise WrongInput(
                f"system {name!r}: one {content.motif} is {span:.1f} A long, the space for it in"
                f" {space_words(spec, cell)} is {room:.1f} A",
                advice=ADVICE,
            )
    if needed > available:
        raise WrongInput(
            f"system {name!r}: the molecules' van der Waals volume is {needed:.0f} A3,"
            f" {space_words(spec, cell)} has {available:.0f} A3",
            advice=ADVICE,
        )
    return float(available)


def space_words(spec: SystemSpec, cell: FloatArray) -> str:
    """Name the space, for messages."""
    if spec.box.radius_A is not None:
        return f"a sphere of radius {spec.box.radius_A:g} A"
    return f"a cube of edge {cell[0]:g} A"
