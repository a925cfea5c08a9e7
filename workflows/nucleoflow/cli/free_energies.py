"""Command about free energies of any PLUMED or Colvars run: fes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleoflow.cli.fes_options import (
    Density,
    EnergyUnit,
    Reweight,
    Sharing,
    axis_of,
    basin_of,
    number_of,
    period_of,
    refuse_others,
    sharing_of,
    thermal_energy,
    walker_files,
    words_of,
)


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
    from nucleops.analysis.fes.analyse import analyse_files
    from nucleops.analysis.fes.request import Request
    from nucleops.analysis.fes.write import write_result
    from nucleops.analysis.verdict import Criteria
    from nucleops.reporting.fes_figures import draw

    names = words_of(cv)
    periods = tuple(period_of(text) for text in period or [])
    files = walker_files(hills or [], colvar or [], names, bias_factor, periods)
    energy = thermal_energy(kt, temperature, unit)
    request = Request(
        walkers=files,
        kT=energy,
        sharing=sharing_of(hills or [], colvar or [], walkers),
        cvs=names,
        axes=tuple(axis_of(text) for text in grid or []),
        method=reweight.value if reweight else None,
        bias_column=bias,
        extra_bias=tuple(words_of(extra_bias)),
        smoothing=density.value,
        bandwidths=tuple(number_of("--bandwidth", w) for w in (bandwidth or "").split(",") if w),
        discard=discard,
        basins=tuple(basin_of(text) for text in basin or []),
        depth=depth,
        stride=stride,
        block=block,
        draws=draws,
        by_walker=by_walker,
        criteria=Criteria(drift=energy, error=energy, unit=unit.value, time_unit=time_unit),
    )
    refuse_others(output)
    with told():
        result = analyse_files(request)
        text = write_result(result, request, output)
        draw(result, energy, unit.value, output)
    typer.echo(text)
    typer.echo(f"\nwrote {output}/: summary.txt, tables (.csv, .parquet), figures (.svg, .png)")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(fes)
