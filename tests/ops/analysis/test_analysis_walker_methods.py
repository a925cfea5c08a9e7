"""OPES walkers and walkers that share hills: both give back the surface they were run on."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nucleops.analysis.settings import FreeEnergySettings, State
from nucleops.analysis.stages.files import numbers, read_csv, read_json
from nucleops.analysis.stages.metad import metad_folder
from nucleops.analysis.stages.walker_files import read_walker, with_shared_hills
from nucleops.analysis.trust import read_run
from nucleops.analysis.walkers import log_weights
from nucleops.bias.hills import HillsTable, hills_bias, merge_hills, write_hills
from nucleops.bias.series import read_colvar, write_colvar
from nucleops.errors import WrongInput

HELPER = Path(__file__).parents[1] / "reporting" / "synthetic_stages.py"
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


@pytest.fixture(scope="module")
def synthetic() -> ModuleType:
    spec = importlib.util.spec_from_file_location("synthetic_stages", HELPER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result_folder(synthetic: ModuleType, folder: Path, **meta: object) -> Path:
    system = synthetic.solvated("x", ["monomer"], [np.zeros(3)], 2, 12.0)
    frames = synthetic.jiggle(system, FRAMES, 0.05, 3)
    return synthetic.write_md(folder, system, frames, **meta)


def opes_walker(synthetic: ModuleType, folder: Path, seed: int, steps: int = 200_000) -> Path:
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
    result_folder(synthetic, folder, bias_engine="plumed")
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


@pytest.fixture(scope="module")
def opes(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("opes")
    walkers = [
        opes_walker(synthetic, root / f"walker-{k:03d}", seed) for k, seed in ((0, 3), (1, 4))
    ]
    return root, metad_folder(walkers, SETTINGS, root / "metad", "drop")


def error_of(profile: dict[str, list[str]], column: str) -> np.ndarray:
    """Difference from the known surface where that is below 3.5 kcal/mol, its mean taken off."""
    s, f = numbers(profile["s"]), numbers(profile[column])
    known = surface(s) - surface(GRID).min()
    here = (known < 3.5) & np.isfinite(f)
    assert here.sum() > 20
    away = (f - known)[here]
    return np.asarray(away - away.mean())


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
    np.testing.assert_allclose(log_weights(walker, KT), walker.bias / KT)


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


def test_walkers_of_opes_count_by_what_they_know(synthetic: ModuleType, tmp_path: Path) -> None:
    """A walker whose bias is offset by a constant must not outweigh the other."""
    a = opes_walker(synthetic, tmp_path / "walker-000", 3, 40_000)
    b = opes_walker(synthetic, tmp_path / "walker-001", 4, 40_000)
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


def test_the_report_shows_an_opes_run(
    opes: tuple[Path, Path], synthetic: ModuleType, tmp_path: Path
) -> None:
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


def test_two_variables_of_opes_make_a_plane(
    opes: tuple[Path, Path], synthetic: ModuleType, tmp_path: Path
) -> None:
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


def test_opes_that_laid_no_kernel_gives_a_verdict(synthetic: ModuleType, tmp_path: Path) -> None:
    """PLUMED writes not even a header then; md.json knows what was biased."""
    folder = opes_walker(synthetic, tmp_path / "walker-000", 3, 2000)
    (folder / "KERNELS").write_text("")
    meta = json.loads((folder / "md.json").read_text())
    (folder / "md.json").write_text(json.dumps(meta | {"biased_cvs": ["s"]}))
    summary = read_json(metad_folder([folder], SETTINGS, tmp_path / "metad") / "summary.json")
    assert summary["surface"] is None
    assert "lay down kernels" in summary["verdict"]["sentence"]


def test_opes_without_its_bias_is_refused(synthetic: ModuleType, tmp_path: Path) -> None:
    folder = opes_walker(synthetic, tmp_path / "walker-000", 3, 2000)
    text = (folder / "COLVAR").read_text()
    (folder / "COLVAR").write_text(text.replace("opes.bias", "other"))
    with pytest.raises(WrongInput, match=r"no column opes\.bias"):
        metad_folder([folder], SETTINGS, tmp_path / "metad")


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


def shared_folders(
    synthetic: ModuleType, root: Path, steps: int = 300_000, tempered_by: float = 2.0
) -> list[Path]:
    folders = []
    for k, (hills, particle) in enumerate(shared_hills(2, steps, tempered_by)):
        folder = result_folder(synthetic, root / f"walker-{k:03d}", sharing_walkers=2)
        time, s, v = np.array(particle.rows).T
        series = {"time": time * LENGTH_FS / steps, "s": s, "metad.bias": v}
        write_colvar(series, folder / "COLVAR")
        write_hills(hills, folder / "HILLS")
        folders.append(folder)
    return folders


@pytest.fixture(scope="module")
def shared(synthetic: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return shared_folders(synthetic, tmp_path_factory.mktemp("shared"))


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
    alone = hills_bias(own[0].hills, a.values[late])  # type: ignore[arg-type]
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


def test_the_report_says_that_a_bias_was_shared(
    shared: list[Path], synthetic: ModuleType, tmp_path: Path
) -> None:
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
    synthetic: ModuleType, shared: list[Path], tmp_path: Path
) -> None:
    """Undivided, the bias of W walkers is that of gamma' = 1 + W (gamma - 1)."""
    true = float(surface(np.array([0.0]))[0] - surface(GRID).min())
    divided = metad_folder(shared, SETTINGS, tmp_path / "divided")
    assert barrier_from_hills(divided) == pytest.approx(true, rel=0.06)
    folders = shared_folders(synthetic, tmp_path, tempered_by=1.0)
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


def test_walkers_of_both_methods_are_not_one_analysis(
    synthetic: ModuleType, shared: list[Path], tmp_path: Path
) -> None:
    shutil.copytree(shared[0], tmp_path / "walker-000")
    opes = opes_walker(synthetic, tmp_path / "walker-001", 3, 2000)
    with pytest.raises(WrongInput, match="not one analysis"):
        metad_folder([tmp_path / "walker-000", opes], SETTINGS, tmp_path / "metad")
