"""Our labelling as one of dpgen2's own: ``fp: {type: nucleoflow-cp2k}`` in its input files.

``python -m nucleops.dpgen2 submit input.json`` is dpgen2's command line with the labeller
registered; a script of your own calls :func:`register` before it calls dpgen2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from nucleops.arguments import arguments_of
from nucleops.engines.cp2k.settings import LevelOfTheory
from nucleops.learning.labelling import LabelConfig
from nucleops.learning.provenance import read_level

if TYPE_CHECKING:
    from dargs import Argument

STYLE = "nucleoflow-cp2k"
"""The ``type`` of ``fp``."""


class LabelInputs:
    """The ``inputs_config`` of a labelling: the level of theory.

    Parameters
    ----------
    level : mapping
        ``method`` and its settings.

    Raises
    ------
    WrongInput
        It is no level of theory.
    """

    def __init__(self, level: Mapping[str, Any]) -> None:
        self.level = read_level(level).model_dump(mode="json")

    @staticmethod
    def args() -> list[Argument]:
        """Return what ``inputs_config`` may hold."""
        from dargs import Argument, Variant

        methods = [
            Argument(
                kind.model_fields["method"].default,
                dict,
                arguments_of(kind, leave_out=("method",)),
                doc=(kind.__doc__ or "").splitlines()[0],
            )
            for kind in get_args(get_args(LevelOfTheory)[0])
        ]
        variant = Variant("method", methods, doc="Method of the electronic structure.")
        return [Argument("level", dict, [], [variant], doc="Level of theory.")]


def run_arguments() -> list[Argument]:
    """Return what ``run_config`` may hold: everything but the level of theory."""
    return arguments_of(LabelConfig, leave_out=("level",))


def register() -> str:
    """Add our labeller to ``dpgen2.fp.fp_styles``; calling it again changes nothing.

    Returns
    -------
    str
        Its name there, :data:`STYLE`.
    """
    from dpgen2.fp import fp_styles

    from nucleops.label import PrepLabel, RunLabel

    fp_styles[STYLE] = {"inputs": LabelInputs, "prep": PrepLabel, "run": RunLabel}
    return STYLE


def main() -> None:
    """Run dpgen2's command line with our labeller among its own."""
    from dpgen2.entrypoint.main import main as dpgen2_main

    register()
    dpgen2_main()


if __name__ == "__main__":
    # What travels to the pods must not be a class of __main__, which they cannot import.
    from nucleops import dpgen2 as importable

    importable.main()
