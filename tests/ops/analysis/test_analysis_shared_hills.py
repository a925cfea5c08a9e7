"""Walkers that share hills give back the surface they were run on."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import synthetic
from nucleops.analysis.stages.files import numbers, read_csv, read_json
from nucleops.analysis.stages.metad import metad_folder
from nucleops.analysis.stages.walker_files import read_walker, with_shared_hills
from nucleops.analysis.trust import read_run
from nucleops.bias.hills import HillsTable, hills_bias, merge_hills, write_hills
from nucleops.bias.series import write_colvar
from nucleops.errors import WrongInput

sys.path.insert(0, str(Path(__file__).parent))

from toy_walkers import (  # beside this file, which is not a package
    GAMMA,
    GRID,
    KT,
    LENGTH_FS,
    SETTINGS,
    STEP,
    Particle,
    error_of,
    opes_walker,
    result_folder,
    surface,
)


def shared_hills(walkers: int, steps: int, tempered_by: float) -> list[tuple[HillsTable, Particle]]:
    """Walkers that feel everybody's hills, and temper each hill by their own, as Colvars does."""
    gamma, height, width, pace = GAMMA, 0.15, 0.15, 100
    own = [np.zeros_like(GRID) for _ in range(walkers)]
    laid: list[list[tuple[float, float, float]]] = [[] for _ in range(walkers)]
    particles = [Particle(11 + k, steps) for k in range(walkers)]

    def layer(k: int) -> Callable[..., None]:
        def lay(step: int, x: float, felt: float) -> None:
            mine = own[k][int(np.clip((x - GRID[0]) / STEP + 0.5, 0, 880))]
            tall = height * np.exp(-mine * tempered_by / ((gamma - 1) * KT))
            laid[k].append((step, x, tall))
            own[k] += tall * np.exp(-0.5 * ((GRID - x) / width) ** 2)

        return lay

    walks = [p.walk(pace, lambda: sum(own), layer(k)) for k, p in enumerate(particles)]
    for _ in zip(*walks, strict=True):
        pass
    tables = []
    for rows in laid:
        time, centre, tall = np.array(rows).T
        tables.append(
            HillsTable(
                cvs=("s",),
                time_fs=time * LENGTH_FS / steps,
                centres=centre[:, None],
                sigmas=np.full((len(time), 1), width),
                height=tall * gamma / (gamma - 1),
                bias_factor=gamma,
                kernel="gaussian",
            )
        )
    return list(zip(tables, particles, strict=True))


def shared_folders(root: Path, steps: int = 300_000, tempered_by: float = 2.0) -> list[Path]:
    folders = []
    for k, (hills, particle) in enumerate(shared_hills(2, steps, tempered_by)):
        folder = result_folder(root / f"walker-{k:03d}", sharing_walkers=2)
        time, s, v = np.array(particle.rows).T
        series = {"time": time * LENGTH_FS / steps, "s": s, "metad.bias": v}
        write_colvar(series, folder / "COLVAR")
        write_hills(hills, folder / "HILLS")
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return shared_folders(tmp_path_factory.mktemp("shared"))


def test_shared_hills_are_one_set(shared: list[Path], tmp_path: Path) -> None:
    runs = [read_run(folder) for folder in shared]
    own = [read_walker(run)[1] for run in runs]
    a, b = with_shared_hills(runs, own)
    assert a.hills is b.hills
    assert a.hills is not None
    assert len(a.hills) == sum(len(w.laid) for w in own) == 6000
    assert np.all(np.diff(a.hills.time_fs) >= 0)
    # what a walker felt is explained by the hills of both, and not by its own
    before = np.searchsorted(a.hills.time_fs, a.times_ps * 1000, side="left")
    assert a.bias is not None
    late = slice(-300, None)
    both = hills_bias(a.hills, a.values[late], before[late])
    assert own[0].hills is not None
    alone = hills_bias(own[0].hills, a.values[late])
    assert np.abs(both - a.bias[late]).max() < 0.2
    assert np.median(a.bias[late] - alone) > 2.0


def test_the_sum_of_shared_hills_is_the_known_surface(shared: list[Path], tmp_path: Path) -> None:
    out = metad_folder(shared, SETTINGS, tmp_path / "metad")
    summary = read_json(out / "summary.json")
    assert summary["shared_bias"]
    assert summary["n_hills"] == [3000, 3000]
    profile = read_csv(out / "fes_1d.csv")
    assert np.abs(error_of(profile, "free_energy_from_hills_kcal_mol")).max() < 0.3
    assert np.abs(error_of(profile, "free_energy_kcal_mol")).max() < 0.25
    hills = read_csv(out / "hills.csv")
    assert {int(k) for k in numbers(hills["walker"])} == {0, 1}


def test_the_report_says_that_a_bias_was_shared(shared: list[Path], tmp_path: Path) -> None:
    from nucleops.reporting.report import write_report

    metad = metad_folder(shared, SETTINGS, tmp_path / "metad")
    out = write_report(tmp_path / "report", synthetic.STUDY, {"metad": metad}, synthetic.PROVENANCE)
    page = (out / "report.html").read_text()
    assert "The walkers laid their hills into one bias." in page
    assert "all hills count" in page


def barrier_from_hills(out: Path) -> float:
    profile = read_csv(out / "fes_1d.csv")
    s, f = numbers(profile["s"]), numbers(profile["free_energy_from_hills_kcal_mol"])
    return float(np.interp(0.0, s, f) - np.nanmin(f[s < -0.5]))


def test_tempering_by_own_hills_needs_its_temperature_divided(
    shared: list[Path], tmp_path: Path
) -> None:
    """Undivided, the bias of W walkers is that of gamma' = 1 + W (gamma - 1)."""
    true = float(surface(np.array([0.0]))[0] - surface(GRID).min())
    divided = metad_folder(shared, SETTINGS, tmp_path / "divided")
    assert barrier_from_hills(divided) == pytest.approx(true, rel=0.06)
    folders = shared_folders(tmp_path, tempered_by=1.0)
    undivided = metad_folder(folders, SETTINGS, tmp_path / "undivided")
    wrong = true * (GAMMA / (GAMMA - 1)) * (1 - 1 / (1 + 2 * (GAMMA - 1)))
    assert barrier_from_hills(undivided) == pytest.approx(wrong, rel=0.06)
    assert wrong > 1.15 * true


def test_all_that_shared_must_come(shared: list[Path], tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match=r"sharing_walkers: found \[2\] in 1 walkers"):
        metad_folder(shared[:1], SETTINGS, tmp_path / "metad")


def test_hills_of_a_walker_that_trust_ended_still_count(shared: list[Path], tmp_path: Path) -> None:
    folders = []
    for folder in shared:
        shutil.copytree(folder, tmp_path / folder.name)
        folders.append(tmp_path / folder.name)
    meta = json.loads((folders[1] / "md.json").read_text())
    ended = {"status": "trust-ended", "reason": "hot", "trusted_steps": 5000}
    (folders[1] / "md.json").write_text(json.dumps(meta | ended))
    runs = [read_run(folder) for folder in folders]
    own = [read_walker(run)[1] for run in runs]
    assert len(own[1].laid) == 750
    merged = with_shared_hills(runs, own)[0].laid
    assert len(merged) == 6000
    assert own[1].times_ps[-1] <= 2.5


def test_hills_of_different_biases_are_not_merged(shared: list[Path]) -> None:
    from dataclasses import replace

    hills = read_walker(read_run(shared[0]))[1].hills
    assert hills is not None
    with pytest.raises(WrongInput, match="bias factor"):
        merge_hills([hills, replace(hills, bias_factor=9.0)])
    none = replace(
        hills,
        time_fs=hills.time_fs[:0],
        centres=hills.centres[:0],
        sigmas=hills.sigmas[:0],
        height=hills.height[:0],
        bias_factor=1.0,
        kernel="stretched-gaussian",
    )
    assert len(merge_hills([none, hills])) == len(hills)


def test_walkers_of_both_methods_are_not_one_analysis(shared: list[Path], tmp_path: Path) -> None:
    shutil.copytree(shared[0], tmp_path / "walker-000")
    opes = opes_walker(tmp_path / "walker-001", 3, 2000)
    with pytest.raises(WrongInput, match="not one analysis"):
        metad_folder([tmp_path / "walker-000", opes], SETTINGS, tmp_path / "metad")
