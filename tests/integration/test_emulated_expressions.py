"""The emulated controller reads expressions as Argo does, for those that occur."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated.controller import Controller
from emulated.expressions import ExpressionError, evaluate
from emulated.nodes import Outcome, aggregate
from emulated.placeholders import resolve_text, unresolved
from emulated.pods import Kubelet

from nucleoflow.backends.argo.policy import FAILURE_CLASSES, FailureClass, expression
from nucleops.storage.folder import FolderStore

SCOPE = {
    "inputs": {"parameters": {"n": "3", "options": '{"mixed": false}', "names": '["a", "b"]'}},
    "steps": {"loop-check": {"outputs": {"parameters": {"converged": "true"}}}},
    "retries": "2",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3 - 4", 3),
        ("int(8 * 1.5 ** int(retries))", 18),
        ("!(2 in [2, 70]) || 'a' == \"a\" && true", True),
        ("inputs.parameters['n'] == '3' ? 'yes' : steps['nowhere']", "yes"),
        ("toJson(sprig.untilStep(0, 3, 1))", "[0, 1, 2]"),
        ("len(sprig.fromJson(inputs.parameters.names))", 2),
        ("toJson(jsonpath(inputs.parameters['options'], '$')['mixed'])", "false"),
        ("steps['loop-check'].outputs.parameters['converged'] != 'true'", False),
    ],
)
def test_expressions(text: str, value: object) -> None:
    assert evaluate(text, SCOPE) == value


@pytest.mark.parametrize("text", ["steps['nowhere']", "1 +", "a ~ b", "unknown(1)", "1 2"])
def test_what_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, SCOPE)


def test_placeholders_without_a_value_are_left() -> None:
    text = resolve_text("{{inputs.parameters.n}} {{=len(inputs.parameters.n)}} {{item}}", SCOPE)
    assert text == "3 1 {{item}}"
    assert unresolved({"a": [text]}) == ["{{item}}"]


@pytest.mark.parametrize("failure", FAILURE_CLASSES, ids=lambda failure: failure.name)
def test_the_retry_expression_is_the_policy(failure: FailureClass) -> None:
    code, retried = failure.exit_code, failure.retried
    status = "Error" if code is None else "Failed"
    last = {"exitCode": str(0 if code is None else code), "status": status}
    assert evaluate(expression(), {"lastRetry": last}) == retried


def test_outputs_of_repeated_steps_are_lists() -> None:
    outcomes = [Outcome(parameters={"tag": "1"}), Outcome(parameters={"tag": "word"})]
    assert aggregate(outcomes) == {"tag": '[1, "word"]'}


def test_conditions_recursion_and_repetition(tmp_path: Path) -> None:
    """A loop that ends by its own condition, and a step that is repeated over what it says."""
    count = {
        "name": "count",
        "inputs": {"parameters": [{"name": "left"}]},
        "outputs": {
            "parameters": [
                {
                    "name": "end",
                    "valueFrom": {
                        "expression": "inputs.parameters.left == '0' ? 'here' :"
                        " steps['again'].outputs.parameters['end']"
                    },
                }
            ]
        },
        "steps": [
            [
                {
                    "name": "again",
                    "template": "count",
                    "when": "{{inputs.parameters.left}} != 0",
                    "arguments": {
                        "parameters": [
                            {"name": "left", "value": "{{=int(inputs.parameters.left) - 1}}"}
                        ]
                    },
                }
            ]
        ],
    }
    outer = {
        "name": "outer",
        "outputs": {
            "parameters": [
                {"name": "ends", "valueFrom": {"parameter": "steps.counts.outputs.parameters.end"}}
            ]
        },
        "steps": [
            [
                {
                    "name": "counts",
                    "template": "count",
                    "withSequence": {"count": "3"},
                    "arguments": {"parameters": [{"name": "left", "value": "{{item}}"}]},
                }
            ]
        ],
    }
    manifest = {"metadata": {"name": "w"}, "spec": {"entrypoint": "outer"}}
    manifest["spec"]["templates"] = [outer, count]  # type: ignore[assignment]
    outcome = Controller(manifest, Kubelet(tmp_path, FolderStore(tmp_path), {})).run()
    assert outcome.parameters == {"ends": '["here", "here", "here"]'}
