"""Command about free energies of any PLUMED or Colvars run: fes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from nucleops.errors import WrongInput

if TYPE_CHECKING:
    from nucleops.analysis.fes.request import Axis, NamedBox, WalkerFiles

BOLTZMANN = {
    "kJ/mol": 0.0083144621,
    "kcal/mol": 0.0083144621 / 4.184,
    "eV": 8.617333262e-5,
}
"""Boltzmann's constant per kelvin, in the units that files can be in."""


class EnergyUnit(StrEnum):
    """Unit of the energies in the files."""

    kj = "kJ/mol"
    kcal = "kcal/mol"
    ev = "eV"
    kt = "kT"


class Reweight(StrEnum):
    """Ways of weighting rows."""

    bias_force = "bias-force"
    ct = "ct"
    final = "final"
    bias = "bias"


class Density(StrEnum):
    """Ways of turning weighted rows into a density."""

    kernel = "kernel"
    histogram = "histogram"


class Sharing(StrEnum):
    """How walkers stand to each other."""

    independent = "independent"
    shared = "shared"


def fes(
    hills: Annotated[
        list[str] | None,
        typer.Option(
            "--hills",
            metavar="HILLS",
            help="PLUMED's HILLS or Colvars' hills.traj (.gz too); segments of one run joined by "
            "commas; once for each walker.",
        ),
    ] = None,
    colvar: Annotated[
        list[str] | None,
        typer.Option(
            "--colvar",
            metavar="COLVAR",
            help="PLUMED's COLVAR or Colvars' colvars.traj, as --hills and in its order.",
        ),
    ] = None,
    cv: Annotated[
        list[str] | None,
        typer.Option(
            "--cv",
            metavar="NAMES",
            help="Variables of the surface, joined by commas; default: the biased ones.",
        ),
    ] = None,
    kt: Annotated[
        float | None, typer.Option("--kT", metavar="ENERGY", help="kT in the files' unit.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option("--temperature", metavar="K", help="In place of --kT.")
    ] = None,
    unit: Annotated[
        EnergyUnit, typer.Option("--energy-unit", help="Unit of energies in the files.")
    ] = EnergyUnit.kj,
    time_unit: Annotated[
        str, typer.Option("--time-unit", help="Unit of times in the files, for the words.")
    ] = "ps",
    grid: Annotated[
        list[str] | None,
        typer.Option(
            "--grid",
            metavar="MIN:MAX:BINS",
            help="Once for each variable; BINS intervals, so one point more, as PLUMED has it. "
            "pi and -pi are understood.",
        ),
    ] = None,
    period: Annotated[
        list[str] | None,
        typer.Option("--period", metavar="CV=PERIOD", help="Where the files do not tell it."),
    ] = None,
    bias_factor: Annotated[
        float | None,
        typer.Option("--bias-factor", help="gamma, which Colvars' file does not tell."),
    ] = None,
    walkers: Annotated[
        Sharing | None, typer.Option("--walkers", help="Needed where --hills is given repeatedly.")
    ] = None,
    reweight: Annotated[
        Reweight | None,
        typer.Option(
            "--reweight",
            help="bias-force (default with hills): static bias from the force felt; ct: V - c(t); "
            "final: the last bias; bias: the bias felt, for OPES.",
        ),
    ] = None,
    bias: Annotated[
        str | None, typer.Option("--bias", metavar="COLUMN", help="Column of COLVAR with the bias.")
    ] = None,
    extra_bias: Annotated[
        list[str] | None,
        typer.Option(
            "--extra-bias", metavar="COLUMN", help="Other bias to undo, such as a wall's; repeat."
        ),
    ] = None,
    density: Annotated[
        Density, typer.Option("--density", help="How weighted rows become a density.")
    ] = Density.kernel,
    bandwidth: Annotated[
        str | None,
        typer.Option("--bandwidth", metavar="WIDTHS", help="Kernel widths, joined by commas."),
    ] = None,
    discard: Annotated[
        float, typer.Option("--discard", min=0, help="Time at the start to leave out of weights.")
    ] = 0.0,
    basin: Annotated[
        list[str] | None,
        typer.Option(
            "--basin",
            metavar="NAME=CV:LOW:HIGH",
            help="A basin; more ranges joined by commas; repeat. Default: found by watershed.",
        ),
    ] = None,
    depth: Annotated[
        float, typer.Option("--depth", min=0, help="Least depth in kT of a basin that is found.")
    ] = 1.0,
    stride: Annotated[
        int,
        typer.Option("--stride", min=0, help="Hills between surfaces in time; 0: ten surfaces."),
    ] = 0,
    block: Annotated[
        int, typer.Option("--block", min=0, help="Rows in a block of the errors; 0: by rule.")
    ] = 0,
    draws: Annotated[int, typer.Option("--draws", min=20, help="Bootstrap samples.")] = 100,
    by_walker: Annotated[
        bool, typer.Option("--by-walker", help="Draw whole walkers for the errors, not blocks.")
    ] = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Tables, figures, summary.")
    ] = Path("fes"),
) -> None:
    """Free energies with errors and a verdict from the files of any PLUMED or Colvars run."""
    from nucleoflow.cli.common import told
    from nucleops.analysis.convergence import Criteria
    from nucleops.analysis.fes.analyse import analyse_files
    from nucleops.analysis.fes.request import Request
    from nucleops.analysis.fes.write import write_result
    from nucleops.reporting.fes_figures import draw

    names = _split(cv)
    periods = tuple(_period(text) for text in period or [])
    files = _walkers(hills or [], colvar or [], names, bias_factor, periods)
    energy = _kt(kt, temperature, unit)
    request = Request(
        walkers=files,
        kT=energy,
        sharing=_sharing(hills or [], colvar or [], walkers),
        cvs=names,
        axes=tuple(_axis(text) for text in grid or []),
        method=reweight.value if reweight else None,
        bias_column=bias,
        extra_bias=tuple(_split(extra_bias)),
        smoothing=density.value,
        bandwidths=tuple(_number("--bandwidth", w) for w in (bandwidth or "").split(",") if w),
        discard=discard,
        basins=tuple(_basin(text) for text in basin or []),
        depth=depth,
        stride=stride,
        block=block,
        draws=draws,
        by_walker=by_walker,
        criteria=Criteria(drift=energy, error=energy, unit=unit.value, time_unit=time_unit),
    )
    _refuse_others(output)
    with told():
        result = analyse_files(request)
        text = write_result(result, request, output)
        draw(result, energy, unit.value, output)
    typer.echo(text)
    typer.echo(f"\nwrote {output}/: summary.txt, tables (.csv, .parquet), figures (.svg, .png)")


def _kt(kt: float | None, temperature: float | None, unit: EnergyUnit) -> float:
    if unit is EnergyUnit.kt and kt is None and temperature is None:
        return 1.0
    if (kt is None) == (temperature is None):
        raise WrongInput("say --kT or --temperature, one of the two")
    if kt is None:
        if unit is EnergyUnit.kt:
            return 1.0
        assert temperature is not None
        kt = temperature * BOLTZMANN[unit.value]
    if not kt > 0:
        raise WrongInput(f"--kT: found {kt:g}, allowed more than 0")
    return kt


def _walkers(
    hills: list[str],
    colvar: list[str],
    names: tuple[str, ...],
    bias_factor: float | None,
    periods: tuple[tuple[str, float], ...],
) -> tuple[WalkerFiles, ...]:
    from nucleops.analysis.fes.request import WalkerFiles
    from nucleops.bias.foreign import HillsFiles

    if not hills and not colvar:
        raise WrongInput("found neither --hills nor --colvar; give one of them or both")
    if hills and colvar and len(colvar) != len(hills) and len(hills) != 1:
        raise WrongInput(
            f"found {len(hills)} --hills and {len(colvar)} --colvar; allowed: one of each for "
            "every walker, or one --hills that all walkers wrote"
        )
    made = []
    for k in range(max(len(hills), len(colvar))):
        own = HillsFiles(_files(hills[k]), names, bias_factor, periods) if k < len(hills) else None
        made.append(WalkerFiles(own, _files(colvar[k]) if k < len(colvar) else ()))
    return tuple(made)


def _sharing(
    hills: list[str], colvar: list[str], sharing: Sharing | None
) -> Literal["independent", "shared"]:
    if len(hills) == 1 and len(colvar) > 1:
        return "shared"
    if len(hills) > 1 and sharing is None:
        raise WrongInput(
            f"--walkers: found none for {len(hills)} --hills; allowed: independent (a bias each) "
            "or shared (one bias of all); segments of one run are joined by commas in one --hills"
        )
    return "shared" if sharing is Sharing.shared else "independent"


def _files(text: str) -> tuple[Path, ...]:
    return tuple(Path(part) for part in text.split(",") if part)


def _split(texts: list[str] | None) -> tuple[str, ...]:
    return tuple(part for text in texts or [] for part in text.split(",") if part)


def _number(option: str, text: str) -> float:
    from math import pi

    try:
        sign = -1.0 if text.startswith("-") else 1.0
        return sign * pi if text.lstrip("+-") == "pi" else float(text)
    except ValueError:
        raise WrongInput(f"{option}: found {text!r}, allowed a number") from None


def _axis(text: str) -> Axis:
    from nucleops.analysis.fes.request import Axis

    parts = text.split(":")
    if len(parts) != 3 or not parts[2].isdigit() or int(parts[2]) < 2:
        raise WrongInput(f"--grid: found {text!r}, allowed MIN:MAX:BINS with 2 bins or more")
    low, high = _number("--grid", parts[0]), _number("--grid", parts[1])
    if not low < high:
        raise WrongInput(f"--grid: found {text!r}, whose MIN is not below its MAX")
    return Axis(low, high, int(parts[2]))


def _period(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    period = _number("--period", value) if value else 0.0
    if not name or not period > 0:
        raise WrongInput(f"--period: found {text!r}, allowed CV=PERIOD with a period above 0")
    return name, period


def _basin(text: str) -> NamedBox:
    from nucleops.analysis.fes.request import NamedBox

    name, _, ranges = text.partition("=")
    made = {}
    for part in ranges.split(","):
        words = part.rsplit(":", 2)
        if not name or len(words) != 3:
            raise WrongInput(f"--basin: found {text!r}, allowed NAME=CV:LOW:HIGH[,CV:LOW:HIGH ..]")
        low, high = _number("--basin", words[1]), _number("--basin", words[2])
        if not low < high:
            raise WrongInput(f"--basin {name}: {words[0]}: {low:g} is not below {high:g}")
        made[words[0]] = (low, high)
    return NamedBox(name, made)


def _refuse_others(folder: Path) -> None:
    """Refuse a folder with files in it that this command did not write."""
    if folder.exists() and not folder.is_dir():
        raise WrongInput(f"{folder}: is a file; allowed: a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "summary.txt").is_file():
        raise WrongInput(f"{folder}: is not empty, and was not written by this command")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(fes)
