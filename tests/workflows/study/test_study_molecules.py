"""Molecules of a study's own: where they may be named, what is refused, what travels."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from nucleoflow.study.build import build_one
from nucleoflow.study.errors import StudyError
from nucleoflow.study.load import load_study, parse_study, study_text
from nucleoflow.study.model import Study
from nucleoflow.study.molecules import named_molecules, self_contained
from nucleops.engines.lammps.task import built_system, read_task
from nucleops.systems.files import read_extxyz

GOLD = Path(__file__).parents[2] / "data" / "studies" / "gold"


def gold_with(*changes: tuple[str, str]) -> str:
    text = (GOLD / "gold.yaml").read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def mistakes(*changes: tuple[str, str]) -> str:
    with pytest.raises(StudyError) as caught:
        parse_study(gold_with(*changes), "my.yaml", GOLD)
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_the_study_of_the_documentation_is_valid() -> None:
    study = load_study(str(GOLD / "gold.yaml"))
    assert study.type_map == ["Au", "S", "N", "C", "H", "O", "P"]
    assert set(study.molecules) == {"gold-phosphine", "gold-ring"}


def test_the_text_of_a_run_stands_alone_and_says_the_same(tmp_path: Path) -> None:
    study = load_study(str(GOLD / "gold.yaml"))
    text = self_contained((GOLD / "gold.yaml").read_text(), study)
    assert "file:" not in text
    assert "# Do the two meet" in text  # comments stay
    alone = parse_study(text, "copy", None)
    assert alone == study
    assert alone.digest == study.digest
    assert self_contained(text, alone) == text


def test_a_text_without_files_is_copied_to_the_letter() -> None:
    for name in ("quickstart", "ag6"):
        text = study_text(name)[1]
        assert self_contained(text, load_study(name)) == text


def test_the_digest_follows_the_geometry_not_the_name_of_its_file(tmp_path: Path) -> None:
    for file in GOLD.glob("*.extxyz"):
        shutil.copy(file, tmp_path)
    (tmp_path / "gold-ring.extxyz").rename(tmp_path / "other.extxyz")
    (tmp_path / "s.yaml").write_text(gold_with(("gold-ring.extxyz", "other.extxyz")))
    renamed = load_study(str(tmp_path / "s.yaml"))
    assert renamed.digest == load_study(str(GOLD / "gold.yaml")).digest
    file = tmp_path / "other.extxyz"
    lines = file.read_text().splitlines()
    lines[2] = lines[2].replace(lines[2].split()[1], f"{float(lines[2].split()[1]) + 0.01:.10f}")
    file.write_text("\n".join(lines) + "\n")
    assert load_study(str(tmp_path / "s.yaml")).digest != renamed.digest


def test_studies_without_own_molecules_are_what_they_were() -> None:
    study = load_study("quickstart")
    # so that the digest is what it was before there were molecules
    assert "molecules" not in study.model_dump(mode="json")
    assert study.plain_molecules == {}
    assert study.type_map == ["Ag", "S", "N", "C", "H", "O"]


def test_a_dumped_study_is_the_study() -> None:
    study = load_study(str(GOLD / "gold.yaml"))
    plain = json.loads(json.dumps(study.model_dump(mode="json")))
    assert Study.model_validate(plain) == study


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "file: gold-ring.ext",
            "file: gold-rng.ext",
            ["molecules.gold-ring: file", "gold-rng", "mean 'gold-ring.extxyz'"],
        ),
        ("{file: gold-ring.extxyz}", "{}", ["molecules.gold-ring", "neither file nor atoms"]),
        (
            "{file: gold-ring.extxyz}",
            "{fiel: gold-ring.extxyz}",
            ["unknown key 'fiel'", "mean 'file'?"],
        ),
        ("{file: gold-ring.extxyz}", "{file: 7}", ["molecules.gold-ring.file", "found 7"]),
        (
            "{file: gold-ring.extxyz}",
            "{atoms: [{element: Ox, role: A1, at_A: [0, 0, 0]}]}",
            ["molecules.gold-ring.atoms[1].element", "found element 'Ox'; allowed: H, B"],
        ),
        (
            "{file: gold-ring.extxyz}",
            "{atoms: [{element: O, role: a1, at_A: [0, 0, 0]}]}",
            ["molecules.gold-ring.atoms[1].role", "found 'a1'"],
        ),
        (
            "  gold-ring: {file",
            "  dimer: {file",
            ["molecules.dimer", "shipped motif", "any but monomer"],
        ),
        (
            "motif: gold-ring, count",
            "motif: gold-rings, count",
            [
                "systems.ring.contents[1].motif",
                "found 'gold-rings'",
                "octahedron, methanol, gold-phosphine",
                "mean 'gold-ring'?",
            ],
        ),
        (
            "of: {motif: gold-phosphine, role: M1}}",
            "of: {motif: gold-fosphine, role: M1}}",
            ["biases.aurophilic.points.middle.of.motif", "mean 'gold-phosphine'?"],
        ),
        (
            "each: gold-phosphine",
            "each: gold-phosphin",
            ["biases.aurophilic.walls.AuP.each", "mean 'gold-phosphine'?"],
        ),
        (
            "b: {motif: methanol, role: O}",
            "b: {motif: methane, role: O}",
            ["biases.aurophilic.cvs.wet.b.motif", "mean 'methanol'?"],
        ),
        (
            "24, 8, 4]",
            "24, 8]",
            ["learn.train.descriptor.sel", "6 numbers for 7 elements", "Au S N C H O P"],
        ),
        ("role: P1}, {role: HP*}", "role: P2}, {role: HP*}", ["biases.aurophilic", "P2", "P1"]),
    ],
)
def test_a_mistake_is_named_with_path_and_nearest_name(
    old: str, new: str, expected: list[str]
) -> None:
    found = mistakes((old, new))
    for part in expected:
        assert part in found
    text = gold_with((old, new))
    line = next(i for i, row in enumerate(text.splitlines(), 1) if new.strip() in row)
    if "P2" not in new:  # a bias is judged as a whole; its line is that of its name
        assert any(f"line {number}," in found for number in (line, line - 1))


def test_a_fault_in_a_molecule_file_names_file_and_line(tmp_path: Path) -> None:
    for file in GOLD.glob("*.extxyz"):
        shutil.copy(file, tmp_path)
    path = tmp_path / "gold-ring.extxyz"
    path.write_text(path.read_text().replace(" M2\n", " M1\n"))
    with pytest.raises(StudyError, match=r"molecules\.gold-ring: file: .*gold-ring\.extxyz.*'M1'"):
        parse_study(gold_with(), "my.yaml", tmp_path)


def test_a_file_needs_a_study_file_beside_it() -> None:
    with pytest.raises(StudyError, match="allowed here: atoms"):
        parse_study(gold_with(), "text")


def test_a_system_without_a_closed_shell_is_refused() -> None:
    atoms = "{element: O, role: O, at_A: [0, 0, 0]}, {element: H, role: H, at_A: [1, 0, 0]}"
    radical = f"{{atoms: [{atoms}]}}"
    one = (
        ("  gold-ring: {file", f"  hydroxyl: {radical}\n  gold-ring: {{file"),
        ("count: 1}, {motif: methanol, count: 3}", "count: 1}, {motif: hydroxyl, count: 1}"),
    )
    found = mistakes(*one)
    assert "systems.ring.contents: found an odd number of electrons (one hydroxyl has 9)" in found
    two = (one[0], (one[1][0], one[1][1].replace("hydroxyl, count: 1", "hydroxyl, count: 2")))
    assert parse_study(gold_with(*two), "two", GOLD).molecules["hydroxyl"].symbols == ("O", "H")


def test_every_place_that_names_a_molecule_is_found() -> None:
    study = load_study(str(GOLD / "gold.yaml"))
    found = list(named_molecules(study))
    text = (GOLD / "gold.yaml").read_text()
    assert len(found) == text.count("motif: ") + text.count(" each: ")
    assert (("biases", "aurophilic", "walls", "AuP", "each"), "gold-phosphine") in found


def test_tasks_carry_the_molecules(tmp_path: Path) -> None:
    from nucleoflow.dag.learn import exploration_scheduler, train_template
    from nucleops.engines.deepmd.task import read_train_task

    study = load_study(str(GOLD / "gold.yaml"))
    scheduler: Any = exploration_scheduler(study)
    _, group, _ = scheduler.plan_next_iteration(None, None)
    task = group[0].files()["task.json"]
    system = built_system(read_task(json.loads(task), "task"))
    assert {m.motif for m in system.molecules} == {"gold-phosphine", "methanol"}
    assert system.type_map == study.type_map
    assert read_train_task(train_template(study), "train").type_map == tuple(study.type_map)


def test_build_one_packs_own_molecules(tmp_path: Path) -> None:
    study = load_study(str(GOLD / "gold.yaml"))
    build_one(study, "ring", tmp_path / "ring.extxyz")
    assert read_extxyz(tmp_path / "ring.extxyz").molecules[0].motif == "gold-ring"
