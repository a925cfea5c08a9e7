"""``images/build``: build images, and check, describe, push or load them."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from collections.abc import Sequence

from image_tools.bases import check_reference, read_bases
from image_tools.catalogue import IMAGES, ROOT, VARIANTS, Target, project_version, targets
from image_tools.engines import CHECK, ENGINES, Build, Engine, find_engine
from image_tools.sbom import write_sbom
from image_tools.shell import Shell, quietly
from nucleops.errors import NucleoError, WrongInput

SBOM_FOLDER = ROOT / "dist" / "sbom"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns 0, 1 where something failed, or 2 for wrong input."""
    ours, extra = split_extra(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(ours)
    options.extra = extra
    try:
        _run(options)
    except NucleoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, WrongInput) else 1
    return 0


def _run(options: argparse.Namespace) -> None:
    bases = read_bases() | _pairs(options.base, "--base")
    for name, reference in bases.items():
        check_reference(reference, name)
    engine = find_engine(options.engine, Shell(options.dry_run))
    chosen = list(targets(options.images, options.variant))
    for target in chosen:
        reference = target.reference(options.repository, options.tag)
        start = time.monotonic()
        engine.build(_build(target, reference, bases, options))
        if not options.dry_run:
            print(f"built {reference} in {time.monotonic() - start:.0f} s")
        _use(engine, target, reference, options)


def _build(
    target: Target, reference: str, bases: dict[str, str], options: argparse.Namespace
) -> Build:
    used = {name: bases[name] for name in target.image.bases if name in bases}
    missing = [name for name in target.image.bases if name not in bases]
    if missing:
        raise WrongInput(f"bases.lock does not name {', '.join(missing)}")
    revision, epoch = revision_and_date()
    return Build(
        dockerfile=target.image.dockerfile.relative_to(ROOT),
        tags=(reference,),
        arguments=used | dict(target.arguments) | _pairs(options.build_arg, "--build-arg"),
        labels=labels(options.tag, revision, epoch, options.source, used["BASE"]),
        epoch=epoch,
        extra=tuple(options.extra),
    )


def _use(engine: Engine, target: Target, reference: str, options: argparse.Namespace) -> None:
    if options.check:
        gpu = target.variant == "cuda"
        engine.run(reference, [CHECK, *(["--gpu"] if gpu else [])], gpu=gpu)
    if options.sbom:
        path = SBOM_FOLDER / f"{target.image.name}-{target.tag(options.tag)}.cdx.json"
        write_sbom(engine, reference, path)
    if options.push:
        engine.push(reference)
    if options.load:
        engine.load(reference, options.load)


def revision_and_date() -> tuple[str, str]:
    """Return the commit (``-dirty`` where files differ from it) and its time; empty without git."""
    revision = quietly(["git", "rev-parse", "HEAD"]) or ""
    epoch = quietly(["git", "log", "-1", "--format=%ct"]) or ""
    if revision and quietly(["git", "status", "--porcelain", "--untracked-files=no"]):
        revision += "-dirty"
    return revision, epoch


def labels(version: str, revision: str, epoch: str, source: str, base: str) -> dict[str, str]:
    """Return the labels that no Dockerfile can know, by their OCI names; none is empty.

    Parameters
    ----------
    version, revision, epoch : str
        The project's version, commit, and the commit's time in seconds since 1970.
    source : str
        Address of the repository.
    base : str
        Reference of the base image, with its digest.
    """
    name, _, digest = base.partition("@")
    when = dt.datetime.fromtimestamp(int(epoch), dt.UTC) if epoch else None
    found = {
        "version": version,
        "revision": revision,
        "created": when.strftime("%Y-%m-%dT%H:%M:%SZ") if when else "",
        "source": source,
        "base.name": name,
        "base.digest": digest,
    }
    return {f"org.opencontainers.image.{key}": value for key, value in found.items() if value}


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise WrongInput(f"{option} '{text}'", advice="allowed: NAME=VALUE")
        pairs[name] = value
    return pairs


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="images/build",
        description="Build the container images.",
        epilog="What stands after -- is passed on to the engine's build.",
    )
    add = parser.add_argument
    add("images", nargs="*", metavar="IMAGE", help=f"{', '.join(IMAGES)} (default: all)")
    add("--variant", action="append", choices=VARIANTS, default=[], help="default: both")
    add("--engine", choices=list(ENGINES), help="default: the first that answers")
    add("--repository", default="nucleoflow", help="what stands before /<image> in its name")
    add("--tag", default=project_version(), help="version in the tag (default: the project's)")
    add("--base", action="append", default=[], metavar="NAME=IMAGE", help="instead of bases.lock")
    add("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    add("--source", default="", metavar="URL", help="address of the repository, for the labels")
    add("--check", action="store_true", help=f"run {CHECK} in each image, as a pod would")
    add("--sbom", action="store_true", help="write its bill of materials (CycloneDX) to dist/sbom")
    add("--push", action="store_true", help="push to the registry in --repository")
    add("--load", choices=("kind", "minikube"), help="bring into a cluster on this machine")
    add("--dry-run", action="store_true", help="show the commands and run none")
    return parser


def split_extra(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split a command line at ``--``: what is ours, and what the engine gets."""
    words = list(arguments)
    cut = words.index("--") if "--" in words else len(words)
    return words[:cut], words[cut + 1 :]
