"""Dashboard and alerts use metrics that somebody emits, and every alert says what to do."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from chart_rendering import CHART, EVERYTHING, Object, find, of_kind, ours, render, rendered
from promql import EMITTED, metrics_in, mistakes

from nucleoflow.backends.argo.metrics import metrics_of
from nucleoflow.backends.argo.pods import Place
from nucleoflow.profile.kinds import KIND_OF_OPERATOR


def _alerts() -> list[Object]:
    (rule,) = of_kind(rendered("everything"), "PrometheusRule")
    (group,) = rule["spec"]["groups"]
    rules: list[Object] = group["rules"]
    return rules


def _dashboard() -> dict[str, Any]:
    config = find(rendered("everything"), "ConfigMap", "nucleoflow-dashboard")
    dashboard: dict[str, Any] = json.loads(config["data"]["nucleoflow.json"])
    return dashboard


def _panels() -> list[Object]:
    return [panel for panel in _dashboard()["panels"] if panel["type"] != "row"]


def test_alerts_use_metrics_that_are_emitted() -> None:
    assert len(_alerts()) >= 10
    for alert in _alerts():
        assert (alert["alert"], mistakes(alert["expr"])) == (alert["alert"], [])


def test_every_alert_says_what_to_do_and_where_to_read_on() -> None:
    readme = CHART.joinpath("README.md").read_text()
    names = [alert["alert"] for alert in _alerts()]
    assert len(names) == len(set(names))
    for alert in _alerts():
        name, notes = alert["alert"], alert["annotations"]
        assert set(notes) == {"summary", "description", "action", "runbook_url"}
        assert len(notes["action"]) > 40
        assert notes["runbook_url"] == f"https://example.org/runbook#{name.lower()}"
        assert f'<a id="{name.lower()}"></a>{name} ' in readme
        assert alert["labels"]["severity"] in ("info", "warning", "critical")


def test_no_word_is_left_for_a_value() -> None:
    assert "@" not in json.dumps(_alerts())


def test_values_reach_the_alerts() -> None:
    values = EVERYTHING | {
        "monitoring": {
            "rules": {
                "create": True,
                "retriesPerHour": 7,
                "pendingMinutes": 5,
                "gpuNamespaceLabel": "namespace",
            }
        }
    }
    (rule,) = of_kind(render(values, namespace="lab"), "PrometheusRule")
    alerts = {alert["alert"]: alert for alert in rule["spec"]["groups"][0]["rules"]}
    assert alerts["NucleoflowManyRetries"]["expr"].endswith("> 7")
    assert alerts["NucleoflowPodsPending"]["for"] == "5m"
    assert 'namespace="lab"' in alerts["NucleoflowRunFailed"]["expr"]
    assert alerts["NucleoflowGpuIdle"]["expr"].startswith("avg by (namespace, Hostname)")
    assert "runbook_url" not in alerts["NucleoflowGpuIdle"]["annotations"]


def test_panels_use_metrics_that_are_emitted() -> None:
    for panel in _panels():
        for target in panel["targets"]:
            assert (panel["title"], mistakes(target["expr"])) == (panel["title"], [])


def test_dashboard_shows_what_it_is_for() -> None:
    shown = {m for p in _panels() for t in p["targets"] for m in metrics_in(t["expr"])}
    steps = "argo_workflows_nucleoflow"
    assert {
        "argo_workflows_gauge",
        f"{steps}_steps_total",
        f"{steps}_labels_total",
        f"{steps}_md_ns_per_day",
        f"{steps}_attempts_total",
        f"{steps}_step_seconds_bucket",
        "DCGM_FI_DEV_GPU_UTIL",
    } <= shown


def test_panels_have_their_own_place_number_and_words() -> None:
    panels = _dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
    for panel in _panels():
        assert panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        for target in panel["targets"]:
            assert re.search(r"\w", target["legendFormat"])


def test_every_emitted_metric_of_ours_is_shown() -> None:
    used = {m for p in _panels() for t in p["targets"] for m in metrics_in(t["expr"])}
    used |= {m for alert in _alerts() for m in metrics_in(alert["expr"])}
    for metric in EMITTED:
        assert any(name.startswith(metric) for name in used), metric


def test_table_of_metrics_is_what_templates_emit() -> None:
    emitted: dict[str, dict[str, Any]] = {}
    for operator, kind in KIND_OF_OPERATOR.items():
        for metric in metrics_of(Place(kind, "learn", operator), "study")["prometheus"]:
            (how,) = metric.keys() & {"counter", "gauge", "histogram"}
            names = sorted(label["key"] for label in metric["labels"])
            emitted[f"argo_workflows_{metric['name']}"] = {"type": how, "labels": names}
    table = {
        name: {**entry, "labels": sorted(entry["labels"])}
        for name, entry in EMITTED.items()
        if name.startswith("argo_workflows_nucleoflow_")
    }
    assert table == emitted


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(nucleoflow_steps_total)", "nobody emits it"),
        ('argo_workflows_gauge{state="Running"}', "has no label state"),
        ("sum by (stage) (argo_workflows_gauge)", "no metric has the label stage"),
        ("rate(argo_workflows_gauge[5m])", "which is no counter"),
        ("argo_workflows_nucleoflow_step_seconds", "nobody emits it"),
        ("sum(argo_workflows_gauge", "unclosed"),
    ],
)
def test_the_check_of_expressions_finds_mistakes(expression: str, expected: str) -> None:
    (mistake,) = mistakes(expression)
    assert expected in mistake


@pytest.mark.parametrize(
    ("scrape", "kind", "endpoints"),
    [
        ("serviceMonitor", "ServiceMonitor", "endpoints"),
        ("podMonitor", "PodMonitor", "podMetricsEndpoints"),
    ],
)
def test_one_monitor_scrapes_the_controller(scrape: str, kind: str, endpoints: str) -> None:
    objects = ours(render({"monitoring": {"scrape": scrape}}))
    (monitor,) = of_kind(objects, "ServiceMonitor", "PodMonitor")
    assert monitor["kind"] == kind
    (endpoint,) = monitor["spec"][endpoints]
    assert endpoint["scheme"] == "https"
    assert endpoint["honorLabels"] is True
    plain = ours(render({"monitoring": {"scrape": scrape, "tls": False}}))
    (endpoint,) = of_kind(plain, kind)[0]["spec"][endpoints]
    assert endpoint["scheme"] == "http"
    assert "tlsConfig" not in endpoint


def test_nothing_is_scraped_unless_asked_for() -> None:
    objects = ours(rendered("values.yaml"))
    assert of_kind(objects, "ServiceMonitor", "PodMonitor", "PrometheusRule") == []
