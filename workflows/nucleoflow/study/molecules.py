"""A study's own molecules: what names them, and what must hold between them and the rest."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

from nucleops.bias.groups import AtomGroup
from nucleops.bias.spec import Wall
from nucleops.systems.molecules import nearest
from nucleops.systems.spec import MOTIFS, Content

if TYPE_CHECKING:
    from nucleoflow.study.model import Study

Path = tuple[str | int, ...]

_NAMING: dict[type[BaseModel], str] = {Content: "motif", AtomGroup: "motif", Wall: "each"}
"""Where a study names molecules: the model, and its field."""


def named_molecules(node: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield (path, name) of every molecule that a part of a study names."""
    field = _NAMING.get(type(node))
    if field is not None and getattr(node, field) is not None:
        yield (*path, field), getattr(node, field)
    children: Any = ()
    if isinstance(node, BaseModel):
        children = iter(node)
    elif isinstance(node, Mapping):
        children = node.items()
    elif isinstance(node, tuple):
        children = enumerate(node)
    for key, child in children:
        yield from named_molecules(child, (*path, key))


def molecule_mistakes(study: Study) -> Iterator[tuple[Path, Any, PydanticCustomError]]:
    """Yield (path, what was found, error) of what does not fit the study's molecules.

    A molecule that has a shipped motif's name, a name that no molecule has, and a descriptor
    that does not have one number for each element.
    """
    for name in study.molecules:
        if name in MOTIFS:
            error = PydanticCustomError(
                "name_taken",
                "the name of a shipped motif; allowed: any but {motifs}",
                {"motifs": ", ".join(MOTIFS)},
            )
            yield ("molecules", name), name, error
    allowed = [*MOTIFS, *study.molecules]
    for path, name in named_molecules(study):
        if name not in allowed:
            yield path, name, _unknown(name, allowed)
    sel, elements = study.learn.train.descriptor.sel, study.type_map
    if len(sel) != len(elements):
        error = PydanticCustomError(
            "sel_length",
            "{found} numbers for {wanted} elements; allowed: one for each of {elements}",
            {"found": len(sel), "wanted": len(elements), "elements": " ".join(elements)},
        )
        yield ("learn", "train", "descriptor", "sel"), list(sel), error


def _unknown(found: str, allowed: list[str]) -> PydanticCustomError:
    return PydanticCustomError(
        "unknown_molecule",
        "allowed: {names}{hint}",
        {"names": ", ".join(allowed), "hint": nearest(found, allowed)},
    )


def self_contained(text: str, study: Study) -> str:
    """Return a study's text with the molecules' files written into it.

    Parameters
    ----------
    text : str
        YAML, as it was read.
    study : Study
        What it says, with the files' atoms.

    Returns
    -------
    str
        The same study, readable wherever it is copied to; ``text`` itself where no molecule comes
        from a file.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    yaml = YAML(typ="rt")
    yaml.width = 1000
    yaml.preserve_quotes = True
    tree = yaml.load(io.StringIO(text))
    entries = tree.get("molecules") or {}
    from_files = [name for name, entry in entries.items() if "file" in entry]
    if not from_files:
        return text
    for name in from_files:
        atoms = CommentedSeq()
        for atom in study.molecules[name].model_dump(mode="json")["atoms"]:
            at = CommentedSeq(atom["at_A"])
            at.fa.set_flow_style()
            row = CommentedMap({**atom, "at_A": at})
            row.fa.set_flow_style()
            atoms.append(row)
        entries[name] = CommentedMap({"origin": study.molecules[name].origin, "atoms": atoms})
    out = io.StringIO()
    yaml.dump(tree, out)
    return out.getvalue()
