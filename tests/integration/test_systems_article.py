"""The article's four systems, packed at their full size."""

from __future__ import annotations

import time
from typing import Any

import pytest

from nucleops.systems.packing import pack
from nucleops.systems.spec import SystemSpec

pytestmark = pytest.mark.integration


def _spec(contents: list[dict[str, Any]], edge: float) -> SystemSpec:
    return SystemSpec.model_validate({"contents": contents, "box": {"edge_A": edge}})


@pytest.mark.parametrize(
    ("cluster", "n_methanol", "n_atoms"),
    [
        ({"motif": "octahedron", "count": 1}, 150, 936),
        ({"motif": "monomer", "count": 2, "within_A": 6.0}, 120, 732),
        ({"motif": "dimer", "count": 3, "within_A": 9.0}, 115, 726),
        ({"motif": "octahedron", "count": 1}, 115, 726),
    ],
)
def test_small_boxes(cluster: dict[str, Any], n_methanol: int, n_atoms: int) -> None:
    solvent = {"motif": "methanol", "count": n_methanol}
    packed = pack("article", _spec([cluster, solvent], 20.0), "Ag", 1)
    assert packed.system.n_atoms == n_atoms
    assert packed.minimum_distance_A >= 2.0


def test_thirty_dimers_in_five_nanometres_in_under_a_minute() -> None:
    contents = [{"motif": "dimer", "count": 30}, {"motif": "methanol", "count": "fill"}]
    start = time.monotonic()
    packed = pack("thirty-dimers", _spec(contents, 50.0), "Ag", 1)
    assert time.monotonic() - start < 60.0
    assert 10_000 < packed.system.n_atoms < 12_000
    assert packed.minimum_distance_A >= 2.0
