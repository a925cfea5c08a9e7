"""Mistakes in a study file, all of them at once, each where it stands."""

from __future__ import annotations

from nucleoflow.documents import DocumentError, Problem

__all__ = ["Problem", "StudyError"]


class StudyError(DocumentError):
    """A study that cannot be used; holds every mistake that was found."""

    kind = "wrong study"
    noun = "study"
