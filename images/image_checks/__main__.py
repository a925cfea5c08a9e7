"""``nucleoflow-check``: run the checks of this image and say what each found."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from image_checks import common, cp2k, deepmd, lammps, orchestrator
from nucleops.errors import NucleoError, WrongInput

Check = Callable[[], str]

ENGINE: dict[str, tuple[Check, Check]] = {
    "orchestrator": (orchestrator.starts, orchestrator.builds_a_system),
    "cp2k": (cp2k.starts, cp2k.labels_a_molecule),
    "deepmd": (deepmd.starts, deepmd.trains_a_model),
    "lammps-plumed": (lammps.starts, lammps.runs_biased_dynamics),
}
"""Per image: what shows in a second that the engine starts, and what shows that it computes."""


def checks_of(image: str, *, quick: bool, gpu: bool) -> list[tuple[str, Check]]:
    """Return the named checks of an image, in their order.

    Raises
    ------
    WrongInput
        If there is no such image.
    """
    if image not in ENGINE:
        raise WrongInput(f"$NUCLEOFLOW_IMAGE is '{image}'", advice=f"allowed: {', '.join(ENGINE)}")
    starts, computes = ENGINE[image]
    checks: list[tuple[str, Check]] = [("engine starts", starts)]
    if not quick:
        checks = [
            ("user and folders", common.runs_unprivileged),
            ("versions", common.versions_are_locked),
            ("operators", common.operators_import),
            *checks,
            ("engine computes", computes),
        ]
    if gpu:
        checks.append(("graphics card", deepmd.sees_a_card))
    return checks


def main(arguments: list[str] | None = None) -> int:
    """Run the checks; returns 0 if all passed, 1 if one failed, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="nucleoflow-check", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only start the engine")
    parser.add_argument("--gpu", action="store_true", help="a graphics card must be usable too")
    options = parser.parse_args(arguments)
    image = os.environ.get("NUCLEOFLOW_IMAGE", "")
    try:
        checks = checks_of(image, quick=options.quick, gpu=options.gpu)
    except WrongInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="check-", dir=Path.cwd()) as folder:
        os.chdir(folder)
        for name, check in checks:
            start = time.monotonic()
            try:
                result, found = "ok", check()
            except NucleoError as error:
                result, found = "FAILED", str(error)
            except Exception as error:  # an import that fails is a finding, not a bug of ours
                result, found = "FAILED", f"{type(error).__name__}: {error}"
            failed += result == "FAILED"
            print(f"{result:6s} {name}: {found} ({time.monotonic() - start:.1f} s)", flush=True)
        os.chdir("/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
