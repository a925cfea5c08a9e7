"""The rational switching function against PLUMED's numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nucleops.bias.series import read_colvar
from nucleops.bias.switch import cutoff, switch, switch_derivative

SHORT_FORM = {
    "p325_6_8": (3.25, 6, 8),
    "p3_6_8": (3.0, 6, 8),
    "p2_6_10": (2.0, 6, 10),
    "p3_6_10": (3.0, 6, 10),
    "p275": (2.75, 6, 12),
    "p15": (1.5, 6, 12),
    "p14": (1.4, 6, 12),
    "p12": (1.2, 6, 12),
}
PLAIN = {"sw325_6_8": (3.25, 6, 8), "sw2_6_10": (2.0, 6, 10)}


@pytest.mark.parametrize("column", SHORT_FORM)
def test_short_form_is_cut_and_stretched(column: str, data_folder: Path) -> None:
    table = read_colvar(data_folder / "switch" / "switch.dat")
    np.testing.assert_allclose(
        switch(table["r"], *SHORT_FORM[column]), table[column], rtol=0, atol=1e-12
    )


@pytest.mark.parametrize("column", PLAIN)
def test_plain_form(column: str, data_folder: Path) -> None:
    table = read_colvar(data_folder / "switch" / "switch.dat")
    np.testing.assert_allclose(
        switch(table["r"], *PLAIN[column], stretched=False), table[column], rtol=0, atol=1e-12
    )


def test_limits() -> None:
    r = np.array([0.0, 2.0, 2.0 * (1 + 1e-9), 1e6])
    plain = switch(r, 2.0, 6, 10, stretched=False)
    np.testing.assert_allclose(plain, [1.0, 0.6, 0.6, 0.0], atol=1e-8)
    assert switch(np.array([cutoff(2.0, 6, 10) * 1.0001]), 2.0, 6, 10)[0] == 0.0
    assert np.all(np.isfinite(switch(np.array([1e-8, 1e4]), 1.0, 12, 48)))


@given(
    r=st.floats(0.05, 40.0),
    r0=st.floats(0.5, 5.0),
    n=st.integers(1, 12),
    more=st.integers(1, 12),
    stretched=st.booleans(),
)
def test_derivative_is_the_slope(r: float, r0: float, n: int, more: int, stretched: bool) -> None:
    h = 1e-5 * r
    if stretched and abs(r - cutoff(r0, n, n + more)) < 2 * h:
        return  # the slope jumps at the cut-off
    ends = switch(np.array([r - h, r + h]), r0, n, n + more, stretched=stretched)
    slope = switch_derivative(np.array([r]), r0, n, n + more, stretched=stretched)[0]
    assert slope == pytest.approx((ends[1] - ends[0]) / (2 * h), rel=1e-5, abs=1e-7)
    assert slope <= 0
