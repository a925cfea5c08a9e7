"""Credentials stay with who needs them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from nucleops.credentials import SECRET_VARIABLES, redact, without_secrets
from nucleops.engines.runner import run


def test_programs_do_not_inherit_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRET_VARIABLES:
        monkeypatch.setenv(name, "planted-secret")
    monkeypatch.setenv("NUCLEOFLOW_S3_ENDPOINT", "http://store")
    code = "import os; print(dict(os.environ))"
    run([sys.executable, "-c", code], tmp_path, tmp_path / "log").check()
    log = (tmp_path / "log").read_text()
    assert "http://store" in log
    assert "planted-secret" not in log
    assert not any(name in log for name in SECRET_VARIABLES)


def test_values_are_hidden_in_texts() -> None:
    environment = {"AWS_SECRET_ACCESS_KEY": "planted-secret", "ARGO_TOKEN": "a", "HOME": "/home/me"}
    shown = redact("planted-secret of /home/me, a word", environment)
    assert shown == "[hidden] of /home/me, a word"
    assert without_secrets(environment) == {"HOME": "/home/me"}
