"""The account of a round, kept beside the data that the round produced."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nucleops.learning.cost import labelling_cost, total_cost
from nucleops.learning.tally import EXPLORED_FILE

ROUND_FILE = "round.json"
TEST_FOLDER = "tests"


def collect_labels(
    labelled: list[Path], type_map: list[str], folder: Path, earlier: Sequence[Path] = ()
) -> dict[str, Any]:
    """Merge the data sets of a round's labelling tasks, one system for each composition.

    Parameters
    ----------
    labelled : list of Path
        What the labelling tasks wrote: DeePMD npy systems at any depth, and ``labels.json``.
    type_map : list of str
        Element order.
    folder : Path
        Where the merged systems go; its name is the round's.
    earlier : sequence of Path
        Data from before the round. Frames that are there are not added again.

    Returns
    -------
    dict
        ``n_labelled`` (new ones), ``n_duplicates`` and ``n_dropped`` (reason to number of frames).
    """
    from nucleops.learning.collection.rounds import merge_systems

    new = merge_systems(labelled, type_map, folder, round_name=folder.name, earlier=earlier)
    dropped: Counter[str] = Counter()
    for path in labelled:
        for summary in sorted(path.rglob("labels.json")):
            dropped.update(json.loads(summary.read_text()).get("dropped", {}))
    return {
        "n_labelled": new.n_frames,
        "n_duplicates": new.n_duplicates,
        "n_dropped": dict(dropped),
    }


def write_round(
    folder: Path,
    labels: dict[str, Any],
    selection: Path | None,
    train_logs: list[Path],
    labelled: Sequence[Path] = (),
) -> Path:
    """Write ``round.json``, with the tests of the potentials that explored in this round.

    Parameters
    ----------
    folder : Path
        The round's data folder, ``iter-000000`` ...
    labels : dict
        From :func:`collect_labels`.
    selection : Path or None
        The record of :class:`nucleops.selection.SelectConfs`.
    train_logs : list of Path
        The log folder of each model's training.
    labelled : sequence of Path
        What the labelling tasks wrote, which says what they cost.

    Returns
    -------
    Path
        The file written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tests = []
    for k, log in enumerate(train_logs):
        kept = folder / TEST_FOLDER / f"model-{k:03d}"
        kept.mkdir(parents=True, exist_ok=True)
        for name in ("test.json", "parity.npz", "lcurve.csv"):
            if (log / name).is_file():
                shutil.copy2(log / name, kept / name)
        if (kept / "test.json").is_file():
            tests.append(json.loads((kept / "test.json").read_text()))
    chosen = json.loads(selection.read_text()) if selection is not None else {}
    explored = chosen.pop("explored", None)
    if explored is not None:
        (folder / EXPLORED_FILE).write_text(json.dumps(explored), encoding="utf-8")
    record = {
        "name": folder.name,
        **labels,
        **chosen,
        **_frames(tests),
        "cost": {
            "training": total_cost(tests),
            **(chosen.get("cost") or {}),
            "labelling": labelling_cost(labelled),
        },
        "tests": tests,
    }
    path = folder / ROUND_FILE
    path.write_text(json.dumps(record, indent=1))
    return path


def _frames(tests: list[dict[str, Any]]) -> dict[str, int]:
    """Frames trained on and held out: all models of a committee share one split."""
    keys = ("n_train_frames", "n_held_out")
    return {key: int(tests[0][key]) for key in keys if tests and tests[0].get(key) is not None}
