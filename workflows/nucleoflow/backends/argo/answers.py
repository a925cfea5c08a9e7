"""What a server's answer, or its silence, means for the user."""

from __future__ import annotations

import os

import requests

from nucleoflow.backends.argo.errors import (
    ArgoRefused,
    ArgoUnreachable,
    NoSuchWorkflow,
    UnusableAnswer,
)
from nucleoflow.profile.model import Argo
from nucleops.credentials import redact
from nucleops.errors import NucleoError, WrongInput

_BUSY = (429, 502, 503, 504)
"""Answers of a server, or of a gateway before it, that is there but cannot answer now."""
_MOST_SHOWN = 600
"""Characters of a server's own words that a message repeats."""


def refusal(answer: requests.Response, what: str, server: Argo) -> NucleoError:
    """Return the error for an answer that says no.

    Parameters
    ----------
    answer : requests.Response
        With a status of 300 or more.
    what : str
        The request, in messages.
    server : Argo
        The server.
    """
    code, words = answer.status_code, _without_token(server_words(answer), server)
    said = f"{what}: {code} {answer.reason}" + (f": {words}" if words else "")
    if code in _BUSY:
        return ArgoUnreachable(said, advice="the server or a gateway before it is busy or down")
    if answer.is_redirect:
        target = answer.headers.get("Location", "").split("?")[0]
        return UnusableAnswer(
            f"{what}: redirected to {target}",
            advice="argo.endpoint has to be the address of the Argo server itself, with the"
            " right scheme (http or https), not that of a page to log in at",
        )
    if code == 404:
        return NoSuchWorkflow(said)
    return ArgoRefused(said, advice=_advice(code, server.token_variable))


def _without_token(words: str, server: Argo) -> str:
    """Take the token out of what a gateway says, which may repeat the request."""
    token = os.environ.get(server.token_variable, "").strip().removeprefix("Bearer ")
    return redact(words, {"ARGO_TOKEN": token})  # whatever the profile calls the variable


def _advice(code: int, variable: str) -> str:
    if code == 401:
        unset = "" if os.environ.get(variable) else f"; ${variable} is not set"
        return (
            f"a valid bearer token is needed in ${variable}{unset}"
            " ('argo auth token', or 'kubectl create token SERVICE-ACCOUNT', makes one)"
        )
    if code == 403:
        return (
            f"the token in ${variable} may not do this: 'nucleoflow doctor --profile FILE'"
            " tells which verb is missing"
        )
    if code >= 500:
        return "look at the log of the Argo server"
    return ""


def unusable(answer: requests.Response, what: str) -> UnusableAnswer:
    """Return the error for an answer that is not what an Argo server gives."""
    kind = answer.headers.get("Content-Type", "").partition(";")[0] or "no content type"
    if "html" in kind:
        advice = "argo.endpoint is the address of a web page or a gateway, not of the API"
    else:
        advice = "try again; if it stays so, argo.endpoint is not that of an Argo server"
    return UnusableAnswer(
        f"{what}: the answer is not the JSON that an Argo server gives"
        f" ({kind}, {len(answer.content)} bytes)",
        advice=advice,
    )


def server_words(answer: requests.Response) -> str:
    """Return what the server says about a failure: its ``message``, or the text of its answer."""
    try:
        content = answer.json()
        words = content.get("message", "") if isinstance(content, dict) else ""
    except (requests.RequestException, ValueError):
        kind = answer.headers.get("Content-Type", "")
        words = "" if "html" in kind else answer.text
    words = " ".join(str(words).split())
    return words if len(words) <= _MOST_SHOWN else f"{words[:_MOST_SHOWN]}…"


def connection_failure(
    error: requests.RequestException, what: str, server: Argo, timeout_s: float
) -> NucleoError:
    """Return the error for a request that had no whole answer."""
    if isinstance(error, requests.exceptions.SSLError):
        return WrongInput(
            f"{what}: the server's certificate is not accepted ({cause(error)})",
            advice="name the authority that signed it in argo.ca_file; if the server speaks plain"
            " http (a port-forward, say), begin argo.endpoint with http://",
        )
    if isinstance(error, requests.exceptions.Timeout):
        return ArgoUnreachable(
            f"{what}: no answer within {timeout_s:g} s",
            advice=f"is {server.endpoint} reachable from here?",
        )
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return ArgoUnreachable(f"{what}: the answer was cut short", advice="try again")
    if isinstance(error, requests.exceptions.ConnectionError):
        return ArgoUnreachable(
            f"{what}: no connection ({cause(error)})",
            advice="is argo.endpoint right, and does its port-forward or VPN run?",
        )
    return UnusableAnswer(f"{what}: {cause(error)}")


def cause(error: BaseException) -> str:
    """Say the innermost reason of an error of requests in a few words."""
    innermost = error
    seen = {id(error)}
    while True:
        inner = innermost.__cause__ or innermost.__context__ or getattr(innermost, "reason", None)
        if inner is None and innermost.args and isinstance(innermost.args[-1], BaseException):
            inner = innermost.args[-1]
        if not isinstance(inner, BaseException) or id(inner) in seen:
            break
        seen.add(id(inner))
        innermost = inner
    return str(getattr(innermost, "strerror", None) or innermost) or type(innermost).__name__
