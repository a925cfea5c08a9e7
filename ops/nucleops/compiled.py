"""Compiling loops with numba, kept on disk between processes where that is possible.

Modules of compiled loops import this one, and numba with it, which takes a third of a second: they
are imported inside the functions that need them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop that runs without the interpreter's lock, so that threads can share the work.

    Numba's own threads are not used: two calls at once abort the process in its default threading
    layer.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    made: Callable[..., Any]
    try:
        made = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package nor the home folder can be written to
        made = numba.njit(**options)(function)
    return made
