"""Products of an earlier run, given to stages that are run alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dflow import upload_artifact

from nucleoflow.dag.plan import PRODUCTIONS, products_in


def given_products(results: Path) -> dict[str, Any]:
    """Make dflow inputs of what a run left in its ``results`` folder.

    Parameters
    ----------
    results : Path
        See :func:`nucleoflow.dag.plan.products_in`.

    Returns
    -------
    dict
        Product to artifact, or to a list of them for a production.
    """
    given: dict[str, Any] = {}
    for product, paths in products_in(results).items():
        if product in PRODUCTIONS:
            given[product] = [upload_artifact(path) for path in paths]
        elif product == "models":
            given[product] = upload_artifact(paths)
        else:
            given[product] = upload_artifact(paths[0])
    return given
