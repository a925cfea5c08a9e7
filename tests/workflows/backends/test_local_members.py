"""Which processes belong to a run, and so end with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nucleoflow.backends.local.processes import (
    CONTROLLER_MODULE,
    RUN_VARIABLE,
    members_of_run,
)


@pytest.mark.parametrize(("own_session", "belongs"), [(True, False), (False, True)])
def test_another_controller_is_not_ended_but_what_it_forked_is(
    tmp_path: Path, own_session: bool, belongs: bool
) -> None:
    # a controller that resumes a run waits for the lock while the old one ends all members
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()", CONTROLLER_MODULE],
        stdin=subprocess.PIPE,
        env={**os.environ, RUN_VARIABLE: str(tmp_path)},
        start_new_session=own_session,
    )
    try:
        assert (process.pid in {member.pid for member in members_of_run(tmp_path)}) is belongs
    finally:
        process.communicate()
