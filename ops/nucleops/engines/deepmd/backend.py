"""DeePMD-kit's backends: what differs between TensorFlow and PyTorch on the way to a model."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from nucleops.errors import MissingProgram


@dataclass(frozen=True)
class Backend:
    """One of DeePMD-kit's backends.

    Attributes
    ----------
    name : str
        As the settings call it.
    option : str
        What ``dp`` takes to choose it.
    package : str
        Python package that must be there besides ``deepmd``.
    suffix : str
        Of frozen models; by it ``dp`` and LAMMPS' ``pair_style deepmd`` know the backend.
    install : str
        How to install it.
    """

    name: str
    option: str
    package: str
    suffix: str
    install: str

    def is_there(self) -> bool:
        """Whether its package is installed."""
        return importlib.util.find_spec(self.package) is not None

    def checkpoint(self, step: int) -> str:
        """Name under which ``--restart`` and ``freeze -c`` take the checkpoint of a step."""
        return f"model.ckpt-{step}" + (".pt" if self.name == "pytorch" else "")

    def checkpoint_files(self, step: int, folder: Path) -> list[Path]:
        """Files in ``folder`` that are the checkpoint of a step."""
        name = self.checkpoint(step)
        pattern = name if self.name == "pytorch" else f"{name}.*"
        return sorted(folder.glob(pattern))


BACKENDS = {
    backend.name: backend
    for backend in (
        Backend(
            "tensorflow",
            "--tf",
            "tensorflow",
            ".pb",
            "pip install 'nucleoflow[engines]' (CPU) or 'nucleoflow[gpu]'",
        ),
        Backend(
            "pytorch",
            "--pt",
            "torch",
            ".pth",
            # brings the one torch that the wheel's own operators load with
            "pip install 'deepmd-kit[torch]==3.2.0'",
        ),
    )
}


def backend_of(name: str) -> Backend:
    """Return a backend that is installed.

    Raises
    ------
    MissingProgram
        Naming the package that is missing and how to install it.
    """
    backend = BACKENDS[name]
    for package in ("deepmd", backend.package):
        if importlib.util.find_spec(package) is None:
            raise MissingProgram(
                f"training with backend: {name} needs the Python package {package}, "
                "which is not installed",
                advice=f"{_install(package, backend)}, or choose another backend",
            )
    return backend


def _install(package: str, backend: Backend) -> str:
    return BACKENDS["tensorflow"].install if package == "deepmd" else backend.install
