"""Pods as Argo would make them: valid for Kubernetes, with few rights."""

from __future__ import annotations

import copy
import json
from typing import Any

import kubernetes_validate
import pytest

from nucleoflow.backends.argo.pods import USER
from nucleoflow.backends.argo.render import render
from nucleoflow.profile.load import load_profile, parse_profile, profile_text
from nucleoflow.profile.quantity import amount
from nucleoflow.study.load import load_study
from nucleops.errors import WrongInput

TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def merged(base: Any, patch: Any) -> Any:
    """Merge as Kubernetes merges pods: mappings by key, lists of named things by name."""
    if isinstance(base, dict) and isinstance(patch, dict):
        return {**base, **{k: merged(base[k], v) if k in base else v for k, v in patch.items()}}
    if isinstance(base, list) and patch and isinstance(patch[0], dict):
        key = "mountPath" if "mountPath" in patch[0] else "name"
        entries = {entry[key]: entry for entry in base}
        for entry in patch:
            entries[entry[key]] = merged(entries.get(entry[key], {}), entry)
        return list(entries.values())
    return patch


def pod_of(manifest: dict[str, Any], template: dict[str, Any]) -> dict[str, Any]:
    """Return the pod that Argo's controller makes of a script template, at the second try."""
    spec = manifest["spec"]
    script = {k: v for k, v in template["script"].items() if k != "source"}
    executor = {"image": "argoexec", "volumeMounts": [{"name": "argo", "mountPath": "/argo"}]}
    pod: dict[str, Any] = {
        "serviceAccountName": spec["serviceAccountName"],
        "securityContext": spec["securityContext"],
        "initContainers": [{"name": "init", **executor}],
        "containers": [{"name": "wait", **executor}, {"name": "main", **script}],
        "volumes": [{"name": "argo", "emptyDir": {}}, *spec["volumes"], *template["volumes"]],
        "restartPolicy": "Never",
    }
    for field in ("nodeSelector", "tolerations", "priorityClassName", "activeDeadlineSeconds"):
        if field in template:
            pod[field] = template[field]
    for text in (spec["podSpecPatch"], template["podSpecPatch"]):
        assert "{{" not in text or "int(retries)" in text
        pod = merged(pod, json.loads(text.replace("int(retries)", "1")))
    for container in pod["containers"]:
        memory = container.get("resources", {}).get("requests", {}).get("memory", "")
        if memory.startswith("{{="):
            grown = f"{int(eval(memory[3:-4]))}Mi"
            container["resources"]["requests"]["memory"] = grown
            container["resources"]["limits"]["memory"] = grown
    labels = {**spec["podMetadata"]["labels"], **template["metadata"]["labels"]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "x", "labels": labels},
        "spec": pod,
    }


def scripts(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [t for t in manifest["spec"]["templates"] if "script" in t]


def test_every_pod_is_valid_and_restricted(whole: tuple[str, Any]) -> None:
    for template in scripts(whole[1]):
        pod = pod_of(whole[1], template)
        kubernetes_validate.validate(pod, "1.33", strict=True)
        spec = pod["spec"]
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in (*spec["initContainers"], *spec["containers"]):
            security = container["securityContext"]
            assert security["runAsNonRoot"] is True
            assert security["runAsUser"] == USER
            assert security["allowPrivilegeEscalation"] is False
            assert security["privileged"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
        assert not [v for v in spec["volumes"] if "hostPath" in v]


def test_the_operator_has_no_token_and_a_read_only_root(whole: tuple[str, Any]) -> None:
    for template in scripts(whole[1]):
        spec = pod_of(whole[1], template)["spec"]
        assert spec["automountServiceAccountToken"] is False
        containers = {c["name"]: c for c in (*spec["initContainers"], *spec["containers"])}
        with_token = {
            name
            for name, container in containers.items()
            if TOKEN in [mount["mountPath"] for mount in container["volumeMounts"]]
        }
        assert with_token == {"init", "wait"}
        main = containers["main"]
        assert main["securityContext"]["readOnlyRootFilesystem"] is True
        assert {mount["mountPath"] for mount in main["volumeMounts"]} == {"/tmp", "/work"}


def test_a_profile_reaches_the_pods(rendered: Any) -> None:
    manifest = rendered("ag6", "gpu-spot", "whole")
    pods = {t["name"]: pod_of(manifest, t)["spec"] for t in scripts(manifest)}
    replica = pods["run-replica"]
    assert replica["runtimeClassName"] == "nvidia"
    assert replica["nodeSelector"] == {"node.example.org/pool": "gpu-spot"}
    assert {"key": "nvidia.com/gpu", "operator": "Exists"} in replica["tolerations"]
    assert replica["priorityClassName"] == "nucleoflow-normal"
    assert replica["activeDeadlineSeconds"] == 604800
    assert replica["terminationGracePeriodSeconds"] == 100
    main = next(c for c in replica["containers"] if c["name"] == "main")
    assert main["resources"]["limits"] == {"memory": "16Gi", "nvidia.com/gpu": "1"}
    assert main["image"].endswith("/lammps-plumed:0.1.0-cuda")
    names = {variable["name"] for variable in main["env"]}
    assert "AWS_ACCESS_KEY_ID" not in names  # workload identity
    assert {"NUCLEOFLOW_CHECKPOINTS", "NUCLEOFLOW_CHECKPOINT_INTERVAL_S"} <= names
    # labelling keeps its frames there, and who collects the labels removes them
    stores = {
        name
        for name, pod in pods.items()
        for container in pod["containers"]
        if "NUCLEOFLOW_CHECKPOINTS" in {v["name"] for v in container.get("env", [])}
    }
    assert {"run-label", "collect-data"} <= stores
    assert "prep-label" not in stores
    train = next(v for v in pods["run-train"]["volumes"] if v["name"] == "scratch")
    claim = train["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert claim["storageClassName"] == "fast-ssd"
    label = next(c for c in pods["run-label"]["containers"] if c["name"] == "main")
    assert label["resources"]["requests"]["memory"] == "49152Mi"  # 32 Gi, the second time
    assert pods["build-systems"].get("runtimeClassName") is None


def test_trainings_have_a_store_for_checkpoints_and_time_for_a_last_one(rendered: Any) -> None:
    manifest = rendered("ag6", "gpu-spot", "whole")
    names = {
        template["name"]: {variable["name"] for variable in main["env"]}
        for template in scripts(manifest)
        for main in pod_of(manifest, template)["spec"]["containers"]
        if main["name"] == "main"
    }
    assert {"NUCLEOFLOW_CHECKPOINTS", "NUCLEOFLOW_GRACE_S"} <= names["run-train"]
    # they receive the models, and remove the checkpoints
    for name in ("collect-data", "summarise-learning"):
        assert "NUCLEOFLOW_CHECKPOINTS" in names[name]


def test_credentials_are_named_never_written(rendered: Any) -> None:
    manifest = rendered("quickstart", "kind", "whole")
    for template in scripts(manifest):
        variables = {v["name"]: v for v in template["script"]["env"]}
        reference = variables["AWS_SECRET_ACCESS_KEY"]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "nucleoflow-s3", "key": "secretKey"}
        s3 = template["archiveLocation"]["s3"]
        assert s3["secretKeySecret"] == reference
        assert s3["key"] == "{{workflow.name}}/{{pod.name}}"
        assert s3["insecure"] is True


def test_the_run_has_its_limits(rendered: Any) -> None:
    spec = rendered("ag6", "gpu-spot", "whole")["spec"]
    assert spec["parallelism"] == 1000
    assert spec["activeDeadlineSeconds"] == 2592000
    assert spec["priority"] == 10
    assert spec["ttlStrategy"] == {"secondsAfterSuccess": 604800, "secondsAfterFailure": 2592000}
    assert spec["podGC"] == {"strategy": "OnPodSuccess"}
    assert spec["synchronization"] == {"mutexes": [{"name": "nucleoflow-ag6"}]}
    assert spec["imagePullSecrets"] == [{"name": "registry-example-org"}]


def test_walkers_that_share_a_bias_get_resources_for_all_of_them() -> None:
    study = load_study("quickstart")
    name, metad = next(iter(study.metad.items()))
    shared = metad.model_copy(update={"walkers": 4, "shared_bias": True})
    study = study.model_copy(update={"metad": {name: shared}})
    profile = load_profile("gpu-spot")
    manifest = render(study, profile, run_id="quickstart-20261128-101500").manifest
    (template,) = [t for t in scripts(manifest) if t["name"] == "run-shared-metadynamics"]
    resources = template["script"]["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == "4"
    assert amount(resources["requests"]["cpu"]) == 4 * amount(profile.step("md").cpu)
    assert amount(resources["limits"]["memory"]) == 4 * amount(profile.step("md").memory)


def test_a_store_with_an_authority_of_its_own() -> None:
    text = profile_text("gpu-spot")[1].replace(
        "  region: eu-central-1\n", "  region: eu-central-1\n  ca_config_map: store-ca\n"
    )
    profile = parse_profile(text, "mine.yaml")
    manifest = render(load_study("quickstart"), profile, run_id="quickstart-20261128-1").manifest
    spec = pod_of(manifest, copy.deepcopy(scripts(manifest)[0]))["spec"]
    for container in (*spec["initContainers"], *spec["containers"]):
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert "/etc/nucleoflow/store-ca" in mounts
        names = {variable["name"] for variable in container["env"]}
        assert names & {"SSL_CERT_FILE", "NUCLEOFLOW_S3_CA_FILE"}


def test_a_certificate_that_argo_cannot_leave_unchecked() -> None:
    text = profile_text("gpu-spot")[1].replace("  path_style: false", "  verify_tls: false")
    with pytest.raises(WrongInput, match=r"storage\.verify_tls.*ca_config_map"):
        render(load_study("quickstart"), parse_profile(text, "mine.yaml"), run_id="x-1")
