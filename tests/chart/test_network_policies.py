"""What no policy allows is denied, and policies open what the values say."""

from __future__ import annotations

import pytest
from chart_rendering import VALUES_FILES, Object, of_kind, ours, render, rendered

CASES = (*VALUES_FILES, "everything")


@pytest.mark.parametrize("name", CASES)
def test_what_no_policy_allows_is_denied(name: str) -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(rendered(name), "NetworkPolicy")}
    assert policies["nucleoflow-default-deny"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    runs = policies["nucleoflow-runs"]
    assert "ingress" not in runs
    ports = {port["port"] for rule in runs["egress"] for port in rule.get("ports", ())}
    assert ports <= {53, 443, 6443, 8333}
    for spec in policies.values():
        for rule in spec.get("egress", ()):
            for peer in rule.get("to", ()):
                if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                    assert peer["ipBlock"]["except"] == ["169.254.0.0/16"]


def test_every_pod_of_the_namespace_is_selected_by_a_policy_of_its_own() -> None:
    policies = of_kind(rendered("values.yaml"), "NetworkPolicy")
    specific = [p["spec"] for p in policies if p["spec"]["podSelector"]]
    own = [o for o in ours(rendered("values.yaml")) if o["kind"] in ("Job", "Pod")]
    for obj in own:
        labels = obj["metadata"]["labels"]
        assert any(_selects(spec["podSelector"], labels) for spec in specific)
    run = {"workflows.argoproj.io/workflow": "x"}
    assert any(_selects(spec["podSelector"], run) for spec in specific)


def _selects(selector: Object, labels: dict[str, str]) -> bool:
    for key, value in selector.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for rule in selector.get("matchExpressions", ()):
        if rule["key"] not in labels:
            return False
        if rule["operator"] == "In" and labels[rule["key"]] not in rule["values"]:
            return False
    return True


def test_policies_open_what_the_values_say() -> None:
    postgres = {
        "host": "db",
        "port": 5433,
        "userNameSecret": {"name": "db", "key": "user"},
        "passwordSecret": {"name": "db", "key": "password"},
    }
    values = {
        "argo-workflows": {"controller": {"persistence": {"postgresql": postgres}}},
        "networkPolicies": {
            "argo": {"fromNamespaces": ["ingress"]},
            "objectStore": {"fromNamespaces": ["argo"]},
            "identityCidrs": ["169.254.170.23/32"],
            "extraEgress": [{"ports": [{"protocol": "TCP", "port": 8443}]}],
        },
    }
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind(render(values), "NetworkPolicy")}
    for name in ("nucleoflow-argo-server", "nucleoflow-argo-controller"):
        assert {"ports": [{"protocol": "TCP", "port": 5433}]} in policies[name]["egress"]
    runs = policies["nucleoflow-runs"]["egress"]
    assert {"ports": [{"protocol": "TCP", "port": 8443}]} in runs
    assert {"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}]} in runs
    for name, namespace in (("argo-server", "ingress"), ("object-store", "argo")):
        peers = policies[f"nucleoflow-{name}"]["ingress"][0]["from"]
        labels = {"kubernetes.io/metadata.name": namespace}
        assert {"namespaceSelector": {"matchLabels": labels}} in peers


@pytest.mark.parametrize(
    ("endpoint", "port"),
    [
        ("https://s3.example.org", 443),
        ("http://s3.example.org", 80),
        ("https://s3.example.org:9000", 9000),
    ],
)
def test_policies_open_the_port_of_a_store_of_your_own(endpoint: str, port: int) -> None:
    values = {
        "seaweedfs": {"enabled": False},
        "objectStore": {"endpoint": endpoint, "credentialsSecret": "mine"},
        "networkPolicies": {"objectStore": {"cidrs": ["192.0.2.0/24"]}},
    }
    (runs,) = [
        p["spec"]
        for p in of_kind(render(values), "NetworkPolicy")
        if p["metadata"]["name"] == "nucleoflow-runs"
    ]
    expected = {
        "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}],
        "ports": [{"protocol": "TCP", "port": port}],
    }
    assert expected in runs["egress"]


def test_policies_can_leave_the_rest_of_a_namespace_alone() -> None:
    objects = render({"networkPolicies": {"defaultDeny": False}})
    selected = [p["spec"]["podSelector"] for p in of_kind(objects, "NetworkPolicy")]
    assert {} not in selected
