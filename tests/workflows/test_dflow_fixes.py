"""Repairs of dflow: nested templates are not multiplied, bookkeeping is not torn."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from types import SimpleNamespace

from dflow import (
    InputParameter,
    Inputs,
    OutputParameter,
    Outputs,
    ShellOPTemplate,
    Step,
    Steps,
)

from nucleoflow.dflow_fixes import repair_dflow


def nest(depth: int) -> Steps | ShellOPTemplate:
    """Steps in steps, each with an output that comes from within."""
    if depth == 0:
        leaf = ShellOPTemplate("leaf", command=["sh"], script="true")
        leaf.inputs = Inputs({"x": InputParameter()})
        leaf.outputs = Outputs({"y": OutputParameter(value_from_path="/tmp/y")})
        return leaf
    steps = Steps(f"level-{depth}")
    steps.inputs.parameters["x"] = InputParameter()
    for i in range(2):
        x = steps.inputs.parameters["x"]
        steps.add(Step(f"s{i}", nest(depth - 1), parameters={"x": x}))
    last = steps.steps[-1]
    y = OutputParameter(value_from_parameter=last.outputs.parameters["y"])
    steps.outputs.parameters["y"] = y
    return steps


def test_nesting_does_not_multiply_steps() -> None:
    repair_dflow()
    gc.collect()
    before = {id(obj) for obj in gc.get_objects() if isinstance(obj, Step)}
    outer = Step("outer", nest(5), parameters={"x": 1})
    gc.collect()
    made = [obj for obj in gc.get_objects() if isinstance(obj, Step) and id(obj) not in before]
    assert len(made) == 2**6 - 1
    assert str(outer.outputs.parameters["y"]) == "{{steps.outer.outputs.parameters.y}}"
    assert outer.inputs.template is outer.template
    # inputs and outputs themselves are still the step's own
    assert outer.inputs.parameters["x"] is not outer.template.inputs.parameters["x"]
    assert outer.template.inputs.parameters["x"].step is None


def test_children_are_written_whole(tmp_path: Path) -> None:
    repair_dflow()
    step = Step("a", nest(0), parameters={"x": 1})
    for order, key in (("0-0", "a"), ("1-0", "b"), ("0-0", "c")):
        step.add_children(SimpleNamespace(stepdir=str(tmp_path)), key, order)
    assert json.loads((tmp_path / "children").read_text()) == {"0-0": "a", "1-0": "b"}
    step.add_children(SimpleNamespace(stepdir=None), "d", "2-0")
