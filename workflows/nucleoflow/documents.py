"""YAML documents that people write: read, validated, and their mistakes said where they stand."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from nucleops.errors import WrongInput


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes
    ----------
    path : str
        Where it is in the document, as ``learn.train.n_models``; empty for the whole of it.
    line : int or None
        Line in the file, counted from 1.
    message : str
        What is wrong: what was found and what is allowed.
    """

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        return self.said_of("document")

    def said_of(self, noun: str) -> str:
        """Write the mistake as a line; ``noun`` is what the document is called."""
        where = f"line {self.line}, " if self.line is not None else ""
        return f"{where}{self.path or noun}: {self.message}"


class DocumentError(WrongInput):
    """A document that cannot be used; holds every mistake that was found.

    Parameters
    ----------
    source : str
        The file, or the name of what ships with the package.
    problems : tuple of Problem
        At least one.
    """

    noun = "document"

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        n = len(problems)
        lines = "\n".join(f"  {problem.said_of(self.noun)}" for problem in problems)
        super().__init__(f"{source}: {n} mistake{'s' if n > 1 else ''}\n{lines}")

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.source, self.problems))


def read_text(path: Path) -> str:
    """Read a file as UTF-8 text.

    Raises
    ------
    WrongInput
        It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        raise WrongInput(f"{path}: cannot be read as UTF-8 text: {error}") from error


def parse_yaml(text: str, source: str, error_class: type[DocumentError]) -> Any:
    """Parse a document that must be a mapping.

    Parameters
    ----------
    text : str
        YAML.
    source : str
        What to call it in messages.
    error_class : type of DocumentError
        Which kind of document it is.

    Returns
    -------
    mapping
        With ruamel's line numbers; :func:`plain` makes it plain.

    Raises
    ------
    DocumentError
        Of the class given: it is not YAML, or not a mapping.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        tree = YAML(typ="rt").load(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark is not None else None
        # ruamel's advice on duplicate keys goes on for lines; its first says it all
        message = str(error.problem or error.context).splitlines()[0]
        raise error_class(source, (Problem("", line, f"not valid YAML: {message}"),)) from None
    except YAMLError as error:
        raise error_class(source, (Problem("", None, f"not valid YAML: {error}"),)) from None
    if not isinstance(tree, dict):
        found = "nothing" if tree is None else type(tree).__name__
        message = f"a {error_class.noun} is a mapping, found {found}"
        raise error_class(source, (Problem("", 1, message),))
    return tree


def plain(node: Any) -> Any:
    """Turn ruamel's containers and scalars into Python's own."""
    if isinstance(node, dict):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [plain(value) for value in node]
    if isinstance(node, bool) or node is None:
        return node
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return node


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) that documents of a model follow."""
    schema = model.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return schema
