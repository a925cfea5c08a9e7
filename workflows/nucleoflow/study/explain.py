"""Turn pydantic's errors into sentences with a line number and the nearest valid name."""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from nucleoflow.documents import Problem

Location = tuple[str | int, ...]


def explain(error: ValidationError, tree: Any, model: type[BaseModel]) -> Iterator[Problem]:
    """Yield one problem for each of pydantic's errors.

    Parameters
    ----------
    error : ValidationError
        What pydantic found.
    tree : mapping
        The parsed YAML document, with ruamel's line numbers.
    model : type of BaseModel
        The model that the document was validated against.
    """
    seen = set()
    for entry in error.errors(include_url=False):
        location = _in_document(entry["loc"], tree, entry["type"] == "missing")
        problem = Problem(
            _dotted(location), line_of(tree, location), _message(entry, location, model)
        )
        if problem not in seen:
            seen.add(problem)
            yield problem


def line_of(tree: Any, location: Location) -> int | None:
    """Line, counted from 1, of the innermost existing entry on a path through the document."""
    line = None
    node = tree
    for key in location:
        position = getattr(node, "lc", None)
        try:
            mark = position.key(key) if isinstance(node, dict) else position.item(key)  # type: ignore[union-attr]
            line = mark[0] + 1
            node = node[key]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


def _in_document(location: Location, tree: Any, missing: bool) -> Location:
    """Drop what pydantic adds to a location (tags of unions) and the document does not hold."""
    path: list[str | int] = []
    node = tree
    for i, key in enumerate(location):
        last_of_missing = missing and i == len(location) - 1
        try:
            node = node[key]
            path.append(key)
        except (KeyError, IndexError, TypeError):
            if last_of_missing:
                path.append(key)
    return tuple(path)


def _dotted(location: Location) -> str:
    text = ""
    for key in location:
        if isinstance(key, int):
            text += f"[{key + 1}]"
        else:
            text += f".{key}" if text else key
    return text


def _message(entry: Any, location: Location, model: type[BaseModel]) -> str:
    kind, found = entry["type"], entry["input"]
    if kind == "extra_forbidden":
        key = str(location[-1])
        names = field_names(model, entry["loc"][:-1])
        near = difflib.get_close_matches(key, names, n=1, cutoff=0.5)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"unknown key '{key}'; allowed: {', '.join(names)}{hint}"
    if kind == "missing":
        return "is required and missing"
    message = entry["msg"].removeprefix("Value error, ")
    if kind in ("literal_error", "union_tag_invalid"):
        near = difflib.get_close_matches(str(_tag(found)), _quoted(message), n=1, cutoff=0.4)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        return f"found {_show(_tag(found))}; {message[0].lower()}{message[1:]}{hint}"
    if kind in ("value_error", "unknown_name", "no_metadynamics"):
        return str(message)
    return f"found {_show(found)}; {message[0].lower()}{message[1:]}"


def _tag(found: Any) -> Any:
    """Discriminators of our unions are called ``kind`` or ``method``."""
    if isinstance(found, dict):
        return found.get("kind", found.get("method", found))
    return found


def _quoted(message: str) -> list[str]:
    return message.replace('"', "'").split("'")[1::2]


def _show(found: Any) -> str:
    text = repr(found)
    return text if len(text) <= 60 else text[:57] + "..."


def field_names(model: type[BaseModel], location: Location) -> list[str]:
    """Names of the fields of the model at a location inside another model.

    Parameters
    ----------
    model : type of BaseModel
        Where to start.
    location : tuple
        Keys, indices and union tags that lead to the inner model.

    Returns
    -------
    list of str
        Sorted; empty where the location does not lead to a model.
    """
    candidates: list[Any] = [model]
    for key in location:
        candidates = [step for c in candidates for step in _descend(c, key)]
    models = [m for c in candidates for m in _models(c)]
    return sorted({name for m in models for name in m.model_fields})


def _alternatives(annotation: Any) -> list[Any]:
    """Unpack ``Annotated``, ``Optional`` and unions."""
    origin = get_origin(annotation)
    if origin is typing.Annotated:
        return _alternatives(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [a for arg in get_args(annotation) for a in _alternatives(arg)]
    return [annotation]


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [
        a for a in _alternatives(annotation) if isinstance(a, type) and issubclass(a, BaseModel)
    ]


def _descend(annotation: Any, key: str | int) -> Iterator[Any]:
    for option in _alternatives(annotation):
        origin = get_origin(option)
        if isinstance(option, type) and issubclass(option, BaseModel):
            if key in option.model_fields:
                yield option.model_fields[str(key)].annotation
            elif _has_tag(option, key):
                yield option
        elif origin is dict:
            yield get_args(option)[1]
        elif origin in (list, tuple) and isinstance(key, int):
            yield get_args(option)[0]


def _has_tag(model: type[BaseModel], tag: str | int) -> bool:
    """Whether a union tells this model by the tag (by its name, without a discriminator)."""
    if model.__name__ == tag:
        return True
    for field in model.model_fields.values():
        if get_origin(field.annotation) is Literal and tag in get_args(field.annotation):
            return True
    return False
