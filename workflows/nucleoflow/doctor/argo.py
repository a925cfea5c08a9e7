"""The Argo server: reachable, trusted, recent, and willing to talk to us."""

from __future__ import annotations

import os
import re
import time
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nucleoflow.doctor.clocks import clock_ahead
from nucleoflow.doctor.outcome import Check, Examination, Finding, failed, passed, warned
from nucleoflow.profile.model import Argo

OLDEST_ARGO = (3, 6)
"""Before 3.6, the progress of a step is not shown while it runs, and retries go by other rules."""


def server(subject: Examination) -> Iterable[Finding]:
    """Whether the server answers over a connection that can be trusted."""
    import requests

    argo = subject.of_profile().argo
    if argo.ca_file is not None and not Path(argo.ca_file).is_file():
        yield failed(
            f"argo.ca_file: there is no file {argo.ca_file}",
            "save the authority that signed the server's certificate there",
        )
        return
    begun = time.time()
    try:
        answer = _ask(subject, "/api/v1/version", token=False)
    except requests.exceptions.SSLError as error:
        yield failed(f"{argo.endpoint}: {_tls_fault(error)}", _tls_advice(argo, str(error)))
        return
    except requests.exceptions.Timeout:
        yield failed(f"{argo.endpoint}: no answer in time", _reach(subject.of_profile().namespace))
        return
    except requests.exceptions.RequestException:
        yield failed(
            f"{argo.endpoint}: the connection was refused or the name is unknown",
            _reach(subject.of_profile().namespace),
        )
        return
    ahead = clock_ahead(answer.headers.get("Date"), begun, time.time())
    if ahead is not None:
        subject.clocks["Argo server"] = ahead
    yield _of_answer(argo, answer, subject.of_profile().namespace)


def _of_answer(argo: Argo, answer: Any, namespace: str) -> Finding:
    """Judge the connection by the first answer that came over it."""
    if answer.status_code == 400 and "HTTPS server" in answer.text:
        return failed(f"{argo.endpoint}: the server speaks TLS", "write https:// in argo.endpoint")
    if answer.status_code >= 500:
        return failed(
            f"{argo.endpoint}: HTTP {answer.status_code}",
            f"look at its log: kubectl -n {namespace} logs deployment/nucleoflow-argo-server",
        )
    if argo.endpoint.startswith("http://") and not _local(argo.endpoint):
        return warned(
            f"{argo.endpoint}: not encrypted, tokens can be read on the way",
            "use an https:// endpoint, or a port-forward to localhost",
        )
    if argo.endpoint.startswith("https://") and not argo.verify_tls:
        return warned(
            f"{argo.endpoint}: its certificate is not checked",
            "set argo.verify_tls to true, and argo.ca_file to the authority's certificate",
        )
    return passed(argo.endpoint)


def token(subject: Examination) -> Iterable[Finding]:
    """Whether the token is accepted, for the namespace too."""
    loaded = subject.of_profile()
    variable = loaded.argo.token_variable
    has_token = bool(os.environ.get(variable))
    renew = (
        f'export {variable}="Bearer $(kubectl create token nucleoflow-user -n {loaded.namespace})"'
    )
    answer = _ask(subject, f"/api/v1/workflows/{loaded.namespace}?listOptions.limit=1")
    if answer.status_code == 401:
        if has_token:
            yield failed(f"the token in ${variable} is not accepted (401)", f"renew it: {renew}")
        else:
            yield failed(f"the server wants a token and ${variable} is not set", renew)
        return
    if answer.status_code == 403:
        yield failed(
            f"workflows of namespace '{loaded.namespace}' may not be listed (403)",
            f"use the token of a service account with rights there: {renew}",
        )
        return
    if answer.status_code != 200:
        yield failed(f"HTTP {answer.status_code}", "look at the Argo server's log")
        return
    who = _json(_ask(subject, "/api/v1/userinfo"))
    name = who.get("serviceAccountName") or who.get("subject") or who.get("name")
    if name:
        yield passed(f"accepted as {name}")
    elif has_token:
        yield passed("accepted")
    else:
        yield warned(
            "the server lets everybody in",
            "start it with --auth-mode=client (the chart's default) unless nobody else reaches it",
        )


def version(subject: Examination) -> Iterable[Finding]:
    """Whether Argo is recent enough."""
    answer = _ask(subject, "/api/v1/version")
    found = str(_json(answer).get("version", ""))
    parts = re.match(r"v?(\d+)\.(\d+)", found)
    oldest = ".".join(map(str, OLDEST_ARGO))
    if parts is None:
        yield warned(
            f"unknown version '{found or 'none'}'",
            f"make sure that it is Argo Workflows {oldest} or later",
        )
    elif (int(parts[1]), int(parts[2])) < OLDEST_ARGO:
        yield failed(f"{found}", f"upgrade Argo Workflows to {oldest} or later, CRDs first")
    else:
        yield passed(found)


def _reach(namespace: str) -> str:
    service = "svc/nucleoflow-argo-server 2746:2746"
    return f"kubectl -n {namespace} port-forward {service}, or correct argo.endpoint"


def _ask(subject: Examination, path: str, *, token: bool = True) -> Any:
    import requests

    argo = subject.of_profile().argo
    value = os.environ.get(argo.token_variable, "").strip() if token else ""
    if value and " " not in value:
        value = f"Bearer {value}"

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if value:
            request.headers["Authorization"] = value
        return request

    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the certificate is not checked is a finding of ours
        session.trust_env = not _local(argo.endpoint)
        return session.get(
            argo.endpoint.rstrip("/") + path,
            auth=sign,  # as a header, it would be replaced by what ~/.netrc says
            verify=(argo.ca_file or True) if argo.verify_tls else False,
            timeout=(min(5.0, subject.timeout_s), subject.timeout_s),
            allow_redirects=False,
        )


def _json(answer: Any) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _local(endpoint: str) -> bool:
    return bool(re.match(r"https?://(localhost|127\.|\[::1\])", endpoint))


def _tls_fault(error: Exception) -> str:
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return "the server does not speak TLS"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        found = re.search(r"certificate verify failed: ([^(\"']+)", text)
        return f"its certificate is not trusted ({(found[1] if found else 'unknown').strip()})"
    return "no secure connection could be made"


def _tls_advice(argo: Argo, text: str) -> str:
    if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER" in text:
        return "write http:// in argo.endpoint, or start the server with --secure=true"
    if "expired" in text:
        return "renew the server's certificate"
    if "mismatch" in text or "doesn't match" in text:
        return "use the name that the certificate is for in argo.endpoint"
    return "set argo.ca_file to the certificate of the authority that signed the server's"


CHECKS = (
    Check("Argo server", server, ("profile",)),
    Check("Argo version", version, ("Argo server",)),
    Check("Argo token", token, ("Argo server",)),
)
