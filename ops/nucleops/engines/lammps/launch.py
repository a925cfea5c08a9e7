"""Start LAMMPS in a prepared folder, and tell a death of the atoms from one of the program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from nucleops.engines.lammps import inputs
from nucleops.engines.lammps.keeper import Keeper
from nucleops.engines.lammps.legs import prune
from nucleops.engines.lammps.program import LammpsProgram
from nucleops.engines.lammps.settings import MdSettings
from nucleops.engines.lammps.watch import TrustWatch
from nucleops.engines.runner import RunResult, run

# What LAMMPS says when the atoms, not the input, are at fault.
_BLOWN_UP = re.compile(
    r"Lost atoms|[Nn]on-numeric|Out of range atoms|outside surface of region|"
    r"atoms? (?:has|have) (?:moved|left)|simulation unstable|not a number|\bnan\b|"
    r"Domain too large for neighbor bins|Too many neighbor bins"
)
_ERROR_LINE = re.compile(r"^.*\bERROR\b.*$", re.MULTILINE)


def run_lammps(
    program: LammpsProgram,
    models: Sequence[Path],
    names: Sequence[str],
    settings: MdSettings,
    out_dir: Path,
    watch: TrustWatch,
    cores: int,
    keeper: Keeper | None = None,
) -> RunResult:
    """Run ``in.lammps`` in its folder with the models at hand, watched and without old checkpoints.

    Parameters
    ----------
    program : LammpsProgram
        What to start.
    models, names : sequence
        The committee, and what ``in.lammps`` calls its files.
    settings : MdSettings
        Wall-clock limit, and whether there are checkpoints.
    out_dir : Path
        The run's folder.
    watch : TrustWatch
        Ends the run where trust ends.
    cores : int
        MPI processes.
    keeper : Keeper or None
        Stores checkpoints; it has begun, and is closed when this returns or raises.

    Returns
    -------
    RunResult
        To be given to :func:`how_it_died`.
    """

    def look() -> str | None:
        because = watch()
        # once trust has ended, what is needed is the last good checkpoint, which may be an old one
        if settings.checkpoint_steps and watch.reason is None:
            if keeper is not None:
                keeper.look()
            prune(out_dir)
        return because

    links = [out_dir / name for name in names]
    for link, model in zip(links, models, strict=True):
        link.symlink_to(Path(model).resolve())
    try:
        return run(
            [program.executable, "-in", "in.lammps", "-log", "log.lammps"],
            out_dir,
            out_dir / "lammps.out",
            cores=cores,
            launcher=program.launcher,
            timeout_s=settings.timeout_s,
            env=program.environment,
            watch=look,
            linger=None if keeper is None else keeper.linger,
        )
    finally:
        if keeper is not None:
            keeper.close(keep=watch.reason is None)
        # The folder travels as an artifact; a link into this machine would dangle.
        for leftover in [*links, out_dir / inputs.STOP_FILE]:
            leftover.unlink(missing_ok=True)


def how_it_died(result: RunResult) -> str | None:
    """LAMMPS' own words if the atoms' motion killed the run, None if it ended well."""
    if result.returncode == 0 or result.stopped_because is not None:
        return None
    text = result.log.read_text(encoding="utf-8", errors="replace")[result.output_start :]
    errors = _ERROR_LINE.findall(text)
    for line in errors:
        if _BLOWN_UP.search(line):
            return re.sub(r"\s*\(\S+:\d+\)\s*$", "", line).strip()
    result.check(advice="see in.lammps beside the log")
    return None
