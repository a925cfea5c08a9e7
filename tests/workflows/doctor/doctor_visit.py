"""The doctor, sent to the stub cluster with a profile that a test may change before."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stub_cluster import NAMESPACE, StubCluster  # beside this file, which is not a package

from nucleoflow.doctor.checks import OF_A_CLUSTER
from nucleoflow.doctor.outcome import Examination, Finding, examine


class Doctor:
    """Examines the stub with a profile that a test may change before."""

    def __init__(self, stub: StubCluster, folder: Path) -> None:
        self.stub = stub
        self.profile_file = folder / "profile.yaml"
        self.profile: dict[str, Any] = {
            "namespace": NAMESPACE,
            "argo": {"endpoint": stub.address},
            "storage": {"endpoint": stub.address},
            "images": {
                "repository": f"{stub.address.removeprefix('http://')}/nucleoflow",
                "tag": "1",
            },
        }

    def write_profile(self) -> str:
        """Write the profile; return its path."""
        self.profile_file.write_text(json.dumps(self.profile))  # JSON is YAML
        return str(self.profile_file)

    def examine(self, timeout_s: float = 10.0) -> list[Finding]:
        """Make all checks of a cluster."""
        return list(examine(OF_A_CLUSTER, Examination(self.write_profile(), timeout_s)))


def of(findings: Sequence[Finding], check: str, item: str | None = None) -> list[Finding]:
    """Return what one check found, of one item perhaps."""
    found = [f for f in findings if f.check == check and item in (None, f.item)]
    assert found, f"no finding of '{check}'"
    return found
