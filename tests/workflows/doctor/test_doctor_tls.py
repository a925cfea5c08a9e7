"""Certificates that are not trusted, and TLS where there is none."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from doctor_visit import Doctor, of  # beside this file, which is not a package
from pytest_httpserver import HTTPServer
from stub_cluster import NAMESPACE


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that signs itself, with its key in the same file."""
    openssl = shutil.which("openssl")
    assert openssl, "the tests of certificates need openssl"
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    key = path.with_name("key.pem")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
         "-out", path, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    path.write_text(path.read_text() + key.read_text())
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[HTTPServer]:
    """An Argo server with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with HTTPServer(ssl_context=context) as server:
        server.expect_request("/api/v1/version").respond_with_json({"version": "v4.0.6"})
        server.expect_request("/api/v1/userinfo").respond_with_json({"subject": "ada"})
        server.expect_request(f"/api/v1/workflows/{NAMESPACE}").respond_with_json({})
        yield server


def test_an_untrusted_certificate_names_the_setting(doctor: Doctor, secure: HTTPServer) -> None:
    doctor.profile["argo"] = {"endpoint": secure.url_for("").rstrip("/")}
    (found,) = of(doctor.examine(), "Argo server")
    assert found.state == "failed"
    assert "not trusted (self-signed certificate)" in found.detail
    assert "argo.ca_file" in found.advice


def test_a_trusted_certificate_passes(
    doctor: Doctor, secure: HTTPServer, certificate: Path
) -> None:
    doctor.profile["argo"] = {
        "endpoint": secure.url_for("").rstrip("/"),
        "ca_file": str(certificate),
    }
    findings = doctor.examine()
    assert [f.state for f in findings if f.check.startswith("Argo")] == ["passed"] * 4
    doctor.profile["argo"]["ca_file"] = str(certificate.with_name("none.pem"))
    (found,) = of(doctor.examine(), "Argo server")
    assert found.state == "failed"
    assert "there is no file" in found.detail


def test_a_certificate_for_another_name(
    doctor: Doctor, secure: HTTPServer, certificate: Path
) -> None:
    doctor.profile["argo"] = {
        "endpoint": secure.url_for("").rstrip("/").replace("localhost", "127.0.0.1"),
        "ca_file": str(certificate),
    }
    (found,) = of(doctor.examine(), "Argo server")
    assert found.state == "failed"
    assert "the name that the certificate is for" in found.advice


def test_an_unchecked_certificate_is_a_warning(
    doctor: Doctor, secure: HTTPServer, recwarn: pytest.WarningsRecorder
) -> None:
    doctor.profile["argo"] = {"endpoint": secure.url_for("").rstrip("/"), "verify_tls": False}
    (found,) = of(doctor.examine(), "Argo server")
    assert found.state == "warned"
    assert "argo.verify_tls" in found.advice
    assert [w for w in recwarn if "Unverified" in str(w.message)] == []


def test_tls_where_there_is_none(doctor: Doctor) -> None:
    plain = doctor.stub.address.replace("http://", "https://")
    doctor.profile["argo"] = {"endpoint": plain}
    doctor.profile["storage"] = {"endpoint": plain}
    findings = doctor.examine()
    assert "does not speak TLS" in of(findings, "Argo server")[0].detail
    assert "http://" in of(findings, "Argo server")[0].advice
    assert "does not speak TLS" in of(findings, "object store")[0].detail


def test_an_api_server_that_is_not_trusted(
    doctor: Doctor, secure: HTTPServer, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    address = secure.url_for("").rstrip("/")
    kubeconfig.write_text(kubeconfig.read_text().replace(doctor.stub.address, address))
    (found,) = of(doctor.examine(), "API server")
    assert found.state == "failed"
    assert "certificate authority" in found.advice
    assert "Traceback" not in found.detail


def test_a_store_whose_certificate_is_not_to_be_checked(doctor: Doctor) -> None:
    doctor.profile["storage"] = {"endpoint": "https://s3.example.org", "verify_tls": False}
    doctor.profile["storage"]["client_endpoint"] = doctor.stub.address
    (found,) = of(doctor.examine(), "object store")
    assert found.state == "failed"
    assert "storage.ca_config_map" in found.advice
