"""Put a report together: figures, structures, warnings, page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nucleops.analysis.stages.structure import against_references
from nucleops.reporting import (
    cautions,
    charge_figures,
    curve_figures,
    deviation_figures,
    exploration_figures,
    learning_figures,
    metad_figures,
    metad_state_figures,
    nucleation_figures,
    nucleation_pool_figures,
    page,
    pictures,
    radial_figures,
    sections,
    structure_figures,
    structures,
    trust_figures,
)
from nucleops.reporting.settings import ReportSettings
from nucleops.reporting.style import Book, look


def write_report(
    out: Path,
    study: Mapping[str, Any],
    folders: Mapping[str, Path | Sequence[Path] | None],
    provenance: Mapping[str, Any],
) -> Path:
    """Write a report.

    Parameters
    ----------
    out : Path
        Folder to make: ``report.html``, ``figures/*.svg`` and ``*.png``, ``data/*.csv``.
    study : mapping
        The study as plain data; ``report`` in it is a :class:`ReportSettings`.
    folders : mapping
        ``learning``, ``metad``, ``unbiased``, ``nucleate``, ``charges`` -> result folder or, of
        named runs, a list of them; None, empty or left out where not run.
    provenance : mapping
        ``run_id``, ``study_digest``, ``versions`` (name -> version), ``seeds`` (name -> seed),
        ``times`` (stage -> ``wall_s`` and ``core_s``), ``started``, ``ended``, ``machine``,
        ``from_run``; all optional.

    Returns
    -------
    Path
        `out`.
    """
    settings = ReportSettings.model_validate(dict(study.get("report") or {}))
    results = sections.read_results(folders)
    out.mkdir(parents=True)
    book = Book(out)
    shown = structures.collect(results, settings.max_structures)
    with look():
        draw(book, results, settings, study)
        drawn = {s.key: pictures.picture(book, s) for s in shown}
    text = page.render(
        {
            "title": _title(study, settings),
            "study": study,
            "study_text": _yaml(study),
            "provenance": provenance,
            "times": provenance.get("times") or {},
            "seeds": _flat(provenance.get("seeds") or {}),
            "versions": _versions(provenance, results),
            "results": results,
            "levels": {stage: sections.level(own) for stage, own in results.items()},
            "runs": sections.runs(results),
            "references": {
                r.id: against_references(r.summary.get("kinds") or {}, settings.crystal_ranges)
                for r in results["unbiased"]
            },
            "warnings": cautions.warnings(results),
            "figures": book.figures,
            "structures": shown,
            "pictures": drawn,
            "structure_json": page.embedded_json([s.data() for s in shown]),
            "colours_json": page.embedded_json(dict(structures.legend(shown))),
            "legend": structures.legend(shown),
        }
    )
    (out / "report.html").write_text(text, encoding="utf-8")
    return out


def draw(
    book: Book, results: sections.Results, settings: ReportSettings, study: Mapping[str, Any]
) -> None:
    """Draw every figure of the stages that are there."""
    trust_figures.runs(book, results, study)
    for r in (r for stage in sections.STAGES for r in results[stage]):
        own = book.chapter(r.tag, r.name if r.tag else "")
        if r.stage == "learning":
            learning_figures.rounds(own, r.folder, r.summary)
            curve_figures.curves(own, r.folder, r.summary)
            learning_figures.parity(own, r.folder, r.summary)
            deviation_figures.deviation(own, r.folder, r.summary)
            exploration_figures.explorations(own, r.folder, r.summary)
            exploration_figures.along(own, r.folder, r.summary)
        elif r.stage == "metad":
            metad_figures.surface(own, r.folder, r.summary)
            metad_figures.convergence(own, r.folder, r.summary)
            metad_state_figures.path(own, r.folder, r.summary)
            metad_state_figures.states(own, r.folder, r.summary)
            metad_figures.series(own, r.folder, r.summary)
        elif r.stage == "unbiased":
            structure_figures.densities(own, r.folder, r.summary, settings)
            structure_figures.series(own, r.folder, r.summary)
            radial_figures.radial(own, r.folder, r.summary)
        elif r.stage == "charges":
            charge_figures.trend(own, r.folder, r.summary)
        elif r.stage == "nucleate":
            nucleation_figures.series(own, r.folder, r.summary)
            nucleation_figures.pool(own, r.folder, r.summary)
            nucleation_pool_figures.survival_and_sizes(own, r.folder, r.summary)
            nucleation_pool_figures.steps(own, r.folder, r.summary)
            nucleation_pool_figures.movie(own, r.folder, r.summary)


def _title(study: Mapping[str, Any], settings: ReportSettings) -> str:
    title = settings.title or study.get("title") or study.get("name") or "Nanocluster nucleation"
    return str(title)


def _versions(provenance: Mapping[str, Any], results: sections.Results) -> dict[str, str]:
    """Programs first, as they named themselves; then packages that are not one of them."""
    stated = sections.programs(results)
    known = {name.lower() for name in stated}
    packages = dict(provenance.get("versions") or {})
    return stated | {k: str(v) for k, v in packages.items() if k.lower() not in known}


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
