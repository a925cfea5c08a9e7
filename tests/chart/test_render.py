"""Every values file renders to objects that Kubernetes takes, from 1.29 to 1.37."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import helm_python
import kubernetes_validate
import pytest
import yaml
from chart_rendering import (
    CHART,
    EVERYTHING,
    NAMESPACE,
    VALUES_FILES,
    Object,
    chart_folder,
    find,
    has_real_dependencies,
    labels,
    of_kind,
    ours,
    render,
    render_texts,
    rendered,
    values_of,
)
from chart_schemas import mistakes_of_custom_object
from kubernetes_validate import utils

KUBERNETES = tuple(f"1.{minor}" for minor in range(29, 38))
CASES = (*VALUES_FILES, "everything")
NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
CLUSTER_KINDS = ("Namespace", "ClusterRole", "ClusterRoleBinding", "PriorityClass", "RuntimeClass")


@pytest.mark.parametrize("name", VALUES_FILES)
def test_lint_finds_nothing(name: str) -> None:
    report = helm_python.lint(chart_folder(), values_of(name), strict=True, namespace=NAMESPACE)
    worth_a_word = [m for m in report["messages"] if "icon is recommended" not in m["error"]]
    assert (report["errors"], worth_a_word) == ([], [])


@pytest.mark.parametrize("name", CASES)
def test_names_labels_and_namespaces(name: str) -> None:
    objects = ours(rendered(name))
    keys = [(o["kind"], o["metadata"]["name"]) for o in objects]
    assert len(keys) == len(set(keys))
    assert len(keys) >= 25
    for obj in objects:
        metadata = obj["metadata"]
        assert NAME.fullmatch(metadata["name"])
        assert len(metadata["name"]) <= 63
        assert labels(obj)["app.kubernetes.io/part-of"] == "nucleoflow"
        assert labels(obj)["app.kubernetes.io/instance"] == "nucleoflow"
        expected = None if obj["kind"] in CLUSTER_KINDS else NAMESPACE
        assert metadata.get("namespace") == expected


def test_names_stay_short_with_the_longest_name_and_namespace() -> None:
    values = EVERYTHING | {"name": "n" * 30}
    objects = ours(render(values, name="r" * 53, namespace="x" * 63))
    assert max(len(o["metadata"]["name"]) for o in objects) <= 63


def test_large_numbers_stay_integers() -> None:
    objects = render({"priorityClasses": {"values": {"high": 1_000_000}}})
    value = find(objects, "PriorityClass", "nucleoflow-high")["value"]
    assert (value, type(value)) == (1_000_000, int)


def test_what_takes_a_hook_to_make_is_a_hook() -> None:
    objects = ours(rendered("values.yaml"))
    hooks = {
        o["metadata"]["name"]: o["metadata"]["annotations"]["helm.sh/hook"]
        for o in objects
        if "helm.sh/hook" in (o["metadata"].get("annotations") or {})
    }
    expected = {
        "nucleoflow-bucket": "post-install,post-upgrade",
        "nucleoflow-selftest": "test",
    }
    assert hooks == expected


@functools.cache
def _distinct_objects() -> tuple[str, ...]:
    objects = {json.dumps(o, sort_keys=True) for name in CASES for o in rendered(name)}
    return tuple(sorted(objects))


@pytest.mark.parametrize("version", KUBERNETES)
def test_kubernetes_takes_every_object(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # the schemas are read anew for every object otherwise
    monkeypatch.setattr(utils, "schema_contents", functools.cache(utils.schema_contents))
    checked = 0
    for text in _distinct_objects():
        obj = json.loads(text)
        if _is_custom(obj):
            continue
        assert kubernetes_validate.validate(obj, version, strict=True) == version
        checked += 1
    assert checked > 60


@pytest.mark.parametrize("name", CASES)
def test_custom_objects_are_what_their_operators_take(name: str) -> None:
    custom = [o for o in ours(rendered(name)) if _is_custom(o)]
    assert custom
    for obj in custom:
        assert mistakes_of_custom_object(obj) == []


def test_custom_objects_of_every_kind_are_checked() -> None:
    kinds = {o["kind"] for text in _distinct_objects() if _is_custom(o := json.loads(text))}
    kinds.discard("CustomResourceDefinition")
    assert kinds == {"WorkflowTemplate", "ServiceMonitor", "PodMonitor", "PrometheusRule"}


def _is_custom(obj: Object) -> bool:
    group = obj["apiVersion"].partition("/")[0]
    return group in ("argoproj.io", "monitoring.coreos.com", "apiextensions.k8s.io")


def test_both_dependencies_can_be_switched_off() -> None:
    off: dict[str, Any] = {
        "argo-workflows": {"enabled": False},
        "seaweedfs": {"enabled": False},
        "objectStore": {"endpoint": "https://s3.example.org", "credentialsSecret": "mine"},
    }
    objects = render(off)
    assert objects == ours(objects)
    names = {o["metadata"]["name"] for o in objects}
    assert not {"nucleoflow-s3", "nucleoflow-argo-server", "nucleoflow-object-store"} & names


def test_dependencies_get_the_values_of_the_chart_and_exact_versions() -> None:
    about = yaml.safe_load(CHART.joinpath("Chart.yaml").read_text())
    for dependency in about["dependencies"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", dependency["version"])
        assert dependency["condition"] == f"{dependency['name']}.enabled"
    assert _received("argo-workflows")["singleNamespace"] is True
    accounts = _received("argo-workflows")["controller"]["workflowDefaults"]["spec"]
    assert accounts["serviceAccountName"] == "nucleoflow-workflow"
    assert _received("seaweedfs")["allInOne"]["s3"]["existingConfigSecret"] == (
        "nucleoflow-s3-server"
    )


def _received(dependency: str) -> Object:
    """Return the values that a stand-in got; real charts are checked by what they make of them."""
    if has_real_dependencies():
        received: Object = values_of("values.yaml")[dependency]
        return received
    stand_in = find(rendered("values.yaml"), "ConfigMap", f"stand-in-for-{dependency}")
    return dict(json.loads(stand_in["data"]["values"]))


def test_selectors_meet_the_pods_of_real_dependencies() -> None:
    """Only where `helm dependency update` ran; a stand-in has no pods."""
    objects = rendered("everything")
    deployments = {
        d["metadata"]["name"]: d["spec"]["template"] for d in of_kind(objects, "Deployment")
    }
    assert bool(deployments) == has_real_dependencies()
    for name, pod in deployments.items():
        policies = [
            p
            for p in of_kind(ours(objects), "NetworkPolicy")
            if p["spec"]["podSelector"].get("matchLabels")
            and p["spec"]["podSelector"]["matchLabels"].items() <= labels(pod).items()
        ]
        assert len(policies) == 1, name
        if "seaweedfs" in name:
            selector = find(objects, "Service", "nucleoflow-s3")["spec"]["selector"]
            assert selector.items() <= labels(pod).items()
        if name.endswith("workflow-controller"):
            (monitor,) = of_kind(objects, "ServiceMonitor")
            service = find(objects, "Service", name)
            selector = monitor["spec"]["selector"]["matchLabels"]
            assert selector.items() <= labels(service).items()
            ports = {port["name"] for port in service["spec"]["ports"]}
            assert monitor["spec"]["endpoints"][0]["port"] in ports


@pytest.mark.parametrize("name", VALUES_FILES)
def test_notes_say_what_comes_next(name: str) -> None:
    notes = render_texts(values_of(name))["templates/NOTES.txt"]
    for command in ("create token nucleoflow-user", "helm test nucleoflow", "nucleoflow doctor"):
        assert command in notes
    if "seaweedfs" in notes or name == "values.yaml":
        assert "port-forward svc/nucleoflow-s3 8333:8333" in notes


def test_the_credential_of_pods_reaches_argo_and_the_jobs_alike() -> None:
    for name, secret in (("values.yaml", "nucleoflow-s3"), ("values-gke-spot.yaml", "gcs-hmac")):
        objects = rendered(name)
        repository = find(objects, "ConfigMap", "artifact-repositories")
        s3 = yaml.safe_load(repository["data"]["nucleoflow"])["s3"]
        assert s3["accessKeySecret"] == {"name": secret, "key": "accessKey"}
        test_pod = find(objects, "Pod", "nucleoflow-selftest")
        variables = {v["name"]: v for v in test_pod["spec"]["containers"][0]["env"]}
        reference = variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": secret, "key": "secretKey"}


def test_workload_identity_needs_no_secret() -> None:
    objects = rendered("values-eks-spot.yaml")
    repository = find(objects, "ConfigMap", "artifact-repositories")
    s3 = yaml.safe_load(repository["data"]["nucleoflow"])["s3"]
    assert s3["useSDKCreds"] is True
    assert s3["endpoint"] == "s3.eu-central-1.amazonaws.com"
    assert s3["insecure"] is False
    assert "accessKeySecret" not in s3
    assert of_kind(objects, "Secret") == []
    account = find(objects, "ServiceAccount", "nucleoflow-workflow")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].startswith("arn:")
