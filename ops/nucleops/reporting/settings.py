"""What a study says about its report."""

from __future__ import annotations

from pydantic import Field

from nucleops.analysis.settings import Reference
from nucleops.settings import PositiveInt, Settings


class ReportSettings(Settings):
    """Title, and what densities are set beside."""

    title: str = Field(default="", max_length=200)
    """Title of the page; where it is empty, the study's title, else its name."""
    crystal_ranges: dict[str, tuple[Reference, ...]] = Field(default_factory=dict)
    """Ranges in crystals by kind: `Ag-Ag`, `Ag-S`, `Ag-N` in angstrom, `Ag-Ag-Ag`, `S-Ag-S`,
    `N-Ag-Ag`, `N-Ag-S` in degrees."""
    max_structures: PositiveInt = Field(default=12, le=60)
    """Most structures in the rotatable view."""
