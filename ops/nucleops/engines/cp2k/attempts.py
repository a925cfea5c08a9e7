"""The tries that a configuration gets before it is dropped, in order: one table.

What decides the label (functional, basis, cut-offs, convergence threshold) is the same in every
try, so that labels stay comparable; only the way to the solution changes. That is why no try smears
the occupation or loosens the threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nucleops.engines.cp2k.settings import Gfn1Xtb, LevelOfTheory


@dataclass(frozen=True)
class Attempt:
    """One try.

    Attributes
    ----------
    level : Gfn1Xtb or PbeD3
        Settings of the SCF.
    says : str
        What they are, for the account; ``as set`` for the first try.
    may_reuse : bool
        Whether the first guess may be the wavefunction of another frame.
    """

    level: LevelOfTheory
    says: str
    may_reuse: bool = False


@dataclass(frozen=True)
class SaferScf:
    """A row of the table: what a try changes.

    Attributes
    ----------
    what : str
        In words, with the settings' names in braces.
    changes : callable
        The level as the study sets it, to the settings that change.
    """

    what: str
    changes: Callable[[Any], dict[str, Any]]


_SMALLER_MIXING = SaferScf(
    "mixing {mixing_alpha}, at most {max_scf} SCF steps, guess from atoms",
    lambda level: {"mixing_alpha": level.retry_mixing_alpha, "max_scf": 2 * level.max_scf},
)
_DIAGONALISE = SaferScf(
    "diagonalisation with Broyden mixing {mixing_alpha}, at most {max_scf} SCF steps,"
    " guess from atoms",
    lambda level: {"scf": "diagonalisation", "max_scf": 2 * level.max_scf},
)
AFTER_THE_FIRST: dict[str, tuple[SaferScf, ...]] = {
    "gfn1-xtb": (_SMALLER_MIXING,),
    "pbe-d3 OT": (_DIAGONALISE,),
    "pbe-d3 diagonalisation": (_SMALLER_MIXING,),
}
"""Method and solver that the study sets, to what is tried in turn when its SCF did not converge."""


def attempts(level: LevelOfTheory) -> list[Attempt]:
    """Return the tries in order: as the study sets it, then the rows of the table."""
    method = level.method if isinstance(level, Gfn1Xtb) else f"{level.method} {level.scf}"
    tries = [Attempt(level, "as set", may_reuse=True)]
    for row in AFTER_THE_FIRST[method]:
        safer = level.model_copy(update=row.changes(level))
        tries.append(Attempt(safer, row.what.format(**safer.model_dump())))
    return tries
