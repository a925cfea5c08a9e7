"""Stages of production: metadynamics on a model surface, unbiased MD, nucleation, charges."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from nucleops.analysis.settings import FreeEnergySettings, NucleationSettings, StructureSettings
from nucleops.analysis.stages.charges import charges_folder
from nucleops.analysis.stages.files import write_csv
from nucleops.analysis.stages.metad import metad_folder
from nucleops.analysis.stages.nucleate import nucleate_folder
from nucleops.analysis.stages.replica import analyse_run
from nucleops.analysis.stages.unbiased import unbiased_folder
from nucleops.bias.hills import HillsTable, write_hills
from nucleops.bias.series import write_colvar
from nucleops.reporting.movie import write_movie
from synthetic.runs import STRIDE, TIME_STEP_FS, jiggle, solvated, three_dimers, together, write_md

KT = 0.596161


def surface(s: float, c: float) -> float:
    """Model free energy in kcal/mol: dimer (high s, dry) 4 below monomers (low s, wet)."""
    wells = (
        (2.55, 0.12, -9.0, 0.28, 0.07),
        (1.55, 0.30, -6.0, 0.30, 0.09),
        (0.45, 0.55, -5.0, 0.4, 0.12),
    )
    value = 0.0
    for s0, c0, depth, ws, wc in wells:
        value += depth * np.exp(-0.5 * (((s - s0) / ws) ** 2 + ((c - c0) / wc) ** 2))
    return (
        value
        + 30 * max(0.0, -s) ** 2
        + 30 * max(0.0, s - 3) ** 2
        + 900 * (max(0.0, -c) ** 2 + max(0.0, c - 0.8) ** 2)
    )


def metadynamics(
    n_steps: int, seed: int, pace: int = 20
) -> tuple[dict[str, np.ndarray], HillsTable]:
    """Well-tempered metadynamics of overdamped Langevin on :func:`surface`."""
    rng = np.random.default_rng(seed)
    x, mobility = np.array([0.5, 0.55]), np.array([1.5e-3, 1.2e-4])
    sigma, height, gamma = np.array([0.12, 0.035]), 0.6, 12.0
    centres: list[np.ndarray] = []
    heights: list[float] = []
    times: list[float] = []
    rows = []

    def bias(at: np.ndarray) -> tuple[float, np.ndarray]:
        if not centres:
            return 0.0, np.zeros(2)
        u = (at - np.array(centres)) / sigma
        e = np.array(heights) * np.exp(-0.5 * (u**2).sum(1))
        return float(e.sum()), -(e[:, None] * u / sigma).sum(0)

    for step in range(n_steps):
        v, slope = bias(x)
        if step % 5 == 0:
            rows.append((step * 50.0, *x, v, rng.normal(0.96, 0.02)))
        h = 1e-4
        force = -np.array(
            [
                (surface(x[0] + h, x[1]) - surface(x[0] - h, x[1])) / (2 * h),
                (surface(x[0], x[1] + h) - surface(x[0], x[1] - h)) / (2 * h),
            ]
        )
        x = x + mobility * (force - slope) + np.sqrt(2 * KT * mobility) * rng.standard_normal(2)
        if step and step % pace == 0:
            centres.append(x.copy())
            heights.append(height * np.exp(-v / ((gamma - 1) * KT)))
            times.append(step * 50.0)
    table = np.array(rows)
    columns = dict(zip(("time", "s1", "cn", "metad.bias", "lowest_CH"), table.T, strict=True))
    hills = HillsTable(
        cvs=("s1", "cn"),
        time_fs=np.array(times),
        centres=np.array(centres),
        sigmas=np.broadcast_to(sigma, (len(times), 2)).copy(),
        height=np.array(heights) * gamma / (gamma - 1),
        bias_factor=gamma,
        kernel="gaussian",
    )
    return columns, hills


def metad(root: Path, n_steps: int = 8000) -> Path:
    """Make `metad/` from one synthetic walker."""
    shifts = [np.array([-2.6, 0.0, 0.0]), np.array([2.6, 0.0, 0.0])]
    system = solvated("monomers", ["monomer", "monomer"], shifts, 40, 15.0)
    folder = root / "raw-walker"
    n_frames = n_steps // 100 + 1
    write_md(
        folder,
        system,
        jiggle(system, n_frames, 0.05, 3),
        bias_engine="colvars",
        left_out_of_bias=["lowest_CO"],
        stride=STRIDE,
    )
    columns, hills = metadynamics(n_steps, 5)
    # a row at the time of every frame, as engines write them
    scale = (n_frames - 1) * STRIDE * TIME_STEP_FS / (n_steps * 50.0)
    columns["time"] = columns["time"] * scale
    write_colvar(columns, folder / "COLVAR")
    write_hills(replace(hills, time_fs=hills.time_fs * scale), folder / "HILLS")
    settings = FreeEnergySettings.model_validate(
        {
            "states": [
                {"name": "monomers", "ranges": {"s1": [-0.5, 1.0]}},
                {"name": "bridged", "ranges": {"s1": [1.2, 1.9]}},
                {"name": "dimer", "ranges": {"s1": [2.1, 3.2]}},
            ]
        }
    )
    return metad_folder([folder], settings, root / "metad")


def unbiased(root: Path, n_frames: int = 240) -> Path:
    """Make `unbiased/` from noise about the octahedron, across the periodic boundary."""
    system = solvated("cluster", ["octahedron"], [np.array([6.0, 0.0, 0.0])], 60, 16.0)
    folder = write_md(root / "raw-unbiased", system, jiggle(system, n_frames, 0.07, 11))
    return unbiased_folder(folder, StructureSettings(), root / "unbiased")


def nucleate(root: Path, n_frames: int = 120) -> Path:
    """Make `nucleate/`: one octahedron, one that ended early, one unfinished."""
    system, goal = three_dimers()
    folders: list[Path | None] = [
        write_md(root / "raw" / "replica-000", system, together(system, goal, n_frames, 0.7, 21)),
        write_md(
            root / "raw" / "replica-001",
            system,
            together(system, goal, n_frames, 1.0, 22),
            trusted=int(0.72 * n_frames),
        ),
        None,
    ]
    names = [f"replica-{k:03d}" for k in range(3)]
    analysed = [
        None
        if f is None
        else analyse_run(f, NucleationSettings(), root / "analysed" / f.name, write_movie)
        for f in folders
    ]
    return nucleate_folder(analysed, NucleationSettings(), root / "nucleate", names)


def charges(root: Path) -> Path:
    """Charges that fall from state to state, of three frames each."""
    rng = np.random.default_rng(8)
    done = []
    for order, (state, silver) in enumerate({"D": 0.55, "A": 0.42, "octahedron": 0.31}.items()):
        task = root / f"task-{order}"
        task.mkdir(parents=True)
        rows = [
            (state, frame, atom + 1, element, part, scheme, mean + rng.normal(0, 0.02))
            for scheme in ("mulliken", "ddec6")
            for frame in range(3)
            for atom, (element, part, mean) in enumerate(
                [
                    ("Ag", "cluster", silver),
                    ("S", "cluster", -0.3),
                    ("N", "cluster", -0.5),
                    ("O", "solvent", -0.55),
                ]
            )
        ]
        names = ("state", "frame", "atom", "element", "part", "scheme", "charge_e")
        write_csv(task / "charges.csv", dict(zip(names, zip(*rows, strict=True), strict=True)))
        account = {
            "state": state,
            "order": order,
            "first_frame": 0,
            "level_of_theory": {"method": "pbe-d3"},
            "n_frames": 3,
            "n_labelled": 3,
        }
        (task / "charges.json").write_text(json.dumps(account))
        done.append(task)
    return charges_folder(done, root / "charges")
