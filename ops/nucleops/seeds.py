"""Random seeds that follow from one study seed, so that a study is repeatable as a whole."""

from __future__ import annotations

import hashlib

LARGEST_SEED = 900_000_000
"""Largest seed handed out: every engine's limit (LAMMPS' Marsaglia generator: 900 million)."""


def derive_seed(seed: int, *labels: object) -> int:
    """Derive the seed of one task from the study's seed and the task's labels.

    Parameters
    ----------
    seed : int
        Seed of the study (or of the enclosing task).
    *labels : object
        What the seed is for, such as a stage and a system name; compared by ``str``.

    Returns
    -------
    int
        A seed in 1..900000000. The same arguments give the same seed on every machine and in
        every Python version; different labels give independent ones (SHA-256).
    """
    # Length prefixes keep ("ab", "c") and ("a", "bc") apart.
    words = [str(int(seed)), *(str(label) for label in labels)]
    text = "".join(f"{len(word)}:{word}" for word in words)
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") % LARGEST_SEED + 1
