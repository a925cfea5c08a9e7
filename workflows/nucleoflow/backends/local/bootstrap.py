"""Run the script of one local step cheaply, and end it in a way that can be judged.

``python -m nucleoflow.backends.local.bootstrap SCRIPT``.
"""

from __future__ import annotations

import os
import signal
import sys

from nucleoflow.backends.local.processes import end_with_parent
from nucleoflow.backends.script import TRANSIENT_EXIT, run_script

PARENT_VARIABLE = "NUCLEOFLOW_SUPERVISOR"
"""Process number of the supervisor."""


def main() -> int:
    """Run the script named on the command line; returns the exit code."""
    end_with_parent(signal.SIGKILL)
    if os.getppid() != int(os.environ[PARENT_VARIABLE]):
        return TRANSIENT_EXIT  # the supervisor ended before the bond was made
    return run_script(sys.argv[1]).code


if __name__ == "__main__":
    sys.exit(main())
