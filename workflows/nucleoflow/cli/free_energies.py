"""Command about free energies of any PLUMED or Colvars run: fes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleoflow.cli.fes_arguments import (
    KT,
    Axes,
    Bandwidth,
    BasinBoxes,
    BiasColumn,
    BiasFactor,
    Block,
    ByWalker,
    Colvar,
    Cv,
    Depth,
    Discard,
    Draws,
    ExtraBias,
    Hills,
    PathEnds,
    Period,
    Smoothing,
    Temperature,
    Unit,
    Walkers,
    Weights,
)
from nucleoflow.cli.fes_options import (
    Density,
    EnergyUnit,
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
    hills: Hills = None,
    colvar: Colvar = None,
    cv: Cv = None,
    kt: KT = None,
    temperature: Temperature = None,
    unit: Unit = EnergyUnit.kj,
    time_unit: Annotated[
        str, typer.Option("--time-unit", help="Unit of times in the files, for the words.")
    ] = "ps",
    grid: Axes = None,
    period: Period = None,
    bias_factor: BiasFactor = None,
    walkers: Walkers = None,
    reweight: Weights = None,
    bias: BiasColumn = None,
    extra_bias: ExtraBias = None,
    density: Smoothing = Density.kernel,
    bandwidth: Bandwidth = None,
    discard: Discard = 0.0,
    basin: BasinBoxes = None,
    depth: Depth = 1.0,
    stride: Annotated[
        int,
        typer.Option("--stride", min=0, help="Hills between surfaces in time; 0: ten surfaces."),
    ] = 0,
    block: Block = 0,
    draws: Draws = 100,
    by_walker: ByWalker = False,
    path: PathEnds = None,
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
        path=path,
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
