"""Where a study uses its biases, and on which coordinates."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nucleoflow.study.bias_use import bias_uses, find_use, used_bias
from nucleoflow.study.build import build_one, study_system
from nucleoflow.study.load import load_study, parse_study, study_text
from nucleops.engines.lammps.task import MdTask, built_system
from nucleops.errors import WrongInput
from nucleops.systems.files import read_extxyz, write_extxyz
from nucleops.systems.folder import write_systems_folder


def test_built_systems_are_those_of_the_build_stage(tmp_path: Path) -> None:
    study = load_study("quickstart")
    specs = {"dimer": study.systems["dimer"]}
    write_systems_folder(specs, study.chemistry.metal, study.seed, tmp_path)
    build_one(study, "dimer", tmp_path / "mine.extxyz")
    run, mine = read_extxyz(tmp_path / "dimer.extxyz"), read_extxyz(tmp_path / "mine.extxyz")
    np.testing.assert_array_equal(mine.positions, run.positions)


def test_the_first_replica_is_that_of_the_nucleate_stage() -> None:
    from nucleoflow.dag.production import _common

    study = load_study("quickstart")
    assert study.nucleate is not None
    task = MdTask.model_validate(
        {
            **_common(study, "nucleate"),
            "system": "nucleate",
            "spec": study.nucleate.system.model_dump(mode="json"),
            "md": study.nucleate.md.model_dump(mode="json"),
            "number": 0,
        }
    )
    expected = built_system(task).positions
    np.testing.assert_array_equal(study_system(study, "nucleate").positions, expected)


def test_uses_are_listed_once_each() -> None:
    labels = [(use.label, use.system) for use in bias_uses(load_study("ag6"))]
    assert labels == [
        ("monomer-dimer", "pair"),
        ("dimers-octahedron", "dimers"),
        ("learn --name monomer-dimer", "dimer-small"),
        ("learn --name dimers-octahedron", "dimers-opened"),
    ]


def test_a_metadynamics_comes_before_an_exploration_of_its_name() -> None:
    study = load_study("ag6")
    assert find_use(study, "monomer-dimer").system == "pair"
    assert find_use(study, "metad", "monomer-dimer").system == "pair"
    assert find_use(study, "learn", "monomer-dimer").system == "dimer-small"
    assert find_use(study, "learn", "monomer-dimer").md.temperature_K == 300


EXTRA = "    - {system: dimer, temperatures_K: [300], bias: monomer-dimer, copies: 2"
MORE = EXTRA.replace("system: dimer,", "system: dimer-too,").replace("[300]", "[350, 450]")


def several_explorations() -> str:
    text = study_text("quickstart")[1]
    (line,) = [one for one in text.splitlines() if one.startswith(EXTRA)]
    text = text.replace(line, line + "\n" + line.replace(EXTRA, MORE))
    return text.replace("  dimers:\n", "  dimer-too:\n    contents: [{motif: dimer, count: 1}, "
                        "{motif: methanol, count: 4}]\n    box: {shape: droplet, radius_A: 6.0}\n"
                        "  dimers:\n", 1)  # fmt: skip


def test_an_exploration_on_several_systems_is_named_with_its_system() -> None:
    study = parse_study(several_explorations(), "several")
    with pytest.raises(WrongInput, match=r"stage learn of .* has 2 biases") as caught:
        find_use(study, "learn")
    assert "monomer-dimer@dimer, monomer-dimer@dimer-too" in caught.value.advice
    use = find_use(study, "monomer-dimer@dimer-too")
    assert (use.system, use.md.temperature_K, use.temperatures_K) == ("dimer-too", 350, (350, 450))
    used = used_bias(study, "learn", "monomer-dimer@dimer-too", None)
    assert used.notes == ("for 350 K; the exploration runs at 450 K too",)


def test_a_study_without_biases_says_so() -> None:
    text = study_text("quickstart")[1]
    (line,) = [one for one in text.splitlines() if one.startswith(EXTRA)]
    start, end = text.index("metad:\n"), text.index("unbiased:\n")
    study = parse_study(text[:start].replace(line + "\n", "") + text[end:], "none")
    with pytest.raises(WrongInput, match="uses no bias in its stages metad and learn"):
        find_use(study, "metad")


def test_a_topology_of_other_molecules_is_refused_by_what_is_missing(tmp_path: Path) -> None:
    study = load_study("quickstart")
    write_extxyz(study_system(study, "solvent"), tmp_path / "solvent.extxyz")
    with pytest.raises(WrongInput, match="dimer"):
        used_bias(study, "metad", None, tmp_path / "solvent.extxyz")
