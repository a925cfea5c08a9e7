"""Commands about collective variables: colvar, bias, cv-preview."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleoflow.cli.common import told
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from rich.table import Table

    from nucleoflow.study.bias_use import UsedBias
    from nucleops.bias.preview_tables import TextTable

StudyArgument = Annotated[
    str, typer.Argument(metavar="STUDY", help="Study file, or a shipped study.")
]
StageArgument = Annotated[
    str,
    typer.Argument(
        metavar="STAGE",
        help="Name of a metadynamics or of an exploration's bias; or the stage, metad or learn.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="Which of the stage's, where it has several."),
]
SystemOption = Annotated[
    Path | None,
    typer.Option(
        "--system",
        metavar="FILE",
        help="Extended XYZ or LAMMPS data of the start; default: what the study builds.",
    ),
]


class Engine(StrEnum):
    """Who reads an input."""

    plumed = "plumed"
    colvars = "colvars"


def colvar(
    study: StudyArgument,
    stage: StageArgument,
    trajectory: Annotated[
        Path,
        typer.Argument(
            metavar="TRAJECTORY", help="Extended XYZ, LAMMPS dump (.gz too), XTC, TRR or DCD."
        ),
    ],
    topology: Annotated[
        Path | None,
        typer.Option(
            "--topology",
            metavar="FILE",
            help="Extended XYZ or LAMMPS data of the trajectory's atoms; "
            "default: the system that the study builds.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="COLVAR", help="Default: standard output."),
    ] = None,
    start: Annotated[int, typer.Option(min=0, help="First frame, from 0.")] = 0,
    stop: Annotated[int | None, typer.Option(min=1, help="Frame to stop before.")] = None,
    stride: Annotated[int, typer.Option(min=1, help="Every so many frames.")] = 1,
    time_step: Annotated[
        float | None,
        typer.Option(
            metavar="FS",
            help="Time of an MD step in fs; between frames, where the file counts no steps. "
            "Default: the file's own times, else the study's time step.",
        ),
    ] = None,
    name: NameOption = None,
) -> None:
    """Evaluate the variables, walls and restraints of a stage along any trajectory."""
    from nucleoflow.study.bias_output import whole_file, write_trajectory_colvar

    if time_step is not None and time_step <= 0:
        raise WrongInput(f"--time-step: found {time_step:g}, allowed more than 0 fs")
    with told():
        used = _used(study, stage, name, topology)
        chosen: dict[str, Any] = {"start": start, "stop": stop, "stride": stride}
        chosen["time_step_fs"] = time_step
        if output is None:
            write_trajectory_colvar(used, trajectory, sys.stdout, **chosen)
            return
        with whole_file(output) as out:
            rows = write_trajectory_colvar(used, trajectory, out, **chosen)
    typer.echo(f"wrote {output}: {rows} frames")


def bias(
    study: StudyArgument,
    stage: StageArgument,
    engine: Annotated[Engine, typer.Option(help="Who reads it.")] = Engine.plumed,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Default: standard output."),
    ] = None,
    system: SystemOption = None,
    name: NameOption = None,
) -> None:
    """Print the input of PLUMED or Colvars for the bias of a stage."""
    from nucleoflow.study.bias_output import engine_input, whole_file

    with told():
        text, left_out = engine_input(_used(study, stage, name, system), engine.value)
    for what in left_out:
        typer.echo(f"left out: {what}", err=True)
    if output is None:
        typer.echo(text, nl=False)
        return
    with whole_file(output) as out:
        out.write(text)
    typer.echo(f"wrote {output}")


def cv_preview(
    study: StudyArgument,
    stage: StageArgument,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PREVIEW",
            help="Write switching functions and pair distances: .png, .svg, or all as .html.",
        ),
    ] = None,
    system: SystemOption = None,
    name: NameOption = None,
) -> None:
    """Show what a bias does at its start, and warn of what one would regret."""
    from nucleoflow.cli.common import wide_console
    from nucleops.bias.cautions import cautions
    from nucleops.bias.preview import preview
    from nucleops.bias.preview_tables import heading, tables
    from nucleops.reporting.preview_page import SUFFIXES, write_preview

    if output is not None and output.suffix not in SUFFIXES:
        raise WrongInput(f"{output}: unknown suffix; allowed: {', '.join(SUFFIXES)}")
    with told():
        used = _used(study, stage, name, system)
        made = preview(used.resolved, used.topology, used.use.md.temperature_K)
    console = wide_console()
    console.print(heading(made), highlight=False, markup=False, soft_wrap=True)
    for table in tables(made):
        console.print()
        console.print(_table(table))
    for text in cautions(made):
        console.print()
        console.print("[yellow]caution:[/yellow]", end=" ")
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    if output is not None:
        title = f"{study}: {used.use.name}"
        typer.echo(f"\nwrote {write_preview(made, output, title)}")


def _used(study: str, stage: str, name: str | None, topology: Path | None) -> UsedBias:
    from nucleoflow.study.bias_use import used_bias
    from nucleoflow.study.load import load_study

    used = used_bias(load_study(study), stage, name, topology)
    for note in used.notes:
        typer.echo(f"note: {note}", err=True)
    return used


def _table(table: TextTable) -> Table:
    from rich.table import Table
    from rich.text import Text

    shown = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in table.columns:
        shown.add_column(column.name, justify="right" if column.numbers else "left", no_wrap=True)
    for row in table.rows:
        shown.add_row(*(Text(cell) for cell in row))
    return shown


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("cv-preview")(cv_preview)
    for command in (colvar, bias):
        app.command()(command)
