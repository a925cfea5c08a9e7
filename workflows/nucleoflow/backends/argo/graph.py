"""What comes before what in a manifest, and circles in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from nucleoflow.backends.argo.names import calls

_TASK_IN_DEPENDS = re.compile(r"[A-Za-z0-9_-]+(?=\.|\s|\)|&|\||$)")
_STATES = {
    *("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned"),
    *("AnySucceeded", "AllFailed"),
}


def step_ancestors(template: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return, for each step of a ``steps`` template, the steps that ended before it."""
    before: dict[str, set[str]] = {}
    done: set[str] = set()
    for group in template.get("steps") or ():
        for step in group:
            before[step["name"]] = set(done)
        done |= {step["name"] for step in group}
    return before


def dag_ancestors(template: Mapping[str, Any], *, direct: bool = False) -> dict[str, set[str]]:
    """Return, for each task of a ``dag`` template, the tasks that it waits for.

    Parameters
    ----------
    template : mapping
        The template.
    direct : bool
        Only those that the task names itself.
    """
    tasks = (template.get("dag") or {}).get("tasks") or ()
    named = {task["name"]: _named(task) for task in tasks}
    if direct:
        return named
    return {name: _reachable(name, named) for name in named}


def _named(task: Mapping[str, Any]) -> set[str]:
    words = set(_TASK_IN_DEPENDS.findall(task.get("depends") or "")) - _STATES
    return words | set(task.get("dependencies") or ())


def _reachable(start: str, graph: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += graph.get(name, ())
    return found


def endless_calls(templates: Mapping[str, Mapping[str, Any]]) -> Iterator[list[str]]:
    """Yield circles of templates that call one another with no ``when`` on the way."""
    graph = {
        name: {s["template"] for s in calls(dict(t)) if not s.get("when") and "template" in s}
        for name, t in templates.items()
    }
    yield from circles(graph)


def circles(graph: Mapping[str, set[str]]) -> Iterator[list[str]]:
    """Yield one circle for each node on one, each circle once.

    Parameters
    ----------
    graph : mapping
        Node to the nodes that it leads to.
    """
    seen: set[frozenset[str]] = set()
    for start in graph:
        path = _way_back(start, graph)
        if path and frozenset(path) not in seen:
            seen.add(frozenset(path))
            yield [*path, start]


def _way_back(start: str, graph: Mapping[str, set[str]]) -> list[str]:
    """Return the shortest way from a node to itself, its first node included; empty if none."""
    came_from: dict[str, str] = {}
    waiting = [start]
    for node in waiting:
        for following in sorted(graph.get(node, ())):
            if following == start:
                path = [node]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if following not in came_from:
                came_from[following] = node
                waiting.append(following)
    return []
