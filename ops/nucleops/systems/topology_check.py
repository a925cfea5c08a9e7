"""Does a frame belong to a topology? What can be told by number, elements and types."""

from __future__ import annotations

from pathlib import Path

from nucleops.errors import WrongInput
from nucleops.systems.raw_frame import RawFrame
from nucleops.systems.system import System


def check_frame(path: Path, frame: RawFrame, topology: System, first: RawFrame | None) -> None:
    """Refuse a frame that is not of the topology's atoms.

    Elements must be the topology's, in its order. LAMMPS types, which a file does not explain, must
    each stand for one element; so must their order be that of the first frame. A periodic topology
    needs a periodic cell.

    Parameters
    ----------
    path : Path
        For the message.
    frame : RawFrame
        The frame.
    topology : System
        The atoms it should be of.
    first : RawFrame or None
        The first frame of the file, if this is another.

    Raises
    ------
    WrongInput
        Names file, frame, what was found and what is allowed.
    """
    where = f"{path}, frame {frame.number}"
    if len(frame.positions) != topology.n_atoms:
        raise other_count(where, len(frame.positions), topology)
    if topology.periodic and frame.periodic is False:
        raise WrongInput(
            f"{where}: its cell does not repeat, that of the topology {topology.name!r} does"
        )
    if frame.labels is None or (
        first is not None and list(frame.labels) == list(first.labels or [])
    ):
        return
    if first is not None and isinstance(frame.labels[0], int):
        raise WrongInput(f"{where}: the types of its atoms are not those of frame {first.number}")
    element_of: dict[object, tuple[str, int]] = {}
    for i, (label, symbol) in enumerate(zip(frame.labels, topology.symbols, strict=True)):
        if isinstance(label, str):
            if label != symbol:
                raise WrongInput(
                    f"{where}: atom {i + 1} is {label}, but {symbol} in the topology "
                    f"{topology.name!r}; the atoms must come in the same order"
                )
            continue
        known, earlier = element_of.setdefault(label, (symbol, i))
        if known != symbol:
            raise WrongInput(
                f"{where}: atoms {earlier + 1} and {i + 1} are both of type {label}, but {known} "
                f"and {symbol} in the topology {topology.name!r}; the atoms must come in the same "
                "order"
            )


def other_count(where: str, n_atoms: int, topology: System) -> WrongInput:
    """Return the error of a frame, told by `where`, of more or fewer atoms than the topology."""
    return WrongInput(
        f"{where}: found {n_atoms} atoms, but the topology {topology.name!r} has"
        f" {topology.n_atoms}",
        advice="give the topology that the trajectory was run with",
    )
