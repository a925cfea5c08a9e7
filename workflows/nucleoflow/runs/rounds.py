"""What concurrent learning has brought, from the small outputs of some of its steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from nucleoflow.runs.moment import DataSet, Round

REPORTING = {"select-confs": "counts", "collect-data": "labels"}
"""Step of a round to the output parameter that says what it found."""
DATA_KEY = "learn--data"
"""Key of the step that makes one collection of all labelled frames."""
_KEY = re.compile(rf"iter-0*(\d+)--({'|'.join(REPORTING)})")


def reported_output(key: str) -> str | None:
    """Return the name of the output parameter of a step that learning is read from, if any."""
    if key == DATA_KEY:
        return "summary"
    found = _KEY.fullmatch(key)
    return REPORTING[found[2]] if found else None


def rounds_of(reported: Mapping[str, Mapping[str, Any]]) -> list[Round]:
    """Sum up rounds.

    Parameters
    ----------
    reported : mapping
        Key of a step, as ``iter-000002--select-confs``, to what its output parameter says:
        ``counts`` of :class:`nucleops.selection.SelectConfs`, ``labels`` of
        :class:`nucleops.selection.CollectData`.

    Returns
    -------
    list of Round
        By number; rounds of which nothing is known yet are left out.
    """
    rounds: dict[int, Round] = {}
    for key, content in reported.items():
        found = _KEY.fullmatch(key)
        if found is None:
            continue
        number, step = int(found[1]), found[2]
        known = rounds.get(number, Round(number))
        add = _with_counts if step == "select-confs" else _with_labels
        rounds[number] = add(known, content)
    return [rounds[number] for number in sorted(rounds)]


def data_of(reported: Mapping[str, Mapping[str, Any]]) -> DataSet | None:
    """Return what is known of a run's data set; None until it is there.

    Parameters
    ----------
    reported : mapping
        As for :func:`rounds_of`; ``summary`` of :class:`nucleops.data.GatherData`.
    """
    content = reported.get(DATA_KEY)
    return DataSet(str(content["address"]), int(content["n_frames"])) if content else None


def _with_counts(known: Round, content: Mapping[str, Any]) -> Round:
    return replace(
        known,
        accurate=content.get("accurate"),
        candidate=content.get("candidate"),
        failed=content.get("failed"),
        selected=content.get("n_selected"),
        low=content.get("low_eV_A"),
        explorations=content.get("explorations") or {},
        advice=content.get("advice") or "",
    )


def _with_labels(known: Round, content: Mapping[str, Any]) -> Round:
    dropped = content.get("n_dropped") or {}
    return replace(known, labelled=content.get("n_labelled"), dropped=sum(dropped.values()))
