"""Which objects a pod may restore from the texts that steps pass on.

dflow writes parameters with jsonpickle, whose texts can name any function to be called. Steps pass
on dpgen2's exploration scheduler and what it holds; nothing else needs more than plain JSON.
"""

from __future__ import annotations

from typing import Any, NoReturn

from nucleops.errors import WrongInput

PACKAGES = ("dpgen2.exploration.", "nucleops.learning.")
"""Classes defined below these can be restored; functions, and what they import, cannot."""


def restrict_jsonpickle() -> None:
    """Have jsonpickle refuse everything but the classes of :data:`PACKAGES` in this process.

    A text that names anything else raises :class:`~nucleops.errors.WrongInput`; without this,
    a function would be called, and an unknown class would be taken for a plain ``dict``.
    """
    from jsonpickle import unpickler

    original = unpickler.loadclass

    def loadclass(name: str, classes: Any = None) -> Any:
        found = original(name, classes) if name.startswith(PACKAGES) else None
        if not isinstance(found, type) or not found.__module__.startswith(PACKAGES):
            _refuse(name)
        return found

    unpickler.loadclass = loadclass
    # "py/mod" and "py/repr" lead to any attribute of any module
    unpickler._loadmodule = _refuse
    unpickler.loadrepr = _refuse


def _refuse(name: str) -> NoReturn:
    raise WrongInput(
        f"a parameter of this step names '{name}', allowed: classes of "
        + ", ".join(package.rstrip(".") for package in PACKAGES),
        advice="who wrote it? see docs/security.md",
    )
