"""A bias at the start of a run: what :func:`nucleops.bias.preview.preview` makes."""

from __future__ import annotations

from dataclasses import dataclass

from nucleops.bias.enhanced import KB_KCAL_MOL_K
from nucleops.bias.resolved import FloatArray
from nucleops.bias.switch import switch
from nucleops.systems.system import System

FLAT = 0.05
"""A pair whose switching function is within this of 0 or 1 hardly changes it by moving."""
COUNTING = ("coordination", "lowest-coordination")
"""Kinds of variables that count pairs with a switching function."""


@dataclass(frozen=True)
class OnGrid:
    """One axis of metadynamics' grid, in the variable's unit."""

    low: float
    high: float
    spacing: float
    sigma: float


@dataclass(frozen=True)
class Variable:
    """A named variable at the start.

    Attributes
    ----------
    name, kind, unit : str
        Unit ``A``, ``rad`` or empty.
    value : float
        In its unit.
    lowest, highest : float
        Its domain.
    pairs_A : ndarray
        Distance of each pair of atoms that it counts, shape (P,); none where it counts none.
    n_active : int
        Pairs that are neither together nor apart: 0.05 <= s <= 0.95.
    slope : float
        Norm of its gradient by all coordinates, in its unit per angstrom.
    grid : OnGrid or None
        Where it is biased by metadynamics.
    """

    name: str
    kind: str
    unit: str
    value: float
    lowest: float
    highest: float
    pairs_A: FloatArray
    n_active: int
    slope: float
    grid: OnGrid | None

    @property
    def on_grid(self) -> float:
        """Where the start is on the grid: 0 at the lower edge, 1 at the upper; NaN without one."""
        if self.grid is None:
            return float("nan")
        return (self.value - self.grid.low) / (self.grid.high - self.grid.low)


@dataclass(frozen=True)
class Acting:
    """A wall or restraint at the start.

    Attributes
    ----------
    name : str
        Its name.
    what : str
        ``upper wall``, ``lower wall`` or ``restraint``.
    on : str
        What it acts on: a variable's name, or how many of which kind.
    at : float
        Where it is, in ``unit``.
    unit : str
        Unit of what it acts on.
    value : float
        Of that of its variables which is closest to the wall, or farthest behind it.
    room : float
        How far that one is from the wall, negative behind it. For a restraint, which has no side:
        minus the distance from its centre.
    where : str
        Atoms of that variable, in words.
    energy_kcal_mol : float
        Of all its variables.
    """

    name: str
    what: str
    on: str
    at: float
    unit: str
    value: float
    room: float
    where: str
    energy_kcal_mol: float


@dataclass(frozen=True)
class Counted:
    """A switching function, and the pairs it acts on at the start.

    Attributes
    ----------
    names : tuple of str
        Variables (or walls) that share the function and the kind of pairs.
    pairs : str
        What is counted, such as ``Ag-N``.
    r0_A, n, m : float, int, int
        Of the switching function.
    distances_A : ndarray
        Distance of each pair, all variables together, shape (P,).
    """

    names: tuple[str, ...]
    pairs: str
    r0_A: float
    n: int
    m: int
    distances_A: FloatArray

    def switch(self, r: FloatArray) -> FloatArray:
        """Return s(r) of distances in angstrom, any shape."""
        return switch(r, self.r0_A, self.n, self.m)


@dataclass(frozen=True)
class Preview:
    """A bias at the start of a run.

    Attributes
    ----------
    system : System
        The start.
    temperature_K : float
        Of the run.
    variables, acting, counted : tuple
        What the bias consists of.
    terms : dict
        Names of the terms of each combination.
    """

    system: System
    temperature_K: float
    variables: tuple[Variable, ...]
    acting: tuple[Acting, ...]
    counted: tuple[Counted, ...]
    terms: dict[str, tuple[str, ...]]

    @property
    def kT_kcal_mol(self) -> float:
        """k_B T in kcal/mol."""
        return KB_KCAL_MOL_K * self.temperature_K
