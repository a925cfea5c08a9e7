"""The images are those that cluster profiles name, by the same names."""

from __future__ import annotations

from typing import get_args

import pytest

from image_tools.catalogue import IMAGES, ROOT, VARIANTS, project_version, targets
from nucleoflow import __version__
from nucleoflow.profile import kinds
from nucleoflow.profile.model import Images
from nucleops.errors import WrongInput


def test_images_are_those_of_the_profile_and_have_a_folder_each():
    folders = {path.parent.name for path in (ROOT / "images").glob("*/Dockerfile")}
    assert set(IMAGES) == set(get_args(kinds.Image)) == folders


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_profile_pulls_what_was_built(variant):
    profile = Images(repository="registry.example.org/team", tag="1.2", variant=variant)
    built = {t.reference("registry.example.org/team", "1.2") for t in targets([], [variant])}
    assert built == {profile.reference(image) for image in get_args(kinds.Image)}


def test_version_is_the_projects():
    assert project_version() == __version__


def test_images_without_variants_are_built_whatever_variant_is_asked_for():
    assert [(t.image.name, t.variant) for t in targets(["cp2k", "deepmd"], ["cuda"])] == [
        ("cp2k", ""),
        ("deepmd", "cuda"),
    ]


def test_unknown_image_is_refused_with_what_there_is():
    with pytest.raises(WrongInput, match=r"no image lamps; allowed: orchestrator, cp2k"):
        list(targets(["lamps"], []))
