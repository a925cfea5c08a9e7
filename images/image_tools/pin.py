"""``images/pin``: write digests of base images, and exact lists of conda packages."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from image_tools.bases import LOCK, read_bases, tagged, with_digests
from image_tools.catalogue import ROOT
from image_tools.engines import ENGINES, Engine, find_engine
from image_tools.shell import Shell, quietly
from nucleops.errors import MissingProgram, NucleoError, ProgramFailed, WrongInput

SPECIFICATIONS = ROOT / "images" / "lammps-plumed"

CUDA = "12.9"
"""CUDA that the solver supposes for specifications ending in ``-cuda``."""

RESOLVERS: tuple[tuple[str, ...], ...] = (
    ("crane", "digest", "{}"),
    ("skopeo", "inspect", "--format", "{{{{.Digest}}}}", "docker://{}"),
    ("docker", "buildx", "imagetools", "inspect", "--format", "{{{{.Manifest.Digest}}}}", "{}"),
)
"""Commands that ask a registry for the digest behind a tag, without pulling."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, 1 where something failed or is out of date, 2 for wrong input."""
    parser = argparse.ArgumentParser(prog="images/pin", description=__doc__)
    add = parser.add_argument
    add("what", nargs="?", choices=("bases", "conda"), default="bases", help="default: bases")
    add("--check", action="store_true", help="write nothing; fail where a digest is out of date")
    add("--engine", choices=list(ENGINES), help="runs micromamba, for conda")
    options = parser.parse_args(arguments)
    try:
        if options.what == "conda":
            pin_conda(find_engine(options.engine, Shell()))
            return 0
        return pin_bases(LOCK, ask_registry, check=options.check)
    except NucleoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongInput) else 1


def pin_bases(path: Path, digest_of: Callable[[str], str], *, check: bool) -> int:
    """Bring the digests of a lock file up to date with its tags, and say what changed.

    Parameters
    ----------
    path : Path
        The lock file.
    digest_of : callable
        Returns ``sha256:...`` of a tagged reference.
    check : bool
        Leave the file as it is.

    Returns
    -------
    int
        1 if a digest is out of date and was not written, else 0.
    """
    bases = read_bases(path)
    digests = {name: digest_of(tagged(reference)) for name, reference in bases.items()}
    old = [n for n, d in digests.items() if bases[n].partition("@")[2] != d]
    for name, digest in digests.items():
        print(f"{'old     ' if name in old else 'current '} {tagged(bases[name])} {digest}")
    if old and not check:
        text = path.read_text(encoding="utf-8")
        path.write_text(with_digests(text, digests), encoding="utf-8")
    return 1 if old and check else 0


def ask_registry(reference: str) -> str:
    """Return the digest behind a tag.

    Raises
    ------
    MissingProgram
        If no program could ask, or the registry did not answer.
    """
    for words in RESOLVERS:
        answer = quietly([word.format(reference) for word in words])
        if answer is not None and re.fullmatch(r"sha256:[0-9a-f]{64}", answer):
            return answer
    raise MissingProgram(
        f"the digest of {reference} could not be found out",
        advice="install crane, skopeo or docker's buildx; is the registry reachable?",
    )


def pin_conda(engine: Engine) -> None:
    """Solve every conda specification and write the exact files beside it, with checksums.

    Raises
    ------
    ProgramFailed
        If a specification cannot be solved, or a channel not be reached.
    """
    image = read_bases()["MICROMAMBA"]
    for specification in sorted(SPECIFICATIONS.glob("*.yaml")):
        cuda = CUDA if specification.stem.endswith("-cuda") else ""
        script = (
            "cat > /tmp/spec.yaml; export CONDA_OVERRIDE_GLIBC=2.36; "
            + (f"export CONDA_OVERRIDE_CUDA={cuda}; " if cuda else "")
            + "micromamba create -y -q --strict-channel-priority -p /tmp/env -f /tmp/spec.yaml >&2"
            " && micromamba env export --explicit -p /tmp/env"
        )
        text = specification.read_text(encoding="utf-8")
        answer = engine.feed(image, ["bash", "-c", script], text, network=True)
        if "@EXPLICIT" not in answer:
            raise ProgramFailed(f"{specification.name}: micromamba named no packages")
        target = specification.with_suffix(".lock")
        target.write_text(answer + "\n", encoding="utf-8")
        print(f"wrote {target.relative_to(ROOT)}")
