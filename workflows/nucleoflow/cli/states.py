"""The command about the states of any biased run: states."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nucleoflow.cli.fes_arguments import (
    KT,
    BasinBoxes,
    BiasColumn,
    BiasFactor,
    Block,
    Colvar,
    Cv,
    Depth,
    Discard,
    Draws,
    ExtraBias,
    Hills,
    PathEnds,
    Period,
    Temperature,
    Unit,
    Walkers,
    Weights,
)
from nucleoflow.cli.fes_options import (
    EnergyUnit,
    TimeUnit,
    atoms_of,
    basin_of,
    distance_of,
    period_of,
    refuse_others,
    sharing_of,
    thermal_energy,
    walker_files,
    words_of,
)


def states(
    trajectories: Annotated[
        list[str],
        typer.Argument(
            metavar="TRAJECTORY...",
            help="Extended XYZ, LAMMPS dump, XTC, TRR or DCD; one for each --colvar, in its order; "
            "segments of one joined by commas.",
        ),
    ],
    topology: Annotated[
        Path,
        typer.Option(
            "--topology", metavar="FILE", help="Extended XYZ or LAMMPS data of their atoms."
        ),
    ],
    hills: Hills = None,
    colvar: Colvar = None,
    cv: Cv = None,
    kt: KT = None,
    temperature: Temperature = None,
    unit: Unit = EnergyUnit.kj,
    time_unit: Annotated[
        TimeUnit, typer.Option("--time-unit", help="Unit of times in COLVAR.")
    ] = TimeUnit.ps,
    time_step: Annotated[
        float | None,
        typer.Option(
            "--time-step",
            min=0,
            help="MD time step in fs, for trajectories that count steps; from frame to frame for "
            "those that do not.",
        ),
    ] = None,
    period: Period = None,
    bias_factor: BiasFactor = None,
    walkers: Walkers = None,
    reweight: Weights = None,
    bias: BiasColumn = None,
    extra_bias: ExtraBias = None,
    discard: Discard = 0.0,
    basin: BasinBoxes = None,
    depth: Depth = 1.0,
    block: Block = 0,
    draws: Draws = 100,
    path: PathEnds = None,
    structures: Annotated[
        int, typer.Option("--structures", min=1, help="Frames to write of each state.")
    ] = 5,
    distance: Annotated[
        list[str] | None,
        typer.Option(
            "--distance",
            metavar="NAME=I,J",
            help="Distance to average, of atoms counted from 1; repeat. Default: those between the "
            "halves, where the topology has the roles of two monomers or a dimer.",
        ),
    ] = None,
    bridge: Annotated[
        list[str] | None,
        typer.Option(
            "--bridge",
            metavar="M,N",
            help="Metal of one half and N of the other that solvent can come between, counted from "
            "1; once for each end. Default: by the topology's roles.",
        ),
    ] = None,
    metal_nitrogen: Annotated[
        float | None, typer.Option(min=0, help="Largest M-N distance in A of a bond.")
    ] = None,
    metal_oxygen: Annotated[
        float | None, typer.Option(min=0, help="Largest M-O distance in A of a bridging molecule.")
    ] = None,
    nitrogen_hydrogen: Annotated[
        float | None, typer.Option(min=0, help="Largest N-H distance in A of a bridging molecule.")
    ] = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Structures, tables, figures.")
    ] = Path("fes-states"),
) -> None:
    """Structures and mean distances of each state of any biased run, and along a path."""
    from nucleoflow.cli.common import told
    from nucleops.analysis.fes.request import Request
    from nucleops.analysis.settings import BridgeSettings
    from nucleops.analysis.states.analyse import Sought
    from nucleops.analysis.states.foreign import Looked, look_at
    from nucleops.analysis.verdict import Criteria
    from nucleops.reporting.state_figures import draw_states
    from nucleops.systems.files import read_topology

    names = words_of(cv)
    periods = tuple(period_of(text) for text in period or [])
    energy = thermal_energy(kt, temperature, unit)
    request = Request(
        walkers=walker_files(hills or [], colvar or [], names, bias_factor, periods),
        kT=energy,
        sharing=sharing_of(hills or [], colvar or [], walkers),
        cvs=names,
        method=reweight.value if reweight else None,
        bias_column=bias,
        extra_bias=tuple(words_of(extra_bias)),
        discard=discard,
        basins=tuple(basin_of(text) for text in basin or []),
        depth=depth,
        block=block,
        draws=draws,
        path=path,
        criteria=Criteria(drift=energy, error=energy, unit=unit.value, time_unit=time_unit.value),
    )
    limits = {
        "metal_nitrogen_A": metal_nitrogen,
        "metal_oxygen_A": metal_oxygen,
        "nitrogen_hydrogen_A": nitrogen_hydrogen,
    }
    refuse_others(output)
    system = read_topology(topology)
    looked = Looked(
        trajectories=tuple(tuple(map(Path, words_of([text]))) for text in trajectories),
        system=system,
        time_step_fs=time_step,
        sought=Sought(
            count=structures,
            distances=tuple(distance_of(text, system) for text in distance or []),
            places=tuple(atoms_of("--bridge", text, system) for text in bridge or []),
            bridges=BridgeSettings.model_validate(
                {key: value for key, value in limits.items() if value is not None}
            ),
        ),
    )
    with told():
        found = look_at(request, looked, output)
        draw_states(found, unit.value, output)
    typer.echo(found.text)
    typer.echo(f"\nwrote {output}/: states/*.extxyz, tables (.csv, .parquet), figures (.svg, .png)")


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(states)
