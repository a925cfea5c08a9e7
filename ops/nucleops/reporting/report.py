"""Put a report together: figures, structures, warnings, page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nucleops.reporting import (
    learning_figures,
    metad_figures,
    nucleation_figures,
    page,
    sections,
    structure_figures,
    structures,
)
from nucleops.reporting.settings import ReportSettings
from nucleops.reporting.style import Book, look


def write_report(
    out: Path,
    study: Mapping[str, Any],
    folders: dict[str, Path | None],
    provenance: Mapping[str, Any],
) -> Path:
    """Write a report.

    Parameters
    ----------
    out : Path
        Folder to make: ``report.html``, ``figures/*.svg`` and ``*.png``, ``data/*.csv``.
    study : mapping
        The study as plain data; ``report`` in it is a :class:`ReportSettings`.
    folders : dict
        ``learning``, ``metad``, ``unbiased``, ``nucleate`` -> result folder, None where not run.
    provenance : mapping
        ``run_id``, ``study_digest``, ``versions`` (name -> version), ``seeds`` (name -> seed),
        ``times`` (stage -> {wall_s}), ``started``, ``ended``; all optional.

    Returns
    -------
    Path
        `out`.
    """
    settings = ReportSettings.model_validate(dict(study.get("report") or {}))
    stages = sections.read_stages(folders)
    out.mkdir(parents=True)
    book = Book(out)
    shown = structures.collect(
        {k: s.folder for k, s in stages.items()},
        {k: s.summary for k, s in stages.items()},
        settings.max_structures,
    )
    with look():
        draw(book, stages, settings)
        pictures = {s.key: structures.picture(book, s) for s in shown}
    times = provenance.get("times") or {}
    text = page.render(
        {
            "title": settings.title or str(study.get("name") or "Nanocluster nucleation"),
            "study": study,
            "study_text": _yaml(study),
            "provenance": provenance,
            "times": [
                (k, v.get("wall_s") if isinstance(v, Mapping) else v) for k, v in times.items()
            ],
            "seeds": _flat(provenance.get("seeds") or {}),
            "versions": dict(provenance.get("versions") or {}),
            "stages": stages,
            "verdicts": sections.verdicts(stages),
            "runs": sections.runs(stages),
            "warnings": sections.warnings(stages),
            "figures": book.figures,
            "structures": shown,
            "pictures": pictures,
            "structure_json": page.embedded_json([s.data() for s in shown]),
            "colours_json": page.embedded_json(dict(structures.legend(shown))),
            "legend": structures.legend(shown),
        }
    )
    (out / "report.html").write_text(text, encoding="utf-8")
    return out


def draw(book: Book, stages: dict[str, sections.Stage], settings: ReportSettings) -> None:
    """Draw every figure of the stages that are there."""
    if "learning" in stages:
        s = stages["learning"]
        learning_figures.rounds(book, s.folder, s.summary)
        learning_figures.parity(book, s.folder, s.summary)
        learning_figures.deviation(book, s.folder, s.summary)
    if "metad" in stages:
        s = stages["metad"]
        metad_figures.surface(book, s.folder, s.summary)
        metad_figures.convergence(book, s.folder, s.summary)
        metad_figures.series(book, s.folder, s.summary)
    if "unbiased" in stages:
        s = stages["unbiased"]
        structure_figures.densities(book, s.folder, s.summary, settings)
    if "nucleate" in stages:
        s = stages["nucleate"]
        nucleation_figures.series(book, s.folder, s.summary)
        nucleation_figures.pool(book, s.folder, s.summary)


def _yaml(study: Mapping[str, Any]) -> str:
    """The study as a person wrote it, or close to it."""
    import io

    from ruamel.yaml import YAML

    writer = YAML()
    writer.default_flow_style = False
    writer.width = 100
    out = io.StringIO()
    writer.dump(_plain(study), out)
    return out.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def _flat(seeds: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (k, ", ".join(map(str, v)) if isinstance(v, (list, tuple)) else str(v))
        for k, v in seeds.items()
    ]
