"""Seeds follow from the study seed and stay what they are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nucleops.seeds import LARGEST_SEED, derive_seed


def test_values_never_change() -> None:
    # A change here would silently change every study's results.
    assert derive_seed(1) == 498990284
    assert derive_seed(1, "build", "two-monomers") == 237221471


@given(st.integers(), st.lists(st.text() | st.integers()))
def test_in_range_and_repeatable(seed: int, labels: list[object]) -> None:
    value = derive_seed(seed, *labels)
    assert 1 <= value <= LARGEST_SEED
    assert value == derive_seed(seed, *labels)


def test_labels_do_not_run_together() -> None:
    assert derive_seed(1, "ab", "c") != derive_seed(1, "a", "bc")
    assert derive_seed(1, 2) != derive_seed(12)
    assert len({derive_seed(1, "replica", k) for k in range(1000)}) == 1000
