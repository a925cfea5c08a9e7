"""What must hold for every Dockerfile, whoever builds it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from image_tools.catalogue import IMAGES, ROOT

from .conftest import Instruction, instructions

KEYWORDS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "FROM", "HEALTHCHECK", "LABEL", "RUN", "SHELL",
    "USER", "WORKDIR",
}  # fmt: skip
WRITABLE = ("/tmp", "/work")

every_image = pytest.mark.parametrize("image", IMAGES.values(), ids=list(IMAGES))


def last_stage(found: list[Instruction]) -> list[Instruction]:
    start = max(i for i, one in enumerate(found) if one.keyword == "FROM")
    return found[start:]


@every_image
def test_hadolint_has_nothing_to_say(image):
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "--failure-threshold", "style", image.dockerfile],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@every_image
def test_only_known_instructions_and_nothing_from_the_network_by_add(image):
    found = instructions(image.dockerfile)
    assert {one.keyword for one in found} <= KEYWORDS
    assert not any(re.search(r"\b(curl|wget)\b", one.rest) for one in found)


@every_image
def test_every_base_comes_from_the_lock_file(image):
    """No tag is written here, so none can be `latest`."""
    found = instructions(image.dockerfile)
    stages = [one.rest for one in found if one.keyword == "FROM"]
    assert len(stages) >= 2, "one stage builds, another is shipped"
    used = {re.fullmatch(r"\$\{([A-Z]+)\}( AS [a-z]+)?", stage)[1] for stage in stages}
    assert used == set(image.bases)
    before_first = [one.rest for one in found[: len(image.bases)]]
    assert set(before_first) == set(image.bases), "declared before the first stage, without default"


@every_image
def test_it_ends_as_a_user_without_rights_by_number(image):
    """Kubernetes cannot tell whether a named user is root and refuses it with runAsNonRoot."""
    shipped = last_stage(instructions(image.dockerfile))
    assert [one.rest for one in shipped if one.keyword == "USER"] == ["1000:1000"]
    after = [one.keyword for one in shipped[[o.keyword for o in shipped].index("USER") :]]
    assert "RUN" not in after
    assert "COPY" not in after


@every_image
def test_home_and_caches_lie_where_a_pod_may_write(image):
    shipped = last_stage(instructions(image.dockerfile))
    words = " ".join(one.rest for one in shipped if one.keyword == "ENV")
    environment = dict(re.findall(r"([A-Z_]+)=(\S+)", words))
    for name in ("HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR"):
        assert environment[name].startswith(WRITABLE), name
    assert environment["NUCLEOFLOW_IMAGE"] == image.name
    assert environment["PATH"].startswith("/opt/nucleoflow/bin:"), "python3 is the project's"


def test_what_all_images_share_is_the_same_in_all():
    shared = {
        image.name: re.search(
            r"# The same in every image.*?(?=^CMD)",
            image.dockerfile.read_text(encoding="utf-8"),
            re.DOTALL | re.MULTILINE,
        )[0]
        for image in IMAGES.values()
    }
    assert len(set(shared.values())) == 1, shared


@every_image
def test_what_is_copied_is_there_and_is_not_ignored(image):
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    for one in instructions(image.dockerfile):
        if one.keyword != "COPY" or "--from=" in one.rest:
            continue
        for source in one.rest.split()[:-1]:
            name = source.replace("${LOCK}", "requirements-gpu.lock")
            assert (ROOT / name).exists(), name
            assert any(
                Path(name).is_relative_to(pattern) or Path(name).match(pattern)
                for pattern in allowed
            ), f"{name} is not let through by .dockerignore"


@every_image
def test_labels_say_what_it_is_and_under_which_licence(image):
    shipped = last_stage(instructions(image.dockerfile))
    text = " ".join(one.rest for one in shipped if one.keyword == "LABEL")
    for label in ("title", "description", "licenses"):
        assert f"org.opencontainers.image.{label}=" in text


@pytest.mark.parametrize(
    "name",
    [
        "build",
        "pin",
        "common/apt-install",
        "common/nucleoflow-check",
        "common/python-env",
        "lammps-plumed/conda-env",
    ],
)
def test_scripts_can_be_run(name):
    assert (ROOT / "images" / name).stat().st_mode & 0o111 == 0o111
