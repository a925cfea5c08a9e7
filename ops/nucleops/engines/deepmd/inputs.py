"""DeePMD-kit's training input, written from typed settings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from nucleops.engines.deepmd.settings import Schedule, TrainSettings
from nucleops.seeds import derive_seed

ScheduleName = Literal["first", "again", "last"]

_CURVE_ROWS = 100
_MOST_STEPS_A_ROW = 1000
"""A checkpoint can be written where there is a row, and a long training must not wait for one."""


def schedule_of(settings: TrainSettings, name: ScheduleName) -> Schedule:
    """Return one of the three schedules by its name."""
    return {"first": settings.first, "again": settings.again, "last": settings.last}[name]


def training_input(
    settings: TrainSettings,
    schedule: ScheduleName,
    type_map: Sequence[str],
    seed: int,
    systems: Sequence[Path | str],
    held_out: Sequence[Path | str] = (),
) -> dict[str, Any]:
    """Compose the ``input.json`` of one committee member.

    Parameters
    ----------
    settings : TrainSettings
        Network and schedules.
    schedule : {'first', 'again', 'last'}
        Which schedule to follow.
    type_map : sequence of str
        Elements in type order, as many as ``settings.descriptor.sel`` has entries.
    seed : int
        The member's seed; weights of the two nets and the order of the batches get their own.
    systems, held_out : sequence of path
        DeePMD npy folders trained on, and those the learning curve also reports.

    Returns
    -------
    dict
        DeePMD-kit's input, units A and eV.

    Notes
    -----
    ``sel`` is always explicit and neighbour statistics are skipped: ``auto`` would need a pass
    over all data in every training. Virials are not trained on: droplets have none.
    """
    plan = schedule_of(settings, schedule)
    descriptor = settings.descriptor
    every = max(1, min(plan.steps // _CURVE_ROWS, _MOST_STEPS_A_ROW))
    training: dict[str, Any] = {
        "training_data": {
            "systems": [str(path) for path in systems],
            "batch_size": plan.batch_size,
            "auto_prob": "prob_sys_size",
        },
        "numb_steps": plan.steps,
        "seed": derive_seed(seed, "batches"),
        "disp_file": "lcurve.out",
        "disp_freq": every,
        # Where it may save; whether it does is up to `KeptCheckpoints`. DeePMD-kit 3.2 saves at a
        # multiple of this only where that is one of disp_freq as well.
        "save_freq": every,
        "save_ckpt": "model.ckpt",
        "max_ckpt_keep": 1,
    }
    if held_out:
        training["validation_data"] = {
            "systems": [str(path) for path in held_out],
            "batch_size": 1,
            "numb_btch": 4,
        }
    return {
        "model": {
            "type_map": list(type_map),
            "descriptor": {
                "type": "se_e2_a",
                "sel": list(descriptor.sel),
                "rcut": descriptor.rcut_A,
                "rcut_smth": descriptor.rcut_smooth_A,
                "neuron": list(descriptor.neuron),
                "axis_neuron": descriptor.axis_neuron,
                "type_one_side": descriptor.type_one_side,
                "resnet_dt": False,
                "precision": settings.precision,
                "seed": derive_seed(seed, "descriptor"),
            },
            "fitting_net": {
                "neuron": list(settings.fitting.neuron),
                "resnet_dt": True,
                "precision": settings.precision,
                "seed": derive_seed(seed, "fitting"),
            },
        },
        "learning_rate": _learning_rate(plan),
        "loss": {
            "type": "ener",
            "start_pref_e": plan.start_pref_e,
            "limit_pref_e": plan.limit_pref_e,
            "start_pref_f": plan.start_pref_f,
            "limit_pref_f": plan.limit_pref_f,
            "start_pref_v": 0.0,
            "limit_pref_v": 0.0,
        },
        "training": training,
    }


def _learning_rate(plan: Schedule) -> dict[str, Any]:
    rate: dict[str, Any] = {
        "type": plan.lr_schedule,
        "start_lr": plan.start_lr,
        "stop_lr": plan.stop_lr,
        "warmup_steps": plan.warmup_steps,
    }
    if plan.lr_schedule == "exp":
        # DeePMD's default of 5000 would leave a short training at its first learning rate.
        rate["decay_steps"] = max(1, min(5000, (plan.steps - plan.warmup_steps) // 50))
    if plan.lr_schedule == "wsd":
        rate |= {"decay_phase_ratio": plan.decay_share or 0.5, "decay_type": "linear"}
    return rate
