"""Labelled frames of made-up numbers, for tests of collections."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nucleops.learning.frames import LabelledFrames
from nucleops.learning.provenance import INITIAL, Provenance

METHANOL = ("C", "H", "O", "H", "H", "H")


def made_up(
    n: int,
    symbols: tuple[str, ...] = METHANOL,
    *,
    seed: int = 1,
    periodic: bool = True,
    level: str = "GFN1-xTB",
    round_name: str = INITIAL,
    parent: str = "methanol-300K",
) -> LabelledFrames:
    """Frames as AIMD or a labelling task would leave them."""
    rng = np.random.default_rng(seed)
    shape = (n, len(symbols), 3)
    frames = LabelledFrames(
        tuple(symbols),
        rng.uniform(0, 10, shape),
        np.tile(rng.uniform(10, 12, 3), (n, 1)),
        rng.normal(-100 * len(symbols), 1, n),
        rng.normal(0, 1, shape),
        periodic,
    )
    entries = [
        Provenance("", round_name, parent, 10 * step, level, "CP2K 2023.1") for step in range(n)
    ]
    return frames.known_as(entries)


@pytest.fixture(scope="session")
def labelled() -> Callable[..., LabelledFrames]:
    """See :func:`made_up`."""
    return made_up
