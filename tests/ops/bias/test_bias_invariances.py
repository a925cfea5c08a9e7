"""What must not change a variable, and gradients against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nucleops.bias.gradients import gradients
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.spec import Bias
from nucleops.bias.values import evaluate
from nucleops.systems.system import System

ROLES = [{"index": i} for i in (1, 2, 4, 3)]
ALL_KINDS: dict[str, Any] = {
    "points": {"middle": {"kind": "centre-of-mass", "of": {"index": [1, 2, 3]}}},
    "cvs": {
        "r": {"kind": "distance", "sites": [{"index": 1}, "middle"]},
        "a": {"kind": "angle", "sites": ROLES[:3]},
        "t": {"kind": "torsion", "sites": ROLES},
        "c": {
            "kind": "coordination",
            "a": {"index": [1, 7, 2]},
            "b": {"element": "O"},
            "r0_A": 3.0,
            "n": 6,
            "m": 10,
        },
        "p": {"kind": "coordination", "a": {"element": "O"}, "b": "middle", "r0_A": 4.0},
        "self": {"kind": "coordination", "a": {"element": "O"}, "r0_A": 4.0, "n": 6, "m": 8},
        "low": {
            "kind": "lowest-coordination",
            "centres": {"element": "O"},
            "around": {"element": "C"},
            "r0_A": 2.5,
        },
        "mean": {
            "kind": "lowest-coordination",
            "centres": {"element": "O"},
            "around": {"element": "C"},
            "r0_A": 2.5,
            "statistic": "mean",
        },
        "sum": {"kind": "combination", "of": {"c": 2.0, "p": -0.5}},
    },
}
KINDS = tuple(ALL_KINDS["cvs"])
QUICK = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VECTOR = st.tuples(*[st.floats(-40, 40)] * 3)


def resolved_for(system: System, periodic: bool) -> ResolvedBias:
    system = System(
        system.name,
        system.symbols,
        system.positions,
        np.array([16.0, 15.0, 17.0]),
        periodic,
        system.molecules,
    )
    return resolve(Bias.model_validate(ALL_KINDS), system)


@QUICK
@given(shift=VECTOR, periodic=st.booleans())
def test_translation(shift: tuple[float, ...], periodic: bool, droplet: System) -> None:
    bias = resolved_for(droplet, periodic)
    here, there = evaluate(bias, bias.start), evaluate(bias, bias.start + np.array(shift))
    for name in KINDS:
        np.testing.assert_allclose(there[name], here[name], rtol=0, atol=1e-9)


@QUICK
@given(seed=st.integers(0, 10_000))
def test_periodic_images(seed: int, droplet: System) -> None:
    bias = resolved_for(droplet, True)
    images = np.random.default_rng(seed).integers(-3, 4, bias.start.shape) * np.array(bias.cell)
    here, there = evaluate(bias, bias.start), evaluate(bias, bias.start + images)
    for name in KINDS:
        np.testing.assert_allclose(there[name], here[name], rtol=0, atol=1e-9)


@QUICK
@given(angles=VECTOR)
def test_rotation(angles: tuple[float, ...], droplet: System) -> None:
    bias = resolved_for(droplet, False)
    q = np.array([1.0, *angles]) / np.linalg.norm([1.0, *angles])
    w, x, y, z = q
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    here, there = evaluate(bias, bias.start), evaluate(bias, bias.start @ turn.T)
    for name in KINDS:
        np.testing.assert_allclose(there[name], here[name], rtol=0, atol=1e-9)


@QUICK
@given(seed=st.integers(0, 10_000))
def test_permutation_within_a_group(seed: int, droplet: System) -> None:
    bias = resolved_for(droplet, True)
    order = np.arange(droplet.n_atoms)
    rng = np.random.default_rng(seed)
    for element in ("O", "C"):
        atoms = droplet.of_element(element)
        atoms = atoms[atoms >= 12]  # the monomers' C stands in angle and torsion
        order[atoms] = rng.permutation(atoms)
    here, there = evaluate(bias, bias.start), evaluate(bias, bias.start[order])
    for name in KINDS:
        np.testing.assert_allclose(there[name], here[name], rtol=0, atol=1e-9)


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize("name", KINDS)
def test_gradients_are_finite_differences(name: str, periodic: bool, droplet: System) -> None:
    bias = resolved_for(droplet, periodic)
    exact = gradients(bias, name, bias.start)[0]
    h = 1e-5
    shifts = h * np.eye(bias.start.size).reshape(-1, *bias.start.shape)
    up, down = evaluate(bias, bias.start + shifts)[name], evaluate(bias, bias.start - shifts)[name]
    numeric = ((up - down) / (2 * h)).reshape(bias.start.shape)
    assert np.abs(exact).max() > 1e-4
    np.testing.assert_allclose(exact, numeric, rtol=0, atol=2e-8)


def test_a_distance_of_zero_has_a_slope(droplet: System) -> None:
    bias = resolve(
        Bias.model_validate(
            {
                "points": {"here": {"kind": "fixed", "at_A": droplet.positions[0].tolist()}},
                "cvs": {"d": {"kind": "distance", "sites": [{"index": [1]}, "here"]}},
            }
        ),
        droplet,
    )
    assert evaluate(bias, bias.start)["d"] == 0
    assert np.linalg.norm(gradients(bias, "d", bias.start)) == 1


def test_frames_one_by_one_are_the_same(droplet: System) -> None:
    bias = resolved_for(droplet, True)
    frames = bias.start + np.random.default_rng(2).normal(scale=0.2, size=(23, *bias.start.shape))
    whole = evaluate(bias, frames)
    single = [evaluate(bias, frame) for frame in frames]
    for name in KINDS:
        np.testing.assert_array_equal(whole[name], np.concatenate([v[name] for v in single]))
    assert whole["t"].shape == (23,)
