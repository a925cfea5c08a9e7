"""Progress of an operator, as the backends show it."""

from __future__ import annotations

from collections.abc import Callable

from dflow.python import OP


def reporter(operator: OP) -> Callable[[int, int], None]:
    """Return a function of (done, total) that reports an operator's progress.

    dflow's operator writes both numbers to ``$ARGO_PROGRESS_FILE``, which Argo and the local
    backend read.
    """

    def report(done: int, total: int) -> None:
        operator.progress_total = total
        operator.progress_current = done

    return report
