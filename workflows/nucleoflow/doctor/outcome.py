"""What a check finds, and the order in which checks are made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from nucleops.errors import NucleoError

if TYPE_CHECKING:
    from nucleoflow.doctor.cluster import Cluster
    from nucleoflow.profile.model import ClusterProfile

State = Literal["passed", "warned", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes
    ----------
    state : {"passed", "warned", "failed", "skipped"}
        ``warned``: a study may run, but something is not as it should be or could not be seen.
    detail : str
        What was found.
    advice : str
        What to do about it; never empty for a failure.
    item : str
        Which of several things of one kind, such as a kind of step; empty if there is one only.
    check : str
        Name of the check; filled in by :func:`examine`.
    """

    state: State
    detail: str
    advice: str = ""
    item: str = ""
    check: str = ""


def passed(detail: str, item: str = "") -> Finding:
    """Return that all is well."""
    return Finding("passed", detail, item=item)


def warned(detail: str, advice: str, item: str = "") -> Finding:
    """Return that a study may run although something is not as it should be, or is unknown."""
    return Finding("warned", detail, advice, item)


def failed(detail: str, advice: str, item: str = "") -> Finding:
    """Return that a study cannot run like this."""
    return Finding("failed", detail, advice, item)


@dataclass
class Examination:
    """What checks look at, and what earlier ones leave for later ones.

    Attributes
    ----------
    reference : str or None
        The profile as the user named it.
    timeout_s : float
        Longest wait for one answer in seconds.
    profile : ClusterProfile or None
        Set by the check of the profile.
    cluster : Cluster or None
        Set by the check of the kubeconfig.
    clocks : dict of str to float
        Seconds by which the clock of a server is ahead of ours, by the server's name.
    secrets : set of str
        Values that no output may hold, should a message of a library quote them.
    """

    reference: str | None = None
    timeout_s: float = 10.0
    profile: ClusterProfile | None = None
    cluster: Cluster | None = None
    clocks: dict[str, float] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)

    def of_cluster(self) -> tuple[Cluster, ClusterProfile]:
        """Return cluster and profile; a check that asks for them needs the check that sets them."""
        if self.cluster is None or self.profile is None:
            raise LookupError("a check of the cluster was made before the cluster was found")
        return self.cluster, self.profile

    def of_profile(self) -> ClusterProfile:
        """Return the profile; a check that asks for it needs the check that sets it."""
        if self.profile is None:
            raise LookupError("a check of the profile's content was made before it was read")
        return self.profile


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes
    ----------
    name : str
        As it stands in the table.
    look : callable
        Makes the check; raises no more than :class:`~nucleops.errors.NucleoError`.
    needs : tuple of str
        Checks that must not have failed; otherwise this one is skipped.
    """

    name: str
    look: Callable[[Examination], Iterable[Finding]]
    needs: tuple[str, ...] = ()


def examine(checks: Sequence[Check], subject: Examination) -> Iterator[Finding]:
    """Make checks in their order.

    Parameters
    ----------
    checks : sequence of Check
        A check stands after those it needs.
    subject : Examination
        What is looked at.

    Yields
    ------
    Finding
        At least one for every check, as soon as it is made. A check that needs a failed or skipped
        one is skipped.
    """
    unusable: set[str] = set()
    for check in checks:
        obstacle = next((name for name in check.needs if name in unusable), None)
        if obstacle is not None:
            findings = [Finding("skipped", f"needs '{obstacle}'")]
        else:
            findings = list(_look(check, subject))
        if any(finding.state in ("failed", "skipped") for finding in findings):
            unusable.add(check.name)
        for finding in findings:
            yield Finding(
                finding.state,
                _without(subject.secrets, finding.detail),
                _without(subject.secrets, finding.advice),
                finding.item,
                check.name,
            )


def _look(check: Check, subject: Examination) -> Iterable[Finding]:
    try:
        return list(check.look(subject))
    except NucleoError as error:
        return [failed(error.message, error.advice or "see the message")]
    except Exception as error:
        # the other checks are worth as much as before; only this one is a mistake of ours
        advice = "this is a mistake in nucleoflow, not in your cluster: please report it"
        return [failed(f"the check broke: {type(error).__name__}: {error}", advice)]


def _without(secrets: set[str], text: str) -> str:
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
