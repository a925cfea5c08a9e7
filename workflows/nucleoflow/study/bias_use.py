"""Where a study uses its biases: metadynamics by name, and explorations with a bias."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from nucleoflow.study.build import study_system
from nucleoflow.study.model import Study
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.spec import Bias
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import WrongInput
from nucleops.systems.system import System


@dataclass(frozen=True)
class BiasUse:
    """One place of a study where a bias acts on a system.

    Attributes
    ----------
    stage : str
        ``metad`` or ``learn``.
    name : str
        What it is called by: the name of the metadynamics; the name of an exploration's bias.
    system : str
        Name of the system.
    bias : Bias
        The bias.
    md : MdSettings
        The dynamics it acts on, at the first of an exploration's temperatures.
    temperatures_K : tuple of float
        All its temperatures.
    """

    stage: str
    name: str
    system: str
    bias: Bias
    md: MdSettings
    temperatures_K: tuple[float, ...]

    @property
    def label(self) -> str:
        """How a user names it without doubt."""
        return f"{self.stage} --name {self.name}" if self.stage == "learn" else self.name


def bias_uses(study: Study) -> Iterator[BiasUse]:
    """Yield where a study uses its biases, each pair of bias and system once in each stage.

    An exploration is called after its bias, and ``bias@system`` where its bias is used on several
    systems.
    """
    for name, entry in study.metad.items():
        temperature = entry.md.temperature_K
        yield BiasUse(
            "metad", name, entry.system, study.biases[entry.bias], entry.md, (temperature,)
        )
    explored = {(e.bias, e.system): e for e in study.learn.exploration if e.bias is not None}
    for (bias, system), exploration in explored.items():
        several = sum(other == bias for other, _ in explored) > 1
        md = exploration.md.model_copy(update={"temperature_K": exploration.temperatures_K[0]})
        yield BiasUse(
            "learn",
            f"{bias}@{system}" if several else str(bias),
            system,
            study.biases[str(bias)],
            md,
            exploration.temperatures_K,
        )


def find_use(study: Study, stage: str, name: str | None = None) -> BiasUse:
    """Find a use of a bias as a user names it.

    Parameters
    ----------
    study : Study
        The study.
    stage : str
        ``metad`` or ``learn``, where that stage has one or ``name`` says which; or the name
        itself: of a metadynamics, otherwise of an exploration's bias.
    name : str or None
        Which one of the stage's.

    Returns
    -------
    BiasUse

    Raises
    ------
    WrongInput
        There is none of that name, or several; lists what there is.
    """
    uses = list(bias_uses(study))
    if not uses:
        raise WrongInput(f"study '{study.name}' uses no bias in its stages metad and learn")
    stages = ("metad", "learn")
    wanted = stage if name is None else name
    if stage in stages:
        found = [use for use in uses if use.stage == stage and name in (None, use.name)]
    else:
        if name not in (None, stage):
            raise WrongInput(
                f"--name: found '{name}' beside '{stage}'; it goes with the stages metad and learn"
            )
        named = [use for use in uses if use.name == stage]
        found = named[:1]  # a metadynamics comes before an exploration
    if len(found) == 1:
        return found[0]
    there = "; ".join(f"{use.label} (on system {use.system})" for use in uses)
    if found:
        raise WrongInput(
            f"stage {stage} of study '{study.name}' has {len(found)} biases",
            advice=f"say which, with --name: {', '.join(use.name for use in found)}",
        )
    near = difflib.get_close_matches(wanted, [use.name for use in uses], n=1)
    raise WrongInput(
        f"study '{study.name}' has no bias called '{wanted}'"
        + (f" in its stage {stage}" if stage in stages else "")
        + f"; it has: {there}",
        advice=f"did you mean '{near[0]}'?" if near else "",
    )


@dataclass(frozen=True)
class UsedBias:
    """A use, resolved against a system.

    Attributes
    ----------
    use : BiasUse
        The use.
    topology : System
        The system, at its start.
    resolved : ResolvedBias
        The bias over its atoms.
    notes : tuple of str
        What a user should know of how the system came about.
    """

    use: BiasUse
    topology: System
    resolved: ResolvedBias
    notes: tuple[str, ...] = ()


def used_bias(study: Study, stage: str, name: str | None, topology: Path | None) -> UsedBias:
    """Resolve a use against the system that the study builds, or against a file's.

    Parameters
    ----------
    study, stage, name
        As for :func:`find_use`.
    topology : Path or None
        Extended XYZ or LAMMPS data. One without molecules takes those of the system that the study
        builds, provided that its elements are the same in the same order.

    Raises
    ------
    WrongInput
        The use is not found, the file cannot be read, or the bias does not fit the system.
    """
    use = find_use(study, stage, name)
    notes = []
    if len(use.temperatures_K) > 1:
        others = ", ".join(f"{t:g}" for t in use.temperatures_K[1:])
        notes.append(f"for {use.md.temperature_K:g} K; the exploration runs at {others} K too")
    if topology is None:
        system = study_system(study, use.system)
    else:
        from nucleops.systems.files import read_topology

        system = read_topology(topology)
        if not system.molecules:
            built = study_system(study, use.system)
            if built.symbols == system.symbols:
                system = replace(built, positions=system.positions, cell=system.cell)
                notes.append(
                    f"{topology} has no molecules; those of the study's system '{use.system}' are "
                    "taken, whose elements are the same in the same order"
                )
    return UsedBias(use, system, resolve(use.bias, system), tuple(notes))
