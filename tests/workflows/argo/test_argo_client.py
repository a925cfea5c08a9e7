"""Every way in which a server can fail to answer becomes a message that says what to do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from argo_stub import StubArgo
from argo_trees import Tree
from werkzeug import Request, Response

from nucleoflow.backends.argo.client import ArgoClient
from nucleoflow.backends.argo.errors import (
    ArgoRefused,
    ArgoUnreachable,
    NoSuchWorkflow,
    UnusableAnswer,
)
from nucleoflow.backends.argo.http import Connection
from nucleoflow.profile.model import ClusterProfile
from nucleops.errors import NucleoError, WrongInput

NAME = "demo-20261128-100000"
MANIFEST = {"metadata": {"name": NAME}, "spec": {}}
VERBS: list[Callable[[ArgoClient], object]] = [
    lambda client: client.lint(MANIFEST),
    lambda client: client.create(MANIFEST),
    lambda client: client.get(NAME),
    lambda client: client.workflows(),
    lambda client: client.stop(NAME),
    lambda client: client.terminate(NAME),
    lambda client: client.retry(NAME),
    lambda client: client.delete(NAME),
    lambda client: list(client.logs(NAME, None, follow=False)),
    lambda client: client.version(),
]
VERB_NAMES = ["lint", "create", "get", "list", "stop", "terminate", "retry", "delete", "logs",
              "version"]  # fmt: skip


def client_of(profile: ClusterProfile, **options: float) -> ArgoClient:
    options = {"backoff_s": 0.0, "timeout_s": 5.0, **options}
    return ArgoClient(profile, Connection(profile.argo, **options))  # type: ignore[arg-type]


@pytest.fixture
def client(profile: ClusterProfile, root: Path) -> ArgoClient:
    return client_of(profile)


def answers(
    status: int, body: str = "{}", kind: str = "application/json"
) -> Callable[[Request], Response]:
    return lambda _request: Response(body, status=status, content_type=kind)


@pytest.mark.parametrize("verb", VERBS, ids=VERB_NAMES)
@pytest.mark.parametrize(
    ("status", "body", "kind", "expected", "words"),
    [
        (401, '{"message": "token not valid"}', "application/json", ArgoRefused, "ARGO_TOKEN"),
        (403, '{"message": "not allowed"}', "application/json", ArgoRefused, "doctor"),
        (400, '{"message": "bad field"}', "application/json", ArgoRefused, "bad field"),
        (409, '{"message": "exists"}', "application/json", ArgoRefused, "exists"),
        (500, '{"message": "etcd"}', "application/json", ArgoRefused, "log of the Argo server"),
        (502, "<html>Bad gateway</html>", "text/html", ArgoUnreachable, "502"),
        (503, "busy", "text/plain", ArgoUnreachable, "busy"),
        (504, "", "text/plain", ArgoUnreachable, "504"),
    ],
)  # fmt: skip
def test_a_bad_answer_is_an_error_that_says_what_to_do(
    argo: StubArgo, client: ArgoClient, verb: Callable[[ArgoClient], object], status: int,
    body: str, kind: str, expected: type[NucleoError], words: str,
) -> None:  # fmt: skip
    argo.misbehave = answers(status, body, kind)
    with pytest.raises(expected) as caught:
        verb(client)
    assert words in str(caught.value)
    assert "planted-secret-token" not in str(caught.value)
    assert argo.endpoint in str(caught.value)


@pytest.mark.parametrize("verb", VERBS, ids=VERB_NAMES)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("<html>Please log in</html>", "text/html"),
        ('{"metadata": {"na', "application/json"),
        ("", "text/plain"),
    ],
    ids=["html", "truncated", "empty"],
)
def test_an_answer_that_is_not_json(
    argo: StubArgo, client: ArgoClient, verb: Callable[[ArgoClient], object], body: str,
    kind: str,
) -> None:  # fmt: skip
    argo.misbehave = answers(200, body, kind)
    if verb is VERBS[VERB_NAMES.index("logs")] and not body:
        assert verb(client) == []  # a log without lines
        return
    with pytest.raises(UnusableAnswer) as caught:
        verb(client)
    assert "argo.endpoint" in str(caught.value)
    assert argo.endpoint in str(caught.value)


def test_only_what_changes_nothing_is_repeated(argo: StubArgo, client: ArgoClient) -> None:
    argo.misbehave = answers(503)
    for verb in (client.workflows, lambda: client.create(MANIFEST)):
        with pytest.raises(ArgoUnreachable):
            verb()
    assert [v for v, _, _ in argo.asked] == ["GET", "GET", "GET", "POST"]


def test_a_server_that_recovers_is_asked_again(argo: StubArgo, client: ArgoClient) -> None:
    argo.add(Tree(NAME).workflow())
    failures = [Response("", status=503), Response("", status=502)]
    argo.misbehave = lambda _request: failures.pop() if failures else None
    assert client.get(NAME)["metadata"]["name"] == NAME


def test_nobody_listens(profile: ClusterProfile, root: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        refused = profile.model_copy(
            update={"argo": profile.argo.model_copy(update={"endpoint": endpoint})}
        )
        with pytest.raises(ArgoUnreachable, match=r"Connection refused.*port-forward"):
            client_of(refused).get(NAME)


def test_a_server_that_does_not_answer_in_time(
    argo: StubArgo, profile: ClusterProfile, root: Path
) -> None:
    def late(_request: Request) -> Response | None:
        time.sleep(0.6)
        return None

    argo.misbehave = late
    with pytest.raises(ArgoUnreachable, match=r"no answer within 0\.2 s"):
        client_of(profile, timeout_s=0.2, attempts=1).get(NAME)
    with pytest.raises(ArgoUnreachable, match=r"PUT .*no answer"):
        client_of(profile, timeout_s=0.2).stop(NAME)


def test_an_answer_that_breaks_off(profile: ClusterProfile, root: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                b'Content-Length: 500\r\n\r\n{"metadata"'
            )
            connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        broken = profile.model_copy(
            update={"argo": profile.argo.model_copy(update={"endpoint": endpoint})}
        )
        with pytest.raises(ArgoUnreachable, match=r"GET http.*cut short"):
            client_of(broken, attempts=1).get(NAME)
        thread.join()


def test_tls_is_verified(profile: ClusterProfile, root: Path, tls_server: str) -> None:
    def at(**changed: object) -> ArgoClient:
        argo = profile.argo.model_copy(update={"endpoint": tls_server, **changed})
        return client_of(profile.model_copy(update={"argo": argo}))

    with pytest.raises(WrongInput, match=r"certificate is not accepted.*argo\.ca_file"):
        at().version()
    with pytest.raises(WrongInput, match=r"argo\.ca_file"):
        at(ca_file="/nowhere/ca.crt").version()
    assert at(verify_tls=False).version() == "v3.7.1"


def test_a_redirect_to_a_login_page_is_not_followed(argo: StubArgo, client: ArgoClient) -> None:
    argo.misbehave = lambda _request: Response(
        status=302, headers={"Location": "https://login.example.org/auth?state=abc"}
    )
    with pytest.raises(UnusableAnswer, match=r"redirected to https://login\.example\.org/auth;"):
        client.workflows()


def test_the_token_is_sent_once_and_not_shown(
    argo: StubArgo, client: ArgoClient, profile: ClusterProfile, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client.version()
    monkeypatch.setenv("ARGO_TOKEN", "Bearer already-with-scheme")
    client.version()
    monkeypatch.delenv("ARGO_TOKEN")
    client.version()
    assert argo.tokens == ["Bearer planted-secret-token", "Bearer already-with-scheme", ""]
    assert "planted" not in repr(vars(client)) + repr(vars(client._connection))
    monkeypatch.setenv("ARGO_TOKEN", "two\nlines")
    with pytest.raises(WrongInput, match="not one line") as caught:
        client.version()
    assert "two" not in str(caught.value)


def test_a_gateway_that_repeats_the_request(argo: StubArgo, client: ArgoClient) -> None:
    argo.misbehave = answers(400, "bad header: Authorization: Bearer planted-secret-token")
    with pytest.raises(ArgoRefused, match=r"Authorization: Bearer \[hidden\]"):
        client.version()


def test_an_endpoint_below_a_path(argo: StubArgo, profile: ClusterProfile, root: Path) -> None:
    below = profile.argo.model_copy(update={"endpoint": f"{argo.endpoint}/argo/"})
    client = client_of(profile.model_copy(update={"argo": below}))
    with pytest.raises(NoSuchWorkflow):
        client.version()
    assert argo.asked[-1][1] == "/argo/api/v1/version"
    assert client.address(NAME) == f"{argo.endpoint}/argo/workflows/lab/{NAME}"


def test_a_workflow_is_found_in_the_archive(argo: StubArgo, client: ArgoClient) -> None:
    argo.add(Tree(NAME, "Succeeded", 60.0).workflow(), archived=True)
    assert client.get(NAME)["status"]["phase"] == "Succeeded"
    assert not client.live(NAME)
    client.retry(NAME)
    assert argo.verbs("PUT") == [f"PUT /api/v1/archived-workflows/uid-{NAME}/retry"]
    assert client.live(NAME)
    with pytest.raises(NoSuchWorkflow, match=r"archive has none.*nucleoflow list"):
        client.get("other")


def test_delete_removes_from_cluster_and_archive(argo: StubArgo, client: ArgoClient) -> None:
    workflow = Tree(NAME, "Succeeded", 60.0).workflow()
    argo.add(workflow)
    argo.add(workflow, archived=True)
    assert client.delete(NAME)
    assert not argo.live
    assert not argo.archive
    assert not client.delete(NAME)


def test_lists_are_read_to_the_end(
    argo: StubArgo, client: ArgoClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nucleoflow.backends.argo.client._PAGE", 2)
    for i in range(5):
        argo.add(Tree(f"demo-{i}").workflow(), archived=i < 1)
    argo.add(Tree("demo-2").workflow(), archived=True)
    foreign = Tree("foreign-1").workflow()
    foreign["metadata"]["labels"] = {}
    argo.add(foreign)
    assert [w["metadata"]["name"] for w in client.workflows()] == [f"demo-{i}" for i in range(5)]
    assert client.workflows(("nucleoflow.io/study=other",)) == []


def test_log_streams(argo: StubArgo, client: ArgoClient) -> None:
    argo.add(Tree(NAME).workflow())
    argo.logs = {"a": ["one", "two"], "b": ["three"]}
    assert list(client.logs(NAME, "a", follow=False)) == [("a", "one"), ("a", "two")]
    assert [line for _, line in client.logs(NAME, None, follow=True)] == ["one", "two", "three"]
    argo.misbehave = answers(200, 'data: {"result": {"content": "x", "podName": "p"}}\n\n')
    assert list(client.logs(NAME, "p", follow=False)) == [("p", "x")]
    argo.misbehave = answers(200, '{"error": {"message": "pod is gone"}}\n')
    with pytest.raises(UnusableAnswer, match="pod is gone"):
        list(client.logs(NAME, "p", follow=False))
