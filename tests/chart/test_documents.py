"""What follows from something else is up to date: schema, tables, the study's form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import make_chart
import pytest
import yaml
from chart_rendering import CHART, ROOT, VALUES_FILES, find, ours, render, rendered, values_of

from nucleoflow.backends.argo.launcher import workflow_template
from nucleoflow.profile.model import ClusterProfile


def test_generated_files_are_up_to_date() -> None:
    for path, text in make_chart.generated().items():
        assert path.read_text() == text, f"{path.name}: make chart"


def test_every_value_is_in_the_readme() -> None:
    text = CHART.joinpath("values.yaml").read_text()
    rows = {value.path for value in make_chart.described_values(text)}
    for leaf in _leaves(yaml.safe_load(text), ()):
        assert any(leaf[: len(row)] == row for row in rows), ".".join(leaf)
    readme = CHART.joinpath("README.md").read_text()
    for row in rows:
        assert f"| `{'.'.join(row)}` |" in readme


def _leaves(value: Any, path: tuple[str, ...]) -> list[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        return [leaf for key, part in value.items() for leaf in _leaves(part, (*path, key))]
    return [path]


def test_a_value_without_a_comment_is_found() -> None:
    text = "# Said.\na: 1\nsection:\n  # Said too.\n  b: {}\n  c: 2\n"
    rows = {value.path: value.description for value in make_chart.described_values(text)}
    assert rows == {("a",): "Said.", ("section", "b"): "Said too."}


def test_readme_names_every_values_file() -> None:
    readme = CHART.joinpath("README.md").read_text()
    for name in set(VALUES_FILES) - {"values.yaml"}:
        assert f"`{name}`" in readme


@pytest.mark.parametrize("name", [*VALUES_FILES, "everything"])
def test_profile_is_a_cluster_profile(name: str) -> None:
    config = find(rendered(name), "ConfigMap", "nucleoflow-profile")
    profile = ClusterProfile.model_validate(yaml.safe_load(config["data"]["profile.yaml"]))
    assert profile.namespace == "nucleoflow"
    assert profile.service_account == "nucleoflow-workflow"


def test_profile_says_what_the_values_say() -> None:
    config = find(rendered("values-eks-spot.yaml"), "ConfigMap", "nucleoflow-profile")
    profile = ClusterProfile.model_validate(yaml.safe_load(config["data"]["profile.yaml"]))
    values = values_of("values-eks-spot.yaml")
    assert profile.storage.endpoint == values["objectStore"]["endpoint"]
    assert profile.storage.credentials_secret is None
    assert profile.storage.path_style is False
    assert profile.run.parallelism == 256
    md = profile.step("md")
    assert md.retry.limit == 30
    assert [t.key for t in md.tolerations] == ["nvidia.com/gpu", "spot"]
    assert profile.step("build").retry.limit == 5


def test_kind_asks_for_no_gpu() -> None:
    config = find(rendered("values-kind.yaml"), "ConfigMap", "nucleoflow-profile")
    profile = ClusterProfile.model_validate(yaml.safe_load(config["data"]["profile.yaml"]))
    assert [profile.step(kind).gpu for kind in ("train", "md")] == [None, None]
    assert profile.images.reference("deepmd").endswith("-cpu")


@pytest.mark.parametrize("name", VALUES_FILES)
def test_images_are_called_as_the_profile_calls_them(name: str) -> None:
    objects = rendered(name)
    config = find(objects, "ConfigMap", "nucleoflow-profile")
    profile = ClusterProfile.model_validate(yaml.safe_load(config["data"]["profile.yaml"]))
    pod = find(objects, "Pod", "nucleoflow-selftest")
    assert pod["spec"]["containers"][0]["image"] == profile.images.reference("orchestrator")


@pytest.mark.parametrize("name", [*VALUES_FILES, "everything"])
def test_the_form_is_what_the_launcher_makes_of_the_profile(name: str) -> None:
    objects = rendered(name)
    form = find(objects, "WorkflowTemplate", "nucleoflow-study")
    config = find(objects, "ConfigMap", "nucleoflow-profile")
    profile = ClusterProfile.model_validate(yaml.safe_load(config["data"]["profile.yaml"]))
    expected = json.loads(json.dumps(workflow_template(profile)))
    assert form["spec"] == expected["spec"]
    assert form["metadata"]["annotations"] == expected["metadata"]["annotations"]


@pytest.mark.parametrize("identity", [False, True])
@pytest.mark.parametrize("authority", [False, True])
def test_the_form_follows_every_value(identity: bool, authority: bool) -> None:
    store: dict[str, Any] = {
        "endpoint": "https://s3.example.org:9000",
        "bucket": "laboratory",
        "prefix": "a/b/",
        "region": "somewhere",
        "pathStyle": False,
        "workloadIdentity": identity,
        "credentialsSecret": "" if identity else "mine",
        "caConfigMap": "authority" if authority else "",
        "caSecret": "authority" if authority else "",
    }
    values: dict[str, Any] = {
        "seaweedfs": {"enabled": False},
        "objectStore": store,
        "images": {
            "repository": "registry.example.org/x",
            "tag": "0.10",
            "override": {"orchestrator": f"mirror.example.org/o@sha256:{'0' * 64}"},
            "pullPolicy": "Always",
            "pullSecrets": ["registry"],
        },
        "profile": {
            "run": {"ttl_success_s": 12345678, "ttl_failure_s": 23456789, "priority": 3},
            "steps": {"light": {"cpu": "333m", "memory": "3Gi"}},
        },
    }
    objects = render(values, namespace="lab")
    form = find(objects, "WorkflowTemplate", "nucleoflow-study")
    config = find(objects, "ConfigMap", "nucleoflow-profile")
    profile = ClusterProfile.model_validate(yaml.safe_load(config["data"]["profile.yaml"]))
    assert profile.storage.prefix == "a/b/"
    # as text: 1e+06 is no integer to Kubernetes, though Python takes it for 1000000
    expected = workflow_template(profile)["spec"]
    assert json.dumps(form["spec"], sort_keys=True) == json.dumps(expected, sort_keys=True)


def test_no_placeholder_is_left() -> None:
    for name in (*VALUES_FILES, "everything"):
        assert "placeholder" not in json.dumps(ours(rendered(name)))


def test_priority_classes_of_profiles_exist() -> None:
    made = {f"nucleoflow-{c}" for c in values_of("values.yaml")["priorityClasses"]["values"]}
    for name in VALUES_FILES:
        steps = values_of(name).get("profile", {}).get("steps", {})
        used = {step["priority_class"] for step in steps.values() if "priority_class" in step}
        assert used <= made


def test_chart_and_project_have_one_version() -> None:
    about = yaml.safe_load(CHART.joinpath("Chart.yaml").read_text())
    project = Path(ROOT, "pyproject.toml").read_text()
    assert f'version = "{about["appVersion"]}"' in project
