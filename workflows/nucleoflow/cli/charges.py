"""The command about atomic charges of anyone's structures: charges."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleops.population.settings import ChargeTask


class Level(StrEnum):
    """Levels of theory by name."""

    xtb = "gfn1-xtb"
    pbe = "pbe-d3"


class MotifOption(StrEnum):
    """Shipped motifs of the cluster."""

    monomer = "monomer"
    dimer = "dimer"
    octahedron = "octahedron"


def charges(
    structures: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[STRUCTURES.extxyz...]",
            help="Extended XYZ files, or folders of them: a state each, called as its file.",
            show_default=False,
        ),
    ] = None,
    motif: Annotated[
        list[MotifOption] | None,
        typer.Option("--motif", help="A shipped motif, isolated, as a state too; repeat."),
    ] = None,
    level: Annotated[
        Level, typer.Option("--level", help="Level of theory, with its default settings.")
    ] = Level.xtb,
    study: Annotated[
        str | None,
        typer.Option("--study", metavar="STUDY", help="Take level and charges from a study."),
    ] = None,
    ddec6: Annotated[
        bool, typer.Option("--ddec6", help="DDEC6 charges too, by Chargemol; needs pbe-d3.")
    ] = False,
    chargemol: Annotated[
        str, typer.Option("--chargemol", metavar="PROGRAM", help="Chargemol's binary.")
    ] = "chargemol",
    densities: Annotated[
        Path | None,
        typer.Option(
            "--atomic-densities",
            metavar="FOLDER",
            help="Chargemol's atomic_densities; default: $DDEC6_ATOMIC_DENSITIES_DIR.",
        ),
    ] = None,
    most: Annotated[int, typer.Option("--frames", min=1, help="Most frames of each state.")] = 10,
    cubes: Annotated[bool, typer.Option("--cubes", help="Keep the density cubes.")] = False,
    threads: Annotated[int, typer.Option(min=1, help="Threads of CP2K and Chargemol.")] = 1,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="New folder for the results.")
    ] = Path("charges"),
) -> None:
    """Compute atomic charges of structures with CP2K, and their trend over the states."""
    from nucleops.analysis.stages.charges import charges_folder
    from nucleops.engines.chargemol.ddec6 import find_program
    from nucleops.population.sources import file_states, motif_states, write_tasks
    from nucleops.population.task import charge_task

    if output.exists():
        raise WrongInput(f"--output: {output} is there already; name a new folder")
    config = _config(study, level, threads)
    asked: dict[str, Any] = {"keep_cubes": cubes, "frames_per_state": most}
    if ddec6:
        folder = str(densities.resolve()) if densities else ""
        asked["ddec6"] = {"program": chargemol, "atomic_densities": folder}
    config = _with(config, asked)
    if config.charges.ddec6 is not None:
        find_program(config.charges.ddec6)
    states = motif_states([m.value for m in motif or ()], "Ag")
    states |= file_states(structures or [], most)
    tasks = write_tasks(states, most, output / "tasks")
    if not tasks:
        raise WrongInput("no structure was named", advice="give extended XYZ files, or --motif")
    done = []
    for task in tasks:
        work, result = output / "runs" / task.name, output / "tasks" / f"{task.name}-charges"
        charge_task(task, config, work, result)
        done.append(result)
    charges_folder(done, output)
    _figure(output)
    _show(output)


def _config(study: str | None, level: Level, threads: int) -> ChargeTask:
    from nucleoflow.study.load import load_study
    from nucleops.population.settings import ChargeSettings, ChargeTask

    if study is None:
        chosen: Any = {"method": level.value}
        return ChargeTask.model_validate({"level": chosen, "threads": threads})
    loaded = load_study(study)
    own = loaded.charges or ChargeSettings()
    return ChargeTask(level=own.level or loaded.level_of_theory, charges=own, threads=threads)


def _with(config: ChargeTask, asked: dict[str, Any]) -> ChargeTask:
    """Lay the command's options over a study's settings."""
    from pydantic import ValidationError

    from nucleops.population.settings import ChargeSettings

    own = config.charges.model_dump() | asked | {"level": config.level.model_dump()}
    try:
        settings = ChargeSettings.model_validate(own)
    except ValidationError as error:
        words = "; ".join(e["msg"].removeprefix("Value error, ") for e in error.errors())
        raise WrongInput(f"options of the charges: {words}") from None
    return config.model_copy(update={"charges": settings})


def _figure(output: Path) -> None:
    from nucleops.analysis.stages.files import SUMMARY, read_json
    from nucleops.reporting.charge_figures import trend
    from nucleops.reporting.style import Book, look

    with look():
        trend(Book(output), output, read_json(output / SUMMARY))


def _show(output: Path) -> None:
    from rich.table import Table

    from nucleoflow.cli.common import wide_console
    from nucleops.analysis.stages.files import SUMMARY, read_json
    from nucleops.reporting.page import charge, scheme

    summary = read_json(output / SUMMARY)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("scheme", "element", "of the", *(f"{s} (e)" for s in summary["states"])):
        table.add_column(column)
    rows = {(r["scheme"], r["element"], r["part"], r["state"]): r for r in summary["rows"]}
    for key in dict.fromkeys(key[:3] for key in rows):
        found = [rows.get((*key, state)) for state in summary["states"]]
        table.add_row(
            scheme(key[0]),
            *key[1:],
            *(charge(r) if r else "" for r in found),
        )
    console = wide_console()
    console.print(table)
    console.print(summary["verdict"]["sentence"], markup=False)
    console.print(f"tables and figures: {output}", markup=False)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command()(charges)
