"""One labelling task: every frame judged on its own, kept as it is done, losses accounted for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from nucleops.engines.cp2k.frames import ForcesTooLarge, LabelledFrame
from nucleops.engines.cp2k.inputs import cell_and_shift
from nucleops.engines.cp2k.md_inputs import cell_of_all
from nucleops.engines.cp2k.series import label_series, longest_series, same_atoms
from nucleops.engines.cp2k.single_point import SinglePoint, label
from nucleops.errors import ProgramFailed, ScfNotConverged, TimeLimit, TruncatedOutput
from nucleops.learning.account import ACCOUNT_FILE, Account
from nucleops.learning.kept_labels import KeptLabels, Outcome
from nucleops.learning.labelling import TASK_FILE, LabelConfig, read_configurations, write_data
from nucleops.learning.provenance import Provenance, level_text
from nucleops.storage.increments import digest_of
from nucleops.systems.distances import minimum_image
from nucleops.systems.system import FloatArray, System

_FOR_GOOD = (ScfNotConverged, ForcesTooLarge)
_MAYBE_THE_MACHINE = (TruncatedOutput, ProgramFailed, TimeLimit)  # tried anew if the task is


def label_task(
    task: Path,
    name: str,
    config: LabelConfig,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Account:
    """Label every frame of a task; what cannot be believed is dropped and counted.

    With GFN1-xTB frames are computed in series first; a frame that gets no label there is computed
    on its own, with all the tries that a single point gets.

    Frames that an earlier attempt at the same task has done are taken over, to the last bit (see
    :mod:`nucleops.learning.kept_labels`).

    Parameters
    ----------
    task : Path
        A folder of :func:`nucleops.learning.labelling.prepare_tasks`.
    name : str
        The task's name.
    config : LabelConfig
        Level of theory and limits.
    folder : Path
        Where CP2K runs (``frame-0000``, ``series-0000`` ...), and ``labels.log`` and the data set
        ``data`` are written.
    progress : callable
        Told how many frames are done, and of how many.

    Returns
    -------
    Account
        Also written into the data set as ``labels.json``.

    Raises
    ------
    LabelsLost
        If more than the allowed share was dropped.
    StorageUnreachable
        If the store of an earlier attempt's frames does not answer.
    Preempted, OutOfMemory, MissingProgram
        As :func:`nucleops.engines.runner.run`.
    """
    content = json.loads((task / TASK_FILE).read_text(encoding="utf-8"))
    systems = [s for path in sorted(task.glob("*.extxyz")) for s in read_configurations(path)]
    origins = content.get("origins") or [{} for _ in systems]
    folder.mkdir(parents=True, exist_ok=True)
    kept = KeptLabels.of_task(systems, config.decides, folder)
    account = Account(name, len(systems))
    account.extra = {"level_of_theory": config.level.model_dump(mode="json"), "wall_s": 0.0}
    if kept.elsewhere:
        account.extra["kept_as"] = kept.key
    log = folder / "labels.log"
    frames: list[LabelledFrame] = []
    provenance: list[Provenance] = []
    wavefunctions: dict[int, str] = {}
    work = _Work(systems, config, kept)
    in_series = _InSeries(work)
    progress(0, len(systems))
    with log.open("w", encoding="utf-8", buffering=1) as out:
        for index, (system, origin) in enumerate(zip(systems, origins, strict=True)):
            outcome = kept.get(index, system) or in_series.get(index)
            if outcome is None:
                outcome = _computed(index, work, wavefunctions)
            if outcome.frame is not None:
                frames.append(outcome.frame)
                provenance.append(_provenance(origin, config, outcome.frame))
            else:
                account.dropped[outcome.detail["dropped"]] += 1
            if outcome.wavefunction:
                wavefunctions[index] = outcome.wavefunction
            account.details.append({**origin, **outcome.detail})
            account.extra["wall_s"] += outcome.detail.get("wall_s", 0.0)
            print(f"frame {index} of {system.name}: {json.dumps(outcome.detail)}", file=out)
            progress(index + 1, len(systems))
    account.n_labelled = len(frames)
    account.check(config.label.allowed_loss, log)
    write_data(frames, content["type_map"], folder / "data", provenance)
    account.write(folder / "data" / ACCOUNT_FILE)
    kept.tidy()
    return account


def nearest(system: System, others: Mapping[int, System]) -> tuple[int, float] | None:
    """Find the configuration of the same atoms that is nearest to a system.

    Parameters
    ----------
    system : System
        The configuration.
    others : mapping of int to System
        Where to look; those with other atoms, another order, or another cell that repeats are
        passed over.

    Returns
    -------
    (int, float) or None
        Its key, and the root mean square of the atoms' displacements in angstrom, by minimum
        images, as CP2K sees the coordinates; not turned, for orbitals do not turn with them.
    """
    found: tuple[int, float] | None = None
    for key, other in others.items():
        if not same_atoms(system, other):
            continue
        moved = system.positions + cell_and_shift(system)[1]
        moved = moved - other.positions - cell_and_shift(other)[1]
        moved = minimum_image(moved, system.cell, system.periodic)
        rmsd_A = float(np.sqrt((moved**2).sum(axis=1).mean()))
        if found is None or rmsd_A < found[1]:
            found = key, rmsd_A
    return found


@dataclass(frozen=True)
class _Work:
    """What a task is about."""

    systems: list[System]
    config: LabelConfig
    kept: KeptLabels

    @cached_property
    def cell(self) -> FloatArray | None:
        """Edges that CP2K is given; None: each frame's own.

        Droplets computed in series have one of all frames of the task, and so have those of them
        that are computed on their own: a cell changes last digits, and no label may depend on how,
        or after which interruption, it was made.
        """
        shared = self.config.in_series and not self.systems[0].periodic
        return cell_of_all(self.systems) if shared else None


class _InSeries:
    """Frames computed many at a time, from the first on that has to be computed."""

    def __init__(self, work: _Work) -> None:
        self._work = work
        self._done: dict[int, Outcome] = {}
        self._left = set(range(len(work.systems))) if work.config.in_series else set()

    def get(self, index: int) -> Outcome | None:
        """Return what became of a frame; None if it is to be computed on its own."""
        if index in self._left:
            self._compute(index)
        return self._done.pop(index, None)

    def _compute(self, start: int) -> None:
        systems, config, kept = self._work.systems, self._work.config, self._work.kept
        later = (i for i in sorted(self._left) if i > start and not kept.has(i))
        due = [start, *later]
        due = due[: longest_series([systems[i] for i in due])]
        if len(due) == 1:  # nothing to be saved
            self._left.remove(start)
            return
        found = label_series(
            [systems[i] for i in due],
            config.level,
            kept.folder / f"series-{start:04d}",
            cell=self._work.cell,
            program=config.program,
            threads=config.threads,
            timeout_s=config.label.timeout_s,
            largest_force_eV_A=config.label.largest_force_eV_A,
        )
        # where nothing was begun, nothing will be: each frame has to tell why
        self._left.difference_update(due[: found.begun] if found.begun else [*self._left])
        for number, point in found.points.items():
            outcome = Outcome(point.frame, _detail(point))
            self._done[due[number]] = outcome
            kept.put(due[number], outcome)


def _detail(point: SinglePoint) -> dict[str, Any]:
    return {
        "energy_eV": point.frame.energy_eV,
        "tries": point.tries,
        "settings": point.settings,
        "scf_steps": point.scf_steps,
        "wall_s": round(point.wall_s, 3),
        "cpu_s": round(point.cpu_s, 3),
    }


def _computed(index: int, work: _Work, wavefunctions: Mapping[int, str]) -> Outcome:
    """Compute a frame, and keep what became of it unless the machine may be to blame."""
    systems, config, kept = work.systems, work.config, work.kept
    begun = nearest(systems[index], {i: systems[i] for i in wavefunctions})
    guess = None if begun is None else kept.wavefunction(begun[0], wavefunctions[begun[0]])
    try:
        point = label(
            systems[index],
            config.level,
            kept.folder / f"frame-{index:04d}",
            program=config.program,
            threads=config.threads,
            timeout_s=config.label.timeout_s,
            largest_force_eV_A=config.label.largest_force_eV_A,
            guess=guess,
            keep_wavefunction=config.reuse_wavefunction,
            cell=work.cell,
        )
    except (*_FOR_GOOD, *_MAYBE_THE_MACHINE) as error:
        outcome = Outcome(None, {"dropped": error.kind, "reason": error.message.strip()})
        if isinstance(error, _FOR_GOOD):
            kept.put(index, outcome)
        return outcome
    detail = _detail(point)
    if guess is not None and begun is not None:
        detail |= {"begun_from_frame": begun[0], "rmsd_A": round(begun[1], 4)}
    sha256 = "" if point.wavefunction is None else digest_of(point.wavefunction)
    outcome = Outcome(point.frame, detail, sha256)
    kept.put(index, outcome)
    return outcome


def _provenance(origin: Mapping[str, Any], config: LabelConfig, frame: LabelledFrame) -> Provenance:
    parent, step = origin.get("parent", ""), origin.get("step")
    return Provenance("", "", parent, step, level_text(config.level), frame.program)
