"""What can go wrong between this machine and the Argo server."""

from __future__ import annotations

from nucleops.errors import ProgramFailed, TransientFailure, WrongInput


class ArgoUnreachable(TransientFailure):
    """The Argo server did not answer, or something on the way said that it cannot."""

    kind = "Argo server unreachable"


class ArgoRefused(WrongInput):
    """The Argo server will not do what was asked: not allowed, not valid, in conflict."""

    kind = "refused by the Argo server"


class NoSuchWorkflow(WrongInput):
    """Neither the cluster nor the archive has the workflow."""

    kind = "no such workflow"


class UnusableAnswer(ProgramFailed):
    """What answered is not an Argo server, or its answer was cut short."""

    kind = "unusable answer"
