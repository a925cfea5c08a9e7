"""Which images there are, in which variants, and what each is made from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nucleops.errors import WrongInput

ROOT = Path(__file__).resolve().parents[2]
"""The project's folder, which is the context of every build."""

VARIANTS = ("cpu", "cuda")


@dataclass(frozen=True)
class Image:
    """One folder of ``images/``.

    Attributes
    ----------
    name : str
        The folder, and the image's name in a registry.
    bases : tuple of str
        Names in ``bases.lock`` that its Dockerfile takes.
    variants : mapping of str to mapping of str to str
        Build arguments of each variant; without variants, of ``""``.
    """

    name: str
    bases: tuple[str, ...] = ("BASE",)
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"": {}})

    @property
    def dockerfile(self) -> Path:
        """Its Dockerfile."""
        return ROOT / "images" / self.name / "Dockerfile"


IMAGES: dict[str, Image] = {
    image.name: image
    for image in (
        Image("orchestrator"),
        Image("cp2k"),
        Image(
            "deepmd",
            variants={
                "cpu": {"LOCK": "requirements-engines.lock"},
                "cuda": {"LOCK": "requirements-gpu.lock"},
            },
        ),
        Image(
            "lammps-plumed",
            bases=("BASE", "MICROMAMBA"),
            variants={variant: {"VARIANT": variant} for variant in VARIANTS},
        ),
    )
}


@dataclass(frozen=True)
class Target:
    """One image in one variant, which is what is built.

    Attributes
    ----------
    image : Image
        What to build.
    variant : str
        ``cpu`` or ``cuda``; empty for an image without variants.
    """

    image: Image
    variant: str

    @property
    def arguments(self) -> Mapping[str, str]:
        """Build arguments that make this variant."""
        return self.image.variants[self.variant]

    def tag(self, version: str) -> str:
        """Return the tag, as a cluster profile writes it: the variant comes last."""
        return f"{version}-{self.variant}" if self.variant else version

    def reference(self, repository: str, version: str) -> str:
        """Return the full name."""
        return f"{repository}/{self.image.name}:{self.tag(version)}"


def targets(names: Iterable[str], variants: Iterable[str]) -> Iterator[Target]:
    """Yield what to build, in the catalogue's order.

    Parameters
    ----------
    names : iterable of str
        Images; none means all.
    variants : iterable of str
        Variants; none means all. An image without variants is always built.

    Raises
    ------
    WrongInput
        If there is no such image.
    """
    wanted = list(names) or list(IMAGES)
    unknown = [name for name in wanted if name not in IMAGES]
    if unknown:
        raise WrongInput(
            f"there is no image {', '.join(unknown)}", advice=f"allowed: {', '.join(IMAGES)}"
        )
    chosen = list(variants) or list(VARIANTS)
    for image in IMAGES.values():
        if image.name in wanted:
            yield from (Target(image, v) for v in image.variants if v in ("", *chosen))


def project_version() -> str:
    """Return the version in ``pyproject.toml``."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])
