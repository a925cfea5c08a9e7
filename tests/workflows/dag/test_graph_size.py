"""The graph that dflow holds grows with the workflow, not exponentially with its depth."""

from __future__ import annotations

from typing import Any

from nucleoflow.dag.compose import study_dag
from nucleoflow.study.load import load_study


def graph_size(root: Any, kind: str) -> int:
    seen: dict[int, Any] = {}
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen[id(node)] = node
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list | tuple | set):
            stack.extend(node)
        elif hasattr(node, "__dict__") and not isinstance(node, type):
            stack.extend(vars(node).values())
    return sum(type(node).__name__ == kind for node in seen.values())


def test_every_operator_is_held_about_once() -> None:
    # dflow alone held 19,638 templates for this study
    dag = study_dag(load_study("quickstart"), ["build", "learn"], {}, {})
    assert graph_size(dag, "PythonOPTemplate") < 40
