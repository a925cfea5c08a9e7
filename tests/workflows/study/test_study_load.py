"""Study files: what ships is valid, and what is wrong is said where it stands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nucleoflow.study.build import build_one
from nucleoflow.study.errors import StudyError
from nucleoflow.study.load import load_study, parse_study, shipped_studies, study_text
from nucleoflow.study.model import Study
from nucleoflow.study.schema import json_schema
from nucleops.errors import WrongInput


def quickstart_with(old: str, new: str) -> str:
    text = study_text("quickstart")[1]
    assert old in text
    return text.replace(old, new, 1)


def mistakes(text: str) -> list[str]:
    with pytest.raises(StudyError) as caught:
        parse_study(text, "my.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("name", ["quickstart", "ag6", "ag6-xtb"])
def test_shipped_studies_are_valid(name: str) -> None:
    study = load_study(name)
    assert study.name == name
    assert name in shipped_studies()


def test_ag6_is_the_article() -> None:
    study = load_study("ag6")
    assert study.level_of_theory.method == "pbe-d3"
    assert study.learn.train.n_models == 4
    assert 8 <= study.learn.max_rounds <= 10
    assert set(study.metad) == {"monomer-dimer", "dimers-octahedron"}
    bias = study.biases["monomer-dimer"].metadynamics
    assert bias is not None
    assert (bias.height_kcal_mol, bias.sigma, bias.pace_steps, bias.bias_factor) == (
        3.0,
        (0.05, 0.01),
        100,
        25,
    )
    unbiased = study.unbiased["cluster"].md
    assert unbiased.steps * unbiased.time_step_fs == pytest.approx(25e6)
    assert study.nucleate is not None
    assert study.nucleate.system.box.edge_A == 50.0
    assert study.nucleate.system.contents[0].count == 30
    assert study.nucleate.md.steps * study.nucleate.md.time_step_fs == pytest.approx(350e3)


def test_ag6_xtb_is_the_articles_biases_on_droplets_that_can_be_packed() -> None:
    from nucleoflow.study.build import study_system

    study, article = load_study("ag6-xtb"), load_study("ag6")
    assert study.level_of_theory.method == "gfn1-xtb"
    for name, bias in study.biases.items():
        assert (bias.cvs, bias.walls) == (article.biases[name].cvs, article.biases[name].walls)
    for name in (*study.systems, "nucleate"):
        system = study_system(study, name)
        assert not system.periodic
        assert 60 <= system.n_atoms <= 252


def test_digest_ignores_layout_and_sees_content() -> None:
    text = study_text("quickstart")[1]
    same = parse_study("# a comment\n" + text, "a")
    other = parse_study(quickstart_with("seed: ", "seed: 1"), "b")
    assert same.digest == load_study("quickstart").digest
    assert other.digest != same.digest


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("max_rounds: 2", "max_round: 2", ["max_round", "did you mean 'max_rounds'?"]),
        ("max_rounds: 2", "max_rounds: 0", ["learn.max_rounds", "found 0", "greater than"]),
        ("metal: Ag", "metal: Pt", ["chemistry.metal", "found 'Pt'", "'Ag', 'Au' or 'Cu'"]),
        ("motif: octahedron", "motif: octahedra", ["found 'octahedra'", "mean 'octahedron'?"]),
        ("radius_A: 7.5", "radius_nm: 0.75", ["unknown key 'radius_nm'", "mean 'radius_A'?"]),
        ("method: gfn1-xtb", "method: gfn2-xtb", ["level_of_theory", "'gfn2-xtb'"]),
        ("seed: ", "sead: ", ["unknown key 'sead'", "mean 'seed'?"]),
        ("n_models: 2", "n_models: two", ["learn.train.n_models", "found 'two'"]),
        ("role: M1}, b: {motif", "role: X1}, b: {motif", ["biases.monomer-dimer", "X1"]),
        ("system: cluster\n", "system: clustr\n", ["no system 'clustr'", "mean 'cluster'?"]),
        ("  frames_per_state: 3", "  ddec6: {}", ["charges.ddec6", "allowed: pbe-d3"]),
    ],
)
def test_a_mistake_is_named_with_its_line(old: str, new: str, expected: list[str]) -> None:
    text = quickstart_with(old, new)
    found = mistakes(text)
    joined = "\n".join(found)
    for part in expected:
        assert part in joined
    line = next(i for i, row in enumerate(text.splitlines(), 1) if new.strip() in row)
    if "role:" not in new:  # a bias is judged as a whole; its line is that of its name
        assert f"line {line}," in joined or f"line {line - 1}," in joined


def test_a_difference_is_between_states_that_can_be_told_apart() -> None:
    dimer = "        - {name: dimer, ranges: {s1: [2.65, 3.1]}}\n"
    for new, said in (
        ("", "needs two states or more, found only opened"),
        (dimer.replace("name: dimer", "name: opened"), "found opened, opened, allowed different"),
        (dimer.replace("name: dimer", "name: path"), "none of them path"),
    ):
        (found,) = mistakes(quickstart_with(dimer, new))
        assert "metad.monomer-dimer.analysis" in found
        assert said in found


def test_a_study_without_charges_is_what_it_was_before_there_were_any() -> None:
    """Its digest must not change: runs are told apart by it."""
    content = load_study("quickstart").model_dump(mode="json")
    assert content.pop("charges")["motifs"] == ["monomer", "dimer", "octahedron"]
    assert "charges" not in Study.model_validate(content).model_dump(mode="json")


def test_several_mistakes_are_reported_at_once() -> None:
    text = quickstart_with("max_rounds: 2", "max_rounds: -1").replace("n_models: 2", "n_models: 1")
    text = text.replace("title:", "titel:")
    found = "\n".join(mistakes(text))
    for part in ("max_rounds", "n_models", "titel", "title: is required"):
        assert part in found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "a study is a mapping, found nothing"),
        ("- a\n- b\n", "a study is a mapping"),
        ("name: [unclosed\n", "not valid YAML"),
        ("name: a\nname: b\n", "not valid YAML"),
    ],
)
def test_what_is_not_a_study_is_refused(text: str, part: str) -> None:
    assert part in "\n".join(mistakes(text))


def test_unknown_study_names_the_shipped_ones() -> None:
    with pytest.raises(WrongInput, match="quickstart"):
        load_study("no-such-study")


def test_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(WrongInput, match="UTF-8"):
        load_study(str(path))


def test_every_field_of_a_study_is_described() -> None:
    schema = json_schema()
    nameless = [
        f"{model}.{field}"
        for model, definition in {**schema["$defs"], "Study": schema}.items()
        for field, entry in definition.get("properties", {}).items()
        if "description" not in entry and "$ref" not in entry and "const" not in entry
    ]
    assert nameless == []


def test_published_schema_is_current() -> None:
    import nucleoflow.study.load as load

    path = Path(str(load._DATA)) / "study.schema.json"
    assert json.loads(path.read_text()) == json_schema()


def test_schema_and_model_agree_on_required_keys() -> None:
    required = {name for name, field in Study.model_fields.items() if field.is_required()}
    assert set(json_schema()["required"]) == required


@pytest.mark.parametrize("suffix", [".extxyz", ".data", ".inc"])
def test_build_one_writes_what_the_suffix_says(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"dimer{suffix}"
    system = build_one(load_study("quickstart"), "dimer", out)
    assert system.n_atoms == 36
    assert len(out.read_text().splitlines()) > 36


def test_build_one_refuses_unknown_system_and_suffix(tmp_path: Path) -> None:
    study = load_study("quickstart")
    with pytest.raises(WrongInput, match="did you mean 'dimer'"):
        build_one(study, "dimmer", tmp_path / "a.xyz")
    with pytest.raises(WrongInput, match="unknown suffix"):
        build_one(study, "dimer", tmp_path / "a.pdb")
