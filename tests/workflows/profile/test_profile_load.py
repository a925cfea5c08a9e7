"""Cluster profiles are found, read and refused as studies are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import nucleoflow.profile
from nucleoflow.cli.app import app
from nucleoflow.profile.kinds import IMAGE_OF_KIND, STEP_KINDS
from nucleoflow.profile.load import (
    ProfileError,
    json_schema,
    load_profile,
    parse_profile,
    profile_text,
    shipped_profiles,
)
from nucleoflow.profile.quantity import amount, mebibytes, times, whole_cores
from nucleops.errors import WrongInput

MINIMAL = "storage: {endpoint: http://s3:8333}\n"


def test_shipped_profiles_are_valid() -> None:
    assert shipped_profiles() == ["gpu-spot", "kind"]
    for name in shipped_profiles():
        profile = load_profile(name)
        for kind in STEP_KINDS:
            assert profile.images.of_kind(kind).split("/")[-1].startswith(IMAGE_OF_KIND[kind])


def test_the_smallest_profile_has_the_charts_defaults() -> None:
    profile = parse_profile(MINIMAL, "mine.yaml")
    assert profile.namespace == "nucleoflow"
    assert profile.step("md").gpu is not None
    assert profile.storage.credentials_secret == "nucleoflow-s3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (MINIMAL + "namespce: x\n", ["line 2, namespce: unknown key 'namespce'", "'namespace'?"]),
        ("namespace: x\n", ["storage: is required and missing"]),
        (
            MINIMAL + "steps:\n  md:\n    memory: 4 GB\n",
            ["line 4, steps.md.memory: found '4 GB'", "should match pattern"],
        ),
        (MINIMAL + "steps:\n  mdd: {}\n", ["line 3, steps.mdd", "did you mean 'md'?"]),
        (
            "storage: {endpoint: http://me:secret@s3}\n",
            ["line 1, storage.endpoint: found 'http://me:secret@s3'"],
        ),
        (
            MINIMAL + "steps:\n  md:\n    tolerations:\n      - {key: a, operator: Equal}\n",
            ["steps.md: toleration 'a': `value` goes with `operator: Equal`"],
        ),
        ("- a\n", ["profile: a profile is a mapping, found CommentedSeq"]),
        ("a: [", ["not valid YAML"]),
        ("", ["profile: a profile is a mapping, found nothing"]),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, expected: list[str]) -> None:
    with pytest.raises(ProfileError) as caught:
        parse_profile(text, "mine.yaml")
    assert str(caught.value).startswith("mine.yaml: 1 mistake\n")
    for part in expected:
        assert part in str(caught.value)
    assert "study" not in str(caught.value)


def test_where_a_profile_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUCLEOFLOW_PROFILE", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(WrongInput, match=r"no cluster profile.*cluster\.yaml.*gpu-spot, kind"):
        load_profile()
    own = tmp_path / "nucleoflow" / "cluster.yaml"
    own.parent.mkdir()
    own.write_text(MINIMAL + "namespace: own\n", encoding="utf-8")
    assert load_profile().namespace == "own"
    other = tmp_path / "other.yaml"
    other.write_text(MINIMAL + "namespace: other\n", encoding="utf-8")
    monkeypatch.setenv("NUCLEOFLOW_PROFILE", str(other))
    assert load_profile().namespace == "other"
    assert load_profile(str(own)).namespace == "own"
    with pytest.raises(WrongInput, match=r"no file 'nowhere\.yaml' and no shipped profile"):
        load_profile("nowhere.yaml")
    assert profile_text("kind")[0] == "kind"


def test_published_schema_is_current() -> None:
    path = Path(nucleoflow.profile.__file__).parent / "data" / "profile.schema.json"
    assert json.loads(path.read_text(encoding="utf-8")) == json_schema()
    printed = CliRunner().invoke(app, ["schema", "--profile"])
    assert json.loads(printed.stdout)["title"] == "nucleoflow cluster profile"


@pytest.mark.parametrize(
    ("quantity", "factor", "expected"),
    [
        ("250m", 4, "1000m"),
        ("2", 3, "6"),
        ("1.5Gi", 2, "3Gi"),
        ("4Gi", 1, "4Gi"),
        ("0.1", 3, "0.3"),
    ],
)
def test_quantities_are_multiplied(quantity: str, factor: int, expected: str) -> None:
    assert times(quantity, factor) == expected
    assert amount(times(quantity, factor)) == amount(quantity) * factor


def test_quantities_as_numbers() -> None:
    assert mebibytes("8Gi") == 8192
    assert mebibytes("1M") == 1
    assert whole_cores("250m") == 1
    assert whole_cores("3500m") == 3
    with pytest.raises(ValueError, match="found '4 GB'"):
        amount("4 GB")
