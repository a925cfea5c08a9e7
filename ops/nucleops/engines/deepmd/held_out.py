"""Data sets written anew as what is trained on and what is held out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nucleops.engines.deepmd.data import atom_elements, load_frames
from nucleops.engines.deepmd.data_range import composition
from nucleops.engines.deepmd.split import Choice, Trajectory, choose, evenly_spaced
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.learning.provenance import INITIAL, Provenance, read_provenance

_COPIED = ("type.raw", "type_map.raw", "nopbc")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Split:
    """Data sets split for a training.

    Attributes
    ----------
    train, held_out : list of Path
        The written systems; a system without a frame of a kind is left out of that list.
    n_train, n_held_out : int
        Numbers of frames.
    record : dict
        How it was split, for the test's record.
    """

    train: list[Path] = field(default_factory=list)
    held_out: list[Path] = field(default_factory=list)
    n_train: int = 0
    n_held_out: int = 0
    record: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Source:
    """A data set and where its frames are from; None of those that nobody knows about."""

    path: Path
    frames: dict[str, NDArray[np.float64]]
    composition: str
    origins: list[tuple[str, str, int]] | None  # parent, round, time

    def __len__(self) -> int:
        return len(self.frames["energy"])

    def trajectories(self) -> list[Trajectory]:
        sizes = Counter((parent, name) for parent, name, _ in self.origins or [])
        return [Trajectory(*key, self.composition, n) for key, n in sizes.items()]


def write_split(systems: Sequence[Path], share: float, seed: int, folder: Path) -> Split:
    """Split data sets into frames trained on and frames held out.

    Frames of known origin (``frames.json``, or several ``set.*``, each of which then counts as a
    trajectory) are held out by trajectory, see :func:`nucleops.engines.deepmd.split.choose`; of a
    data set that says nothing, every so manieth frame is, with a warning.

    Parameters
    ----------
    systems : sequence of Path
        DeePMD npy systems.
    share : float
        Share of the frames to hold out.
    seed : int
        The committee's seed.
    folder : Path
        Where ``train/000``, ``held_out/000`` ... are written.

    Returns
    -------
    Split
        What was written.

    Raises
    ------
    WrongInput
        If no frame is left to train on.
    TruncatedOutput
        From :func:`nucleops.engines.deepmd.data.load_frames`, or if ``frames.json`` does not fit.
    """
    sources = [_read(path) for path in systems]
    choice = choose(_joined(sources), share, seed)
    lists: dict[str, list[Path]] = {"train": [], "held_out": []}
    counts = {"train": 0, "held_out": 0}
    blocks = _last_frames(sources, choice)
    masks = [_mask(source, choice, blocks, share) for source in sources]
    for i, (source, held) in enumerate(zip(sources, masks, strict=True)):
        for kind, chosen in (("train", ~held), ("held_out", held)):
            if chosen.any():
                target = folder / kind / f"{i:03d}"
                _write(source, chosen, target)
                lists[kind].append(target)
                counts[kind] += int(chosen.sum())
    if not lists["train"]:
        raise WrongInput(
            "there is no frame to train on",
            advice="hold out less (held_out), or look at why no frame was labelled",
        )
    record = _record(sources, choice, masks)
    return Split(lists["train"], lists["held_out"], counts["train"], counts["held_out"], record)


def _read(path: Path) -> _Source:
    frames, name = load_frames(path), composition(atom_elements(path))
    known = read_provenance(path)
    if known is not None:
        if len(known) != len(frames["energy"]):
            raise TruncatedOutput(
                f"frames.json of {path} tells of {len(known)} frames, there are "
                f"{len(frames['energy'])}"
            )
        return _Source(path, frames, name, [_origin(p, k) for k, p in enumerate(known)])
    sets = sorted(path.glob("set.*"))
    if len(sets) == 1:
        return _Source(path, frames, name, None)
    sizes = [len(np.load(folder / "energy.npy", mmap_mode="r")) for folder in sets]
    parents = [f"{path.name}/{s.name}" for s, n in zip(sets, sizes, strict=True) for _ in range(n)]
    return _Source(path, frames, name, [(p, INITIAL, k) for k, p in enumerate(parents)])


def _origin(frame: Provenance, number: int) -> tuple[str, str, int]:
    """Parent, round and time of a frame; one of no known trajectory is a trajectory of its own."""
    parent = frame.parent or f"frame {frame.id}"
    return parent, frame.round or INITIAL, number if frame.step is None else frame.step


def _joined(sources: Sequence[_Source]) -> list[Trajectory]:
    """All trajectories, each once, also where data sets share one."""
    sizes: Counter[tuple[str, str, str]] = Counter()
    for source in sources:
        for t in source.trajectories():
            sizes[(t.name, t.round, t.composition)] += t.size
    return [Trajectory(*key, n) for key, n in sizes.items()]


def _last_frames(sources: Sequence[_Source], choice: Choice) -> dict[tuple[str, str, str], int]:
    """Return from which time on the trajectories are held out that are cut in two."""
    begins = {}
    for trajectory, n_frames in choice.blocks.items():
        key = (trajectory.name, trajectory.round, trajectory.composition)
        times = sorted(
            time
            for source in sources
            for parent, name, time in source.origins or []
            if (parent, name, source.composition) == key
        )
        begins[key] = times[-n_frames]
    return begins


def _mask(
    source: _Source, choice: Choice, blocks: dict[tuple[str, str, str], int], share: float
) -> NDArray[np.bool_]:
    held = np.zeros(len(source), dtype=bool)
    if source.origins is None:
        held[evenly_spaced(len(source), share)] = True
        return held
    whole = {(t.name, t.round) for t in choice.whole if t.composition == source.composition}
    for k, (parent, name, time) in enumerate(source.origins):
        begin = blocks.get((parent, name, source.composition))
        held[k] = (parent, name) in whole or (begin is not None and time >= begin)
    return held


def _record(
    sources: Sequence[_Source], choice: Choice, masks: Sequence[NDArray[np.bool_]]
) -> dict[str, Any]:
    unknown = [
        source
        for source, held in zip(sources, masks, strict=True)
        if source.origins is None and held.any()
    ]
    if unknown:
        _log.warning(
            "nothing says from which trajectories the frames of %s are: every so manieth is held "
            "out, and the test looks better than the potential is",
            ", ".join(source.path.name for source in unknown),
        )
    return {
        "trajectories": len({t.key for t in _joined(sources)}),
        "held_out_trajectories": sorted({t.name for t in choice.whole}),
        "held_out_ends": {t.name: n for t, n in sorted(choice.blocks.items(), key=_name)},
        "split_by_frame": sorted(source.path.name for source in unknown),
    }


def _name(item: tuple[Trajectory, int]) -> str:
    return item[0].name


def _write(source: _Source, chosen: NDArray[np.bool_], target: Path) -> None:
    sets = target / "set.000"
    sets.mkdir(parents=True)
    for name in _COPIED:
        if (source.path / name).is_file():
            (target / name).write_bytes((source.path / name).read_bytes())
    for name, array in source.frames.items():
        np.save(sets / f"{name}.npy", array[chosen])
