"""Requests to the Argo server, every way to fail turned into a message that says what to do.

hera's ``WorkflowsService`` speaks the same interface and is not used: it has no time limits,
loses the path of an endpoint behind a gateway, reads a login page as a program bug, and sends a
manifest as its models understand it instead of as it was rendered and checked.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
import urllib3
from requests.auth import AuthBase

from nucleoflow.backends.argo.answers import cause, connection_failure, refusal, unusable
from nucleoflow.backends.argo.errors import ArgoUnreachable
from nucleoflow.profile.model import Argo
from nucleops.errors import WrongInput


class BearerToken(AuthBase):
    """Sign requests with the token that an environment variable holds.

    As ``auth`` rather than as a header: requests would replace a header by what it finds in the
    user's ``.netrc``. It has no representation that shows the token.
    """

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the header, if the variable is set."""
        token = os.environ.get(self._variable, "").strip()
        if token:
            if "\n" in token or not token.isascii():
                raise WrongInput(f"${self._variable} does not hold a token: it is not one line")
            bare = token.removeprefix("Bearer ")
            request.headers["Authorization"] = f"Bearer {bare}"
        return request


class Connection:
    """Requests to one Argo server.

    Parameters
    ----------
    server : Argo
        The server, from a profile.
    timeout_s : float
        Seconds to wait for a connection, and for the server's next word.
    attempts : int
        How often a request that changes nothing is tried while the server cannot answer.
    backoff_s : float
        Pause before the second attempt in seconds; doubled for each further one.
    """

    def __init__(
        self, server: Argo, *, timeout_s: float = 30.0, attempts: int = 3, backoff_s: float = 1.0
    ) -> None:
        self.server = server
        self.timeout_s = timeout_s
        self.attempts = attempts
        self.backoff_s = backoff_s
        if not server.verify_tls:
            # chosen in the profile; a warning with every request would bury what matters
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        self._session = requests.Session()
        self._session.auth = BearerToken(server.token_variable)

    def json(
        self,
        verb: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask, and return the answer.

        Parameters
        ----------
        verb : str
            ``GET``, ``POST``, ``PUT`` or ``DELETE``.
        path : str
            After the endpoint, without a leading slash.
        body, query : mapping or None
            What to send.

        Raises
        ------
        ArgoUnreachable
            No connection, no answer in time, or the server is too busy.
        NoSuchWorkflow
            404.
        ArgoRefused
            Any other answer that says no.
        UnusableAnswer
            The answer is not a JSON object, or was cut short.
        """
        what = self.what(verb, path)
        with self._open(verb, path, body, query, self.timeout_s) as answer:
            try:
                content = answer.json()
            except requests.exceptions.JSONDecodeError:
                raise unusable(answer, what) from None
        if not isinstance(content, dict):
            raise unusable(answer, what)
        return content

    def lines(self, path: str, *, query: Mapping[str, Any], patient: bool) -> Iterator[bytes]:
        """Yield the lines of an answer as they come; ``patient`` waits for each without end."""
        what = self.what("GET", path)
        # (connect, read): a step may be silent for hours
        timeout = (self.timeout_s, None) if patient else self.timeout_s
        with self._open("GET", path, None, query, timeout, stream=True) as answer:
            try:
                yield from answer.iter_lines()
            except requests.RequestException as error:
                raise ArgoUnreachable(
                    f"{what}: the stream was cut ({cause(error)})", advice="try again"
                ) from None

    def _open(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, Any] | None,
        timeout: float | tuple[float, float | None],
        *,
        stream: bool = False,
    ) -> requests.Response:
        # what changes something is not repeated: whether it was done is not known
        attempts = self.attempts if verb == "GET" else 1
        for attempt in range(1, attempts + 1):
            try:
                return self._once(verb, path, body, query, timeout, stream=stream)
            except ArgoUnreachable:
                if attempt == attempts:
                    raise
                time.sleep(self.backoff_s * 2 ** (attempt - 1))
        raise AssertionError("attempts is at least 1")

    def _once(
        self,
        verb: str,
        path: str,
        body: Mapping[str, Any] | None,
        query: Mapping[str, Any] | None,
        timeout: float | tuple[float, float | None],
        *,
        stream: bool,
    ) -> requests.Response:
        what = self.what(verb, path)
        try:
            answer = self._session.request(
                verb,
                f"{self.server.endpoint.rstrip('/')}/{path}",
                json=body,
                params=query,
                timeout=timeout,
                # given each time: of the session's own setting, requests lets the environment win
                verify=self.server.verify_tls and (self.server.ca_file or True),
                allow_redirects=False,
                stream=stream,
            )
        except requests.RequestException as error:
            raise connection_failure(error, what, self.server, self.timeout_s) from None
        except OSError as error:  # of a certificate file that cannot be read
            raise WrongInput(f"argo.ca_file: {error}") from None
        if not answer.ok or answer.is_redirect:
            raise refusal(answer, what, self.server)
        return answer

    def what(self, verb: str, path: str) -> str:
        """Name a request in messages."""
        return f"{verb} {self.server.endpoint.rstrip('/')}/{path}"
