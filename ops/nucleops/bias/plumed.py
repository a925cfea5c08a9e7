"""Write a bias as PLUMED input that versions 2.9 and 2.10 both read.

Only explicit scalars are printed, metadynamics is always on a grid, and with ``restart`` the same
text continues a run. Coordination uses the short form ``R_0 NN MM`` (cut and stretched). OPES keeps
its kernels in KERNELS and what an exact continuation needs in STATE.
"""

from __future__ import annotations

from collections.abc import Sequence

from nucleops.bias.checks import check_shared, check_start
from nucleops.bias.enhanced import Metadynamics, Opes, SharedHills
from nucleops.bias.resolved import Place, ResolvedBias, ResolvedCV, ResolvedWall
from nucleops.bias.switch import cutoff
from nucleops.errors import WrongInput

KERNELS_FILE = "KERNELS"
"""OPES: every kernel that was added, before merging."""
STATE_FILE = "STATE"
"""OPES: the merged kernels and the sums that an exact continuation needs."""
MANY_PAIRS = 2000
"""From so many pairs on a neighbour list saves more than it costs."""
LIST_SKIN_A = 2.0
"""How much further than the switching function a neighbour list reaches: no pair that is not in it
comes that close within :data:`LIST_STRIDE` steps of at most 2 fs."""
LIST_STRIDE = 10


def plumed_input(
    resolved: ResolvedBias,
    temperature_K: float,
    stride: int,
    colvar: str = "COLVAR",
    hills: str = "HILLS",
    *,
    restart: bool = False,
    shared: SharedHills | None = None,
) -> str:
    """Return the PLUMED input of a bias, in angstrom, kcal/mol and fs.

    Parameters
    ----------
    resolved : ResolvedBias
        The bias over atom indices.
    temperature_K : float
        Temperature in kelvin, for metadynamics and OPES.
    stride : int
        MD steps between rows of COLVAR.
    colvar, hills : str
        Names of the output files. Of walkers that share hills, each adds ``.<number>`` to the name
        of its hills, which lie in the folder of the exchange.
    restart : bool
        Continue: append to the files and read the hills, or the state of OPES, back.
    shared : SharedHills or None
        Lay the hills into one bias with other walkers.

    Returns
    -------
    str
        Text of the file for LAMMPS' ``fix plumed``.

    Raises
    ------
    WrongInput
        ``stride`` is less than 1, the temperature is not positive, the start lies off the grid,
        OPES' numbers do not fit the temperature, or what is to be shared is not metadynamics.
    """
    check_shared(resolved, shared)
    if stride < 1 or temperature_K <= 0:
        raise WrongInput(
            f"stride {stride}, temperature_K {temperature_K:g}: allowed at least 1, and above 0"
        )
    check_start(resolved)
    lines = [f"# bias on system {resolved.system}: lengths in A, energies in kcal/mol, times in fs"]
    lines += ["RESTART"] if restart else []
    lines += ["UNITS LENGTH=A ENERGY=kcal/mol TIME=fs", ""]
    nopbc = "" if resolved.periodic else " NOPBC"
    for point in resolved.points.values():
        if point.fixed_A is not None:
            at = ",".join(_number(x) for x in point.fixed_A)
            lines.append(f"{point.name}: FIXEDATOM AT={at}")
        else:
            lines.append(f"{point.name}: COM ATOMS={atom_list(point.atoms)}{nopbc}")
    for cv in sorted(resolved.variables(), key=lambda v: v.kind == "combination"):
        lines += _variable(cv, resolved)
    lines.append("")
    for wall in resolved.walls:
        lines += _wall(wall)
    for restraint in resolved.restraints:
        lines.append(
            f"{restraint.name}: RESTRAINT ARG={restraint.of} AT={_number(restraint.at)} "
            f"KAPPA={_number(restraint.kappa)}"
        )
    if resolved.metadynamics is not None:
        lines += _metad(resolved.metadynamics, resolved, temperature_K, hills, shared)
    if resolved.opes is not None:
        lines += _opes(resolved.opes, temperature_K, restart)
    lines += ["", "PRINT ..."]
    lines += [f"  ARG={','.join(resolved.columns)}"] if resolved.columns else []
    # the default format keeps six decimals, too few to compare with
    lines += [f"  STRIDE={stride} FILE={colvar} FMT=%.10f", "... PRINT", f"FLUSH STRIDE={stride}"]
    return "\n".join(lines) + "\n"


def atom_list(atoms: Sequence[int]) -> str:
    """Return zero-based indices as PLUMED's list of numbers and ranges ``a-b:step``, from 1."""
    parts: list[str] = []
    rest = [i + 1 for i in atoms]
    while rest:
        run = 1
        if len(rest) > 2:
            step = rest[1] - rest[0]
            run = 2
            while run < len(rest) and rest[run] - rest[run - 1] == step and step > 0:
                run += 1
        if run > 2:
            parts.append(f"{rest[0]}-{rest[run - 1]}" + (f":{step}" if step > 1 else ""))
        else:
            run = 1
            parts.append(str(rest[0]))
        rest = rest[run:]
    return ",".join(parts)


def _place(place: Place) -> str:
    return place.point or atom_list(place.atoms)


def _variable(cv: ResolvedCV, bias: ResolvedBias) -> list[str]:
    nopbc = "" if bias.periodic else " NOPBC"
    if cv.kind == "combination":
        names = ",".join(name for name, _ in cv.terms)
        factors = ",".join(_number(factor) for _, factor in cv.terms)
        return [f"{cv.name}: COMBINE ARG={names} COEFFICIENTS={factors} PERIODIC=NO"]
    places = [_place(place) for place in cv.places]
    if cv.kind in ("distance", "angle", "torsion"):
        return [f"{cv.name}: {cv.kind.upper()} ATOMS={','.join(places)}{nopbc}"]
    form = f"R_0={_number(cv.r0_A)} NN={cv.n} MM={cv.m}"
    if cv.kind == "coordination":
        groups = " ".join(f"GROUP{x}={p}" for x, p in zip("AB", places, strict=False))
        return [f"{cv.name}: COORDINATION {groups} {form}{nopbc}{_neighbour_list(cv, bias)}"]
    # 2.10 knows no NOPBC here; across the vacuum round a droplet it would change nothing. The
    # label.component form is read by 2.9 and, for shortcuts, by 2.10 too; COMBINE gives both the
    # same column name
    species = f"SPECIESA={places[0]} SPECIESB={places[1]}"
    return [
        f"{cv.name}__of: COORDINATIONNUMBER {species} {form} {cv.statistic.upper()}",
        f"{cv.name}: COMBINE ARG={cv.name}__of.{cv.statistic} PERIODIC=NO",
    ]


def _neighbour_list(cv: ResolvedCV, bias: ResolvedBias) -> str:
    """Return the keywords of a neighbour list where one saves time and changes no value.

    6/12 ends at 6.8 r0, but 6/10 at 18 r0 and 6/8 at 316 r0: in most boxes every pair is near.
    """
    counts = [max(len(place.atoms), 1) for place in cv.places]
    pairs = counts[0] * counts[1] if len(counts) == 2 else counts[0] * (counts[0] - 1) // 2
    reach = cutoff(cv.r0_A, cv.n, cv.m) + LIST_SKIN_A
    if pairs < MANY_PAIRS or (bias.periodic and reach > min(bias.cell) / 2):
        return ""
    return f" NLIST NL_CUTOFF={_number(round(reach, 3))} NL_STRIDE={LIST_STRIDE}"


def _wall(wall: ResolvedWall) -> list[str]:
    count = len(wall.members)
    return [
        f"{wall.name}: {wall.side.upper()}_WALLS ...",
        f"  ARG={','.join(wall.members)}",
        f"  AT={','.join([_number(wall.at)] * count)}",
        f"  KAPPA={','.join([_number(wall.kappa)] * count)}",
        "...",
    ]


def _metad(
    metad: Metadynamics,
    bias: ResolvedBias,
    temperature_K: float,
    hills: str,
    shared: SharedHills | None,
) -> list[str]:
    # a torsion's grid must end at exactly pi, which a decimal number cannot say
    torsion = [bias.cvs[name].kind == "torsion" for name in metad.cvs]
    low = ["-pi" if t else _number(x) for t, x in zip(torsion, metad.grid_min, strict=True)]
    high = ["pi" if t else _number(x) for t, x in zip(torsion, metad.grid_max, strict=True)]
    return [
        "metad: METAD ...",
        f"  ARG={','.join(metad.cvs)}",
        f"  HEIGHT={_number(metad.height_kcal_mol)} SIGMA={_numbers(metad.sigma)}",
        f"  PACE={metad.pace_steps} BIASFACTOR={_number(metad.bias_factor)} "
        f"TEMP={_number(temperature_K)}",
        f"  GRID_MIN={','.join(low)} GRID_MAX={','.join(high)} "
        f"GRID_SPACING={_numbers(metad.spacing)}",
        f"  FILE={hills}",
        *(
            [
                f"  WALKERS_N={shared.walkers} WALKERS_ID={shared.number} "
                f"WALKERS_DIR={shared.folder} WALKERS_RSTRIDE={shared.exchange_steps}"
            ]
            if shared is not None
            else []
        ),
        "...",
    ]


def _opes(opes: Opes, temperature_K: float, restart: bool) -> list[str]:
    opes.check_temperature(temperature_K)
    sigma = "ADAPTIVE" if opes.sigma is None else _numbers(opes.sigma)
    options = [f"COMPRESSION_THRESHOLD={_number(opes.compression_threshold)}"]
    if opes.bias_factor is not None:
        gamma = opes.bias_factor
        options.insert(0, f"BIASFACTOR={gamma if gamma == 'inf' else _number(gamma)}")
    options += ["NLIST"] if opes.neighbour_list else []
    # a state read without RESTART is ignored, with a warning that nobody sees
    state = f"STATE_RFILE={STATE_FILE} " if restart else ""
    return [
        f"opes: OPES_METAD{'_EXPLORE' if opes.explore else ''} ...",
        f"  ARG={','.join(opes.cvs)}",
        f"  BARRIER={_number(opes.barrier_kcal_mol)} SIGMA={sigma}",
        f"  PACE={opes.pace_steps} TEMP={_number(temperature_K)}",
        f"  {' '.join(options)}",
        f"  FILE={KERNELS_FILE}",
        f"  {state}STATE_WFILE={STATE_FILE} STATE_WSTRIDE={opes.state_stride}",
        "...",
    ]


def _numbers(values: Sequence[float]) -> str:
    return ",".join(_number(value) for value in values)


def _number(value: float) -> str:
    return f"{value:.12g}"
