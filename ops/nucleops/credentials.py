"""Which environment variables are secret: engines do not get them, and logs do not show them."""

from __future__ import annotations

from collections.abc import Mapping

SECRET_VARIABLES = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "ARGO_TOKEN",
    "DFLOW_TOKEN",
    "DFLOW_S3_ACCESS_KEY",
    "DFLOW_S3_SECRET_KEY",
)
HIDDEN = "[hidden]"
_SHORTEST = 6


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment for programs that have no business with credentials."""
    return {name: value for name, value in environment.items() if name not in SECRET_VARIABLES}


def redact(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with the values of an environment's secrets hidden.

    Parameters
    ----------
    text : str
        About to be shown or stored.
    environment : mapping
        Values of fewer than 6 characters are left: they occur in any text.
    """
    for name in SECRET_VARIABLES:
        value = environment.get(name, "")
        if len(value) >= _SHORTEST:
            text = text.replace(value, HIDDEN)
    return text
