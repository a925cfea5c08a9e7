"""A cluster's API server, asked through the Kubernetes client; answers are plain JSON."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nucleoflow.doctor.clocks import clock_ahead
from nucleops.errors import FatalFailure, TransientFailure, WrongInput

Json = dict[str, Any]


class ApiUnreachable(TransientFailure):
    """The API server did not answer."""

    kind = "API server unreachable"


class ApiRefused(FatalFailure):
    """The API server answered with an error.

    Parameters
    ----------
    status : int
        HTTP status; 403 where we may not, 404 where there is no such thing.
    what : str
        What was asked for.
    message : str
        The server's own words.
    """

    kind = "API server refused"

    def __init__(self, status: int, what: str, message: str) -> None:
        self.status = status
        super().__init__(f"{what}: HTTP {status}: {message}")

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild_refusal, (self.status, self.message))


def _rebuild_refusal(status: int, message: str) -> ApiRefused:
    what, _, rest = message.partition(f": HTTP {status}: ")
    return ApiRefused(status, what, rest)


class Cluster:
    """One cluster as one kubeconfig context shows it.

    Parameters
    ----------
    client : kubernetes.client.ApiClient
        Configured client.
    timeout_s : float
        Longest wait for an answer in seconds.
    """

    def __init__(self, client: Any, timeout_s: float = 10.0) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self.clock_ahead_s: float | None = None
        """By how much the server's clock is ahead of ours, in seconds, as its last answer said."""

    @property
    def address(self) -> str:
        """Address of the API server."""
        return str(self._client.configuration.host)

    def secrets(self) -> set[str]:
        """Return what the client authenticates with, for keeping it out of messages."""
        configuration = self._client.configuration
        words = [*configuration.api_key.values(), configuration.password or ""]
        return {part for word in words for part in str(word).split() if len(part) > 7}

    def as_bearer(self, token: str) -> Cluster:
        """Return the same cluster as the holder of a token sees it."""
        from kubernetes import client

        ours = self._client.configuration
        theirs = client.Configuration()
        for setting in ("host", "ssl_ca_cert", "verify_ssl", "proxy", "tls_server_name", "retries"):
            setattr(theirs, setting, getattr(ours, setting))
        theirs.api_key = {"authorization": f"Bearer {token}"}
        return Cluster(client.ApiClient(theirs), self._timeout_s)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Json:
        """Return what is at a path of the API."""
        return self.ask("GET", path, query=query)

    def items(self, path: str, query: Mapping[str, str] | None = None) -> list[Json]:
        """Return all items of a list, page by page."""
        items: list[Json] = []
        wanted = {**(query or {}), "limit": "500"}
        while True:
            page = self.get(path, wanted)
            items += page.get("items") or []
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return items
            wanted["continue"] = more

    def exists(self, path: str) -> bool:
        """Whether there is something at a path."""
        try:
            self.get(path)
        except ApiRefused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """Send one request.

        Parameters
        ----------
        method : str
            ``GET``, ``POST``, ``PATCH`` (a JSON merge patch) or ``DELETE``.
        path : str
            Path of the API, as ``/api/v1/nodes``.
        body : dict or None
            Object to send.
        query : mapping or None
            Query parameters.

        Returns
        -------
        dict
            The answer.

        Raises
        ------
        ApiUnreachable
            There was no answer in time, or no secure connection.
        ApiRefused
            The answer was an error.
        """
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        patch = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        begun = time.time()
        try:
            answer, _, headers = self._client.call_api(
                path,
                method,
                query_params=list((query or {}).items()),
                header_params={"Accept": "application/json", **patch},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _request_timeout=(min(5.0, self._timeout_s), self._timeout_s),
            )
        except ApiException as error:
            if not error.status:
                raise ApiUnreachable(f"{self.address}: {_last_line(error.reason)}") from None
            raise ApiRefused(error.status, path, _words_of(error.body)) from None
        except (HTTPError, OSError) as error:
            raise ApiUnreachable(f"{self.address}: {_cause(error)}") from None
        except ValueError as error:
            raise ApiRefused(200, path, f"the answer is not JSON ({error})") from None
        self.clock_ahead_s = clock_ahead(headers.get("Date"), begun, time.time())
        return answer if isinstance(answer, dict) else {"answer": answer}


def connect(kubeconfig: str | None, context: str | None, timeout_s: float) -> Cluster:
    """Configure a client; nothing is sent yet.

    Parameters
    ----------
    kubeconfig : str or None
        File; None means ``$KUBECONFIG``, else ``~/.kube/config``, else the service account of
        the pod we run in.
    context : str or None
        Context; None means the current one.
    timeout_s : float
        Longest wait for an answer in seconds.

    Raises
    ------
    WrongInput
        There is no usable kubeconfig, or no such context in it.
    """
    from kubernetes import client, config

    configuration = client.Configuration()
    # urllib3's three retries would make every unreachable server four times as slow to diagnose
    configuration.retries = False
    try:
        if context is None and kubeconfig is None and _in_pod():
            config.load_incluster_config(client_configuration=configuration)
        else:
            config.load_kube_config(
                kubeconfig, context, client_configuration=configuration, persist_config=False
            )
    except config.ConfigException as error:
        raise WrongInput(
            f"kubeconfig: {_last_line(str(error))}",
            advice="set KUBECONFIG, or `kube_context` of the profile to one of"
            " `kubectl config get-contexts -o name`",
        ) from None
    except Exception as error:  # a malformed file ends in whatever the parser raises
        raise WrongInput(
            f"kubeconfig: cannot be read: {type(error).__name__}",
            advice="`kubectl config view` tells what is wrong with it",
        ) from None
    return Cluster(client.ApiClient(configuration), timeout_s)


def _in_pod() -> bool:
    if "KUBECONFIG" in os.environ:
        return False
    account = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
    return account.is_file() and not (Path.home() / ".kube" / "config").is_file()


def _words_of(body: Any) -> str:
    try:
        return str(json.loads(body)["message"])
    except (TypeError, ValueError, KeyError):
        return _last_line(body) or "no message"


def _last_line(text: Any) -> str:
    lines = str(text or "").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _cause(error: BaseException) -> str:
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError

    if isinstance(error, NewConnectionError):  # which is a ConnectTimeoutError, too
        return "the connection was refused or the name is unknown"
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError)):
        return "no answer in time"
    return f"{type(error).__name__}: {error}"[:300]
