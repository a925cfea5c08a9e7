"""From a study and a cluster profile to a complete Argo workflow, without a server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dflow import Workflow
from dflow.common import S3Artifact
from dflow.context import Context

from nucleoflow import __version__
from nucleoflow.backends.argo.attempts import scope_attempts
from nucleoflow.backends.argo.check import check_manifest
from nucleoflow.backends.argo.dflow_mode import IN_PODS, Recorder, leak_free_dflow
from nucleoflow.backends.argo.inputs import Upload, embed_in_scripts, inline_values, upload_results
from nucleoflow.backends.argo.manifest import frame, mutex_name
from nucleoflow.backends.argo.metrics import metrics_of
from nucleoflow.backends.argo.names import calls, rename_templates
from nucleoflow.backends.argo.pods import Place, furnish
from nucleoflow.dag.compose import study_dag
from nucleoflow.dag.plan import stages_of
from nucleoflow.dag.production import runs_together
from nucleoflow.profile.kinds import kind_of
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.study.model import STAGES, Study

_SETTINGS = re.compile(r"^(s3_)?config\.update\(jsonpickle\.loads\(r'''.*'''\)\)$", re.MULTILINE)
_WHERE = "Kubernetes"


@dataclass(frozen=True)
class Rendered:
    """A workflow that can be submitted.

    Attributes
    ----------
    manifest : dict
        The complete ``Workflow``; its name is the run id.
    uploads : list of Upload
        What must be in the store before; empty for a whole study.
    mutex : str
        Name of the lock that it waits for.
    """

    manifest: dict[str, Any]
    uploads: list[Upload]
    mutex: str


def render(
    study: Study,
    profile: ClusterProfile,
    *,
    run_id: str,
    stages: Sequence[str] = (),
    given: Mapping[str, str | Sequence[str]] | None = None,
    results: Path | None = None,
    from_run: str | None = None,
) -> Rendered:
    """Write the workflow of a study.

    The same arguments give the same manifest, byte for byte. Nothing of this machine or its
    environment gets into it.

    Parameters
    ----------
    study : Study
        What to compute.
    profile : ClusterProfile
        Where.
    run_id : str
        Name of the workflow.
    stages : sequence of str
        Stages to run; empty means all that the study describes.
    given : mapping or None
        Products of an earlier run in the same store (see :data:`nucleoflow.dag.plan.MAKERS`):
        key of the artifact, or a list of them for a production; without the profile's prefix.
    results : Path or None
        ``results`` folder of an earlier run on this machine; what of it is needed is in ``uploads``
        of what is returned.
    from_run : str or None
        Id of that earlier run, for the report.

    Returns
    -------
    Rendered
        The workflow, and what to upload before.

    Raises
    ------
    WrongInput
        A stage is unknown, or lacks what an earlier stage makes.
    ManifestError
        The manifest would not run as it is meant to.
    """
    asked = stages_of(study, stages)
    uploads: list[Upload] = []
    keys: dict[str, str | Sequence[str]] = dict(given or {})
    if results is not None:
        found, uploads = upload_results(results, run_id)
        keys = {**found, **keys}
    provenance = {
        "run_id": run_id,
        "from_run": from_run,
        "machine": _WHERE,
        "versions": {"nucleoflow": __version__},
    }
    with leak_free_dflow(profile) as recorder:
        artifacts = {product: _artifacts(key) for product, key in keys.items()}
        context = _Operators()
        dag = study_dag(study, asked, artifacts, provenance)
        workflow = Workflow(name=study.name, dag=dag, id=run_id, context=context)
        manifest = workflow.to_dict()
        uploads += _complete(manifest, study, profile, run_id, recorder, context.operators)
    manifest = scope_attempts(manifest, f"s3://{profile.storage.bucket}", profile.storage.prefix)
    check_manifest(manifest)
    return Rendered(manifest, uploads, mutex_name(study.name))


def _artifacts(key: str | Sequence[str]) -> Any:
    if isinstance(key, str):
        return S3Artifact(key=key)
    return [S3Artifact(key=one) for one in key]


class _Operators(Context):
    """Remembers which operator is in which template, since manifests do not say so."""

    def __init__(self) -> None:
        self.operators: dict[str, tuple[str, int]] = {}

    def render(self, template: Any) -> Any:
        """Return the template itself, with an image as placeholder."""
        if getattr(template, "script", None) is not None:
            operator = getattr(template, "op_class", None) or type(template)
            name = operator.__name__ if isinstance(operator, type) else type(operator).__name__
            self.operators[template.name] = (name, runs_together(template))
            template.image = template.image or "-"
        return template


def _complete(
    manifest: dict[str, Any],
    study: Study,
    profile: ClusterProfile,
    run_id: str,
    recorder: Recorder,
    operators: Mapping[str, tuple[str, int]],
) -> list[Upload]:
    """Turn what dflow made into what is submitted; returns what has to be uploaded."""
    names = rename_templates(manifest)
    uploads = inline_values(manifest, recorder, run_id, profile.storage.prefix)
    embed_in_scripts(manifest)
    templates = {t["name"]: t for t in manifest["spec"]["templates"]}
    stage = _stages(templates, manifest["spec"]["entrypoint"])
    for old, new in names.items():
        template = templates[new]
        if "script" in template:
            operator, runs = operators[old]
            place = Place(kind_of(operator), stage[new], operator, runs)
            template["script"]["source"] = _own_settings(template["script"]["source"])
            furnish(template, place, profile)
            template["metrics"] = metrics_of(place, study.name)
            if place.kind == "analyse":
                _show_outputs(template)
        _drop_noise(template)
    frame(manifest, study, profile, run_id)
    _drop_empty(manifest["spec"])
    return uploads


def _stages(templates: Mapping[str, dict[str, Any]], entrypoint: str) -> dict[str, str]:
    """Say which stage each template belongs to: the task of the outermost DAG that leads to it."""
    stage: dict[str, str] = {}
    for task in calls(templates[entrypoint]):
        waiting = [task["template"]]
        while waiting:
            name = waiting.pop()
            if name not in stage:
                stage[name] = task["name"]
                waiting += [step["template"] for step in calls(templates[name])]
    assert set(stage.values()) <= set(STAGES)
    return stage


def _own_settings(script: str) -> str:
    """Replace dflow's settings in a script by the few that count when it runs."""

    def settings(match: re.Match[str]) -> str:
        if match[1]:
            return "s3_config.update(access_key=None, secret_key=None)"
        return f"config.update(json.loads('{json.dumps(IN_PODS)}'))"

    replaced, count = _SETTINGS.subn(settings, script)
    assert count in (0, 2), f"dflow writes its settings into scripts in another way: {count}"
    return replaced


def _drop_noise(template: dict[str, Any]) -> None:
    """Remove what dflow writes for itself or by default, and that Argo's pages would show."""
    inputs = template.get("inputs") or {}
    for parameter in inputs.get("parameters") or ():
        # only the repeating step can fill this, and it gives the value itself
        if "{{item" in str(parameter.get("value", "")):
            del parameter["value"]
    arguments = [step.get("arguments") or {} for step in calls(template)]
    for given in arguments:
        for artifact in given.get("artifacts") or ():
            artifact.pop("path", None)
    for side in (inputs, template.get("outputs") or {}, *arguments):
        for parameter in side.get("parameters") or ():
            parameter.pop("description", None)  # dflow's type
        for artifact in side.get("artifacts") or ():
            if artifact.get("optional") is False:
                del artifact["optional"]


def _show_outputs(template: dict[str, Any]) -> None:
    """Keep an analysis' results as they are, so that Argo's pages show them."""
    for artifact in template["outputs"]["artifacts"]:
        artifact["archive"] = {"none": {}}


def _drop_empty(node: Any) -> None:
    """Remove fields without content, of which dflow writes many."""
    if isinstance(node, dict):
        for key, value in list(node.items()):
            _drop_empty(value)
            if key in _MEANINGFUL_EMPTY:
                continue
            if value is None or value in ({}, []) or (key == "depends" and value == ""):
                del node[key]
        if node.get("continueOn") == {"error": False, "failed": False}:
            del node["continueOn"]
    elif isinstance(node, list):
        for value in node:
            _drop_empty(value)


_MEANINGFUL_EMPTY = ("none", "nodeAntiAffinity", "emptyDir", "value", "data", "default")
