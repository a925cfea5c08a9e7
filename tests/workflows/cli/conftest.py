"""What several tests of commands begin from."""

from __future__ import annotations

from pathlib import Path

import pytest

from fes_command import RUN, done


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``nucleoflow fes`` writes of the whole run."""
    folder = tmp_path_factory.mktemp("fes") / "out"
    done(*RUN, "--grid", "-2:2:200", "--stride", "500", "--draws", "40", "-o", str(folder))
    return folder
