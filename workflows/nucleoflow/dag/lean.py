"""Keeps dflow's graph of a workflow as large as the workflow.

When a step is made, dflow copies its template's inputs and outputs deeply. These refer to the
template itself and to the steps inside it, so every level of nesting copies all that is below it
several times: the `quickstart` study, with 26 operators six levels deep, became a graph of 19,638
templates, and each of the many copies dflow makes while it runs took a minute. A step needs its
own parameters and artifacts; what these refer to can be shared.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

_REFERENCES = (
    "step",
    "template",
    "parent",
    "source",
    "_from",
    "from_expression",
    "value_from_parameter",
    "value_from_expression",
)
"""Attributes of dflow's parameters and artifacts that point elsewhere in the graph."""


def copy_own(value: Any, memo: dict[int, Any] | None = None) -> Any:
    """Copy deeply, but for a template's inputs and outputs share what they refer to.

    Parameters
    ----------
    value : object
        Anything; only dflow's ``Inputs`` and ``Outputs`` are treated differently.
    memo : dict or None
        As for :func:`copy.deepcopy`.
    """
    from dflow import Inputs, Outputs

    memo = {} if memo is None else memo
    if isinstance(value, (Inputs, Outputs)):
        for part in (value, value.parameters, value.artifacts):
            _share(part, memo)
        for entry in (*value.parameters.values(), *value.artifacts.values()):
            _share(entry, memo)
    return deepcopy(value, memo)


def _share(entry: Any, memo: dict[int, Any]) -> None:
    for name in _REFERENCES:
        target = getattr(entry, name, None)
        if target is not None and not isinstance(target, (str, int, float)):
            memo[id(target)] = target


@contextmanager
def lean_graph() -> Iterator[None]:
    """Make dflow's steps with :func:`copy_own` while the context lasts."""
    import dflow.step

    original = dflow.step.deepcopy
    dflow.step.deepcopy = copy_own
    try:
        yield
    finally:
        dflow.step.deepcopy = original
