"""Why a pod failed, in the words of :mod:`nucleops.errors`."""

from __future__ import annotations

import re

from nucleoflow.backends.argo.nodes import Node
from nucleops.errors import OutOfMemory, Preempted, TimeLimit

_OWN_WORDS = re.compile(r"^(?:[\w ]+ \(exit code -?\d+\): ?)?\[(?P<kind>[^\]]+)\] (?P<text>.*)$")
"""What our pods leave as their termination message, with what Argo puts before it."""
_BARE = re.compile(r"(?:Error )?\(exit code -?\d+\)|")
_BY_MESSAGE = (
    (re.compile(r"OOMKilled", re.I), OutOfMemory.kind),
    (re.compile(r"preempt|TerminationByKubernetes|spot", re.I), Preempted.kind),
    (re.compile(r"evicted|low on resource|node was low", re.I), "evicted"),
    (re.compile(r"pod deleted|node (?:is )?(?:lost|shutdown)|NodeLost|node .*not ready", re.I),
     "node lost"),
    (re.compile(r"deadline|longer than the specified", re.I), TimeLimit.kind),
    (re.compile(r"ErrImagePull|ImagePullBackOff|InvalidImageName", re.I), "image not pullable"),
)  # fmt: skip
_BY_EXIT_CODE = {
    1: "transient failure",
    2: "fatal failure",
    70: "program bug",
    137: "killed",
    143: Preempted.kind,
}
_ENDED_FROM_OUTSIDE = re.compile(
    r"shutdown with strategy|stopped with strategy|terminated|workflow shutdown", re.I
)


def explain(node: Node) -> tuple[str, str]:
    """Find the class of a failure and its message.

    Parameters
    ----------
    node : Node
        A failed attempt.

    Returns
    -------
    kind, message : str
        The class that our pod wrote, else what Argo's message tells, else what the exit code
        tells; the message without what the class already says.
    """
    own = _OWN_WORDS.match(node.message)
    if own:
        return own["kind"], own["text"]
    for pattern, kind in _BY_MESSAGE:
        if pattern.search(node.message):
            return kind, node.message
    code = node.exit_code
    if code is None:
        return "failure", node.message or "Argo does not say why"
    message = node.message if _BARE.fullmatch(node.message) is None else ""
    return _BY_EXIT_CODE.get(code, "failure"), message or f"exit code {code}"


def ended_from_outside(node: Node) -> bool:
    """Whether a node failed only because the workflow was stopped or terminated."""
    return bool(_ENDED_FROM_OUTSIDE.search(node.message))
