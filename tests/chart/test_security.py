"""What the chart's pods, roles and policies allow, and that no credential is written down."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_rendering import (
    CHART,
    VALUES_FILES,
    Object,
    chart_folder,
    find,
    of_kind,
    ours,
    pod_specs,
    render,
    rendered,
)

CASES = (*VALUES_FILES, "everything")
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
"""Kinds of volume that Pod Security's level "restricted" allows."""


def breaches_of_restricted(spec: Object) -> list[str]:
    """Return what Pod Security's level "restricted" forbids in a pod, a sentence each.

    Source: Kubernetes, Pod Security Standards.
    """
    found = []
    pod = spec.get("securityContext") or {}
    found += [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    for volume in spec.get("volumes", ()):
        found += [f"volume of kind {kind}" for kind in volume.keys() - {"name"} - VOLUMES]
    for container in (*spec.get("initContainers", ()), *spec["containers"]):
        own = container.get("securityContext") or {}
        name = container["name"]
        if own.get("privileged"):
            found.append(f"{name} is privileged")
        if own.get("allowPrivilegeEscalation") is not False:
            found.append(f"{name} may gain rights")
        if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
            found.append(f"{name} may be root")
        if own.get("runAsUser", pod.get("runAsUser", 1)) == 0:
            found.append(f"{name} is root")
        capabilities = own.get("capabilities") or {}
        if "ALL" not in capabilities.get("drop", ()):
            found.append(f"{name} keeps capabilities")
        if set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
            found.append(f"{name} adds capabilities")
        seccomp = own.get("seccompProfile") or pod.get("seccompProfile") or {}
        if seccomp.get("type") not in ("RuntimeDefault", "Localhost"):
            found.append(f"{name} has no seccomp profile")
        if any(port.get("hostPort") for port in container.get("ports", ())):
            found.append(f"{name} takes a port of the node")
    return found


@pytest.mark.parametrize("name", CASES)
def test_pods_satisfy_the_restricted_level(name: str) -> None:
    specs = list(pod_specs(rendered(name)))
    assert specs
    for where, spec in specs:
        assert (where, breaches_of_restricted(spec)) == (where, [])


def test_the_check_of_pods_finds_what_is_forbidden() -> None:
    spec = {
        "hostNetwork": True,
        "volumes": [{"name": "x", "hostPath": {"path": "/"}}],
        "containers": [{"name": "c", "securityContext": {"privileged": True}}],
    }
    assert len(breaches_of_restricted(spec)) == 7


@pytest.mark.parametrize("name", CASES)
def test_the_charts_own_pods_have_limits_and_a_read_only_root(name: str) -> None:
    for _, spec in pod_specs(ours(rendered(name))):
        assert spec["serviceAccountName"].startswith("nucleoflow-")
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in container["resources"]["limits"]


def test_argos_containers_in_the_pods_of_runs_satisfy_the_restricted_level() -> None:
    values = yaml.safe_load(CHART.joinpath("values.yaml").read_text())["argo-workflows"]
    pod = values["controller"]["workflowDefaults"]["spec"]["securityContext"]
    for part in ("executor", "mainContainer"):
        security = values[part]["securityContext"]
        spec = {
            "securityContext": pod,
            "containers": [{"name": part, "securityContext": security}],
        }
        assert breaches_of_restricted(spec) == []


@pytest.mark.parametrize("name", CASES)
def test_roles_have_no_wildcard_and_read_one_secret_at_most(name: str) -> None:
    roles = of_kind(ours(rendered(name)), "Role", "ClusterRole")
    assert roles
    for role in roles:
        for rule in role["rules"]:
            words = {*rule["verbs"], *rule["resources"], *rule["apiGroups"]}
            assert "*" not in words
            assert not words & {"escalate", "bind", "impersonate"}
            if "secrets" in rule["resources"]:
                assert role["metadata"]["name"] == "nucleoflow-user"
                assert (rule["verbs"], rule["resources"]) == (["get"], ["secrets"])
                assert rule["resourceNames"] in (["nucleoflow-s3"], ["gcs-hmac"])
            assert not {"pods/exec", "pods/ephemeralcontainers"} & set(rule["resources"])


def test_pods_of_runs_may_report_their_results_and_nothing_else() -> None:
    role = find(rendered("values.yaml"), "Role", "nucleoflow-workflow")
    assert role["rules"] == [
        {
            "apiGroups": ["argoproj.io"],
            "resources": ["workflowtaskresults"],
            "verbs": ["create", "patch"],
        }
    ]


def test_cluster_wide_nobody_may_write() -> None:
    (role,) = of_kind(ours(rendered("everything")), "ClusterRole")
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} <= {"get", "list"}


def test_every_binding_binds_a_role_and_accounts_that_there_are() -> None:
    objects = ours(rendered("everything"))
    there = {(o["kind"], o["metadata"]["name"]) for o in objects}
    bindings = of_kind(objects, "RoleBinding", "ClusterRoleBinding")
    assert len(bindings) == 4
    for binding in bindings:
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in there
        for subject in binding["subjects"]:
            if subject["kind"] == "ServiceAccount":
                assert ("ServiceAccount", subject["name"]) in there


def test_groups_and_users_get_the_users_role() -> None:
    binding = find(rendered("everything"), "RoleBinding", "nucleoflow-user")
    assert [(s["kind"], s["name"]) for s in binding["subjects"]] == [
        ("Group", "scientists"),
        ("User", "someone@example.org"),
        ("ServiceAccount", "nucleoflow-user"),
    ]


def test_secrets_are_made_only_for_the_s3_server_of_the_chart_and_kept() -> None:
    secrets = of_kind(ours(rendered("values.yaml")), "Secret")
    assert {s["metadata"]["name"] for s in secrets} == {"nucleoflow-s3", "nucleoflow-s3-server"}
    for secret in secrets:
        assert secret["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        assert "stringData" not in secret
    for name in ("values-eks-spot.yaml", "values-gke-spot.yaml"):
        assert of_kind(rendered(name), "Secret") == []


def test_generated_credentials_are_random_long_and_agree() -> None:
    seen = set()
    for _ in range(2):
        objects = render({})
        pods = _decoded(find(objects, "Secret", "nucleoflow-s3"))
        server = _decoded(find(objects, "Secret", "nucleoflow-s3-server"))
        identities = {i["name"]: i for i in json.loads(server["seaweedfs_s3_config"])["identities"]}
        assert identities["nucleoflow"]["credentials"] == [pods]
        assert identities["admin"]["credentials"] == [
            {"accessKey": server["adminAccessKey"], "secretKey": server["adminSecretKey"]}
        ]
        assert {action.partition(":")[2] for action in identities["nucleoflow"]["actions"]} == {
            "nucleoflow"
        }
        keys = {pods["secretKey"], server["adminSecretKey"]}
        assert all(re.fullmatch(r"[A-Za-z0-9]{40}", key) for key in keys)
        seen |= keys
    assert len(seen) == 4


def _decoded(secret: Object) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}


def test_an_upgrade_keeps_the_credential_that_the_cluster_holds(tmp_path: Path) -> None:
    """Offline nothing can be looked up: a chart that finds a Secret stands in for the cluster."""
    kept = {
        "accessKey": "a" * 20,
        "secretKey": "s" * 40,
        "adminAccessKey": "b" * 20,
        "adminSecretKey": "t" * 40,
    }
    data = {key: base64.b64encode(value.encode()).decode() for key, value in kept.items()}
    template = CHART.joinpath("templates", "object-store-secrets.yaml").read_text()
    lookups = re.findall(
        r'\(lookup "v1" "Secret" \.Release\.Namespace \$\w+ \| default dict\)', template
    )
    assert len(lookups) == 2
    for lookup in lookups:
        template = template.replace(lookup, f"(fromJson `{json.dumps({'data': data})}`)")
    installed = tmp_path / "chart"
    shutil.copytree(chart_folder(), installed)
    installed.joinpath("templates", "object-store-secrets.yaml").write_text(template)
    objects = render({}, installed, is_upgrade=True)
    pods = _decoded(find(objects, "Secret", "nucleoflow-s3"))
    server = _decoded(find(objects, "Secret", "nucleoflow-s3-server"))
    assert pods == {"accessKey": kept["accessKey"], "secretKey": kept["secretKey"]}
    assert {k: server[k] for k in ("adminAccessKey", "adminSecretKey")} == {
        k: kept[k] for k in ("adminAccessKey", "adminSecretKey")
    }


@pytest.mark.parametrize("name", CASES)
def test_no_credential_outside_secrets(name: str) -> None:
    objects = rendered(name)
    secret = {v for s in of_kind(ours(objects), "Secret") for v in _decoded(s).values()}
    for obj in objects:
        if obj["kind"] == "Secret":
            continue
        text = json.dumps(obj)
        assert not [value for value in secret if value in text]
        for variable in _environment(obj):
            if re.search(r"SECRET|TOKEN|PASSWORD|ACCESS_KEY", variable["name"]):
                assert "value" not in variable


def _environment(node: Any) -> Iterator[Object]:
    if isinstance(node, dict):
        yield from (v for v in node.get("env") or () if isinstance(v, dict) and "name" in v)
        for part in node.values():
            yield from _environment(part)
    elif isinstance(node, list):
        for part in node:
            yield from _environment(part)


def test_no_credential_in_the_chart_itself() -> None:
    suspicious = re.compile(
        r"AKIA[0-9A-Z]{16}|BEGIN [A-Z ]*PRIVATE KEY|(secret|access)_?key: *['\"]?\w{8}", re.I
    )
    for path in CHART.rglob("*"):
        if path.is_file() and "charts" not in path.relative_to(CHART).parts:
            assert not suspicious.search(path.read_text()), path


def test_only_the_job_that_makes_the_bucket_has_the_administrators_credential() -> None:
    objects = ours(rendered("values.yaml"))
    users = {
        o["metadata"]["name"]
        for o in objects
        if o["kind"] != "Secret" and "nucleoflow-s3-server" in json.dumps(o)
    }
    assert users == {"nucleoflow-bucket"}


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
