"""LAMMPS itself reads the data files and sees the atoms, masses and cell that were written."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from nucleops.systems.elements import MASS_G_MOL
from nucleops.systems.files import write_lammps_data
from nucleops.systems.packing import build_system
from nucleops.systems.spec import SystemSpec
from nucleops.systems.system import type_map

pytestmark = pytest.mark.integration

INPUT = """\
units metal
atom_style atomic
atom_modify map yes
boundary p p p
read_data system.data
pair_style zero 4.0
pair_coeff * *
write_dump all custom out.dump id type mass x y z modify sort id format float %.10f
run 0
"""


def test_lammps_reads_a_periodic_system(tmp_path: Path) -> None:
    spec = SystemSpec.model_validate(
        {
            "contents": [{"motif": "dimer", "count": 1}, {"motif": "methanol", "count": 12}],
            "box": {"edge_A": 12.0},
        }
    )
    system = build_system("cube", spec, "Ag", 1)
    write_lammps_data(system, tmp_path / "system.data")
    (tmp_path / "in.lammps").write_text(INPUT)
    lmp = Path(sys.executable).parent / "lmp"
    done = subprocess.run(
        [str(lmp), "-in", "in.lammps", "-log", "log.lammps", "-screen", "none"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = (tmp_path / "out.dump").read_text().splitlines()[9:]
    values = np.array([row.split() for row in rows], dtype=np.float64)
    elements = type_map("Ag")
    assert [elements[int(t) - 1] for t in values[:, 1]] == list(system.symbols)
    assert values[:, 2].tolist() == pytest.approx([MASS_G_MOL[s] for s in system.symbols])
    shift = (values[:, 3:] - system.positions) / system.cell
    np.testing.assert_allclose(shift, np.round(shift), atol=1e-8)
    assert Counter(system.symbols)["Ag"] == 2
