"""How far a run can be trusted, and why not further."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from nucleops.engines.lammps.criteria import Criteria, Ending, Failure
from nucleops.engines.lammps.geometry import Geometry
from nucleops.engines.lammps.readers import Dump, ModelDeviation, Thermo
from nucleops.engines.lammps.settings import Trust
from nucleops.systems.system import System


@dataclass(frozen=True)
class Judgement:
    """The verdict on a run.

    Attributes
    ----------
    trusted_steps : int
        Frames up to and including this step count. 0 where trust ends at once: the start itself
        was given, not predicted.
    failure : Failure or None
        What ended the trust; None if nothing did.
    """

    trusted_steps: int
    failure: Failure | None = None

    @property
    def reason(self) -> str | None:
        """What ended the trust, with its step and numbers."""
        return None if self.failure is None else self.failure.reason


def judge_run(
    system: System,
    dump: Dump,
    deviation: ModelDeviation | None,
    thermo: Thermo,
    trust: Trust,
    temperature_K: float,
    energy_floor_eV_atom: float | None = None,
    died: str | None = None,
) -> Judgement:
    """Find the first step at which any criterion of trust fails.

    Parameters
    ----------
    system : System
        The start, with whole molecules.
    dump, deviation, thermo
        What the run wrote; ``deviation`` is None for a single model.
    trust : Trust
        The limits.
    temperature_K : float
        Temperature of the thermostat.
    energy_floor_eV_atom : float or None
        Lowest labelled energy of this composition.
    died : str or None
        What the program said if it died of the atoms' motion: frames after the last one do not
        exist, and those before it are judged as ever.

    Returns
    -------
    Judgement
        ``trusted_steps`` is the step of the last frame before the earliest failure.
    """
    criteria = Criteria(trust, temperature_K, system.n_atoms, energy_floor_eV_atom)
    failures = [
        *_deviation_failure(deviation, criteria),
        *_row_failure(thermo, criteria),
        *_geometry_failure(dump, Geometry(system, trust)),
    ]
    last = int(dump.steps[-1])
    if died is not None:
        reason = f"LAMMPS stopped after step {last}: {died}"
        failures.append(Failure(last + 1, reason, Ending.LOST))
    if not failures:
        return Judgement(last)
    first = min(failures, key=lambda failure: failure.step)
    good = dump.steps[dump.steps < first.step]
    return Judgement(int(good[-1]) if len(good) else 0, first)


def _deviation_failure(deviation: ModelDeviation | None, criteria: Criteria) -> Iterator[Failure]:
    if deviation is not None:
        rows = zip(deviation.steps.tolist(), deviation.max_force_eV_A.tolist(), strict=True)
        yield from _first(criteria.deviation(*row) for row in rows)


def _row_failure(thermo: Thermo, criteria: Criteria) -> Iterator[Failure]:
    columns = (thermo.steps, thermo.temperature_K, thermo.potential_eV)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    yield from _first(criteria.row(*row) for row in rows)


def _geometry_failure(dump: Dump, geometry: Geometry) -> Iterator[Failure]:
    frames = zip(dump.steps.tolist(), dump.positions, dump.cells, strict=True)
    yield from _first(geometry.failure(*frame) for frame in frames)


def _first(judged: Iterator[Failure | None]) -> Iterator[Failure]:
    for failure in judged:
        if failure is not None:
            yield failure
            return
