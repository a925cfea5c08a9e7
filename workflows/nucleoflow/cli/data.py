"""Commands about labelled data: data info, data export, data merge."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nucleoflow.cli.common import RunsOption
from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleops.learning.collection.collection import Collection

_MOST_DUPLICATES = 10

Source = Annotated[
    str,
    typer.Argument(
        metavar="PATH|RUN",
        help="Folder with a collection or DeePMD npy systems; or a run, whose data are meant.",
    ),
]
Level = Annotated[
    str | None,
    typer.Option("--level", metavar="TEXT", help="Level of theory of frames that do not say."),
]
Program = Annotated[
    str | None,
    typer.Option("--program", metavar="TEXT", help="What labelled frames that do not say."),
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="New folder.")]


class Format(StrEnum):
    """What data can be exported as."""

    deepmd = "deepmd"
    mixed = "deepmd-mixed"
    extxyz = "extxyz"


def info(
    source: Source,
    level: Level = None,
    program: Program = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs: RunsOption = None,
) -> None:
    """Show what a data set holds, its address, and whether every file is as it was written."""
    from nucleops.learning.collection.files import is_collection
    from nucleops.learning.collection.info import describe

    folder = _folder(source, runs)
    told = {"path": str(folder), "verified": is_collection(folder)}
    told |= describe(_read(folder, level, program))
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    else:
        _show(told)


def export(
    source: Source,
    output: Output,
    fmt: Annotated[Format, typer.Option("--format", help="What to write.")] = Format.deepmd,
    rounds: Annotated[
        list[str] | None,
        typer.Option("--round", help="This round only; can be given several times."),
    ] = None,
    systems: Annotated[
        list[str] | None,
        typer.Option("--system", help="This system only, as 'data info' names it; several times."),
    ] = None,
    level: Level = None,
    program: Program = None,
    runs: RunsOption = None,
) -> None:
    """Write data, all or a part, as DeePMD npy, DeePMD npy of mixed type, or extended XYZ."""
    from nucleops.learning.collection.export import export as write

    whole = _read(_folder(source, runs), level, program)
    part = whole.select(rounds or None, systems or None)
    if not len(part):
        raise WrongInput("no frame is of these rounds and of these systems at once")
    write(part, output, fmt.value)
    typer.echo(f"{len(part)} frames in {output}, {part.address}")


def merge(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="PATH|RUN...", help="Collections, DeePMD npy systems, or runs."),
    ],
    output: Output,
    level: Level = None,
    program: Program = None,
    mixed_levels: Annotated[
        bool, typer.Option("--mixed-levels", help="Keep several levels of theory side by side.")
    ] = False,
    runs: RunsOption = None,
) -> None:
    """Merge data sets into a new collection in which no configuration is twice."""
    from nucleops.learning.collection.files import refuse_occupied, write_collection
    from nucleops.learning.collection.foreign import merge as unite

    refuse_occupied(output)  # before reading what may be large
    collections = [_read(_folder(source, runs), level, program) for source in sources]
    merged = unite(collections, mixed_levels=mixed_levels)
    write_collection(merged, output)
    inside = [duplicate for one in collections for duplicate in one.duplicates]
    _show_duplicates([*inside, *merged.duplicates])
    typer.echo(f"{len(merged)} frames in {output}, {merged.address}")


def _folder(source: str, runs: Path | None) -> Path:
    """Return the folder that is meant: one of data, or the data of a run."""
    from nucleoflow.runs.folder import find_run, runs_root

    path = Path(source)
    if path.is_dir() and not (path / "run.json").is_file():
        return path
    try:
        run = find_run(str(path.absolute()) if path.is_dir() else source, runs_root(runs))
    except WrongInput as error:
        raise WrongInput(
            f"there is no folder '{source}', nor a run: {error.message}", advice=error.advice
        ) from None
    data = run.results / "data"
    if not data.is_dir():
        raise WrongInput(
            f"run {run.id} has no data set in {run.results}",
            advice="it is there once stage learn has ended; for a run in a cluster 'nucleoflow"
            f" download {run.id}' brings it here",
        )
    return data


def _read(folder: Path, level: str | None, program: str | None) -> Collection:
    from nucleops.learning.collection.foreign import Stated, read_any

    said = {"level": level, "program": program}
    return read_any(folder, Stated(**{name: text for name, text in said.items() if text}))


def _show(told: dict[str, Any]) -> None:
    from rich.table import Table

    from nucleoflow.cli.common import wide_console

    console = wide_console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("system", "level", "rounds"):
        table.add_column(name, overflow="fold")
    for name in ("frames", "atoms", "energy (eV/atom)", "largest force (eV/A)"):
        table.add_column(name, justify="right")
    for system in told["systems"]:
        table.add_row(
            system["name"],
            system["level"],
            _counts(system["rounds"]),
            str(system["n_frames"]),
            str(system["n_atoms"]),
            f"{system['lowest_eV_atom']:.4f} to {system['highest_eV_atom']:.4f}",
            f"{system['largest_force_eV_A']:.2f}",
        )
    console.print(table)
    for line in _sentences(told):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _sentences(told: dict[str, Any]) -> list[str]:
    lines = [
        f"{told['n_frames']} frames of {told['n_parents']} trajectories or tasks;"
        f" rounds: {_counts(told['rounds'])}; labelled by: {_counts(told['programs'])}",
        f"address: {told['address']}",
    ]
    if told["verified"]:
        lines.append("verified: every file, every frame and the address are as they were written")
    else:
        lines.append(
            "not verified: this is no collection, there is nothing to hold its files against;"
            " 'nucleoflow data merge' makes one"
        )
    if told["n_duplicates"]:
        lines.append(f"{told['n_duplicates']} frames are there more than once; counted once")
    if told["mixed_type_pays"]:
        lines.append(
            "many systems with few frames: a descriptor that can train on mixed type (not se_e2_a)"
            " is better served by 'nucleoflow data export --format deepmd-mixed'"
        )
    return lines


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or 'no round'} {n}" for name, n in counts.items())


def _show_duplicates(duplicates: list[Any]) -> None:
    from nucleops.learning.collection.merging import words

    for one in duplicates[:_MOST_DUPLICATES]:
        typer.echo(f"left out {words(one.dropped)}: {words(one.kept)} is the same configuration")
    if len(duplicates) > _MOST_DUPLICATES:
        typer.echo(f"... and {len(duplicates) - _MOST_DUPLICATES} more")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="Look at, export, merge labelled data.")
    for command in (info, export, merge):
        group.command()(command)
    app.add_typer(group, name="data")
