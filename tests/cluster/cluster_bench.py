"""The public commands, sent to a real cluster from this machine."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from disturbances import wait_for, workflow_path  # beside this file, which is not a package

from nucleoflow.doctor.cluster import ApiRefused, Cluster, connect

Json = dict[str, Any]
OVER = ("Succeeded", "Failed", "Error")
_RUN_ID = re.compile(r"\b[a-z][a-z0-9-]*-\d{8}-\d{6}\b")


class Forward:
    """A ``kubectl port-forward`` that is started anew when it ends, as when its pod moves."""

    def __init__(self, namespace: str, service: str, port: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._command = [
            "kubectl", "-n", namespace, "port-forward", f"svc/{service}", f"{self.port}:{port}",
        ]  # fmt: skip
        self._ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep_up, daemon=True)
        self._thread.start()
        wait_for(f"answer of {service}", self._answers, 60, 0.2)

    @property
    def address(self) -> str:
        """Its end on this machine."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """End it."""
        self._ended.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join(10)

    def _keep_up(self) -> None:
        while not self._ended.is_set():
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            if self._ended.is_set():
                self._process.terminate()
            self._process.wait()
            self._ended.wait(1)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Bench:
    """A cluster with the chart in it, its profile, and a folder for runs.

    Parameters
    ----------
    folder : Path
        Where profile and runs are kept.
    namespace : str
        Namespace of the chart's release.
    """

    def __init__(self, folder: Path, namespace: str) -> None:
        if shutil.which("kubectl") is None:
            raise RuntimeError("kubectl is needed on PATH")
        self.folder = folder
        self.namespace = namespace
        self.cluster: Cluster = connect(None, None, 30.0)
        self.forwards: list[Forward] = []
        self.environment = {**os.environ, "NUCLEOFLOW_RUNS": str(folder / "runs"), "COLUMNS": "200"}
        self.profile = self._profile()
        self.profile_file = self.write_profile("profile")

    def _profile(self) -> Json:
        """Read the profile that the chart made, with the ends of port-forwards for addresses."""
        from ruamel.yaml import YAML

        home = f"/api/v1/namespaces/{self.namespace}"
        content = self.cluster.get(f"{home}/configmaps/nucleoflow-profile")["data"]["profile.yaml"]
        profile: Json = YAML(typ="safe").load(content)
        argo = Forward(self.namespace, "nucleoflow-argo-server", 2746)
        self.forwards.append(argo)
        profile["argo"] = {**profile.get("argo", {}), "endpoint": argo.address}
        token = self.cluster.ask(
            "POST",
            f"{home}/serviceaccounts/nucleoflow-user/token",
            {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
             "spec": {"expirationSeconds": 8 * 3600}},
        )["status"]["token"]  # fmt: skip
        self.environment["ARGO_TOKEN"] = f"Bearer {token}"
        try:
            self.cluster.get(f"{home}/services/nucleoflow-s3")
        except ApiRefused as refusal:
            if refusal.status != 404:
                raise
            return profile  # a store of one's own, with credentials that boto3 finds
        store = Forward(self.namespace, "nucleoflow-s3", 8333)
        self.forwards.append(store)
        profile["storage"]["client_endpoint"] = store.address
        secret = self.cluster.get(f"{home}/secrets/{profile['storage']['credentials_secret']}")
        for variable, key in (
            ("AWS_ACCESS_KEY_ID", "accessKey"),
            ("AWS_SECRET_ACCESS_KEY", "secretKey"),
        ):
            self.environment[variable] = base64.b64decode(secret["data"][key]).decode()
        return profile

    def write_profile(self, name: str, **steps: Json) -> Path:
        """Write the profile, with other resources for some kinds of step; short pauses always."""
        profile = json.loads(json.dumps(self.profile))
        kinds = profile.setdefault("steps", {})
        for kind in ("light", "build", "label", "train", "md", "analyse"):
            given = steps.get(kind, {})
            kinds[kind] = {**kinds.get(kind, {}), **given}
            kinds[kind]["retry"] = {"backoff_s": 5, "limit": 3, **given.get("retry", {})}
        path = self.folder / f"{name}.yaml"
        path.write_text(json.dumps(profile))  # JSON is YAML
        return path

    def close(self) -> None:
        """End the port-forwards."""
        for forward in self.forwards:
            forward.close()

    def call(self, *arguments: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command of nucleoflow as a user does."""
        environment = {"NUCLEOFLOW_PROFILE": str(self.profile_file), **self.environment}
        return subprocess.run(
            [sys.executable, "-m", "nucleoflow.cli.app", *arguments],
            env=environment, capture_output=True, text=True, timeout=timeout_s, check=False,
        )  # fmt: skip

    def well(self, *arguments: str, timeout_s: float = 300) -> str:
        """Run a command that has to succeed; return what it prints."""
        done = self.call(*arguments, timeout_s=timeout_s)
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def submit(self, study: str, *options: str) -> str:
        """Submit a study; return the id of the run."""
        return run_id(self.well("submit", study, *options))

    def workflow(self, run: str) -> Json:
        """Return the workflow as the API server has it."""
        return self.cluster.get(workflow_path(self.namespace, run))

    def phase(self, run: str) -> str:
        """Return Argo's word for how far a run is."""
        return str((self.workflow(run).get("status") or {}).get("phase", ""))

    def end_of(self, run: str, timeout_s: float = 3600) -> str:
        """Wait until a run is over; return how it ended."""
        return str(
            wait_for(
                f"end of {run}",
                lambda: (phase := self.phase(run)) in OVER and phase,
                timeout_s,
                5.0,
            )
        )


def run_id(text: str) -> str:
    """Return the last id of a run that a command printed."""
    found = _RUN_ID.findall(text)
    assert found, f"no id of a run in: {text}"
    return str(found[-1])
