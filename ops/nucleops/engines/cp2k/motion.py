"""Positions of molecular dynamics, checked by the equation of motion that they obey.

CP2K prints an AIMD step's energy and forces twice, its positions once. But three neighbouring steps
have to obey velocity Verlet with the force of the middle one, and with a thermostat that scales all
velocities by one number (CSVR: G. Bussi, D. Donadio and M. Parrinello, J. Chem. Phys. 126, 014101
(2007)) nothing else enters: with d the displacements before and after the step and a its
acceleration, ``d_after - a dt^2/2 = s (d_before + a dt^2/2)`` for all atoms and one s. Of real runs
it holds to 1e-6 A, so that a frame put together of two, or of another step, does not pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nucleops.engines.cp2k.units import FORCE_EV_A
from nucleops.engines.cp2k.xyz import XyzFrame
from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.system import FloatArray

_EV_A_U_IN_A_FS2 = 9.648533212331e-3
"""One eV/A per atomic mass unit in A/fs^2 (CODATA 2018)."""
_PRINTED_A = 1.0e-6
_MASS_ERROR = 3.0e-4  # atomic weights differ by so much between tables, sulphur's most


def moves_right(
    step: int, positions: Mapping[int, XyzFrame], forces: Mapping[int, XyzFrame]
) -> bool:
    """Whether a step's positions obey the equation of motion with those of two neighbours.

    Parameters
    ----------
    step : int
        MD step.
    positions, forces : mapping
        Step to the positions (angstrom) and to the forces (hartree/bohr) at it.

    Returns
    -------
    bool
        True if any three neighbouring steps that hold this one obey it; False also where none are
        complete. At least four atoms are needed for the one free number not to hide anything.
    """
    for middle in (step, step - 1, step + 1):
        three = [positions.get(middle + k) for k in (-1, 0, 1)]
        force = forces.get(middle)
        frames = [frame for frame in three if frame is not None]
        if force is not None and len(frames) == 3 and _obey(frames, force):
            return True
    return False


def _obey(frames: Sequence[XyzFrame], force: XyzFrame) -> bool:
    before, here, after = (frame.values for frame in frames)
    dt_fs = frames[1].time_fs - frames[0].time_fs
    kick = _accelerations(force) * dt_fs**2
    out, into = after - here - kick / 2, here - before + kick / 2
    norm = float((into**2).sum())
    scale = float((out * into).sum()) / norm if norm else 1.0
    allowed = _PRINTED_A + _MASS_ERROR * float(np.abs(kick).max())
    return bool(np.abs(out - scale * into).max() <= allowed)


def _accelerations(force: XyzFrame) -> FloatArray:
    """Return accelerations in A/fs^2, shape (n_atoms, 3)."""
    masses = np.array([MASS_G_MOL[symbol] for symbol in force.symbols])
    return np.asarray(force.values * FORCE_EV_A * _EV_A_U_IN_A_FS2 / masses[:, None])
