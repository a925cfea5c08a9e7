"""OPES walkers give back the surface they were run on."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import synthetic
from nucleops.analysis.stages.files import numbers, read_csv, read_json
from nucleops.analysis.stages.metad import metad_folder
from nucleops.analysis.stages.walker_files import read_walker
from nucleops.analysis.trust import read_run
from nucleops.analysis.walkers import rows_of
from nucleops.bias.series import read_colvar, write_colvar
from nucleops.errors import WrongInput

sys.path.insert(0, str(Path(__file__).parent))

from toy_walkers import (  # beside this file, which is not a package
    GRID,
    KT,
    SETTINGS,
    error_of,
    opes_walker,
    surface,
)


@pytest.fixture(scope="module")
def opes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("opes")
    walkers = [opes_walker(root / f"walker-{k:03d}", seed) for k, seed in ((0, 3), (1, 4))]
    return root, metad_folder(walkers, SETTINGS, root / "metad", "drop")


def test_reweighting_opes_returns_the_known_surface(opes: tuple[Path, Path]) -> None:
    out = opes[1]
    assert np.abs(error_of(read_csv(out / "fes_1d.csv"), "free_energy_kcal_mol")).max() < 0.3
    summary = read_json(out / "summary.json")
    basins = [(GRID > -1.6) & (GRID < -0.4), (GRID > 0.4) & (GRID < 1.6)]
    left, right = (np.exp(-surface(GRID[b]) / KT).sum() for b in basins)
    assert summary["surface"]["difference_kcal_mol"] == pytest.approx(
        KT * np.log(left / right), abs=0.25
    )
    for name, at in (("left", -1.0), ("right", 1.0)):
        state = next(s for s in summary["states"] if s["name"] == name)
        assert state["minimum"]["s"] == pytest.approx(at, abs=0.15)


def test_without_the_weights_it_would_not(opes: tuple[Path, Path]) -> None:
    walker = read_walker(read_run(opes[0] / "walker-000"))[1]
    counts, edges = np.histogram(walker.values[:, 0], bins=40, range=(-1.5, 1.5))
    middle = (edges[1:] + edges[:-1]) / 2
    flat = {"s": [str(x) for x in middle], "f": [str(-KT * np.log(c)) for c in counts]}
    assert np.abs(error_of(flat, "f")).max() > 1.0
    logs = rows_of([walker], KT).log_weights
    np.testing.assert_allclose(logs - logs[0], (walker.bias - walker.bias[0]) / KT, atol=1e-9)


def test_an_opes_folder_has_no_hills_and_says_so(opes: tuple[Path, Path]) -> None:
    out = opes[1]
    summary = read_json(out / "summary.json")
    assert (summary["method"], summary["bias_factor"]) == ("opes", 8.0)
    assert summary["n_kernels"] == [2000, 2000]
    assert not summary["shared_bias"]
    assert not (out / "hills.csv").exists()
    assert "free_energy_from_hills_kcal_mol" not in read_csv(out / "fes_1d.csv")
    assert not any("hills" in line for line in summary["verdict"]["met"])
    assert summary["states_written"]


def test_walkers_of_opes_count_by_what_they_know(tmp_path: Path) -> None:
    """A walker whose bias is offset by a constant must not outweigh the other."""
    a = opes_walker(tmp_path / "walker-000", 3, 40_000)
    b = opes_walker(tmp_path / "walker-001", 4, 40_000)
    same = metad_folder([a, b], SETTINGS, tmp_path / "same")
    text = (b / "COLVAR").read_text().splitlines()
    shifted = [
        line
        if line.startswith("#")
        else " ".join(w if k != 2 else str(float(w) + 7.0) for k, w in enumerate(line.split()))
        for line in text
    ]
    (b / "COLVAR").write_text("\n".join(shifted) + "\n")
    moved = metad_folder([a, b], SETTINGS, tmp_path / "moved")
    profiles = [numbers(read_csv(f / "fes_1d.csv")["free_energy_kcal_mol"]) for f in (same, moved)]
    np.testing.assert_allclose(profiles[0], profiles[1], atol=1e-6)


def test_the_report_shows_an_opes_run(opes: tuple[Path, Path], tmp_path: Path) -> None:
    from nucleops.reporting.report import write_report

    out = write_report(
        tmp_path / "report", synthetic.STUDY, {"metad": opes[1]}, synthetic.PROVENANCE
    )
    page = (out / "report.html").read_text()
    assert "reweighted from OPES" in page
    section = page[page.index('<section id="metad">') :]
    section = section[: section.index("</section>")]
    assert "hill" not in section
    assert "bias of OPES" in section
    assert "of OPES exp(V/kT)" in page


def test_two_variables_of_opes_make_a_plane(opes: tuple[Path, Path], tmp_path: Path) -> None:
    """The second variable follows the first, c = s^2 + noise: its plane has two wells too."""
    from nucleops.reporting.report import write_report

    rng = np.random.default_rng(2)
    folder = tmp_path / "walker-000"
    shutil.copytree(opes[0] / "walker-000", folder)
    series = read_colvar(folder / "COLVAR").columns
    second = series["s"] ** 2 + rng.normal(0, 0.05, len(series["s"]))
    write_colvar(
        {"time": series["time"], "s": series["s"], "c": second, **series}, folder / "COLVAR"
    )
    kernels = (folder / "KERNELS").read_text().splitlines()
    lines = ["#! FIELDS time s c sigma_s sigma_c height logweight", *kernels[1:4]]
    for line in kernels[4:]:
        time, s, sigma, *rest = line.split()
        lines.append(" ".join([time, s, str(float(s) ** 2), sigma, "0.1", *rest]))
    (folder / "KERNELS").write_text("\n".join(lines) + "\n")
    metad = metad_folder([folder], SETTINGS, tmp_path / "metad")
    plane = {k: numbers(v) for k, v in read_csv(metad / "fes_2d_reweighted.csv").items()}
    assert not (metad / "fes_2d.csv").exists()
    best = np.nanargmin(plane["free_energy_kcal_mol"])
    assert (plane["s"][best], plane["c"][best]) == (
        pytest.approx(-1.0, abs=0.15),
        pytest.approx(1.0, abs=0.2),
    )
    out = write_report(tmp_path / "report", synthetic.STUDY, {"metad": metad}, synthetic.PROVENANCE)
    assert list(out.rglob("metad_surface*.svg"))
    assert "(a) Free energy reweighted" in (out / "report.html").read_text()


def test_opes_that_laid_no_kernel_gives_a_verdict(tmp_path: Path) -> None:
    """PLUMED writes not even a header then; md.json knows what was biased."""
    folder = opes_walker(tmp_path / "walker-000", 3, 2000)
    (folder / "KERNELS").write_text("")
    meta = json.loads((folder / "md.json").read_text())
    (folder / "md.json").write_text(json.dumps(meta | {"biased_cvs": ["s"]}))
    summary = read_json(metad_folder([folder], SETTINGS, tmp_path / "metad") / "summary.json")
    assert summary["surface"] is None
    assert "lay down kernels" in summary["verdict"]["sentence"]


def test_opes_without_its_bias_is_refused(tmp_path: Path) -> None:
    folder = opes_walker(tmp_path / "walker-000", 3, 2000)
    text = (folder / "COLVAR").read_text()
    (folder / "COLVAR").write_text(text.replace("opes.bias", "other"))
    with pytest.raises(WrongInput, match=r"no column opes\.bias"):
        metad_folder([folder], SETTINGS, tmp_path / "metad")
