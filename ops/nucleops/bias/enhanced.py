"""Enhanced sampling along collective variables: well-tempered metadynamics, and OPES.

OPES (Invernizzi and Parrinello, J. Phys. Chem. Lett. 11, 2731 (2020)) estimates the probability of
the variables on the fly and flattens it down to ``p^(1/gamma)``; its exploring variant
(J. Chem. Theory Comput. 18, 3988 (2022)) estimates the flattened distribution itself. Only PLUMED
has it, in its module ``opes``, which is off unless PLUMED was built with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Annotated, Literal

from pydantic import Field, model_validator

from nucleops.bias.groups import Label
from nucleops.errors import WrongInput
from nucleops.settings import NonNegative, Positive, PositiveInt, Settings

KB_KCAL_MOL_K = 0.0083144621 / 4.184
"""Boltzmann's constant in kcal/mol/K, with the digits PLUMED uses."""
MOST_LOG_EPSILON = 700.0
"""PLUMED's regularisation exp(-x) is a floating-point number above zero up to about this x."""


class Metadynamics(Settings):
    """Well-tempered metadynamics; the bias is always kept on a grid."""

    cvs: tuple[Label, ...] = Field(min_length=1, max_length=3)
    """Names of the biased variables; the lists below are in this order."""
    height_kcal_mol: Positive
    """Height of the first hill in kcal/mol."""
    sigma: tuple[Positive, ...]
    """Width of the hills along each variable, in its unit."""
    pace_steps: PositiveInt = 100
    """MD steps between hills."""
    bias_factor: float = Field(gt=1, le=1000)
    """Well-tempered bias factor gamma = (T + dT)/T."""
    grid_min: tuple[float, ...]
    """Lower edge of the grid along each variable (-pi for a torsion)."""
    grid_max: tuple[float, ...]
    """Upper edge of the grid along each variable (pi for a torsion)."""
    grid_spacing: tuple[Positive, ...] | None = None
    """Grid spacing along each variable; a fifth of sigma where it is left out."""

    @model_validator(mode="after")
    def _lengths(self) -> Metadynamics:
        _no_cv_twice(self.cvs)
        for field in ("sigma", "grid_min", "grid_max", "grid_spacing"):
            value = getattr(self, field)
            if value is not None and len(value) != len(self.cvs):
                raise ValueError(f"{field} has {len(value)} numbers for {len(self.cvs)} cvs")
        for name, low, high, step in zip(
            self.cvs, self.grid_min, self.grid_max, self.spacing, strict=True
        ):
            if high - low < 2 * step:
                raise ValueError(f"the grid of {name} from {low:g} to {high:g} is empty")
        for name, step, sigma in zip(self.cvs, self.spacing, self.sigma, strict=True):
            if step > 0.5 * sigma * (1 + 1e-9):
                raise ValueError(f"grid_spacing {step:g} of {name} exceeds half of sigma {sigma:g}")
        return self

    @property
    def spacing(self) -> tuple[float, ...]:
        """Grid spacing along each variable, with the default filled in."""
        return self.grid_spacing or tuple(sigma / 5 for sigma in self.sigma)


class Opes(Settings):
    """OPES with a metadynamics-like target, an alternative to metadynamics; PLUMED only."""

    cvs: tuple[Label, ...] = Field(min_length=1, max_length=3)
    """Names of the biased variables; `sigma` is in this order."""
    barrier_kcal_mol: Positive
    """Highest free-energy barrier in kcal/mol that has to be crossed; it bounds the bias."""
    pace_steps: PositiveInt = 500
    """MD steps between kernels."""
    sigma: tuple[Positive, ...] | None = None
    """First width of the kernels along each variable, in its unit, about that of the narrowest
    basin without bias; left out: measured over the first ten times `pace_steps`, which are run
    without bias."""
    bias_factor: Annotated[float, Field(gt=1, le=1000)] | Literal["inf"] | None = None
    """Bias factor gamma; `inf` for a flat target; left out: barrier over kT."""
    explore: bool = False
    """Use the exploring variant, OPES_METAD_EXPLORE: its bias changes faster and converges
    later."""
    compression_threshold: NonNegative = 1.0
    """Kernels closer than this, in widths, are merged; 0 keeps all and slows the run down."""
    neighbour_list: bool = False
    """Sum only over kernels nearby: faster with thousands of kernels."""
    state_stride_steps: PositiveInt | None = None
    """MD steps between writings of the STATE file, from which a run continues exactly; a multiple
    of `pace_steps`. Left out: a hundred times `pace_steps`."""

    @model_validator(mode="after")
    def _fits(self) -> Opes:
        _no_cv_twice(self.cvs)
        if self.sigma is not None and len(self.sigma) != len(self.cvs):
            raise ValueError(f"sigma has {len(self.sigma)} numbers for {len(self.cvs)} cvs")
        if self.bias_factor == "inf" and self.explore:
            raise ValueError("bias_factor inf: the exploring variant needs a finite one")
        if self.bias_factor == "inf" and self.sigma is None:
            raise ValueError("bias_factor inf: an adaptive sigma needs a finite one; give sigma")
        if self.state_stride % self.pace_steps:
            raise ValueError(
                f"state_stride_steps {self.state_stride} is not a multiple of pace_steps "
                f"{self.pace_steps}"
            )
        return self

    @property
    def state_stride(self) -> int:
        """MD steps between writings of the state, with the default filled in."""
        return self.state_stride_steps or 100 * self.pace_steps

    def gamma(self, temperature_K: float) -> float:
        """Bias factor at a temperature in kelvin, with the default filled in; may be infinite."""
        if self.bias_factor is None:
            return self.barrier_kcal_mol / (KB_KCAL_MOL_K * temperature_K)
        return inf if self.bias_factor == "inf" else self.bias_factor

    def check_temperature(self, temperature_K: float) -> None:
        """Refuse numbers that PLUMED would refuse at this temperature.

        Raises
        ------
        WrongInput
            The barrier is not above kT, too high for the floating-point regularisation
            ``exp(-barrier / ((1 - 1/gamma) kT))``, or the merging distance is beyond the kernels'
            cut-off, which is ``sqrt(2 barrier / ((1 - 1/gamma) kT))`` widths.
        """
        kT = KB_KCAL_MOL_K * temperature_K
        gamma = self.gamma(temperature_K)
        path, barrier = "bias.opes.barrier_kcal_mol", self.barrier_kcal_mol
        if gamma <= 1:
            raise WrongInput(
                f"{path}: found {barrier:g}, allowed more than kT, {kT:.3g} kcal/mol at "
                f"{temperature_K:g} K, where bias_factor is left out"
            )
        prefactor = gamma - 1 if self.explore else 1 - 1 / gamma
        if barrier / (prefactor * kT) > MOST_LOG_EPSILON:
            raise WrongInput(
                f"{path}: found {barrier:g}, allowed up to "
                f"{MOST_LOG_EPSILON * prefactor * kT:.4g} at {temperature_K:g} K"
            )
        cutoff = (2 * barrier / ((1 if self.explore else prefactor) * kT)) ** 0.5
        if self.compression_threshold >= cutoff:
            raise WrongInput(
                f"bias.opes.compression_threshold: found {self.compression_threshold:g}, allowed "
                f"less than the kernels' cut-off, {cutoff:.3g} widths at this barrier"
            )


@dataclass(frozen=True)
class SharedHills:
    """One of several walkers that lay their hills of metadynamics into one bias.

    Attributes
    ----------
    walkers : int
        How many share the bias.
    number : int
        Which of them this one is, from 0.
    exchange_steps : int
        MD steps between readings of the others' hills.
    folder : str
        Folder of the exchange as it is seen from the folder of the run.
    """

    walkers: int
    number: int
    exchange_steps: int
    folder: str = "../exchange"


def _no_cv_twice(cvs: Sequence[str]) -> None:
    if len(set(cvs)) != len(cvs):
        raise ValueError(f"cvs names a variable twice: {', '.join(cvs)}")
