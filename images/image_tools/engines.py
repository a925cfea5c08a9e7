"""What builds and runs images: docker, podman or buildah."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from image_tools.shell import Shell, quietly
from nucleops.errors import MissingProgram

CHECK = "nucleoflow-check"
"""The command in every image that says whether it is fit for use."""

USER = "1000:1000"


@dataclass(frozen=True)
class Build:
    """What an engine is told about one build.

    Attributes
    ----------
    dockerfile : Path
        The Dockerfile.
    tags : tuple of str
        Names of the result.
    arguments, labels : dict
        Build arguments and labels.
    epoch : str
        Seconds since 1970 that files and image are dated with; empty for now.
    extra : tuple of str
        Passed on as they are.
    """

    dockerfile: Path
    tags: tuple[str, ...]
    arguments: dict[str, str]
    labels: dict[str, str]
    epoch: str = ""
    extra: tuple[str, ...] = ()


class Engine:
    """One of the programs, all of which do the same.

    Parameters
    ----------
    shell : Shell
        Runs the commands.
    """

    name: str
    gpu: tuple[str, ...]
    """Options that give a container the graphics cards."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def works(self) -> bool:
        """Whether the program is installed and answers (docker without its server does not)."""
        return shutil.which(self.name) is not None and quietly([self.name, "info"]) is not None

    def build(self, build: Build) -> None:
        """Build an image from the project's folder."""
        self.shell.run(
            [
                *(self.name, "build", "--file", str(build.dockerfile)),
                *(word for tag in build.tags for word in ("--tag", tag)),
                *(w for k, v in build.arguments.items() for w in ("--build-arg", f"{k}={v}")),
                *(w for k, v in build.labels.items() for w in ("--label", f"{k}={v}")),
                *self.build_options(build.epoch),
                *build.extra,
                ".",
            ]
        )

    def build_options(self, epoch: str) -> list[str]:
        """Options of this engine's own; ``epoch`` as in :class:`Build`."""
        # docker's format knows health checks, which OCI's does not
        return ["--format", "docker", "--layers", *(["--timestamp", epoch] if epoch else [])]

    def push(self, reference: str) -> None:
        """Push an image to its registry."""
        self.shell.run([self.name, "push", reference])

    def run(self, reference: str, command: Sequence[str], *, gpu: bool = False) -> None:
        """Run a command as a pod of ours would be: unprivileged, on a root that is read-only."""
        self.shell.run(
            [
                *(self.name, "run", "--rm", "--read-only", "--network", "none"),
                *("--user", USER, "--cap-drop", "ALL", "--security-opt", "no-new-privileges"),
                *("--tmpfs", "/tmp:mode=1777", "--tmpfs", "/work:mode=1777,exec"),
                *(self.gpu if gpu else ()),
                reference,
                *command,
            ]
        )

    def feed(
        self, reference: str, command: Sequence[str], stdin: str, *, network: bool = False
    ) -> str:
        """Return what a command in an image answers to its standard input."""
        options = ["run", "--rm", "--interactive", *([] if network else ["--network", "none"])]
        return self.shell.output([self.name, *options, reference, *command], stdin)

    def save(self, reference: str, path: Path) -> None:
        """Write an image to an archive as docker makes it.

        Named as it is, and so found by a cluster: what is only saved is called ``localhost/...``.
        """
        self.shell.run([self.name, "push", reference, f"docker-archive:{path}:{reference}"])

    def load(self, reference: str, cluster: str) -> None:
        """Bring an image into a cluster on this machine, ``kind`` or ``minikube``."""
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "image.tar"
            self.save(reference, archive)
            if cluster == "kind":
                self.shell.run(["kind", "load", "image-archive", str(archive)])
            else:
                self.shell.run(["minikube", "image", "load", str(archive)])


class Docker(Engine):
    """Docker with BuildKit."""

    name = "docker"
    gpu = ("--gpus", "all")

    def build_options(self, epoch: str) -> list[str]:
        """BuildKit takes the date as a build argument."""
        return ["--build-arg", f"SOURCE_DATE_EPOCH={epoch}"] if epoch else []

    def save(self, reference: str, path: Path) -> None:
        """Write an image to an archive."""
        self.shell.run(["docker", "save", "--output", str(path), reference])


class Podman(Engine):
    """Podman, which needs no server."""

    name = "podman"
    gpu = ("--device", "nvidia.com/gpu=all")


class Buildah(Engine):
    """Buildah, which builds inside containers too (``BUILDAH_ISOLATION=chroot``)."""

    name = "buildah"
    gpu = ("--device", "nvidia.com/gpu=all")

    def run(self, reference: str, command: Sequence[str], *, gpu: bool = False) -> None:
        """Run a command as user 1000, whom the root does not belong to.

        Buildah cannot make a root read-only; the user may write under /work and /tmp only.
        """
        options = ["--user", USER, *(self.gpu if gpu else ())]
        self._in_container(reference, options, command, None)

    def feed(
        self, reference: str, command: Sequence[str], stdin: str, *, network: bool = False
    ) -> str:
        """Return what a command in an image answers to its standard input.

        The network is the machine's own where containers are isolated by chroot.
        """
        return self._in_container(reference, [], command, stdin)

    def _in_container(
        self, reference: str, options: Sequence[str], command: Sequence[str], stdin: str | None
    ) -> str:
        container = self.shell.output(["buildah", "from", reference]) or "CONTAINER"
        words = ["buildah", "run", *options, container, "--", *command]
        try:
            if stdin is not None:
                return self.shell.output(words, stdin)
            self.shell.run(words)
            return ""
        finally:
            self.shell.output(["buildah", "rm", container])


ENGINES: dict[str, type[Engine]] = {e.name: e for e in (Docker, Podman, Buildah)}


def find_engine(name: str | None, shell: Shell) -> Engine:
    """Return the engine of a name, or the first of :data:`ENGINES` that answers.

    In a dry run a named engine need not be installed.

    Raises
    ------
    MissingProgram
        If none is installed or answers.
    """
    if name is not None:
        engine = ENGINES[name](shell)
        if shell.dry_run or engine.works():
            return engine
        raise MissingProgram(
            f"{name} is not installed or does not answer (`{name} info`)",
            advice="start its server, or choose another with --engine",
        )
    for kind in ENGINES.values():
        engine = kind(shell)
        if engine.works():
            return engine
    if shell.dry_run:
        return Docker(shell)
    raise MissingProgram(
        "nothing that builds images answers",
        advice=f"install one of {', '.join(ENGINES)}, or start docker's server",
    )
