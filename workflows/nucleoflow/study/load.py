"""Read a study file, or one that ships with the package."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from pydantic import ValidationError

from nucleoflow.documents import parse_yaml, plain, read_text
from nucleoflow.study.errors import StudyError
from nucleoflow.study.explain import explain
from nucleoflow.study.model import Study
from nucleops.errors import WrongInput

_DATA = importlib.resources.files("nucleoflow.study") / "data"


def shipped_studies() -> list[str]:
    """Names of the studies that ship with the package."""
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in _DATA.iterdir()
        if entry.name.endswith(".yaml")
    )


def study_text(reference: str) -> tuple[str, str]:
    """Find a study by path or by the name of a shipped one.

    Parameters
    ----------
    reference : str
        Path of a YAML file, or the name of a shipped study.

    Returns
    -------
    source, text : str
        What to call it in messages, and its content.

    Raises
    ------
    WrongInput
        There is no such file and no such shipped study, or it is not UTF-8 text.
    """
    path = Path(reference)
    if path.is_file():
        return str(path), read_text(path)
    if reference in shipped_studies():
        return reference, (_DATA / f"{reference}.yaml").read_text(encoding="utf-8")
    raise WrongInput(
        f"there is no file '{reference}' and no shipped study of that name",
        advice=f"shipped studies: {', '.join(shipped_studies())}",
    )


def load_study(reference: str) -> Study:
    """Read and validate a study.

    Parameters
    ----------
    reference : str
        Path of a YAML file, or the name of a shipped study.

    Returns
    -------
    Study
        The validated study.

    Raises
    ------
    StudyError
        The file is not a valid study; every mistake is listed with its line.
    WrongInput
        There is no such study.
    """
    source, text = study_text(reference)
    path = Path(reference)
    return parse_study(text, source, path.parent if path.is_file() else None)


def parse_study(text: str, source: str, folder: Path | None = None) -> Study:
    """Validate the text of a study; see :func:`load_study`.

    ``folder`` is what paths in it are relative to; without one, it may name no file.
    """
    from nucleoflow.study.check import check_electrons, check_groups

    tree = parse_yaml(text, source, StudyError)
    try:
        study = Study.model_validate(plain(tree), context={"folder": folder})
    except ValidationError as error:
        raise StudyError(source, tuple(explain(error, tree, Study))) from None
    problems = (*check_groups(study, tree), *check_electrons(study, tree))
    if problems:
        raise StudyError(source, problems)
    return study
