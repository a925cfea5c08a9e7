"""The command about nucleation in anyone's trajectory: nuclei."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleops.analysis.settings import NucleationSettings


def nuclei(
    trajectories: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRAJECTORY...",
            help="Extended XYZ, LAMMPS dump (.gz too), XTC, TRR or DCD; several are replicas.",
        ),
    ],
    topology: Annotated[
        Path,
        typer.Option(
            "--topology", metavar="FILE", help="Extended XYZ or LAMMPS data of their atoms."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="New folder for the results.")
    ] = Path("nuclei"),
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="STUDY", help="Study whose nucleate.analysis counts."),
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
    movie: Annotated[bool, typer.Option(help="Write an animated picture of each.")] = True,
) -> None:
    """Find the nuclei in trajectories, name them, and tell when and how they formed."""
    from nucleops.analysis.nuclei.replica import analyse_trajectory
    from nucleops.analysis.stages.nucleate import nucleate_folder
    from nucleops.analysis.stages.replica import drawing, write_replica
    from nucleops.reporting.movie import write_movie
    from nucleops.systems.files import read_topology
    from nucleops.systems.trajectory import Trajectory

    if not output.resolve().parent.is_dir():
        raise WrongInput(f"--output: there is no folder {output.resolve().parent}")
    if output.exists():
        raise WrongInput(f"--output: {output} is there already; name a new folder")
    settings = _settings(study)
    system = read_topology(topology)
    runs = [Trajectory(path, system, start, stop, stride) for path in trajectories]
    with TemporaryDirectory(dir=output.resolve().parent, prefix=f".{output.name}-") as scratch:
        folders: list[Path | None] = []
        for number, run in enumerate(runs):
            folder = Path(scratch) / f"replica-{number:03d}"
            folder.mkdir()
            replica = analyse_trajectory(
                run,
                settings,
                frame_ps=frame_ps,
                step_fs=time_step,
                scratch=Path(scratch),
                show=drawing(write_movie if movie else None, settings, folder),
            )
            write_replica(replica, folder, folder.name, {"trajectory": str(run.path)})
            folders.append(folder)
        nucleate_folder(folders, settings, output)
    _figures(output)
    _show(output)


def _settings(study: str | None) -> NucleationSettings:
    from nucleoflow.study.load import load_study
    from nucleops.analysis.settings import NucleationSettings

    if study is None:
        return NucleationSettings()
    nucleate = load_study(study).nucleate
    if nucleate is None:
        raise WrongInput(f"--study: study '{study}' has no stage nucleate")
    return nucleate.analysis


def _figures(output: Path) -> None:
    from nucleops.analysis.stages.files import SUMMARY, read_json
    from nucleops.reporting import nucleation_figures, nucleation_pool_figures
    from nucleops.reporting.style import Book, look

    summary: dict[str, Any] = read_json(output / SUMMARY)
    book = Book(output)
    with look():
        nucleation_figures.series(book, output, summary)
        nucleation_figures.pool(book, output, summary)
        nucleation_pool_figures.survival_and_sizes(book, output, summary)
        nucleation_pool_figures.steps(book, output, summary)


def _show(output: Path) -> None:
    from rich.table import Table

    from nucleoflow.cli.common import wide_console
    from nucleops.analysis.stages.files import SUMMARY, read_json

    summary = read_json(output / SUMMARY)
    console = wide_console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    columns = ("replica", "nucleus", "kind", "metals", "together", "dried", "reorganised", "shape")
    for column in columns:
        table.add_column(column)
    for replica in summary["replicas"]:
        for nucleus in replica["nuclei"]:
            events = nucleus["events"]
            table.add_row(
                replica["name"],
                str(nucleus["number"]),
                nucleus["kind"],
                str(nucleus["n_metal"]),
                _when(nucleus),
                _interval(events["drying"]),
                _interval(events["reorganisation"]),
                "" if nucleus["shape_measure"] is None else f"{nucleus['shape_measure']:.2f}",
            )
    if table.row_count:
        console.print(table)
    console.print(summary["verdict"]["sentence"], markup=False)
    console.print(f"tables and figures: {output}", markup=False)


def _when(nucleus: dict[str, Any]) -> str:
    if nucleus["from_start"]:
        return "from the start"
    since = nucleus["together_since_ps"]
    return "" if since is None else f"{since:.4g} ps"


def _interval(event: dict[str, float] | None) -> str:
    if event is None:
        return ""
    return f"{event['time']:.4g} ({event['low']:.4g} to {event['high']:.4g}) ps"


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(nuclei)
