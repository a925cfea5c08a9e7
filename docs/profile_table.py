"""Write the table of profile fields in cluster.md from the model, or check that it is up to date.

``python docs/profile_table.py`` rewrites it (``make docs``); ``--check`` changes nothing and exits
with 1 if it would.
"""

from __future__ import annotations

import json
import re
import sys
import typing
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from nucleoflow.profile.kinds import STEP_KINDS
from nucleoflow.profile.model import ClusterProfile
from nucleoflow.profile.steps import StepResources, default_steps

PAGE = Path(__file__).parent / "cluster.md"
BEGIN, END = "<!-- fields: written by `make docs` -->\n", "<!-- end of fields -->\n"


def table() -> str:
    """Return the table of all fields of a profile, each with its default and meaning."""
    lines = ["| field | default | what it is |", "|---|---|---|"]
    for path, default, meaning in _fields(ClusterProfile):
        lines.append(f"| `{path}` | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def defaults_of_kinds() -> str:
    """Return the table of what each kind of step gets by default."""
    lines = ["| kind | cores | memory | card | scratch |", "|---|---|---|---|---|"]
    for kind in STEP_KINDS:
        step = default_steps()[kind]
        card = f"{step.gpu.count} {step.gpu.resource}" if step.gpu else ""
        lines.append(f"| `{kind}` | {step.cpu} | {step.memory} | {card} | {step.scratch.size} |")
    return "\n".join(lines) + "\n"


def _fields(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        text = " ".join((field.description or "").split())
        inner = StepResources if name == "steps" else _model_in(field.annotation)
        if inner is None:
            yield path, _default(field), text
            continue
        yield path, "", text
        dots = "KIND." if name == "steps" else "[]." if _is_list(field.annotation) else ""
        yield from _fields(inner, f"{path}{'' if dots == '[].' else '.'}{dots}")


def _model_in(annotation: object) -> type[BaseModel] | None:
    """Return the settings class in an annotation such as ``Gpu | None`` or ``tuple[X, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)


def _is_list(annotation: object) -> bool:
    return typing.get_origin(annotation) is tuple


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default is PydanticUndefined or default in ((), {}):
        return "none"
    if default == "":
        return "empty"
    return f"`{json.dumps(default) if isinstance(default, bool) else default}`"


def rewritten(page: str) -> str:
    """Return the page with both tables as they are now."""
    block = f"{BEGIN}\n{table()}\nBy kind of step:\n\n{defaults_of_kinds()}\n{END}"
    new, n = re.subn(re.escape(BEGIN) + ".*?" + re.escape(END), lambda _: block, page, flags=re.S)
    if n != 1:
        raise SystemExit(f"{PAGE}: the marks of the table are missing")
    return new


def main() -> int:
    """Run the command."""
    page = PAGE.read_text(encoding="utf-8")
    new = rewritten(page)
    if "--check" in sys.argv[1:]:
        return int(new != page)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
