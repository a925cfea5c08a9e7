"""The life of one pod: inputs, script, outputs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulated.artifacts import Artifact, load, save
from emulated.nodes import ERROR, FAILED, Node, Outcome
from emulated.placeholders import unresolved
from emulated.sandbox import Pod, start
from nucleops.errors import NucleoError
from nucleops.storage.objects import ObjectStore

_LONGEST_S = 900.0

Interfere = Callable[[Pod], None]
"""Called in a thread of its own when a pod's script has started."""


class Kubelet:
    """Runs pods.

    Parameters
    ----------
    folder : Path
        One folder for each pod is made in here.
    store : ObjectStore
        The artifact repository.
    secrets : dict
        The namespace's secrets: name to key to value.
    slots : int
        Pods that run at the same time.
    interfere : callable, optional
        What a test does to pods while they run.
    """

    def __init__(
        self,
        folder: Path,
        store: ObjectStore,
        secrets: dict[str, dict[str, str]],
        slots: int = 2,
        interfere: Interfere | None = None,
    ) -> None:
        self.folder = folder
        self.store = store
        self.secrets = secrets
        self.nodes: list[Node] = []
        self._slots = threading.Semaphore(slots)
        self._interfere = interfere

    def run(self, template: dict[str, Any], artifacts: dict[str, Artifact], pod: Pod) -> Outcome:
        """Run a template, whose placeholders are replaced, to its end.

        Outputs are uploaded after a failure too, as Argo does.
        """
        left = unresolved({k: template.get(k) for k in ("script", "outputs", "archiveLocation")})
        assert not left, f"{pod.step}: nobody gave a value to {left}"
        with self._slots:
            outcome = self._run(template, artifacts, pod)
        node = Node(
            pod.step,
            template["name"],
            pod.name,
            pod.attempt,
            outcome,
            pod.log,
            pod.progress,
            template,
        )
        self.nodes.append(node)
        return outcome

    def _run(self, template: dict[str, Any], artifacts: dict[str, Artifact], pod: Pod) -> Outcome:
        try:
            for artifact in (template.get("inputs") or {}).get("artifacts") or []:
                if artifact["name"] in artifacts:
                    path = pod.inside(artifact["path"])
                    load(artifacts[artifact["name"]], path, self.store)
        except NucleoError as error:
            return Outcome(ERROR, message=f"inputs: {error}")
        start(pod, template["script"], self.secrets)
        assert pod.process is not None
        if self._interfere is not None:
            threading.Thread(target=self._interfere, args=(pod,), daemon=True).start()
        end = time.monotonic() + _LONGEST_S
        while not pod.lost and (code := pod.process.poll()) is None:
            assert time.monotonic() < end, f"{pod.step} takes too long: {pod.log[-2000:]}"
            time.sleep(0.02)
        if pod.lost:
            return Outcome(ERROR, message="pod deleted")
        assert code is not None
        return self._collect(template, pod, code if code >= 0 else 128 - code)

    def _collect(self, template: dict[str, Any], pod: Pod, code: int) -> Outcome:
        outcome = Outcome(exit_code=code)
        location = (template.get("archiveLocation") or {}).get("s3")
        if location is not None and template["archiveLocation"].get("archiveLogs"):
            self.store.put_file(pod.folder / "log", f"{location['key']}/main.log")
        problems = self._outputs(template, pod, outcome)
        if code:
            lines = pod.log.splitlines() or [""]
            outcome.phase, outcome.message = FAILED, f"Error (exit code {code}): {lines[-1]}"
        elif problems:
            outcome.phase, outcome.message = ERROR, "; ".join(problems)
        return outcome

    def _outputs(self, template: dict[str, Any], pod: Pod, outcome: Outcome) -> list[str]:
        """Read output parameters and upload output artifacts; return what was missing."""
        problems = []
        outputs = template.get("outputs") or {}
        for parameter in outputs.get("parameters") or []:
            source = parameter.get("valueFrom") or {}
            if "path" not in source:
                outcome.parameters[parameter["name"]] = parameter["value"]
            elif (path := pod.inside(source["path"])).is_file():
                outcome.parameters[parameter["name"]] = path.read_text()
            elif "default" in source:
                outcome.parameters[parameter["name"]] = source["default"]
            else:
                problems.append(f"no output parameter {parameter['name']}")
        for artifact in outputs.get("artifacts") or []:
            path, name = pod.inside(artifact["path"]), artifact["name"]
            archived = "none" not in (artifact.get("archive") or {})
            key = self._key(template, artifact, archived)
            if path.exists():
                save(path, key, archived=archived, store=self.store)
                outcome.artifacts[name] = {"key": key}
            elif not artifact.get("optional"):
                problems.append(f"no output artifact {name}")
        return problems

    def _key(self, template: dict[str, Any], artifact: dict[str, Any], archived: bool) -> str:
        if artifact.get("s3"):
            return str(artifact["s3"]["key"])
        folder = template["archiveLocation"]["s3"]["key"]
        return f"{folder}/{artifact['name']}{'.tgz' if archived else ''}"
