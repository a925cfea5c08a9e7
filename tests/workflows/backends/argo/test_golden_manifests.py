"""Manifests as they were reviewed; ``make golden`` writes them anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nucleoflow.backends.argo.files import manifest_text
from nucleoflow.backends.argo.launcher import workflow_template
from nucleoflow.profile.load import load_profile

GOLDEN = Path(__file__).parents[3] / "data" / "manifests"


@pytest.mark.parametrize(
    ("study", "profile", "stage"),
    [("quickstart", "kind", "whole"), ("ag6", "gpu-spot", "nucleate"), (None, "gpu-spot", None)],
)
def test_manifest_is_the_reviewed_one(
    rendered: Any,
    pytestconfig: pytest.Config,
    study: str | None,
    profile: str,
    stage: str | None,
) -> None:
    if study is None:
        name, manifest = f"template-{profile}", workflow_template(load_profile(profile))
    else:
        name, manifest = f"{study}-{profile}-{stage}", rendered(study, profile, stage)
    path, text = GOLDEN / f"{name}.yaml", manifest_text(manifest)
    if pytestconfig.getoption("--rewrite-golden"):
        GOLDEN.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), (
        "see the difference with: make golden; git diff"
    )
