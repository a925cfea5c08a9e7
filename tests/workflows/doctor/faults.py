"""Ways to break the stub cluster, or the profile that is used on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from doctor_visit import Doctor, of  # beside this file, which is not a package
from stub_cluster import HERE, StubCluster

Break = Callable[[StubCluster, dict[str, Any]], None]


@dataclass(frozen=True)
class Case:
    """What is broken, and what must be found.

    Attributes
    ----------
    how : callable
        Breaks it.
    check : str
        The check that finds it.
    detail, advice : str
        Words of the finding, and of what to do.
    """

    how: Break
    check: str
    detail: str
    advice: str

    def assert_fails(self, doctor: Doctor) -> None:
        """Break it; this check and no other fails, and every failure says what to do."""
        self.how(doctor.stub, doctor.profile)
        failures = [f for f in doctor.examine() if f.state == "failed"]
        assert {f.check for f in failures} == {self.check}
        assert all(f.advice for f in failures)
        assert any(self.detail in f.detail and self.advice in f.advice for f in failures), failures

    def assert_warns(self, doctor: Doctor) -> None:
        """Break it; this check warns and none fails."""
        self.how(doctor.stub, doctor.profile)
        findings = doctor.examine()
        assert [f for f in findings if f.state == "failed"] == []
        found = [f for f in of(findings, self.check) if f.state == "warned"]
        assert any(self.detail in f.detail and self.advice in f.advice for f in found), found


def refuse(path: str, status: int) -> Break:
    return lambda stub, profile: stub.refused.update({path: status})


def remove(path: str) -> Break:
    def take_away(stub: StubCluster, profile: dict[str, Any]) -> None:
        del stub.objects[path]

    return take_away


def put(path: str, content: dict[str, Any]) -> Break:
    return lambda stub, profile: stub.objects.update({path: content})


def deny(verb: str, resource: str) -> Break:
    return lambda stub, profile: stub.denied.add((verb, resource))


def say(section: str, value: dict[str, Any]) -> Break:
    """Change a section of the profile."""

    def change(stub: StubCluster, profile: dict[str, Any]) -> None:
        profile[section] = (
            {**profile.get(section, {}), **value} if isinstance(value, dict) else value
        )

    return change


def steps(kind: str, **fields: Any) -> Break:
    return say("steps", {kind: fields})


def nodes(change: Callable[[dict[str, Any]], None]) -> Break:
    """Change every node."""

    def change_all(stub: StubCluster, profile: dict[str, Any]) -> None:
        for one in stub.objects["/api/v1/nodes"]["items"]:
            change(one)

    return change_all


def quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> Break:
    content = {
        "metadata": {"name": "team"},
        "spec": {"hard": hard, **spec},
        "status": {"used": used or {}},
    }
    return put(f"{HERE}/resourcequotas", {"items": [content]})


def limit_range(**limits: Any) -> Break:
    content = {"metadata": {"name": "r"}, "spec": {"limits": [{"type": "Container", **limits}]}}
    return put(f"{HERE}/limitranges", {"items": [content]})


def taint(one: dict[str, Any]) -> None:
    one["spec"]["taints"] = [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]


def cordon(one: dict[str, Any]) -> None:
    one["spec"]["unschedulable"] = True


def down(one: dict[str, Any]) -> None:
    one["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]


def small_disk(one: dict[str, Any]) -> None:
    one["status"]["allocatable"]["ephemeral-storage"] = "15Gi"


def without_gpu(one: dict[str, Any]) -> None:
    one["status"]["allocatable"].pop("nvidia.com/gpu", None)
