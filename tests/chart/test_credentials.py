"""Credentials are generated, kept, and written down nowhere."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chart_rendering import (
    CHART,
    VALUES_FILES,
    Object,
    chart_folder,
    find,
    of_kind,
    ours,
    render,
    rendered,
)

CASES = (*VALUES_FILES, "everything")


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
