"""Prometheus metrics that Argo's controller emits for the steps of studies.

Argo puts ``argo_workflows_`` before the names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nucleoflow.backends.argo.pods import Place

_DURATIONS_S = [10, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600]


def metrics_of(place: Place, study: str) -> dict[str, Any]:
    """Return the ``metrics`` of a template.

    Parameters
    ----------
    place : Place
        Which step it is for.
    study : str
        Name of the study.
    """
    kind, stage = {"kind": place.kind}, {"stage": place.stage}
    metrics = [
        _counter(
            "nucleoflow_steps_total",
            "Steps that ended, by state",
            {**kind, **stage, "status": "{{status}}"},
        )
    ]
    if place.kind == "light":
        return {"prometheus": metrics}
    metrics += [
        _metric(
            "nucleoflow_step_seconds",
            "Duration of steps, all attempts of a step together",
            kind,
            histogram={"value": "{{duration}}", "buckets": _DURATIONS_S},
        ),
        _counter(
            "nucleoflow_attempts_total",
            "Steps by the exit code of their last attempt",
            {**kind, "exit_code": "{{exitCode}}"},
        ),
    ]
    if place.operator in ("RunLabel", "RunAimd"):
        metrics.append(
            _counter(
                "nucleoflow_labels_total",
                "Frames labelled by the reference method",
                {"study": study},
                value="{{outputs.parameters.n_labels}}",
                when="{{status}} == Succeeded",
            )
        )
    if place.kind == "md":
        metrics.append(
            _metric(
                "nucleoflow_md_ns_per_day",
                "Speed of the molecular dynamics run that ended last",
                {"study": study, **stage},
                when="{{status}} == Succeeded",
                gauge={"value": "{{outputs.parameters.ns_per_day}}", "realtime": False},
            )
        )
    return {"prometheus": metrics}


def _counter(
    name: str, text: str, labels: Mapping[str, str], value: str = "1", when: str | None = None
) -> dict[str, Any]:
    return _metric(name, text, labels, when=when, counter={"value": value})


def _metric(
    name: str, text: str, labels: Mapping[str, str], when: str | None = None, **kind: dict[str, Any]
) -> dict[str, Any]:
    metric: dict[str, Any] = {
        "name": name,
        "help": text,
        "labels": [{"key": key, "value": value} for key, value in labels.items()],
        **kind,
    }
    if when is not None:
        metric["when"] = when
    return metric
