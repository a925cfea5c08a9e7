"""Handing a bias to LAMMPS, and bringing back PLUMED's files whichever engine applied it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from nucleops.bias.colvars import colvars_input
from nucleops.bias.colvars_metad import hills_file, registry_file
from nucleops.bias.convert import colvars_to_plumed
from nucleops.bias.enhanced import SharedHills
from nucleops.bias.plumed import KERNELS_FILE, plumed_input
from nucleops.bias.resolve import resolve
from nucleops.bias.resolved import ResolvedBias
from nucleops.bias.spec import Bias
from nucleops.engines.lammps.inputs import (
    COLVARS_FILE,
    COLVARS_PREFIX,
    COLVARS_SERIES,
    PLUMED_FILE,
)
from nucleops.engines.lammps.joining import join_rows
from nucleops.engines.lammps.legs import BEGINNING, Leg, spans
from nucleops.engines.lammps.program import BiasEngine
from nucleops.engines.lammps.settings import MdSettings
from nucleops.errors import TruncatedOutput, WrongInput
from nucleops.systems.system import System

HILLS_FILE = "HILLS"


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
    shared : SharedHills or None
        With whom it shares its hills.
    """

    engine: BiasEngine
    resolved: ResolvedBias
    left_out: tuple[str, ...] = ()
    shared: SharedHills | None = None

    @property
    def biased_cvs(self) -> tuple[str, ...]:
        """Variables that metadynamics or OPES acts on."""
        enhanced = self.resolved.enhanced
        return () if enhanced is None else enhanced.cvs

    def collect(self, out_dir: Path, settings: MdSettings) -> None:
        """See to it that ``COLVAR`` is in the folder, and ``HILLS`` or OPES' ``KERNELS``.

        ``HILLS`` holds the walker's own hills, also where it shares them. OPES' ``STATE`` stays
        where PLUMED wrote it.

        Raises
        ------
        TruncatedOutput
            If the engine did not write them.
        """
        metad = self.resolved.metadynamics is not None
        if self.engine == "colvars":
            colvars_to_plumed(
                out_dir / COLVARS_SERIES,
                out_dir / hills_file(COLVARS_PREFIX, self.shared) if metad else None,
                self.resolved,
                out_dir,
                time_step_fs=settings.time_step_fs,
                shared=self.shared,
                temperature_K=settings.temperature_K,
            )
        elif self.shared is not None:
            # the others may still be reading it, so it is not moved
            shared_file = out_dir / self.shared.folder / f"{HILLS_FILE}.{self.shared.number}"
            if shared_file.is_file():
                shutil.copyfile(shared_file, out_dir / HILLS_FILE)
        wanted = ["COLVAR", *([HILLS_FILE] if metad else [])]
        wanted += [KERNELS_FILE] if self.resolved.opes is not None else []
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
    shared: SharedHills | None = None,
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
    shared : SharedHills or None
        With whom the run shares its hills; the folder of the exchange exists, and for Colvars the
        registry in it.

    Raises
    ------
    WrongInput
        The bias does not fit the system, Colvars cannot say a part that must not be left out, or
        what is to be shared cannot be.
    """
    resolved = resolve(bias, system)
    goes_on = leg.checkpoint is not None
    plumed = plumed_input(
        resolved,
        settings.temperature_K,
        settings.stride,
        hills=HILLS_FILE,
        restart=goes_on,
        shared=shared,
    )
    (out_dir / PLUMED_FILE).write_text(plumed, encoding="utf-8")
    if engine == "plumed":
        if goes_on:
            join_rows(HILLS_FILE, spans(out_dir), out_dir / HILLS_FILE, settings.time_step_fs)
        return AppliedBias(engine, resolved, shared=shared)
    # Colvars empties its buffers when it writes its state: no row before a checkpoint is lost
    colvars = colvars_input(
        resolved,
        settings.temperature_K,
        settings.stride,
        restart_stride=settings.checkpoint_steps,
        shared=shared,
    )
    if shared is not None:
        registry = registry_file(out_dir / shared.folder, shared.number)
        if not registry.is_file():
            raise WrongInput(
                f"there is no {registry}: nobody carries hills between the walkers, and each would "
                "run alone",
                advice="run them by nucleops.engines.lammps.together",
            )
    (out_dir / COLVARS_FILE).write_text(colvars.text, encoding="utf-8")
    return AppliedBias(engine, resolved, colvars.left_out, shared)
