"""Typed settings of a committee of DeePMD ``se_e2_a`` potentials and of their training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, model_validator

from nucleops.settings import Fraction, Positive, PositiveInt, Settings


class Descriptor(Settings):
    """The smooth two-body embedding descriptor ``se_e2_a``."""

    rcut_A: Positive = 6.0
    """Cut-off radius in angstrom."""
    rcut_smooth_A: Positive = 0.5
    """Radius in angstrom at which the switching to zero begins."""
    sel: tuple[PositiveInt, ...] = Field(min_length=6)
    """Most neighbours of each element within `rcut_A`, in type order: metal S N C H O, then the
    other elements of the study's `molecules` by atomic number."""
    neuron: tuple[PositiveInt, ...] = (25, 50, 100)
    """Sizes of the embedding net's layers."""
    axis_neuron: PositiveInt = 8
    """Size of the sub-matrix of the embedding that enters the descriptor."""
    type_one_side: bool = True
    """Share embedding nets between centre elements."""


class Fitting(Settings):
    """The net that turns a descriptor into an atomic energy."""

    neuron: tuple[PositiveInt, ...] = (240, 240, 240)
    """Sizes of the layers."""


class Schedule(Settings):
    """Length and learning rate of one training."""

    steps: PositiveInt
    """Number of training steps."""
    from_scratch: bool = False
    """Begin from random weights even where a model of an earlier round is at hand."""
    start_lr: Positive = 1.0e-3
    """Learning rate at the start."""
    stop_lr: Positive = 1.0e-6
    """Learning rate at the end."""
    lr_schedule: Literal["exp", "cosine", "wsd"] = "exp"
    """How the learning rate gets from `start_lr` to `stop_lr`, in DeePMD's names: `exp` falls by
    the same factor all along, so that most steps are taken at small rates; `cosine` stays high for
    longer; `wsd` stays at `start_lr` and falls linearly over the last `decay_share` of the steps.
    In short trainings `cosine` and `wsd` reach with a third of the steps what `exp` does."""
    decay_share: float | None = Field(default=None, gt=0, le=1)
    """Share of the steps over which the learning rate of `wsd` falls; half of them by default."""
    warmup_steps: NonNegativeInt = 0
    """Steps over which the learning rate first rises from zero to `start_lr`."""
    batch_size: PositiveInt | Annotated[str, Field(pattern=r"^auto(:[1-9][0-9]*)?$")] = "auto:64"
    """Frames in a batch; `auto:N` takes as many as give N atoms, `auto` as many as give 32."""
    start_pref_f: Positive = 1000.0
    """Weight of the forces in the loss at the start."""
    limit_pref_f: Positive = 1.0
    """Weight of the forces in the loss at the end."""
    start_pref_e: Positive = 0.02
    """Weight of the energy in the loss at the start."""
    limit_pref_e: Positive = 1.0
    """Weight of the energy in the loss at the end."""

    @model_validator(mode="after")
    def _consistent(self) -> Schedule:
        if self.warmup_steps >= self.steps:
            raise ValueError(
                f"warmup_steps: {self.warmup_steps} leaves nothing of steps: {self.steps}; allowed:"
                " fewer than steps"
            )
        if self.decay_share is not None and self.lr_schedule != "wsd":
            raise ValueError(
                f"decay_share: {self.decay_share} with lr_schedule: {self.lr_schedule}; allowed:"
                " with wsd"
            )
        return self


class TrainSettings(Settings):
    """A committee: the same network, trained from different seeds."""

    backend: Literal["tensorflow", "pytorch"] = "tensorflow"
    """DeePMD-kit backend. A training that was interrupted and gone on with equals an uninterrupted
    one to the last byte with `tensorflow` on one CPU thread; with `pytorch` weights, optimiser and
    learning rate are restored and the order of the batches is not, so that it is as good, but
    another."""
    n_models: int = Field(default=4, ge=2, le=16)
    """Models in the committee."""
    descriptor: Descriptor
    """Descriptor of the local environment."""
    fitting: Fitting = Fitting()
    """Fitting net."""
    first: Schedule
    """The first training, from random weights."""
    again: Schedule
    """Each later training, from the weights of the one before."""
    last: Schedule
    """The training after the last round, which makes the production potential."""
    precision: Literal["float32", "float64"] = "float64"
    """Floating-point numbers of the nets; float32 trains and runs faster on CPU and GPU."""
    held_out: Fraction = 0.1
    """Share of the frames that is never trained on but tested on, as whole trajectories: at least
    one of the initial data and one of each round, if there are two to choose from."""
    compress: bool = True
    """Tabulate the embedding nets of the frozen model, which makes it faster."""
    timeout_s: Positive = 86400.0
    """Wall-clock limit of one training in seconds."""
    checkpoint_interval_s: Positive | None = None
    """Wall-clock seconds between checkpoints of a training; by default what
    `NUCLEOFLOW_CHECKPOINT_INTERVAL_S` says, else 300."""
