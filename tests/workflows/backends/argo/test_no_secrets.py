"""Nothing of the machine that renders gets into a manifest."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nucleoflow.profile.load import shipped_profiles
from nucleoflow.study.load import shipped_studies

SECRET = "PLANTED"
ENVIRONMENT = {
    name: f"{SECRET}-{name}"
    for name in (
        "DFLOW_TOKEN",
        "DFLOW_HOST",
        "DFLOW_NAMESPACE",
        "DFLOW_K8S_CONFIG_FILE",
        "DFLOW_K8S_API_SERVER",
        "DFLOW_PRIVATE_KEY_HOST_PATH",
        "DFLOW_UTIL_IMAGE",
        "DFLOW_S3_ENDPOINT",
        "DFLOW_S3_CONSOLE",
        "DFLOW_S3_ACCESS_KEY",
        "DFLOW_S3_SECRET_KEY",
        "DFLOW_S3_BUCKET_NAME",
        "DFLOW_S3_PREFIX",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ARGO_TOKEN",
        "BOHRIUM_PASSWORD",
        "USER",
        "LOGNAME",
        "HOSTNAME",
        "PWD",
        "http_proxy",
    )
} | {
    "DFLOW_HTTP_HEADERS": f"Authorization:{SECRET}-header",
    "DFLOW_WORKFLOW_ANNOTATIONS": json.dumps({"owner": f"{SECRET}-annotation"}),
}

SCRIPT = """
import itertools, json, sys
import dflow
from dflow.plugins import bohrium
from nucleoflow.backends.argo.launcher import workflow_template
from nucleoflow.backends.argo.render import render
from nucleoflow.profile.load import load_profile
from nucleoflow.study.load import load_study

dflow.config.update(token="PLANTED-set", http_headers={"Authorization": "PLANTED-set"},
                    host="https://PLANTED-set", debug_workdir="/PLANTED-set")
dflow.s3_config.update(access_key="PLANTED-set", secret_key="PLANTED-set",
                       repo={"s3": {"endpoint": "PLANTED-set"}}, prefix="PLANTED-set/")
manifests = {}
for study, profile in itertools.product(sys.argv[2].split(","), sys.argv[3].split(",")):
    loaded = load_profile(profile)
    rendered = render(load_study(study), loaded, run_id="run-20260101-000000")
    manifests[f"{study} {profile}"] = [rendered.manifest, workflow_template(loaded)]
json.dump(manifests, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Texts of what was rendered where secrets were planted; study and profile to text."""
    home = tmp_path_factory.mktemp(f"{SECRET}-home")
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text(
        f"[default]\naws_access_key_id={SECRET}-file\naws_secret_access_key={SECRET}-file\n"
    )
    gold = Path(__file__).parents[3] / "data" / "studies" / "gold"
    study = home / "gold"
    study.mkdir()
    for file in gold.iterdir():
        if file.is_file():
            (study / file.name).write_bytes(file.read_bytes())
    out = home / "manifests.json"
    studies = [*shipped_studies(), str(study / "gold.yaml")]
    subprocess.run(
        [sys.executable, "-c", SCRIPT, out, ",".join(studies), ",".join(shipped_profiles())],
        check=True,
        cwd=home,
        env=os.environ | ENVIRONMENT | {"HOME": str(home)},
    )
    found = json.loads(out.read_text(encoding="utf-8"))
    assert len(found) == len(list(itertools.product(studies, shipped_profiles())))
    return {name: json.dumps(manifest) for name, manifest in found.items()}


def test_nothing_planted_is_in_any_manifest(manifests: dict[str, str]) -> None:
    for name, text in manifests.items():
        at = text.find(SECRET)
        assert at < 0, f"{name}: {text[max(0, at - 200) : at + 60]}"


def test_no_path_of_this_machine_is_in_any_manifest(manifests: dict[str, str]) -> None:
    for text in manifests.values():
        for path in {str(Path(__file__).parents[4]), sys.prefix, str(Path.home())} - {"/"}:
            assert path not in text


def test_no_object_of_dflows_storage_is_in_any_manifest(manifests: dict[str, str]) -> None:
    for text in manifests.values():
        assert "dflow_python_packages" not in text
        assert "storage_client" not in text
        assert "secret_key=None" in text
