"""Which metrics and labels an expression of Prometheus uses, and which of them nobody emits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

EMITTED: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("metrics.yaml").read_text()
)
_SCRAPED = {"namespace", "pod", "job", "instance", "service", "container", "endpoint", "node"}
_OF_HISTOGRAM = {"_bucket": {"le"}, "_sum": set[str](), "_count": set[str]()}


def mistakes(expression: str) -> list[str]:
    """Return what is wrong with an expression, a sentence each.

    Parameters
    ----------
    expression : str
        As an alert or a Grafana panel has it.
    """
    try:
        tree = promql_parser.parse(expression.replace("$__rate_interval", "5m"))
    except ValueError as error:
        return [f"{expression}: {error}"]
    found: list[str] = []
    labels_of_all: set[str] = set()
    grouped: set[str] = set()
    for node in _nodes(tree):
        if isinstance(node, promql_parser.VectorSelector):
            labels = labels_of(node.name)
            if labels is None:
                found.append(f"{node.name}: nobody emits it")
                continue
            labels_of_all |= labels
            unknown = {matcher.name for matcher in node.matchers.matchers} - labels
            found += [f"{node.name}: has no label {name}" for name in sorted(unknown)]
        elif isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            grouped |= set(node.modifier.labels)
        elif isinstance(node, promql_parser.Call) and node.func.name in ("rate", "increase"):
            selector = node.args[0].vector_selector
            if type_of(selector.name) not in ("counter", "histogram"):
                found.append(f"{node.func.name} of {selector.name}, which is no counter")
    return found + [f"no metric has the label {name}" for name in sorted(grouped - labels_of_all)]


def labels_of(metric: str) -> set[str] | None:
    """Return the labels of a metric; None if nobody emits it."""
    if metric in EMITTED and EMITTED[metric]["type"] != "histogram":
        return {*EMITTED[metric]["labels"], *_SCRAPED}
    for suffix, more in _OF_HISTOGRAM.items():
        base = metric.removesuffix(suffix)
        if base != metric and EMITTED.get(base, {}).get("type") == "histogram":
            return {*EMITTED[base]["labels"], *more, *_SCRAPED}
    return None


def type_of(metric: str) -> str | None:
    """Return the type of a metric, that of the whole for a part of a histogram."""
    for suffix in ("", *_OF_HISTOGRAM):
        base = metric.removesuffix(suffix) if suffix else metric
        if base in EMITTED and (suffix or EMITTED[base]["type"] != "histogram"):
            kind: str = EMITTED[base]["type"]
            return kind
    return None


def metrics_in(expression: str) -> set[str]:
    """Return the names of the metrics of an expression."""
    tree = promql_parser.parse(expression.replace("$__rate_interval", "5m"))
    return {n.name for n in _nodes(tree) if isinstance(n, promql_parser.VectorSelector)}


def _nodes(tree: Any) -> Iterator[Any]:
    nodes: list[Any] = []
    promql_parser.walk(tree, nodes.append)
    for node in nodes:
        yield node
        if isinstance(node, promql_parser.MatrixSelector):
            yield node.vector_selector
