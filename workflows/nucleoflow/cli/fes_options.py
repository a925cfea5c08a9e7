"""Options of ``nucleoflow fes``: what they may say, and what it means."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleops.analysis.fes.request import Axis, NamedBox, WalkerFiles
    from nucleops.analysis.states.named import NamedDistance
    from nucleops.systems.system import System

BOLTZMANN = {
    "kJ/mol": 0.0083144621,
    "kcal/mol": 0.0083144621 / 4.184,
    "eV": 8.617333262e-5,
}
"""Boltzmann's constant per kelvin, in the units that files can be in."""


class EnergyUnit(StrEnum):
    """Unit of the energies in the files."""

    kj = "kJ/mol"
    kcal = "kcal/mol"
    ev = "eV"
    kt = "kT"


class Reweight(StrEnum):
    """Ways of weighting rows."""

    bias_force = "bias-force"
    ct = "ct"
    final = "final"
    bias = "bias"


class Density(StrEnum):
    """Ways of turning weighted rows into a density."""

    kernel = "kernel"
    histogram = "histogram"


class TimeUnit(StrEnum):
    """Unit of the times in the series, where trajectories are matched to it."""

    fs = "fs"
    ps = "ps"
    ns = "ns"


class Sharing(StrEnum):
    """How walkers stand to each other."""

    independent = "independent"
    shared = "shared"


def thermal_energy(kt: float | None, temperature: float | None, unit: EnergyUnit) -> float:
    """Return kT in the files' unit, from itself or from a temperature in kelvin.

    Raises
    ------
    WrongInput
        Neither or both were given, or it is not positive.
    """
    if unit is EnergyUnit.kt and kt is None and temperature is None:
        return 1.0
    if (kt is None) == (temperature is None):
        raise WrongInput("say --kT or --temperature, one of the two")
    if kt is None:
        if unit is EnergyUnit.kt:
            return 1.0
        assert temperature is not None
        kt = temperature * BOLTZMANN[unit.value]
    if not kt > 0:
        raise WrongInput(f"--kT: found {kt:g}, allowed more than 0")
    return kt


def walker_files(
    hills: list[str],
    colvar: list[str],
    names: tuple[str, ...],
    bias_factor: float | None,
    periods: tuple[tuple[str, float], ...],
) -> tuple[WalkerFiles, ...]:
    """Return the files of each walker, from --hills and --colvar in their order.

    Raises
    ------
    WrongInput
        There is none, or their numbers do not fit.
    """
    from nucleops.analysis.fes.request import WalkerFiles
    from nucleops.bias.foreign import HillsFiles

    if not hills and not colvar:
        raise WrongInput("found neither --hills nor --colvar; give one of them or both")
    if hills and colvar and len(colvar) != len(hills) and len(hills) != 1:
        raise WrongInput(
            f"found {len(hills)} --hills and {len(colvar)} --colvar; allowed: one of each for "
            "every walker, or one --hills that all walkers wrote"
        )
    made = []
    for k in range(max(len(hills), len(colvar))):
        own = HillsFiles(_files(hills[k]), names, bias_factor, periods) if k < len(hills) else None
        made.append(WalkerFiles(own, _files(colvar[k]) if k < len(colvar) else ()))
    return tuple(made)


def sharing_of(
    hills: list[str], colvar: list[str], sharing: Sharing | None
) -> Literal["independent", "shared"]:
    """Return how walkers stand to each other; it has to be said where there are several hills.

    Raises
    ------
    WrongInput
        It was not said.
    """
    if len(hills) == 1 and len(colvar) > 1:
        return "shared"
    if len(hills) > 1 and sharing is None:
        raise WrongInput(
            f"--walkers: found none for {len(hills)} --hills; allowed: independent (a bias each) "
            "or shared (one bias of all); segments of one run are joined by commas in one --hills"
        )
    return "shared" if sharing is Sharing.shared else "independent"


def _files(text: str) -> tuple[Path, ...]:
    return tuple(Path(part) for part in text.split(",") if part)


def words_of(texts: list[str] | None) -> tuple[str, ...]:
    """Return the words of an option that may be repeated and be joined by commas."""
    return tuple(part for text in texts or [] for part in text.split(",") if part)


def number_of(option: str, text: str) -> float:
    """Return a number; ``pi`` and ``-pi`` are understood."""
    from math import pi

    try:
        sign = -1.0 if text.startswith("-") else 1.0
        return sign * pi if text.lstrip("+-") == "pi" else float(text)
    except ValueError:
        raise WrongInput(f"{option}: found {text!r}, allowed a number") from None


def axis_of(text: str) -> Axis:
    """Return the axis that ``MIN:MAX:BINS`` means."""
    from nucleops.analysis.fes.request import Axis

    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 2:
        raise WrongInput(f"--grid: found {text!r}, allowed MIN:MAX:BINS with 2 bins or more")
    low, high = number_of("--grid", parts[0]), number_of("--grid", parts[1])
    if not low < high:
        raise WrongInput(f"--grid: found {text!r}, whose MIN is not below its MAX")
    return Axis(low, high, int(parts[2]))


def period_of(text: str) -> tuple[str, float]:
    """Return the variable and period that ``CV=PERIOD`` means."""
    name, _, value = text.partition("=")
    period = number_of("--period", value) if value else 0.0
    if not name or not period > 0:
        raise WrongInput(f"--period: found {text!r}, allowed CV=PERIOD with a period above 0")
    return name, period


def basin_of(text: str) -> NamedBox:
    """Return the box that ``NAME=CV:LOW:HIGH[,CV:LOW:HIGH ..]`` means."""
    from nucleops.analysis.fes.request import NamedBox

    name, _, ranges = text.partition("=")
    made = {}
    for part in ranges.split(","):
        words = part.rsplit(":", 2)
        if not name or len(words) != 3:
            raise WrongInput(f"--basin: found {text!r}, allowed NAME=CV:LOW:HIGH[,CV:LOW:HIGH ..]")
        low, high = number_of("--basin", words[1]), number_of("--basin", words[2])
        if not low < high:
            raise WrongInput(f"--basin {name}: {words[0]}: {low:g} is not below {high:g}")
        made[words[0]] = (low, high)
    return NamedBox(name, made)


def atoms_of(option: str, text: str, system: System) -> tuple[int, int]:
    """Return two atoms, from zero, of ``I,J`` that counts from 1.

    Raises
    ------
    WrongInput
        It is no such pair, or the system has no such atoms.
    """
    words = text.split(",")
    if len(words) != 2 or not all(word.strip().isdigit() for word in words):
        raise WrongInput(f"{option}: found {text!r}, allowed two atoms I,J, counted from 1")
    first, second = (int(word) - 1 for word in words)
    if first == second or not all(0 <= k < system.n_atoms for k in (first, second)):
        raise WrongInput(
            f"{option}: found {text!r}, allowed two different atoms from 1 to {system.n_atoms}"
        )
    return first, second


def distance_of(text: str, system: System) -> NamedDistance:
    """Return the distance that ``NAME=I,J`` means."""
    from nucleops.analysis.states.named import NamedDistance

    name, _, atoms = text.partition("=")
    if not name or not atoms:
        raise WrongInput(f"--distance: found {text!r}, allowed NAME=I,J, atoms counted from 1")
    return NamedDistance(name, (atoms_of(f"--distance {name}", atoms, system),))


def refuse_others(folder: Path) -> None:
    """Refuse a folder with files in it that this command did not write."""
    if folder.exists() and not folder.is_dir():
        raise WrongInput(f"{folder}: is a file; allowed: a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "summary.txt").is_file():
        raise WrongInput(f"{folder}: is not empty, and was not written by this command")
