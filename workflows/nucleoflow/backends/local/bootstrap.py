"""Run the script of one local step cheaply, and end it in a way that can be judged.

``python -m nucleoflow.backends.local.bootstrap SCRIPT``. dflow imports the clients of
Kubernetes, Argo and MinIO wherever it is imported, which is most of what a short local step
costs, and does without them when they cannot be imported.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import traceback

from nucleoflow.backends.local.processes import end_with_parent

PARENT_VARIABLE = "NUCLEOFLOW_SUPERVISOR"
"""Process number of the supervisor."""

BUG = 70
"""Exit code for an exception that nobody turned into a failure (EX_SOFTWARE)."""

_NOT_NEEDED = ("kubernetes", "argo", "minio")


def main() -> int:
    """Run the script named on the command line; returns the exit code."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != int(os.environ[PARENT_VARIABLE]):
        return 1  # the supervisor ended before the bond was made
    for name in _NOT_NEEDED:
        sys.modules[name] = None  # type: ignore[assignment]  # how Python marks what is absent
    script = sys.argv[1]
    sys.argv = [script]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit:
        raise
    except MemoryError:
        traceback.print_exc()
        return 1
    except BaseException:
        traceback.print_exc()
        return BUG
    return 0


if __name__ == "__main__":
    sys.exit(main())
