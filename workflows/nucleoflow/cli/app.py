"""``nucleoflow``: all commands in one application."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from nucleoflow import __version__
from nucleoflow.cli import (
    again,
    biases,
    charges,
    cluster,
    data,
    doctor,
    ending,
    free_energies,
    inspect,
    nuclei,
    runs,
    states,
    structure,
    studies,
    submit,
)
from nucleops.errors import NucleoError, WrongInput


class Commands(TyperGroup):
    """Commands whose expected failures are shown as messages, not as tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named; exit code 2 for wrong input, 1 for other failures."""
        try:
            return super().invoke(ctx)
        except NucleoError as error:
            show_error(error)
            raise typer.Exit(2 if isinstance(error, WrongInput) else 1) from None
        except BrokenPipeError:
            raise typer.Exit(141) from None  # as a shell reports it, for '| head'
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def show_error(error: NucleoError) -> None:
    """Print what happened, where the log is and what can be done about it."""
    console = Console(stderr=True, highlight=False)
    console.print("[bold red]error:[/bold red]", end=" ")
    console.print(error.message, markup=False, soft_wrap=True)
    if error.log is not None:
        console.print(f"  log: {error.log}", markup=False, soft_wrap=True)
    if error.advice:
        console.print(f"  {error.advice}", markup=False, soft_wrap=True)


app = typer.Typer(
    name="nucleoflow",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From one study file to potentials, free energies, nucleation and a report.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nucleoflow {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


runs.register(app)
submit.register(app)
inspect.register(app)
again.register(app)
ending.register(app)
studies.register(app)
biases.register(app)
free_energies.register(app)
states.register(app)
cluster.register(app)
nuclei.register(app)
structure.register(app)
charges.register(app)
data.register(app)
doctor.register(app)


def main() -> None:
    """Entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
