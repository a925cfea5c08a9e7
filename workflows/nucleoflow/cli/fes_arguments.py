"""Options that the commands about free energies share, as types of their parameters."""

from __future__ import annotations

from typing import Annotated

import typer

from nucleoflow.cli.fes_options import Density, EnergyUnit, Reweight, Sharing

Hills = Annotated[
    list[str] | None,
    typer.Option(
        "--hills",
        metavar="HILLS",
        help="PLUMED's HILLS or Colvars' hills.traj (.gz too); segments of one run joined by "
        "commas; once for each walker.",
    ),
]
Colvar = Annotated[
    list[str] | None,
    typer.Option(
        "--colvar",
        metavar="COLVAR",
        help="PLUMED's COLVAR or Colvars' colvars.traj, as --hills and in its order.",
    ),
]
Cv = Annotated[
    list[str] | None,
    typer.Option(
        "--cv",
        metavar="NAMES",
        help="Variables of the surface, joined by commas; default: the biased ones.",
    ),
]
KT = Annotated[float | None, typer.Option("--kT", metavar="ENERGY", help="kT in the files' unit.")]
Temperature = Annotated[
    float | None, typer.Option("--temperature", metavar="K", help="In place of --kT.")
]
Unit = Annotated[EnergyUnit, typer.Option("--energy-unit", help="Unit of energies in the files.")]
Axes = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        metavar="MIN:MAX:BINS",
        help="Once for each variable; BINS intervals, so one point more, as PLUMED has it. "
        "pi and -pi are understood.",
    ),
]
Period = Annotated[
    list[str] | None,
    typer.Option("--period", metavar="CV=PERIOD", help="Where the files do not tell it."),
]
BiasFactor = Annotated[
    float | None, typer.Option("--bias-factor", help="gamma, which Colvars' file does not tell.")
]
Walkers = Annotated[
    Sharing | None, typer.Option("--walkers", help="Needed where --hills is given repeatedly.")
]
Weights = Annotated[
    Reweight | None,
    typer.Option(
        "--reweight",
        help="bias-force (default with hills): static bias from the force felt; ct: V - c(t); "
        "final: the last bias; bias: the bias felt, for OPES.",
    ),
]
BiasColumn = Annotated[
    str | None, typer.Option("--bias", metavar="COLUMN", help="Column of COLVAR with the bias.")
]
ExtraBias = Annotated[
    list[str] | None,
    typer.Option(
        "--extra-bias", metavar="COLUMN", help="Other bias to undo, such as a wall's; repeat."
    ),
]
Smoothing = Annotated[
    Density, typer.Option("--density", help="How weighted rows become a density.")
]
Bandwidth = Annotated[
    str | None,
    typer.Option("--bandwidth", metavar="WIDTHS", help="Kernel widths, joined by commas."),
]
Discard = Annotated[
    float, typer.Option("--discard", min=0, help="Time at the start to leave out of weights.")
]
BasinBoxes = Annotated[
    list[str] | None,
    typer.Option(
        "--basin",
        metavar="NAME=CV:LOW:HIGH",
        help="A basin; more ranges joined by commas; repeat. Default: found by watershed.",
    ),
]
Depth = Annotated[
    float, typer.Option("--depth", min=0, help="Least depth in kT of a basin that is found.")
]
Block = Annotated[
    int, typer.Option("--block", min=0, help="Rows in a block of the errors; 0: by rule.")
]
Draws = Annotated[int, typer.Option("--draws", min=20, help="Bootstrap samples.")]
ByWalker = Annotated[
    bool, typer.Option("--by-walker", help="Draw whole walkers for the errors, not blocks.")
]
PathEnds = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--path",
        metavar="FROM TO",
        help="Minimum free-energy path between two basins, or values joined by commas.",
    ),
]
