"""Manifests of the shipped studies on the shipped profiles, each rendered once."""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from nucleoflow.backends.argo.render import render
from nucleoflow.dag.plan import PRODUCTIONS, REPORTED
from nucleoflow.dag.production import result_names
from nucleoflow.profile.load import load_profile, shipped_profiles
from nucleoflow.study.load import load_study, shipped_studies
from nucleoflow.study.model import STAGES, Study

RUN_TIME = "20261128-101500"
WHOLE = "whole"
CASES = list(itertools.product(shipped_studies(), shipped_profiles(), (WHOLE, *STAGES)))
Manifest = dict[str, Any]
Render = Callable[[str, str, str], Manifest]


def earlier_products(study: Study) -> dict[str, str | list[str]]:
    """Keys of everything that an earlier run made."""
    keys: dict[str, str | list[str]] = {"systems": "old/systems.tgz", "models": "old/models.tgz"}
    for product in REPORTED:
        names = result_names(study, product) if product in PRODUCTIONS else [product]
        made = [f"old/{name}" for name in names]
        keys[product] = made if product in PRODUCTIONS else made[0]
    return keys


@functools.cache
def _rendered(study: str, profile: str, stage: str) -> Manifest:
    loaded = load_study(study)
    return render(
        loaded,
        load_profile(profile),
        run_id=f"{study}-{RUN_TIME}",
        stages=() if stage == WHOLE else (stage,),
        given={} if stage == WHOLE else earlier_products(loaded),
    ).manifest


@pytest.fixture
def rendered() -> Render:
    """(study, profile, stage or ``whole``) to a manifest of the test's own."""
    return lambda study, profile, stage: copy.deepcopy(_rendered(study, profile, stage))


@pytest.fixture(params=CASES, ids="-".join)
def manifest(request: pytest.FixtureRequest) -> Manifest:
    """Every shipped study on every shipped profile: as a whole, and each stage alone."""
    return copy.deepcopy(_rendered(*request.param))


@pytest.fixture(params=[c for c in CASES if c[2] == WHOLE], ids="-".join)
def whole(request: pytest.FixtureRequest) -> tuple[str, Manifest]:
    """Every shipped study as a whole on every shipped profile, with the profile's name."""
    return request.param[1], copy.deepcopy(_rendered(*request.param))
