"""The command about structure in anyone's trajectory: structure."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleops.analysis.settings import StructureSettings
    from nucleops.reporting.settings import ReportSettings


def structure(
    trajectory: Annotated[
        Path,
        typer.Argument(help="Extended XYZ, LAMMPS dump (.gz too), XTC, TRR or DCD."),
    ],
    topology: Annotated[
        Path,
        typer.Option(
            "--topology", metavar="FILE", help="Extended XYZ or LAMMPS data of its atoms."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="New folder for the results.")
    ] = Path("structure"),
    rdf: Annotated[
        list[str] | None,
        typer.Option(
            "--rdf",
            metavar="A-B",
            help="Pair of elements of a radial distribution function; repeat. Default: the metal "
            "with itself, S, N and O.",
        ),
    ] = None,
    rdf_max: Annotated[
        float | None, typer.Option("--rdf-max", metavar="A", help="Its largest distance.")
    ] = None,
    crystal: Annotated[
        Path | None,
        typer.Option(
            "--crystal-ranges",
            metavar="FILE",
            help="YAML: kind to a list of {label, low, high}, as report.crystal_ranges of a study.",
        ),
    ] = None,
    study: Annotated[
        str | None,
        typer.Option(
            "--study", metavar="STUDY", help="Study whose settings and crystal ranges count."
        ),
    ] = None,
    discard: Annotated[
        float | None, typer.Option("--discard", metavar="PS", help="Left out at the start.", min=0)
    ] = None,
    frame_ps: Annotated[
        float | None, typer.Option("--frame-ps", help="Time between frames in ps.", min=0)
    ] = None,
    time_step: Annotated[
        float | None,
        typer.Option("--time-step", help="MD time step in fs, for files that count steps.", min=0),
    ] = None,
    start: Annotated[int, typer.Option(min=0, help="First frame, from 0.")] = 0,
    stop: Annotated[int | None, typer.Option(min=1, help="Frame to stop before.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Every so many frames.")] = 1,
) -> None:
    """Distances, angles and radial distribution functions of a cluster, with errors."""
    from nucleops.analysis.follow import follow_structure
    from nucleops.analysis.stages.files import SUMMARY, write_json
    from nucleops.analysis.stages.structure import against_references, write_structure
    from nucleops.analysis.tables import write_table
    from nucleops.systems.files import read_topology
    from nucleops.systems.trajectory import Trajectory

    if output.exists():
        raise WrongInput(f"--output: {output} is there already; name a new folder")
    if not output.resolve().parent.is_dir():
        raise WrongInput(f"--output: there is no folder {output.resolve().parent}")
    settings, ranges = _settings(study, crystal, rdf, rdf_max, discard)
    found = follow_structure(
        Trajectory(trajectory, read_topology(topology), start, stop, stride),
        settings,
        frame_ps=frame_ps,
        step_fs=time_step,
    )
    output.mkdir()
    summary = write_structure(found, output)
    rows = against_references(summary["kinds"], ranges.crystal_ranges)
    if rows:
        write_table(output, "references", {k: [row[k] for row in rows] for k in rows[0]})
    summary |= {"trajectory": str(trajectory), "references": rows, "last_ps": found.last_ps}
    write_json(output / SUMMARY, summary)
    _figures(output, ranges)
    _show(output)


def _settings(
    study: str | None,
    crystal: Path | None,
    rdf: list[str] | None,
    rdf_max: float | None,
    discard: float | None,
) -> tuple[StructureSettings, ReportSettings]:
    from nucleoflow.study.load import load_study
    from nucleops.analysis.settings import RadialSettings, StructureSettings
    from nucleops.reporting.settings import ReportSettings

    settings, ranges = StructureSettings(), ReportSettings()
    if study is not None:
        loaded = load_study(study)
        ranges = loaded.report
        for entry in list(loaded.unbiased.values())[:1]:
            settings = entry.analysis
    if crystal is not None:
        ranges = _ranges(crystal)
    radial: dict[str, Any] = settings.radial.model_dump()
    radial |= {"pairs": rdf} if rdf else {}
    radial |= {"max_A": rdf_max} if rdf_max is not None else {}
    own = _validated(RadialSettings, radial, "--rdf")
    update: dict[str, Any] = {"radial": own}
    if discard is not None:
        update["discard_ps"] = discard
    return settings.model_copy(update=update), ranges


def _ranges(path: Path) -> ReportSettings:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    from nucleops.reporting.settings import ReportSettings

    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise WrongInput(f"{path}: cannot be read ({error.strerror or error})") from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise WrongInput(f"{path}: not YAML: {error}") from error
    made: ReportSettings = _validated(ReportSettings, {"crystal_ranges": content}, str(path))
    return made


def _validated(model: Any, content: dict[str, Any], where: str) -> Any:
    from pydantic import ValidationError

    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part != "crystal_ranges")
        raise WrongInput(f"{where}: {place}: {first['msg']}, found {first['input']!r}") from None


def _figures(output: Path, ranges: ReportSettings) -> None:
    from nucleops.analysis.stages.files import SUMMARY, read_json
    from nucleops.reporting import radial_figures, structure_figures
    from nucleops.reporting.style import Book, look

    summary = read_json(output / SUMMARY)
    book = Book(output)
    with look():
        structure_figures.densities(book, output, summary, ranges)
        structure_figures.series(book, output, summary)
        radial_figures.radial(book, output, summary)


def _show(output: Path) -> None:
    from rich.table import Table

    from nucleoflow.cli.common import wide_console
    from nucleops.analysis.stages.files import SUMMARY, read_json
    from nucleops.reporting.page import outside_words, shell_words, with_error

    summary = read_json(output / SUMMARY)
    console = wide_console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("kind", "role", "bonded", "maxima", "references"):
        table.add_column(column)
    said: dict[str, list[str]] = {}
    for row in summary["references"]:
        said.setdefault(row["kind"], []).append(outside_words(row))
    for kind, found in summary["kinds"].items():
        for role, own in {"": found, **found["roles"]}.items():
            maxima = ", ".join(with_error(m["position"], m["error"]) for m in own["maxima"])
            unit = " Å" if own["unit"] == "A" else "°"
            words = "" if role else "; ".join(said.get(kind, []))
            table.add_row("" if role else kind, role, str(own["n_bonded"]), maxima + unit, words)
    if table.row_count:
        console.print(table)
    for pair, shell in summary["radial"].items():
        console.print(f"{pair}: {shell_words(shell)}", markup=False)
    console.print(f"{summary['n_frames']} frames; tables and figures: {output}", markup=False)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(structure)
