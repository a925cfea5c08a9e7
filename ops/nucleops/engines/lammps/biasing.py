"""Handing a bias to LAMMPS, and bringing back PLUMED's files whichever engine applied it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nucleops.bias.colvars import colvars_input
from nucleops.bias.convert import colvars_to_plumed
from nucleops.bias.plumed import plumed_input
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.spec import Bias
from nucleops.engines.lammps.inputs import (
    COLVARS_FILE,
    COLVARS_HILLS,
    COLVARS_SERIES,
    PLUMED_FILE,
)
from nucleops.engines.lammps.joining import join_rows
from nucleops.engines.lammps.legs import BEGINNING, Leg, spans
from nucleops.engines.lammps.program import BiasEngine
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import TruncatedOutput
from nucleops.systems.system import System


@dataclass(frozen=True)
class AppliedBias:
    """A bias whose input lies in the run's folder.

    Attributes
    ----------
    engine : {'plumed', 'colvars'}
        Who applies it.
    resolved : ResolvedBias
        The bias over atom indices.
    left_out : tuple of str
        What the engine cannot apply.
    """

    engine: BiasEngine
    resolved: ResolvedBias
    left_out: tuple[str, ...] = ()

    def collect(self, out_dir: Path, settings: MdSettings) -> None:
        """See to it that ``COLVAR`` and, with metadynamics, ``HILLS`` are in the folder.

        Raises
        ------
        TruncatedOutput
            If the engine did not write them.
        """
        if self.engine == "colvars":
            hills = out_dir / COLVARS_HILLS
            colvars_to_plumed(
                out_dir / COLVARS_SERIES,
                hills if self.resolved.metadynamics is not None else None,
                self.resolved,
                out_dir,
                time_step_fs=settings.time_step_fs,
            )
        wanted = ["COLVAR", *(["HILLS"] if self.resolved.metadynamics is not None else [])]
        for name in wanted:
            if not (out_dir / name).is_file():
                raise TruncatedOutput(f"the bias left no {name}", log=out_dir / "lammps.out")


def write_bias(
    bias: Bias,
    system: System,
    settings: MdSettings,
    out_dir: Path,
    engine: BiasEngine,
    leg: Leg = BEGINNING,
) -> AppliedBias:
    """Write the bias for both engines; the one that runs reads its own.

    The PLUMED text is written in every case, as the record of what was meant.

    Parameters
    ----------
    bias : Bias
        The description.
    system : System
        The start of the run.
    settings : MdSettings
        Temperature and stride.
    out_dir : Path
        The run's folder.
    engine : {'plumed', 'colvars'}
        Who will apply it.
    leg : Leg
        Where the run goes on. Colvars finds its hills in LAMMPS' checkpoint; PLUMED reads them
        from HILLS, which is put together from the earlier legs up to that step.

    Raises
    ------
    WrongInput
        The bias does not fit the system, or Colvars cannot say a part that must not be left out.
    """
    resolved = resolve(bias, system)
    goes_on = leg.checkpoint is not None
    plumed = plumed_input(resolved, settings.temperature_K, settings.stride, restart=goes_on)
    (out_dir / PLUMED_FILE).write_text(plumed, encoding="utf-8")
    if engine == "plumed":
        if goes_on:
            join_rows("HILLS", spans(out_dir), out_dir / "HILLS", settings.time_step_fs)
        return AppliedBias(engine, resolved)
    # Colvars empties its buffers when it writes its state: no row before a checkpoint is lost
    colvars = colvars_input(
        resolved,
        settings.temperature_K,
        settings.stride,
        restart_stride=settings.checkpoint_steps,
    )
    (out_dir / COLVARS_FILE).write_text(colvars.text, encoding="utf-8")
    return AppliedBias(engine, resolved, colvars.left_out)
