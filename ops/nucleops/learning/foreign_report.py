"""What dpgen2's own exploration reports say, in the words of ours."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.deepmd.data import find_systems


def foreign_summary(report: Any, confs: Iterable[Path]) -> dict[str, Any]:
    """Sum up a report of one of dpgen2's trust levels.

    Parameters
    ----------
    report : object
        With ``accurate_ratio``, ``candidate_ratio`` and ``failed_ratio``.
    confs : iterable of Path
        What was selected: folders of DeePMD npy systems.

    Returns
    -------
    dict
        ``accurate``, ``candidate``, ``failed`` (shares) and ``n_selected`` (frames).
    """
    kinds = ("accurate", "candidate", "failed")
    shares = {kind: float(getattr(report, f"{kind}_ratio")()) for kind in kinds}
    sets = (part for system in find_systems(confs) for part in sorted(system.glob("set.*")))
    return shares | {"n_selected": sum(len(np.load(part / "coord.npy")) for part in sets)}
