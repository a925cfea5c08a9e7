"""Run the script that dflow writes for a step, cheaply, and tell how it ended.

dflow imports the clients of Kubernetes, Argo and MinIO wherever it is imported, which is most of
what a short step costs, and does without them when they cannot be imported. Steps do not use them.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from dataclasses import dataclass

from nucleops.errors import NucleoError

TRANSIENT_EXIT = 1
"""Exit code of dflow's ``TransientError``: worth another try."""
FATAL_EXIT = 2
"""Exit code of dflow's ``FatalError``."""
BUG = 70
"""Exit code for an exception that nobody turned into a failure (EX_SOFTWARE)."""

_NOT_NEEDED = ("kubernetes", "argo", "minio")


@dataclass(frozen=True)
class Ending:
    """How a script ended.

    Attributes
    ----------
    code : int
        Its exit code.
    error : BaseException or None
        What it failed with, as far as is known; its traceback has been printed.
    """

    code: int
    error: BaseException | None = None


def ending_of(failure: NucleoError) -> Ending:
    """Return the ending that an expected failure means."""
    return Ending(TRANSIENT_EXIT if failure.transient else FATAL_EXIT, failure)


def run_script(script: str) -> Ending:
    """Run a script as the main module of this process; call it once.

    Parameters
    ----------
    script : str
        Path of the script.

    Returns
    -------
    Ending
        The code it exits with; that of a failure's class; 1 if memory ran out; 70 for any other
        exception.
    """
    for name in _NOT_NEEDED:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python marks what is absent
    sys.argv = [script]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as left:
        # dflow's scripts exit where they handle the operator's failure
        return Ending(_exit_code(left), left.__context__)
    except NucleoError as error:
        traceback.print_exc()
        return ending_of(error)
    except MemoryError as error:
        traceback.print_exc()
        return Ending(TRANSIENT_EXIT, error)
    except BaseException as error:
        traceback.print_exc()
        return Ending(BUG, error)
    return Ending(0)


def _exit_code(left: SystemExit) -> int:
    if left.code is None or isinstance(left.code, int):
        return left.code or 0
    print(left.code, file=sys.stderr)
    return 1
