"""What a run labels, collected: each round's data, and at the end all of it as one collection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nucleops.engines.deepmd.data import find_systems
from nucleops.learning.collection.collection import Collection
from nucleops.learning.collection.foreign import Stated, complete, read_system
from nucleops.learning.collection.merging import unite
from nucleops.learning.dataset import write_deepmd
from nucleops.learning.frames import LabelledFrames
from nucleops.learning.provenance import INITIAL, UNKNOWN


@dataclass(frozen=True)
class Collected:
    """What a round brought.

    Attributes
    ----------
    n_frames : int
        New frames.
    n_duplicates : int
        Labels of configurations that were labelled before, in this round or an earlier one.
    """

    n_frames: int
    n_duplicates: int


def merge_systems(
    paths: Iterable[Path],
    type_map: Sequence[str],
    folder: Path,
    *,
    round_name: str = "",
    earlier: Iterable[Path] = (),
) -> Collected:
    """Merge a round's labels into one system for each composition (and order of atoms).

    Parameters
    ----------
    paths : iterable of Path
        DeePMD npy systems at any depth below.
    type_map : sequence of str
        Element order of what is written.
    folder : Path
        Where systems are written, named by their formula, ``-nopbc`` appended for droplets.
    round_name : str
        Round of frames that do not say theirs.
    earlier : iterable of Path
        Data of the rounds before; frames that are there are not written again.

    Raises
    ------
    ConflictingLabels, TruncatedOutput, WrongInput
        As :func:`~nucleops.learning.collection.merging.unite` and
        :func:`~nucleops.learning.dataset.read_deepmd`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = read_parts(earlier, Stated())
    here = read_parts(paths, Stated(round_name=round_name))
    old = {entry.id for part in before for entry in part.provenance or ()}
    whole = unite([*before, *here], type_map, mixed_levels=True)
    parts = [
        system.take([k for k, e in enumerate(system.provenance or ()) if e.id not in old])
        for system in whole.systems
    ]
    new = Collection(whole.type_map, tuple(part for part in parts if len(part)))
    for name, system in zip(new.names, new.systems, strict=True):
        write_deepmd(system, type_map, folder / name)
    return Collected(len(new), sum(len(part) for part in here) - len(new))


def gather(
    init_data: Iterable[Path],
    iter_data: Iterable[Path],
    type_map: Sequence[str],
    level: str = UNKNOWN,
) -> Collection:
    """Make the collection of everything that a run was trained on.

    Parameters
    ----------
    init_data : iterable of Path
        Data from before the first round: DeePMD npy systems at any depth below.
    iter_data : iterable of Path
        The folder of each round, whose name is the round's.
    type_map : sequence of str
        Element order.
    level : str
        The run's level of theory, for frames that do not say theirs.

    Raises
    ------
    ConflictingLabels, TruncatedOutput, WrongInput
        As :func:`merge_systems`; frames of several levels are refused.
    """
    parts = read_parts(init_data, Stated(INITIAL, level))
    for folder in iter_data:
        parts += read_parts([folder], Stated(folder.name, level))
    return unite(parts, type_map)


def read_parts(paths: Iterable[Path], stated: Stated) -> list[LabelledFrames]:
    """Read DeePMD npy systems; frames without a trajectory get the name of their folder as one."""
    return [
        complete(part, path.name, stated)
        for path in find_systems(paths)
        for part in read_system(path)
    ]
