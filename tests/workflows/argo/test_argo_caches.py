"""ConfigMaps of finished steps, against a stub of the Kubernetes API."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from nucleoflow.backends.argo.reuse import ConfigMaps
from nucleoflow.profile.model import ClusterProfile
from nucleops.errors import WrongInput

PATH = "/api/v1/namespaces/lab/configmaps"


@pytest.fixture
def profile() -> ClusterProfile:
    storage = {"endpoint": "http://127.0.0.1:1"}
    return ClusterProfile.model_validate({"namespace": "lab", "storage": storage})


@pytest.fixture
def kubeconfig(httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "kubeconfig"
    content = {
        "current-context": "stub",
        "contexts": [{"name": "stub", "context": {"cluster": "stub", "user": "me"}}],
        "clusters": [{"name": "stub", "cluster": {"server": httpserver.url_for("")}}],
        "users": [{"name": "me", "user": {"token": "planted"}}],
    }
    path.write_text(json.dumps(content))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    return path


def test_one_for_each_step_and_all_are_removed(
    httpserver: HTTPServer, kubeconfig: Path, profile: ClusterProfile
) -> None:
    stored: dict[str, dict] = {"of-another-run": {"metadata": {"name": "of-another-run"}}}

    def answer(request: Request) -> Response:
        if request.method == "POST":
            body = json.loads(request.get_data(as_text=True))
            stored[body["metadata"]["name"]] = body
            return Response(json.dumps(body), status=201, content_type="application/json")
        if request.method == "DELETE":
            del stored[request.path.rsplit("/", 1)[1]]
            return Response("{}", content_type="application/json")
        assert request.args["labelSelector"] == "workflows.argoproj.io/configmap-type=Cache"
        found = {"items": list(stored.values())}
        return Response(json.dumps(found), content_type="application/json")

    httpserver.expect_request(re.compile(f"{PATH}.*")).respond_with_handler(answer)
    caches = ConfigMaps(profile)
    caches.add("new-1", {"run-nucleate-0": '{"nodeID": "x"}', "build": "{}"})
    made = stored["new-1-run-nucleate-0"]
    assert made["data"] == {"new-1-run-nucleate-0": '{"nodeID": "x"}'}
    assert made["metadata"]["labels"]["workflows.argoproj.io/configmap-type"] == "Cache"
    assert made["metadata"]["labels"]["nucleoflow.io/run"] == "new-1"
    assert caches.remove("new-1") == 2
    assert set(stored) == {"of-another-run"}


def test_without_the_right(
    httpserver: HTTPServer, kubeconfig: Path, profile: ClusterProfile
) -> None:
    httpserver.expect_request(PATH).respond_with_json({"message": "no"}, status=403)
    with pytest.raises(WrongInput, match=r"403.*create, list and delete on configmaps"):
        ConfigMaps(profile).add("new-1", {"a": "{}"})


def test_without_a_kubeconfig(kubeconfig: Path, profile: ClusterProfile) -> None:
    with pytest.raises(WrongInput, match=r"kubeconfig: .*elsewhere"):
        ConfigMaps(profile.model_copy(update={"kube_context": "elsewhere"}))
    kubeconfig.unlink()
    with pytest.raises(WrongInput, match="kubeconfig"):
        ConfigMaps(profile)
