"""Every pod satisfies Pod Security's level "restricted"."""

from __future__ import annotations

import pytest
import yaml
from chart_rendering import CHART, VALUES_FILES, Object, ours, pod_specs, rendered

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
