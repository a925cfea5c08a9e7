"""Operator: long unbiased molecular dynamics of a finished cluster."""

from __future__ import annotations

from nucleops.production import Production


class RunUnbiased(Production):
    """Molecular dynamics of a built system; the result folder is ``md``."""
