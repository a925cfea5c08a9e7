"""The training input says what the settings say."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from nucleops.engines.deepmd.inputs import training_input
from nucleops.engines.deepmd.settings import Descriptor, Schedule, TrainSettings
from nucleops.engines.deepmd.task import TrainTask, paths_in, read_train_task, schedule_for
from nucleops.errors import WrongInput

TYPE_MAP = ["Ag", "S", "N", "C", "H", "O"]
SETTINGS = TrainSettings(
    descriptor=Descriptor(sel=(4, 4, 4, 8, 20, 6), rcut_A=4.5),
    first=Schedule(steps=1000, start_lr=1e-2),
    again=Schedule(steps=500),
    last=Schedule(steps=70_001),
    precision="float32",
)


def test_network_and_schedule_are_written() -> None:
    script = training_input(SETTINGS, "first", TYPE_MAP, 7, ["train/000"], ["held_out/000"])
    descriptor = script["model"]["descriptor"]
    assert descriptor["type"] == "se_e2_a"
    assert descriptor["sel"] == [4, 4, 4, 8, 20, 6]
    assert (descriptor["rcut"], descriptor["rcut_smth"]) == (4.5, 0.5)
    assert descriptor["precision"] == script["model"]["fitting_net"]["precision"] == "float32"
    assert script["model"]["type_map"] == TYPE_MAP
    assert script["learning_rate"]["start_lr"] == 1e-2
    assert script["training"]["numb_steps"] == 1000
    assert script["training"]["training_data"]["systems"] == ["train/000"]
    assert script["training"]["validation_data"]["systems"] == ["held_out/000"]


@pytest.mark.parametrize("backend", ["tensorflow", "pytorch"])
@pytest.mark.parametrize("kind", ["exp", "cosine", "wsd"])
def test_learning_rate_goes_as_deepmd_kit_understands_the_schedule(backend: str, kind: str) -> None:
    from deepmd.dpmodel.utils.learning_rate import make_learning_rate_schedule
    from deepmd.utils.argcheck import normalize

    plan = Schedule(steps=10_000, start_lr=1e-2, stop_lr=1e-6, lr_schedule=kind, warmup_steps=100)
    settings = SETTINGS.model_copy(update={"first": plan, "backend": backend})
    script = normalize(training_input(settings, "first", TYPE_MAP, 7, ["a"]), check=True)
    rate = make_learning_rate_schedule(script["learning_rate"], plan.steps).value
    assert float(rate(0)) == 0
    assert float(rate(100)) == pytest.approx(1e-2)
    assert float(rate(10_000)) == pytest.approx(1e-6, rel=0.2)
    middle = {"exp": 1e-4, "cosine": 5e-3, "wsd": 1e-2}[kind]
    assert float(rate(5_000)) == pytest.approx(middle, rel=0.25)  # exp falls in stairs


def test_share_of_the_fall_is_wsd_s() -> None:
    plan = Schedule(steps=1000, lr_schedule="wsd", decay_share=0.2)
    assert Schedule.model_validate(plan.model_dump()) == plan
    settings = SETTINGS.model_copy(update={"first": plan})
    rate = training_input(settings, "first", TYPE_MAP, 7, ["a"])["learning_rate"]
    assert rate["decay_phase_ratio"] == 0.2
    with pytest.raises(ValidationError, match=r"decay_share: 0\.2 with lr_schedule: exp.*with wsd"):
        Schedule(steps=1000, decay_share=0.2)
    with pytest.raises(ValidationError, match="warmup_steps: 10 leaves nothing of steps: 10"):
        Schedule(steps=10, warmup_steps=10)


def test_without_held_out_frames_there_is_no_validation() -> None:
    assert (
        "validation_data" not in training_input(SETTINGS, "again", TYPE_MAP, 7, ["a"])["training"]
    )


def test_checkpoints_can_be_saved_at_every_row_of_the_curve() -> None:
    # DeePMD-kit 3.2 saves at multiples of save_freq only where those are multiples of disp_freq.
    for name, every in (("first", 10), ("again", 5), ("last", 700)):
        training = training_input(SETTINGS, name, TYPE_MAP, 7, ["a"])["training"]  # type: ignore[arg-type]
        assert training["save_freq"] == training["disp_freq"] == every
    long = SETTINGS.model_copy(update={"first": Schedule(steps=4_000_000)})
    assert training_input(long, "first", TYPE_MAP, 7, ["a"])["training"]["disp_freq"] == 1000


@pytest.mark.parametrize("backend", ["tensorflow", "pytorch"])
@pytest.mark.parametrize("held_out", [[], ["held_out/000"]])
def test_deepmd_kit_accepts_the_input_for_both_backends(backend: str, held_out: list[str]) -> None:
    from deepmd.utils.argcheck import normalize

    settings = SETTINGS.model_copy(update={"backend": backend})
    script = training_input(settings, "first", TYPE_MAP, 7, ["train/000"], held_out)
    normalized = normalize(script, check=True)
    assert normalized["training"]["numb_steps"] == 1000
    assert normalized["model"]["descriptor"]["axis_neuron"] == 8


def test_members_hold_out_the_same_frames() -> None:
    task = TrainTask(train=SETTINGS, type_map=tuple(TYPE_MAP), seed=5)
    assert {task.for_member(k).split_seed for k in range(3)} == {5}


def test_seeds_differ_between_nets_and_between_members() -> None:
    task = TrainTask(train=SETTINGS, type_map=tuple(TYPE_MAP), seed=5)
    seeds = []
    for k in range(3):
        script = training_input(SETTINGS, "first", TYPE_MAP, task.for_member(k).seed, ["a"])
        model = script["model"]
        seeds += [model["descriptor"]["seed"], model["fitting_net"]["seed"]]
        seeds.append(script["training"]["seed"])
    assert len(set(seeds)) == 9
    assert task.for_member(1) == task.for_member(1)


def test_schedule_follows_from_the_start_unless_named() -> None:
    assert schedule_for({}, False) == "first"
    assert schedule_for({}, True) == schedule_for({"schedule": "auto"}, True) == "again"
    assert schedule_for({"schedule": "last"}, True) == "last"
    with pytest.raises(WrongInput, match="'lats', allowed: auto, first, again, last"):
        schedule_for({"schedule": "lats"}, True)


def test_a_wrong_task_names_its_fields() -> None:
    values = TrainTask(train=SETTINGS, type_map=tuple(TYPE_MAP), seed=5).model_dump(mode="json")
    assert read_train_task(values, "template_script").train == SETTINGS
    values["train"]["n_model"] = 3
    with pytest.raises(WrongInput, match=r"template_script.*train\.n_model"):
        read_train_task(values, "template_script")


def test_nested_artifacts_are_flattened() -> None:
    nested = {"a": ["x", {"b": "y"}], "c": None}
    assert [str(path) for path in paths_in(nested)] == ["x", "y"]
