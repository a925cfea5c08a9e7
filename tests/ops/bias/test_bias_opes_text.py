"""OPES and walkers that share hills: descriptions, PLUMED and Colvars texts, refusals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from nucleops.bias.colvars import colvars_input
from nucleops.bias.colvars_metad import hills_file
from nucleops.bias.enhanced import Opes, SharedHills
from nucleops.bias.kernels import read_kernels
from nucleops.bias.plumed import plumed_input
from nucleops.bias.presets import monomer_dimer
from nucleops.bias.resolve import resolve
from nucleops.bias.spec import Bias
from nucleops.errors import WrongInput
from nucleops.systems.system import System

SHARED = SharedHills(walkers=4, number=2, exchange_steps=500)


def opes_bias(**opes: object) -> Bias:
    bare = monomer_dimer(guards=False, metadynamics=False).model_dump()
    return Bias.model_validate(
        {**bare, "opes": {"cvs": ["s1", "cn"], "barrier_kcal_mol": 20, **opes}}
    )


def test_opes_is_the_reviewed_text(data_folder: Path, droplet: System) -> None:
    bias = opes_bias(sigma=[0.12, 0.05], bias_factor=12, state_stride_steps=5000)
    text = plumed_input(resolve(bias, droplet), 300.0, 100)
    assert text == (data_folder / "opes.plumed.dat").read_text()


def test_a_continued_exploring_opes_is_the_reviewed_text(
    data_folder: Path, droplet: System
) -> None:
    bias = opes_bias(explore=True, neighbour_list=True, compression_threshold=1.5)
    text = plumed_input(resolve(bias, droplet), 300.0, 100, restart=True)
    assert text == (data_folder / "opes_explore_restart.plumed.dat").read_text()


def test_walkers_are_the_reviewed_texts(data_folder: Path, droplet: System) -> None:
    resolved = resolve(monomer_dimer(guards=False), droplet)
    text = plumed_input(resolved, 300.0, 100, shared=SHARED)
    assert text == (data_folder / "walkers.plumed.dat").read_text()
    found = colvars_input(resolved, 300.0, 100, shared=SHARED)
    assert found.text == (data_folder / "walkers.colvars").read_text()
    assert hills_file("bias.out", SHARED) == "bias.out.colvars.metad.2.hills.traj"
    assert hills_file("bias.out") == "bias.out.colvars.metad.hills.traj"


def test_a_flat_target_is_said_by_its_word(droplet: System) -> None:
    bias = opes_bias(sigma=[0.1, 0.1], bias_factor="inf")
    assert Bias.model_validate_json(bias.model_dump_json()) == bias
    assert bias.opes is not None
    assert np.isinf(bias.opes.gamma(300.0))
    assert "BIASFACTOR=inf" in plumed_input(resolve(bias, droplet), 300.0, 100)


@pytest.mark.parametrize(
    ("opes", "words"),
    [
        ({"sigma": [0.1]}, "sigma has 1 numbers for 2 cvs"),
        ({"bias_factor": "inf"}, "adaptive sigma"),
        ({"bias_factor": "inf", "sigma": [0.1, 0.1], "explore": True}, "exploring variant"),
        ({"bias_factor": 1.0}, "greater than 1"),
        ({"bias_factor": float("inf")}, "finite"),
        ({"cvs": ["s1", "s1"]}, "names a variable twice"),
        ({"cvs": ["s1", "cnn"]}, "nearest: cn"),
        ({"state_stride_steps": 750}, "not a multiple of pace_steps 500"),
        ({"walkers": 3}, "Extra inputs"),
    ],
)
def test_wrong_opes_is_refused(opes: Mapping[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        opes_bias(**opes)


def test_a_bias_has_one_method_at_most() -> None:
    both = {**monomer_dimer(guards=False).model_dump(), "opes": opes_bias().opes}
    with pytest.raises(ValidationError, match="metadynamics and opes; a bias has one of the two"):
        Bias.model_validate(both)


def test_the_label_of_opes_is_reserved() -> None:
    bare = monomer_dimer(guards=False, metadynamics=False).model_dump()
    bare["cvs"]["opes"] = bare["cvs"]["d"]
    with pytest.raises(ValidationError, match="the name is taken by OPES itself"):
        Bias.model_validate(bare)


@pytest.mark.parametrize(
    ("opes", "temperature_K", "words"),
    [
        ({"barrier_kcal_mol": 0.5}, 300.0, r"barrier_kcal_mol: found 0.5, allowed more than kT"),
        ({"barrier_kcal_mol": 800}, 300.0, "allowed up to 41"),
        ({"barrier_kcal_mol": 900, "explore": True, "bias_factor": 3}, 300.0, "allowed up to 83"),
        ({"barrier_kcal_mol": 2, "compression_threshold": 4}, 300.0, "cut-off, 3.09 widths"),
    ],
)
def test_numbers_that_plumed_would_refuse_are_refused_first(
    droplet: System, opes: Mapping[str, Any], temperature_K: float, words: str
) -> None:
    resolved = resolve(opes_bias(**opes), droplet)
    with pytest.raises(WrongInput, match=words):
        plumed_input(resolved, temperature_K, 100)


def test_the_default_bias_factor_is_the_barrier_over_kT() -> None:
    opes = Opes(cvs=("x",), barrier_kcal_mol=10.0)
    assert opes.gamma(300.0) == pytest.approx(10.0 / 0.596161, rel=1e-5)
    assert opes.state_stride == 100 * opes.pace_steps
    opes.check_temperature(300.0)


@pytest.mark.parametrize("choice", ["refuse", "leave out"])
def test_colvars_never_leaves_opes_out(droplet: System, choice: str) -> None:
    bias = opes_bias().model_copy(update={"left_out_by_colvars": choice})
    with pytest.raises(WrongInput, match=r"Colvars has no OPES.*LAMMPS that has PLUMED"):
        colvars_input(resolve(bias, droplet), 300.0, 100)


@pytest.mark.parametrize("write", [plumed_input, colvars_input])
def test_what_cannot_be_shared_is_refused(droplet: System, write: Any) -> None:
    if write is plumed_input:
        with pytest.raises(WrongInput, match=r"OPES cannot share.*WALKERS_MPI"):
            write(resolve(opes_bias(), droplet), 300.0, 100, shared=SHARED)
    bare = resolve(monomer_dimer(guards=False, metadynamics=False), droplet)
    with pytest.raises(WrongInput, match="share the hills"):
        write(bare, 300.0, 100, shared=SHARED)


def test_kernels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "KERNELS"
    path.write_text(
        "#! FIELDS time phi sigma_phi height logweight\n"
        "#! SET action OPES_METAD_kernels\n#! SET biasfactor inf\n#! SET epsilon 1e-7\n"
        "#! SET min_phi -pi\n#! SET max_phi pi\n"
        " 50 0.1 0.3 0.0002 -8.4\n 100 -3.0 0.29 0.03 -3.5\n"
    )
    kernels = read_kernels(path)
    assert kernels.cvs == ("phi",)
    assert len(kernels) == 2
    assert np.isinf(kernels.bias_factor)
    assert kernels.periods == (pytest.approx(2 * np.pi),)
    np.testing.assert_allclose(kernels.log_weight, [-8.4, -3.5])
    np.testing.assert_allclose(kernels.sigmas[:, 0], [0.3, 0.29])
    path.write_text("#! FIELDS time phi sigma_phi height biasf\n 50 0.1 0.3 1 10\n")
    with pytest.raises(WrongInput, match="a KERNELS file has"):
        read_kernels(path)
