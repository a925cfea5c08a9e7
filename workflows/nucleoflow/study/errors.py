"""Mistakes in a study file, all of them at once, each where it stands."""

from __future__ import annotations

from dataclasses import dataclass

from nucleops.errors import WrongInput


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes
    ----------
    path : str
        Where it is in the study, as ``learn.train.n_models``.
    line : int or None
        Line in the file, counted from 1.
    message : str
        What is wrong: what was found and what is allowed.
    """

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line is not None else ""
        return f"{where}{self.path or 'study'}: {self.message}"


class StudyError(WrongInput):
    """A study that cannot be used; holds every mistake that was found.

    Parameters
    ----------
    source : str
        The file, or the name of the shipped study.
    problems : tuple of Problem
        At least one.
    """

    kind = "wrong study"

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        n = len(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"{source}: {n} mistake{'s' if n > 1 else ''}\n{lines}")

    def __reduce__(self) -> tuple[object, ...]:
        return (StudyError, (self.source, self.problems))
