"""Our own check of manifests names every mistake, and finds none where there is none."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest

from nucleoflow.backends.argo.check import ManifestError, check_manifest, mistakes
from nucleoflow.backends.argo.references import references_of
from nucleoflow.backends.argo.strict import check_fields


def pod(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "script": {"image": "x", "command": ["y"], "source": "pass"}, **more}


def small() -> dict[str, Any]:
    """Two steps, the second with what the first made; then a DAG of two tasks."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "small-1"},
        "spec": {
            "entrypoint": "main",
            "templates": [
                {
                    "name": "main",
                    "steps": [
                        [{"name": "make", "template": "make"}],
                        [
                            {
                                "name": "use",
                                "template": "use",
                                "withParam": "{{steps.make.outputs.parameters.list}}",
                                "arguments": {
                                    "parameters": [{"name": "n", "value": "{{item}}"}],
                                    "artifacts": [
                                        {
                                            "name": "file",
                                            "from": "{{steps.make.outputs.artifacts.file}}",
                                        }
                                    ],
                                },
                            }
                        ],
                        [{"name": "last", "template": "graph"}],
                    ],
                },
                {
                    "name": "graph",
                    "dag": {
                        "tasks": [
                            {"name": "a", "template": "make"},
                            {
                                "name": "b",
                                "template": "make",
                                "depends": "a.Succeeded && !c.Failed",
                            },
                            {"name": "c", "template": "make"},
                        ]
                    },
                },
                pod(
                    "make",
                    outputs={
                        "parameters": [{"name": "list", "valueFrom": {"path": "/tmp/list"}}],
                        "artifacts": [{"name": "file", "path": "/tmp/file"}],
                    },
                ),
                pod(
                    "use",
                    inputs={
                        "parameters": [{"name": "n"}, {"name": "m", "value": "1"}],
                        "artifacts": [{"name": "file", "path": "/tmp/file"}],
                    },
                ),
            ],
        },
    }


def template(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    return next(t for t in manifest["spec"]["templates"] if t["name"] == name)


def step(manifest: dict[str, Any], number: int) -> dict[str, Any]:
    return template(manifest, "main")["steps"][number][0]


def loop(manifest: dict[str, Any]) -> None:
    template(manifest, "main")["steps"].append([{"name": "again", "template": "main"}])


def test_a_good_manifest_has_no_mistakes() -> None:
    assert list(mistakes(small())) == []
    check_fields(small())


def test_a_loop_that_ends_is_none() -> None:
    manifest = small()
    loop(manifest)
    step(manifest, -1)["when"] = "{{steps.make.outputs.parameters.list}} == go"
    assert list(mistakes(manifest)) == []


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "entrypoint": (
        lambda m: m["spec"].update(entrypoint="mian"),
        "entrypoint: there is no template 'mian'",
    ),
    "dangling": (
        lambda m: step(m, 0).update(template="mak"),
        "template main: step make: there is no template 'mak'",
    ),
    "twice": (
        lambda m: m["spec"]["templates"].append(pod("use")),
        "template use: is there 2 times",
    ),
    "step twice": (
        lambda m: step(m, 2).update(name="make"),
        "template main: step make: is there 2 times",
    ),
    "status": (lambda m: m.update(status={}), "status: belongs to Argo"),
    "kind": (lambda m: m.update(kind="Job"), "kind: found 'Job'"),
    "two bodies": (
        lambda m: template(m, "make").update(container={}),
        "template make: found ['script', 'container'] to run, allowed: one",
    ),
    "no body": (
        lambda m: template(m, "make").pop("script"),
        "template make: found nothing to run, allowed: one",
    ),
    "input": (
        lambda m: template(m, "use")["script"].update(source="{{inputs.parameters.q}}"),
        "{{inputs.parameters.q}}: there is no such entry in inputs.parameters",
    ),
    "input in an expression": (
        lambda m: template(m, "use")["script"].update(source="{{=inputs.parameters['q']}}"),
        "{{=inputs.parameters['q']}}: there is no such entry in inputs.parameters",
    ),
    "unknown": (
        lambda m: template(m, "use")["script"].update(source="{{title}}"),
        "{{title}}: nothing fills it",
    ),
    "parameter of the workflow": (
        lambda m: template(m, "use")["script"].update(source="{{workflow.parameters.stage}}"),
        "{{workflow.parameters.stage}}: the workflow has no such parameter",
    ),
    "step in a pod": (
        lambda m: template(m, "use")["script"].update(source="{{steps.make.id}}"),
        "only steps and tasks know that",
    ),
    "item": (lambda m: step(m, 1).pop("withParam"), "{{item}}: the step is not repeated"),
    "output": (
        lambda m: step(m, 1).update(withParam="{{steps.make.outputs.parameters.lits}}"),
        "template make has no such output",
    ),
    "later step": (
        lambda m: step(m, 1).update(withParam="{{steps.last.outputs.parameters.list}}"),
        "'last' does not end before",
    ),
    "no step": (
        lambda m: step(m, 1).update(withParam="{{steps.mkae.outputs.parameters.list}}"),
        "there is no 'mkae' in this template",
    ),
    "argument": (
        lambda m: step(m, 1)["arguments"].pop("parameters"),
        "step use: parameters n of template use is not given",
    ),
    "artifact": (
        lambda m: step(m, 1)["arguments"].pop("artifacts"),
        "step use: artifacts file of template use is not given",
    ),
    "maybe absent": (
        lambda m: (
            template(m, "main").update(inputs={"artifacts": [{"name": "old", "optional": True}]}),
            step(m, 1)["arguments"]["artifacts"][0].update({"from": "{{inputs.artifacts.old}}"}),
        ),
        "artifacts file: {{inputs.artifacts.old}} may be absent; say optional",
    ),
    "no source": (
        lambda m: template(m, "make")["outputs"]["artifacts"][0].pop("path"),
        "outputs.artifacts file: has no path",
    ),
    "parameter without source": (
        lambda m: template(m, "make")["outputs"]["parameters"][0].pop("valueFrom"),
        "outputs.parameters list: has no source",
    ),
    "endless": (loop, "templates call one another without end and without a 'when': main -> main"),
    "task": (
        lambda m: template(m, "graph")["dag"]["tasks"][0].update(depends="d.Succeeded"),
        "task a: depends on 'd', which is not there",
    ),
    "circle": (
        lambda m: template(m, "graph")["dag"]["tasks"][0].update(depends="b"),
        "tasks wait for one another: a -> b -> a",
    ),
    "metrics": (
        lambda m: template(m, "make").update(
            metrics={"prometheus": [{"name": "x", "help": "{{state}}"}]}
        ),
        "metrics: {{state}}: allowed:",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_mistake_is_found(name: str) -> None:
    breaking, message = BROKEN[name]
    manifest = small()
    breaking(manifest)
    with pytest.raises(ManifestError) as caught:
        check_manifest(manifest)
    assert message in str(caught.value)
    assert "manifest small-1: " in str(caught.value)


def test_every_mistake_is_listed() -> None:
    manifest = small()
    for name in ("entrypoint", "item", "no source"):
        BROKEN[name][0](manifest)
    with pytest.raises(ManifestError) as caught:
        check_manifest(manifest)
    assert len(caught.value.mistakes) == 3
    assert pickle.loads(pickle.dumps(caught.value)).mistakes == caught.value.mistakes


@pytest.mark.parametrize(
    ("breaking", "message"),
    [
        (
            lambda m: step(m, 0).update(whne="x"),
            "spec.templates[0].steps[0][0].whne: unknown field",
        ),
        (lambda m: m["spec"].update(ttl=5), "spec.ttl: unknown field"),
        (lambda m: m["spec"].update(parallelism="many"), "spec.parallelism: Input should be"),
        (lambda m: m.update(kind="Job"), "kind: found 'Job'"),
    ],
)
def test_fields_that_argo_does_not_have(
    breaking: Callable[[dict[str, Any]], Any], message: str
) -> None:
    manifest = small()
    breaking(manifest)
    with pytest.raises(ManifestError) as caught:
        check_fields(manifest)
    assert message in str(caught.value)


def test_references_of_placeholders_and_expressions() -> None:
    found = [
        reference.parts
        for reference in references_of(
            "{{steps.a.outputs.artifacts.b}} {{=toJson(steps['a-b'].outputs.parameters['c']) + "
            "inputs.parameters.d}} {{item}} {{=sprig.untilStep(0, 3, 1)}} {{workflow.name}}"
        )
    ]
    assert found == [
        ("steps", "a", "outputs", "artifacts", "b"),
        ("steps", "a-b", "outputs", "parameters", "c"),
        ("inputs", "parameters", "d"),
        ("item",),
        ("workflow", "name"),
    ]
