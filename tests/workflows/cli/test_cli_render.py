"""``nucleoflow render``: manifests without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from nucleoflow.backends.argo.check import check_manifest
from nucleoflow.cli.app import app
from nucleoflow.profile.load import load_profile, parse_profile, shipped_profiles

RUN = "quickstart-20261128-101500"


def render(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["render", *words])
    return result.exit_code, result.output


def test_a_study_to_a_file(tmp_path: Path) -> None:
    paths = [tmp_path / "run.yaml", tmp_path / "run.json"]
    for path in paths:
        words = ("quickstart", "--profile", "kind", "--run-id", RUN, "--stage", "build")
        assert render(*words, "-o", str(path)) == (0, f"wrote {path}\n")
    manifest = json.loads(paths[1].read_text(encoding="utf-8"))
    assert YAML(typ="safe").load(paths[0]) == manifest
    check_manifest(manifest)
    assert manifest["metadata"]["name"] == RUN


def test_replicas_as_asked_for() -> None:
    code, text = render("quickstart", "--profile", "kind", "--replicas", "10000")
    assert code == 0
    assert "untilStep(0, 10000, 1)" in text


def test_example_profiles_are_listed_and_shown() -> None:
    listed = CliRunner().invoke(app, ["profiles"]).stdout.splitlines()
    assert [line.split()[0] for line in listed] == shipped_profiles()
    shown = CliRunner().invoke(app, ["profiles", "--show", "kind"]).stdout
    assert parse_profile(shown, "shown") == load_profile("kind")


def test_the_form() -> None:
    code, text = render("--template", "--profile", "kind")
    assert code == 0
    check_manifest(YAML(typ="safe").load(text))


def test_a_stage_on_top_of_an_earlier_run(tmp_path: Path) -> None:
    run = tmp_path / "quickstart-20260101-000000"
    (run / "results" / "models").mkdir(parents=True)
    (run / "run.json").write_text("{}", encoding="utf-8")
    (run / "results" / "models" / "a.pb").write_text("a", encoding="utf-8")
    words = ("quickstart", "--profile", "kind", "--stage", "nucleate", "--from", "quickstart")
    code, text = render(*words, "--runs", str(tmp_path), "--run-id", RUN)
    assert code == 0
    assert f"key: {RUN}/given/models-0" in text
    assert "2 files have to be in the store before it starts" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--profile", "kind"), "STUDY is missing"),
        (("quickstart", "--template", "--profile", "kind"), "found a study"),
        (("quickstart", "--profile", "none.yaml"), "no shipped profile"),
        (("quickstart", "--profile", "kind", "--stage", "metd"), "did you mean 'metad'?"),
        (("quickstart", "--profile", "kind", "--stage", "metad"), "--from RUN"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(app, ["render", *words])
    assert result.exit_code == 2
    assert message in result.output + result.stderr
