"""Findings as a table of 80 columns, and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from nucleoflow import __version__
from nucleoflow.doctor.outcome import Finding

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 80
_WORDS = {"passed": "ok", "warned": "warn", "failed": "FAIL", "skipped": "skip"}
_STYLES = {"passed": "green", "warned": "yellow", "failed": "bold red", "skipped": "dim"}


def as_table(findings: Sequence[Finding], after: str = "") -> Table:
    """Tabulate findings; what to do stands under what was found.

    Parameters
    ----------
    findings : sequence of Finding
        A row or two each. Columns are as wide whatever is in them, so that tables printed one
        after the other look like one.
    after : str
        Check of the row before, whose name is not repeated.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), show_header=False, width=WIDTH)
    table.add_column(width=4, no_wrap=True)
    table.add_column(width=17, overflow="fold")
    table.add_column(overflow="fold", ratio=1)
    previous = after
    for finding in findings:
        name = finding.check if finding.check != previous else ""
        previous = finding.check
        text = f"{finding.item}: {finding.detail}" if finding.item else finding.detail
        table.add_row(
            Text(_WORDS[finding.state], style=_STYLES[finding.state]),
            Text(name),
            Text(text, style="dim" if finding.state == "skipped" else ""),
        )
        if finding.advice:
            table.add_row("", "", Text(f"do: {finding.advice}", style="cyan"))
    return table


def summary(findings: Sequence[Finding]) -> str:
    """Count findings by state."""
    counts = Counter(finding.state for finding in findings)
    return ", ".join(f"{counts[state]} {state}" for state in _WORDS if counts[state])  # type: ignore[index]


def as_json(findings: Sequence[Finding]) -> str:
    """Write findings for programs; ``ok`` is what the exit code says."""
    return json.dumps(
        {
            "nucleoflow": __version__,
            "ok": is_well(findings),
            "findings": [
                {
                    "check": finding.check,
                    "item": finding.item,
                    "state": finding.state,
                    "detail": finding.detail,
                    "do": finding.advice,
                }
                for finding in findings
            ],
        },
        indent=2,
    )


def is_well(findings: Sequence[Finding]) -> bool:
    """Whether nothing failed."""
    return all(finding.state != "failed" for finding in findings)
