"""Asking a container registry whether it has an image, by the distribution API (version 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)

Answer = Literal[
    "there", "missing", "private", "no answer in time", "unreachable", "unclear answer"
]


@dataclass(frozen=True)
class Reference:
    """A full name of an image.

    Attributes
    ----------
    registry : str
        Host, with a port perhaps.
    name : str
        Repository in it.
    version : str
        Tag or digest.
    """

    registry: str
    name: str
    version: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference as container runtimes do: Docker Hub, ``library/`` and ``latest``."""
        rest, at, digest = text.partition("@")
        first, slash, tail = rest.partition("/")
        if slash and (re.search(r"[.:]", first) or first == "localhost"):
            registry, path = first, tail
        else:
            registry, path = "docker.io", rest
        name, _, tag = path.partition(":")
        if registry == "docker.io" and "/" not in name:
            name = f"library/{name}"
        return cls(registry, name, digest if at else tag or "latest")

    def __str__(self) -> str:
        return f"{self.registry}/{self.name}{'@' if ':' in self.version else ':'}{self.version}"

    @property
    def url(self) -> str:
        """Address of the image's manifest."""
        host = "registry-1.docker.io" if self.registry == "docker.io" else self.registry
        # container runtimes speak plain HTTP to registries of this machine only
        plain = re.match(r"(localhost|127\.0\.0\.1)(:|$)", host)
        return f"http{'' if plain else 's'}://{host}/v2/{self.name}/manifests/{self.version}"


def look_up(reference: Reference, timeout_s: float) -> Answer:
    """Ask a registry for the head of an image's manifest, without any credentials.

    Parameters
    ----------
    reference : Reference
        The image.
    timeout_s : float
        Longest wait for one answer in seconds.

    Returns
    -------
    str
        ``there``; ``missing``; ``private`` where credentials would be needed, which some
        registries also say of what they do not have; or why nothing can be said.
    """
    import requests

    headers = {"Accept": MANIFESTS}
    timeout = (min(5.0, timeout_s), timeout_s)
    try:
        answer = requests.head(reference.url, headers=headers, timeout=timeout)
        if answer.status_code == 401:
            token = _anonymous_token(answer.headers.get("WWW-Authenticate", ""), timeout)
            if token is None:
                return "private"
            headers["Authorization"] = f"Bearer {token}"
            answer = requests.head(reference.url, headers=headers, timeout=timeout)
    except requests.exceptions.Timeout:
        return "no answer in time"
    except requests.exceptions.RequestException:
        return "unreachable"
    by_status: dict[int, Answer] = {
        200: "there",
        401: "private",
        403: "private",
        404: "missing",
    }
    return by_status.get(answer.status_code, "unclear answer")


def _anonymous_token(challenge: str, timeout: tuple[float, float]) -> str | None:
    """Return the token that a registry gives to anybody; None if it gives none."""
    import requests

    scheme, _, rest = challenge.partition(" ")
    fields = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    realm = fields.pop("realm", "")
    if scheme.lower() != "bearer" or not realm.startswith(("https://", "http://")):
        return None
    answer = requests.get(realm, params=fields, timeout=timeout)
    if answer.status_code != 200:
        return None
    content: Any
    try:
        content = answer.json()
    except ValueError:
        return None
    token = content.get("token") or content.get("access_token")
    return str(token) if token else None
