"""Walkers on a double well that is known, written as MD result folders: what tests analyse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import synthetic
from nucleops.analysis.settings import FreeEnergySettings, State
from nucleops.analysis.stages.files import numbers
from nucleops.bias.series import write_colvar

KT = 0.596161
GAMMA = 3.0
GRID = np.linspace(-2.2, 2.2, 881)
STEP = GRID[1] - GRID[0]
FRAMES, STEPS_PER_FRAME, TIME_STEP_FS = 201, 100, 0.5
LENGTH_FS = (FRAMES - 1) * STEPS_PER_FRAME * TIME_STEP_FS
SETTINGS = FreeEnergySettings(
    bins=45,
    states=(
        State(name="left", ranges={"s": (-1.6, -0.4)}),
        State(name="right", ranges={"s": (0.4, 1.6)}),
    ),
)


def surface(s: np.ndarray) -> np.ndarray:
    """Double well in kcal/mol, 4 high, the left one 1.0 lower."""
    return 4.0 * (s**2 - 1) ** 2 + 0.5 * s


@dataclass
class Particle:
    """Overdamped Langevin on :func:`surface` and a bias on the grid."""

    seed: int
    steps: int
    at: float = -1.0
    rows: list[tuple[float, float, float]] = field(default_factory=list)

    def run(self, pace: int, felt: Callable[[], np.ndarray], lay: Callable[..., None]) -> None:
        for step in self.walk(pace, felt, lay):
            assert step >= 0

    def walk(self, pace: int, felt: Callable[[], np.ndarray], lay: Callable[..., None]):
        """Go on from deposit to deposit, yielding after each; rows are (step, s, bias)."""
        noise = np.random.default_rng(self.seed).standard_normal(self.steps) * np.sqrt(2e-3)
        pull = 1e-3 / KT
        for start in range(0, self.steps, pace):
            bias = felt()
            slope = np.gradient(bias, STEP) + 16 * GRID * (GRID**2 - 1) + 0.5
            force, values, x = slope.tolist(), bias.tolist(), self.at
            for k in range(start, start + pace):
                index = min(max(int((x - GRID[0]) / STEP + 0.5), 0), len(GRID) - 1)
                if k % 20 == 0:
                    self.rows.append((k, x, values[index]))
                x += -pull * force[index] + noise[k]
            self.at = x
            lay(start + pace, x, values[min(max(int((x - GRID[0]) / STEP + 0.5), 0), 880)])
            yield start


def result_folder(folder: Path, **meta: object) -> Path:
    system = synthetic.solvated("x", ["monomer"], [np.zeros(3)], 2, 12.0)
    frames = synthetic.jiggle(system, FRAMES, 0.05, 3)
    return synthetic.write_md(folder, system, frames, **meta)


def opes_walker(folder: Path, seed: int, steps: int = 200_000) -> Path:
    """Write what PLUMED writes of OPES with a fixed width and no merging of kernels."""
    gamma, barrier, width, pace = 8.0, 5.0, 0.12, 100
    kernels: list[tuple[float, ...]] = []
    prefactor = 1 - 1 / gamma
    floor = float(np.exp(-barrier / prefactor / KT))
    weight = [floor**prefactor]
    density, bias = np.zeros_like(GRID), np.full_like(GRID, -barrier)
    centres: list[int] = []

    def lay(step: int, x: float, felt: float) -> None:
        height = float(np.exp(felt / KT))
        kernels.append((step, x, width, height, felt / KT))
        weight.append(height)
        centres.append(int(np.clip((x - GRID[0]) / STEP + 0.5, 0, 880)))
        density[:] += height * np.exp(-0.5 * ((GRID - x) / width) ** 2)
        p = density / sum(weight)
        bias[:] = prefactor * KT * np.log(p / p[centres].mean() + floor)

    particle = Particle(seed, steps)
    particle.run(pace, lambda: bias.copy(), lay)
    result_folder(folder, bias_engine="plumed")
    scale = LENGTH_FS / steps
    time, s, v = np.array(particle.rows).T
    noted = {"rct": v * 0, "zed": v * 0 + 1, "neff": v * 0 + 5, "nker": v * 0 + 9}
    columns = {"time": time * scale, "s": s, "opes.bias": v}
    write_colvar(columns | {f"opes.{k}": c for k, c in noted.items()}, folder / "COLVAR")
    table = np.array(kernels)
    lines = ["#! FIELDS time s sigma_s height logweight", "#! SET action OPES_METAD_kernels"]
    lines += [f"#! SET biasfactor {gamma}", f"#! SET epsilon {floor}"]
    lines += [" ".join(f"{x:.9f}" for x in (row[0] * scale, *row[1:])) for row in table]
    (folder / "KERNELS").write_text("\n".join(lines) + "\n")
    return folder


def error_of(profile: dict[str, list[str]], column: str) -> np.ndarray:
    """Difference from the known surface where that is below 3.5 kcal/mol, its mean taken off."""
    s, f = numbers(profile["s"]), numbers(profile[column])
    known = surface(s) - surface(GRID).min()
    here = (known < 3.5) & np.isfinite(f)
    assert here.sum() > 20
    away = (f - known)[here]
    return np.asarray(away - away.mean())
