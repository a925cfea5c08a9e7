"""A study with something else in one place, as asked for when it is run."""

from __future__ import annotations

from nucleoflow.study.model import Study
from nucleops.errors import WrongInput


def with_replicas(study: Study, replicas: int) -> Study:
    """Return a study with another number of nucleation replicas.

    Raises
    ------
    WrongInput
        The study has no stage ``nucleate``, or the number is below 1.
    """
    if study.nucleate is None:
        raise WrongInput(f"study '{study.name}' has no stage 'nucleate', so it has no replicas")
    if replicas < 1:
        raise WrongInput(f"replicas: found {replicas}, allowed: 1 or more")
    nucleate = study.nucleate.model_copy(update={"replicas": replicas})
    return study.model_copy(update={"nucleate": nucleate})
