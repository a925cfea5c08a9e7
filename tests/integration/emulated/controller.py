"""Walk a workflow from its entrypoint: steps, DAGs, repetition, conditions, retries."""

from __future__ import annotations

import copy
import hashlib
import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from emulated.artifacts import Artifact
from emulated.expressions import evaluate
from emulated.nodes import FAILED, SKIPPED, SUCCEEDED, Outcome, aggregate
from emulated.placeholders import look_up, resolve, resolve_text
from emulated.pods import Kubelet
from emulated.references import (
    Scope,
    found_artifact,
    goes_on,
    holds,
    in_manifest,
    is_ready,
    items_of,
)
from emulated.sandbox import Pod

_DEEPEST = 100


class Controller:
    """Runs one workflow.

    Parameters
    ----------
    workflow : dict
        The manifest.
    kubelet : Kubelet
        Runs the pods.
    """

    def __init__(self, workflow: dict[str, Any], kubelet: Kubelet) -> None:
        self.workflow = workflow
        self.kubelet = kubelet
        self.templates = {t["name"]: t for t in workflow["spec"]["templates"]}
        self.name = workflow["metadata"]["name"]
        arguments = (workflow["spec"].get("arguments") or {}).get("parameters") or []
        self.globals: Scope = {
            "workflow": {
                "name": self.name,
                "namespace": workflow["metadata"].get("namespace", "default"),
                "parameters": {p["name"]: p.get("value") for p in arguments},
            }
        }
        self._pods = itertools.count()

    def run(self) -> Outcome:
        """Run the workflow to its end."""
        return self.execute(self.workflow["spec"]["entrypoint"], self.name, {}, {}, 0)

    def execute(
        self,
        template: str,
        path: str,
        parameters: dict[str, str],
        artifacts: dict[str, Artifact],
        depth: int,
    ) -> Outcome:
        """Run a template with arguments.

        Parameters
        ----------
        template : str
            Its name.
        path : str
            Name of the node.
        parameters, artifacts : dict
            Arguments by name.
        depth : int
            How deep it is called; Argo refuses more than 100.
        """
        assert depth < _DEEPEST, f"{path}: templates call one another more than {_DEEPEST} deep"
        body = copy.deepcopy(self.templates[template])
        inputs = body.get("inputs") or {}
        scope: Scope = {**self.globals, "inputs": {"parameters": {}, "artifacts": {}}}
        for parameter in inputs.get("parameters") or []:
            name = parameter["name"]
            assert name in parameters or "value" in parameter, f"{path}: no value for {name}"
            value = parameters.get(name, parameter.get("value"))
            scope["inputs"]["parameters"][name] = str(value)
        for artifact in inputs.get("artifacts") or []:
            found = artifacts.get(artifact["name"]) or in_manifest(artifact)
            if found is not None:
                scope["inputs"]["artifacts"][artifact["name"]] = found
            else:
                assert artifact.get("optional"), f"{path}: no artifact {artifact['name']}"
        if "script" in body:
            return self._leaf(body, path, scope)
        walk = self._dag if "dag" in body else self._steps
        outcome = walk(body, path, scope, depth)
        if not outcome.failed:
            self._outputs(body, scope, outcome)
        return outcome

    def _steps(self, body: dict[str, Any], path: str, scope: Scope, depth: int) -> Outcome:
        scope["steps"] = {}
        for group in body["steps"]:
            outcomes = self._side_by_side(group, path, scope, depth)
            for step, outcome in zip(group, outcomes, strict=True):
                scope["steps"][step["name"]] = outcome.in_scope()
                if outcome.failed and not goes_on(step, outcome):
                    return Outcome(FAILED, message=f"{step['name']}: {outcome.message}")
        return Outcome()

    def _dag(self, body: dict[str, Any], path: str, scope: Scope, depth: int) -> Outcome:
        scope["tasks"] = {}
        waiting = list(body["dag"]["tasks"])
        ended: dict[str, Outcome] = {}
        while waiting:
            ready = [task for task in waiting if is_ready(task, ended)]
            assert ready, f"{path}: nothing can start of {[t['name'] for t in waiting]}"
            outcomes = self._side_by_side(ready, path, scope, depth)
            for task, outcome in zip(ready, outcomes, strict=True):
                ended[task["name"]] = outcome
                scope["tasks"][task["name"]] = outcome.in_scope()
                waiting.remove(task)
                if outcome.failed and not goes_on(task, outcome):
                    return Outcome(FAILED, message=f"{task['name']}: {outcome.message}")
        return Outcome()

    def _side_by_side(
        self, steps: list[dict[str, Any]], path: str, scope: Scope, depth: int
    ) -> list[Outcome]:
        with ThreadPoolExecutor(len(steps)) as pool:
            return list(pool.map(lambda step: self._call(step, path, dict(scope), depth), steps))

    def _call(self, step: dict[str, Any], path: str, scope: Scope, depth: int) -> Outcome:
        """Run a step or task, as often as it says."""
        if "when" in step and not holds(resolve_text(step["when"], scope)):
            return Outcome(SKIPPED)
        items = items_of(step, scope)
        if items is None:
            return self._once(step, f"{path}.{step['name']}", scope, depth)

        def one(number: int, item: Any) -> Outcome:
            name = f"{path}.{step['name']}({number})"
            return self._once(step, name, {**scope, "item": item}, depth)

        with ThreadPoolExecutor(max(1, len(items))) as pool:
            outcomes = list(pool.map(one, range(len(items)), items))
        bad = [outcome for outcome in outcomes if outcome.failed]
        phase = bad[0].phase if bad else SUCCEEDED
        message = bad[0].message if bad else ""
        return Outcome(phase, aggregate(outcomes), message=message)

    def _once(self, step: dict[str, Any], path: str, scope: Scope, depth: int) -> Outcome:
        arguments = step.get("arguments") or {}
        parameters = {
            p["name"]: resolve_text(p["value"], scope) for p in arguments.get("parameters") or []
        }
        artifacts = {}
        for artifact in arguments.get("artifacts") or []:
            found = found_artifact(resolve(artifact, {"item": scope.get("item")}), scope)
            if found is not None:
                artifacts[artifact["name"]] = found
            else:
                assert artifact.get("optional"), f"{path}: no artifact for {artifact}"
        return self.execute(step["template"], path, parameters, artifacts, depth + 1)

    def _leaf(self, body: dict[str, Any], path: str, scope: Scope) -> Outcome:
        """Run a pod, and again as its retry strategy says."""
        strategy = body.get("retryStrategy") or {"limit": 0}
        step = scope["inputs"]["parameters"].get("dflow_key") or body["name"]
        for attempt in itertools.count():
            name = f"{self.name}-{body['name']}-{_digest(f'{path}({attempt})')}"
            pod = Pod(name, step, attempt, self.kubelet.folder / f"{next(self._pods):03}")
            local = {**scope, "pod": {"name": name}, "retries": str(attempt)}
            outcome = self.kubelet.run(resolve(body, local), scope["inputs"]["artifacts"], pod)
            if not outcome.failed or attempt >= int(strategy["limit"]):
                return outcome
            last = {"lastRetry": {**outcome.in_scope(), "message": outcome.message}}
            if not evaluate(strategy.get("expression", "true"), {**scope, **last}):
                return outcome
        raise AssertionError("unreachable")

    def _outputs(self, body: dict[str, Any], scope: Scope, outcome: Outcome) -> None:
        outputs = body.get("outputs") or {}
        for parameter in outputs.get("parameters") or []:
            source = parameter.get("valueFrom") or {"value": parameter.get("value")}
            if "parameter" in source:
                tag = source["parameter"].removeprefix("{{").removesuffix("}}")
                try:
                    outcome.parameters[parameter["name"]] = look_up(tag, scope)
                except KeyError:
                    outcome.parameters[parameter["name"]] = source["default"]
            elif "expression" in source:
                outcome.parameters[parameter["name"]] = evaluate(source["expression"], scope)
            else:
                outcome.parameters[parameter["name"]] = resolve_text(source["value"], scope)
        for artifact in outputs.get("artifacts") or []:
            found = found_artifact(artifact, scope)
            if found is not None:
                outcome.artifacts[artifact["name"]] = found
            else:
                assert artifact.get("optional"), f"{body['name']}: no output {artifact['name']}"


def _digest(text: str) -> str:
    return str(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16))
