"""Two defects of dflow 1.8 that are repaired from outside, before a workflow is built."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any


def repair_dflow() -> None:
    """Apply all repairs; doing so twice is harmless."""
    share_templates_in_steps()
    make_children_atomic()


def share_templates_in_steps() -> None:
    """Let a step refer to its template instead of holding copies of everything in it.

    Every ``Step`` deep-copies the inputs and outputs of its template. Both point back to the
    template, and outputs to the steps within it, so that each level of nesting multiplies the
    whole graph below: dpgen2's loop in a study took 23 CPU seconds and 0.8 GB to build, and as
    much again for every copy made while it ran; with this repair 0.1 s. The copies of the
    template are never looked at.
    """
    import dflow.step
    from dflow.io import Inputs, Outputs

    def copy_shallower(obj: Any, memo: dict[int, Any] | None = None) -> Any:
        if memo is None and isinstance(obj, (Inputs, Outputs)) and obj.template is not None:
            memo = {id(obj.template): obj.template}
            for item in (*obj.parameters.values(), *obj.artifacts.values()):
                for name in _SOURCES:
                    source = getattr(item, name, None)
                    if source is not None:
                        memo[id(source)] = source
        return copy.deepcopy(obj, memo)

    dflow.step.deepcopy = copy_shallower


_SOURCES = ("_from", "from_expression", "value_from_parameter", "value_from_expression")


def make_children_atomic() -> None:
    """Replace dflow's bookkeeping of nested steps by one that a crash cannot tear.

    In debug mode dflow empties the file ``children`` and writes it anew for every step; a crash
    in between loses the names of all steps without a key, and with them their results.
    """
    from dflow.step import Step
    from filelock import FileLock

    def add_children(_self: Any, scope: Any, step_id: str, order: str) -> None:
        if scope.stepdir is None:
            return
        path = Path(scope.stepdir) / "children"
        with FileLock(f"{path}.lock"):
            children = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
            if order not in children:
                children[order] = step_id
                partial = path.with_name("children.partial")
                partial.write_text(json.dumps(children), encoding="utf-8")
                partial.replace(path)

    Step.add_children = add_children
