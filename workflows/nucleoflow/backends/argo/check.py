"""Our own check of a workflow: what neither Argo's schema nor a dry run finds.

Found are names that lead nowhere, placeholders that nothing fills, circles without an end, results
without a source, and names given twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nucleoflow.backends.argo.graph import circles, dag_ancestors, endless_calls, step_ancestors
from nucleoflow.backends.argo.names import calls
from nucleoflow.backends.argo.references import Reference, references_in
from nucleops.errors import WrongInput

_EVERYWHERE = ("workflow", "pod", "node", "tasks", "steps", "inputs", "outputs", "item", "retries")
_METRIC_VARIABLES = ("status", "duration", "exitCode", "retries", "outputs", "inputs", "workflow")
_POD_TYPES = ("script", "container", "containerSet", "resource")
_LOCATIONS = ("s3", "raw", "http", "git", "oss", "gcs", "azure", "artifactory", "hdfs")
_CALLS = ("steps", "dag")


class ManifestError(WrongInput):
    """A manifest that would not run as it is meant to; holds every mistake that was found."""

    kind = "wrong manifest"

    def __init__(self, name: str, mistakes: Sequence[str]) -> None:
        self.name = name
        self.mistakes = tuple(mistakes)
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        super().__init__(f"manifest {name}: {len(mistakes)} mistake(s)\n{lines}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (ManifestError, (self.name, self.mistakes))


def check_manifest(manifest: Mapping[str, Any]) -> None:
    """Raise :class:`ManifestError` with every mistake of a ``Workflow`` or ``WorkflowTemplate``."""
    found = list(mistakes(manifest))
    if found:
        metadata = manifest.get("metadata") or {}
        raise ManifestError(str(metadata.get("name", metadata.get("generateName", "?"))), found)


def mistakes(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a manifest, a sentence each."""
    if not str(manifest.get("apiVersion", "")).startswith("argoproj.io/"):
        yield f"apiVersion: found {manifest.get('apiVersion')!r}, allowed: argoproj.io/v1alpha1"
    if manifest.get("kind") not in ("Workflow", "WorkflowTemplate"):
        yield f"kind: found {manifest.get('kind')!r}, allowed: Workflow, WorkflowTemplate"
    if "status" in manifest:
        yield "status: belongs to Argo"
    spec = manifest.get("spec") or {}
    listed = spec.get("templates") or []
    templates = {template.get("name", "?"): template for template in listed}
    yield from _twice("template", (template.get("name", "?") for template in listed))
    if spec.get("entrypoint") not in templates:
        yield f"entrypoint: there is no template {spec.get('entrypoint')!r}"
    parameters = {p["name"] for p in (spec.get("arguments") or {}).get("parameters") or ()}
    for template in templates.values():
        where = f"template {template.get('name')}"
        for mistake in _template(template, templates, parameters):
            yield f"{where}: {mistake}"
    for path in endless_calls(templates):
        yield f"templates call one another without end and without a 'when': {' -> '.join(path)}"


def _template(
    template: Mapping[str, Any], templates: Mapping[str, Any], parameters: set[str]
) -> Iterator[str]:
    kinds = [kind for kind in (*_POD_TYPES, *_CALLS, "suspend", "http", "data") if kind in template]
    if len(kinds) != 1:
        yield f"found {kinds or 'nothing'} to run, allowed: one"
    for side in ("inputs", "outputs"):
        for what in ("parameters", "artifacts"):
            names = (entry["name"] for entry in (template.get(side) or {}).get(what) or ())
            yield from _twice(f"{side}.{what}", names)
    if any(kind in template for kind in _POD_TYPES):
        yield from _pod(template, parameters)
    yield from _outputs(template)
    yield from _calls(template, templates, parameters)


def _pod(template: Mapping[str, Any], parameters: set[str]) -> Iterator[str]:
    body = {key: value for key, value in template.items() if key != "metrics"}
    for reference in references_in(body):
        if reference.parts[0] in ("steps", "tasks", "item"):
            yield f"{reference.text}: only steps and tasks know that"
        yield from _own(reference, template, parameters)
    for reference in references_in(template.get("metrics") or {}):
        if reference.parts[0] not in _METRIC_VARIABLES:
            yield f"metrics: {reference.text}: allowed: {', '.join(_METRIC_VARIABLES)}"
        yield from _own(reference, template, parameters)


def _own(reference: Reference, template: Mapping[str, Any], parameters: set[str]) -> Iterator[str]:
    """Check a reference to what the template itself, or the workflow, has."""
    parts = reference.parts
    if parts[0] not in (*_EVERYWHERE, *_METRIC_VARIABLES):
        yield f"{reference.text}: nothing fills it"
    elif parts[0] in ("inputs", "outputs") and len(parts) >= 3:
        names = {e["name"] for e in (template.get(parts[0]) or {}).get(parts[1]) or ()}
        # dflow asks for a key where a step may have none
        optional = reference.expression and parts[2] in ("dflow_key", "dflow_artifact_key")
        if parts[2] not in names and not optional:
            yield f"{reference.text}: there is no such entry in {parts[0]}.{parts[1]}"
    elif parts[:2] == ("workflow", "parameters") and parts[2] not in parameters:
        yield f"{reference.text}: the workflow has no such parameter"


def _outputs(template: Mapping[str, Any]) -> Iterator[str]:
    outputs = template.get("outputs") or {}
    pod = any(kind in template for kind in _POD_TYPES)
    for artifact in outputs.get("artifacts") or ():
        sources = ("path",) if pod else ("from", "fromExpression")
        if not any(artifact.get(source) for source in sources) and not artifact.get("optional"):
            yield f"outputs.artifacts {artifact['name']}: has no {' and no '.join(sources)}"
    for parameter in outputs.get("parameters") or ():
        if not parameter.get("valueFrom") and "value" not in parameter:
            yield f"outputs.parameters {parameter['name']}: has no source"


def _calls(
    template: Mapping[str, Any], templates: Mapping[str, Any], parameters: set[str]
) -> Iterator[str]:
    steps = {step["name"]: step for step in calls(dict(template))}
    yield from _twice("step", (step["name"] for step in calls(dict(template))))
    tasks = "dag" in template
    before = dag_ancestors(template) if tasks else step_ancestors(template)
    for name, step in steps.items():
        where = f"{'task' if tasks else 'step'} {name}"
        called = templates.get(step.get("template", ""))
        if called is None:
            yield f"{where}: there is no template {step.get('template')!r}"
            continue
        for unknown in sorted(before[name] - set(steps)):
            yield f"{where}: depends on {unknown!r}, which is not there"
        for mistake in (*_arguments(step, called), *_maybe_absent(step, template)):
            yield f"{where}: {mistake}"
        for reference in references_in(step):
            for mistake in _reference(reference, step, template, templates, before[name]):
                yield f"{where}: {mistake}"
            for mistake in _own(reference, template, parameters):
                yield f"{where}: {mistake}"
    for reference in references_in(template.get("outputs") or {}) if steps else ():
        yield from _reference(reference, {}, template, templates, set(steps))
    if tasks:
        for path in circles(dag_ancestors(template, direct=True)):
            yield f"tasks wait for one another: {' -> '.join(path)}"


def _reference(
    reference: Reference,
    step: Mapping[str, Any],
    template: Mapping[str, Any],
    templates: Mapping[str, Any],
    before: set[str],
) -> Iterator[str]:
    parts = reference.parts
    if parts[0] == "item" and not any(
        step.get(f"with{how}") for how in ("Param", "Items", "Sequence")
    ):
        yield f"{reference.text}: the step is not repeated"
    if parts[0] not in ("steps", "tasks") or len(parts) < 2 or parts[1] == "name":
        return
    steps = {s["name"]: s for s in calls(dict(template))}
    if parts[1] not in steps:
        yield f"{reference.text}: there is no '{parts[1]}' in this template"
    elif parts[1] not in before:
        yield f"{reference.text}: '{parts[1]}' does not end before"
    elif parts[2:3] == ("outputs",) and len(parts) >= 5:
        called = templates.get(steps[parts[1]].get("template", "")) or {}
        names = {e["name"] for e in (called.get("outputs") or {}).get(parts[3]) or ()}
        if parts[4] not in names:
            yield f"{reference.text}: template {called.get('name')} has no such output"


def _arguments(step: Mapping[str, Any], called: Mapping[str, Any]) -> Iterator[str]:
    given, wanted = step.get("arguments") or {}, called.get("inputs") or {}
    for what in ("parameters", "artifacts"):
        entries = list(given.get(what) or ())
        yield from _twice(f"arguments.{what}", (entry["name"] for entry in entries))
        names = {entry["name"] for entry in entries}
        for entry in wanted.get(what) or ():
            if entry["name"] not in names and not _has_default(entry):
                yield f"{what} {entry['name']} of template {called.get('name')} is not given"


def _maybe_absent(step: Mapping[str, Any], template: Mapping[str, Any]) -> Iterator[str]:
    """Find arguments that Argo cannot resolve where an optional input was not given."""
    optional = {
        f"{{{{inputs.artifacts.{artifact['name']}}}}}"
        for artifact in (template.get("inputs") or {}).get("artifacts") or ()
        if artifact.get("optional") is True
    }
    for artifact in (step.get("arguments") or {}).get("artifacts") or ():
        if artifact.get("from") in optional and artifact.get("optional") is not True:
            yield f"artifacts {artifact['name']}: {artifact['from']} may be absent; say optional"


def _has_default(entry: Mapping[str, Any]) -> bool:
    return (
        any(key in entry for key in ("value", "default", "valueFrom", *_LOCATIONS))
        or entry.get("optional") is True
    )


def _twice(what: str, names: Iterable[str]) -> Iterator[str]:
    for name, count in Counter(names).items():
        if count > 1:
            yield f"{what} {name}: is there {count} times"
