"""Typed settings of Chargemol."""

from __future__ import annotations

from nucleops.settings import Settings


class Chargemol(Settings):
    """Where Chargemol is, which computes DDEC6 charges from the density that CP2K writes."""

    program: str = "chargemol"
    """Its binary."""
    atomic_densities: str = ""
    """Folder `atomic_densities` of its distribution; left out: the environment variable
    DDEC6_ATOMIC_DENSITIES_DIR."""
