"""CP2K's input language as nested dicts, and the one function that writes it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Union

Value = Union[str, bool, int, float, Sequence[float], Sequence[str], "Section", Sequence["Section"]]
Section = Mapping[str, Value]

PARAMETER = "_"
"""Key of the word behind a section's name, as in ``&KIND Ag``."""
LINES = "*"
"""Key of lines without a keyword, as in ``&COORD``; a text with line breaks."""


def write_sections(tree: Section) -> str:
    """Write a tree of sections as a CP2K input.

    Parameters
    ----------
    tree : mapping
        Keyword to value, section name to mapping; a list of texts repeats the keyword, a list of
        mappings the section. Booleans become T and F; numbers in a sequence share a line.

    Returns
    -------
    str
        The input text.
    """
    return "\n".join(_lines(tree, "")) + "\n"


def _lines(section: Section, indent: str) -> Iterator[str]:
    for key, value in section.items():
        if key == PARAMETER:
            continue
        if key == LINES:
            yield from (indent + line for line in str(value).splitlines())
        elif isinstance(value, Mapping):
            yield from _section(key, value, indent)
        elif isinstance(value, Sequence) and value and isinstance(value[0], Mapping):
            for each in value:
                assert isinstance(each, Mapping)
                yield from _section(key, each, indent)
        elif isinstance(value, list) and value and isinstance(value[0], str):
            yield from (f"{indent}{key} {each}" for each in value)
        else:
            yield f"{indent}{key} {_word(value)}"


def _section(name: str, content: Section, indent: str) -> Iterator[str]:
    yield f"{indent}&{name} {content.get(PARAMETER, '')}".rstrip()
    yield from _lines(content, indent + "  ")
    yield f"{indent}&END {name}"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " ".join(f"{number:.10f}" for number in value)
    return str(value)
