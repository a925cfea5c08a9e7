"""A bench for the cluster that KUBECONFIG names; every test of this folder needs one."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cluster_bench import Bench  # beside this file, which is not a package


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("cluster")


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    if not Path(os.environ.get("KUBECONFIG", "")).is_file():
        pytest.fail("KUBECONFIG names no file; `make kind-up test-cluster` makes one", False)
    namespace = os.environ.get("NAMESPACE", "nucleoflow")
    with contextlib.closing(Bench(tmp_path_factory.mktemp("cluster"), namespace)) as made:
        yield made
