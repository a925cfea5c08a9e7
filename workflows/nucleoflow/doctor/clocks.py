"""Clocks: of this machine, the API server, the Argo server and the object store."""

from __future__ import annotations

from collections.abc import Iterable
from email.utils import parsedate_to_datetime

from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned

NOTICEABLE_S = 5.0
"""Times in `status` are wrong by this much."""
TOO_MUCH_S = 300.0
"""Tokens and certificates are refused, and at 900 s every S3 request."""


def clocks(subject: Examination) -> Iterable[Finding]:
    """Whether the clocks agree, by the ``Date`` of the answers that earlier checks got."""
    if not subject.clocks:
        yield warned("no server told its time", "nothing to do unless tokens are refused")
        return
    worst = max(subject.clocks.values(), key=abs)
    for name, ahead in subject.clocks.items():
        if abs(ahead) <= NOTICEABLE_S:
            continue
        detail = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} this machine"
        complain = failed if abs(ahead) > TOO_MUCH_S else warned
        yield complain(
            detail,
            "switch on time synchronisation (timedatectl set-ntp true) here, or on the server's"
            " machine if only that one differs",
            name,
        )
    if abs(worst) <= NOTICEABLE_S:
        yield passed(f"within {NOTICEABLE_S:.0f} s: this machine, {', '.join(subject.clocks)}")


def clock_ahead(date: str | None, begun: float, ended: float) -> float | None:
    """Return by how many seconds a server's clock is ahead, by the ``Date`` of its answer.

    A ``Date`` is cut to whole seconds and was written at some time between the request and the
    answer, so whatever these two explain does not count.
    """
    if not date:
        return None
    try:
        theirs = parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
    if theirs > ended:
        return theirs - ended
    return min(0.0, theirs + 1.0 - begun)


CHECKS = (Check("clocks", clocks, ("API server",)),)
