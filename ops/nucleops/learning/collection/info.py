"""What a collection holds, as plain data for people and programs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from nucleops.learning.collection.collection import Collection, level_of, provenance_of
from nucleops.learning.collection.export import mixed_type_pays
from nucleops.learning.frames import LabelledFrames


def describe(collection: Collection) -> dict[str, Any]:
    """Sum up a collection.

    Returns
    -------
    dict
        ``address``, ``n_frames``, ``type_map``; ``levels``, ``programs``, ``rounds`` (name to
        number of frames); ``n_parents`` (trajectories); ``systems``, one entry for each with
        ``lowest_eV_atom``, ``highest_eV_atom`` and ``largest_force_eV_A``; ``n_duplicates`` that
        reading or merging left out; ``mixed_type_pays``.
    """
    return {
        "address": collection.address,
        "n_frames": len(collection),
        "type_map": list(collection.type_map),
        "levels": dict(sorted(collection.levels.items())),
        "programs": dict(sorted(Counter(e.program for e in collection.frames).items())),
        "rounds": dict(sorted(collection.rounds.items(), key=_by_round)),
        "n_parents": len({entry.parent for entry in collection.frames}),
        "systems": [
            {"name": name, **_system(system)}
            for name, system in zip(collection.names, collection.systems, strict=True)
        ],
        "n_duplicates": len(collection.duplicates),
        "mixed_type_pays": mixed_type_pays(collection),
    }


def _system(system: LabelledFrames) -> dict[str, Any]:
    per_atom = system.energies / len(system.symbols)
    rounds = Counter(entry.round for entry in provenance_of(system))
    return {
        "n_frames": len(system),
        "n_atoms": len(system.symbols),
        "periodic": system.periodic,
        "level": level_of(system),
        "rounds": dict(sorted(rounds.items(), key=_by_round)),
        "lowest_eV_atom": float(per_atom.min()),
        "highest_eV_atom": float(per_atom.max()),
        "largest_force_eV_A": float(np.linalg.norm(system.forces, axis=2).max()),
    }


def _by_round(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0].startswith("iter-"), item[0]
