"""Runs that are killed fifty times, on a store that fails, end as if nothing had happened.

Real LAMMPS with real Colvars, and SIGKILL for the whole process, at random moments: while the store
is read, while LAMMPS starts, while it runs, while a checkpoint is stored.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nucleops.bias.spec import Bias
from nucleops.engines import supervision
from nucleops.engines.keeping import Keeping
from nucleops.engines.lammps.production import produce
from nucleops.engines.lammps.readers import read_dump, read_thermo
from nucleops.engines.lammps.result import read_result
from nucleops.engines.lammps.settings import MdSettings
from nucleops.engines.lammps.task import MdTask
from nucleops.storage.folder import FolderStore
from nucleops.storage.kept import forget_finished
from nucleops.storage.objects import ObjectStore
from nucleops.storage.s3 import S3Store
from nucleops.systems.files import read_extxyz
from nucleops.systems.system import System

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "ops" / "storage"))

from flaky_store import FlakyStore  # neither folder is a package
from kept_runs import (
    LENIENT,
    METADYNAMICS,
    ended_at_random,
    fast_lammps,  # noqa: F401  # a fixture
    run,
    settings_for,
)
from s3_server import S3Server

pytestmark = pytest.mark.integration

INTERVAL_S = 0.1
SERIES = {False: ("trajectory.dump", "thermo.csv")}
SERIES[True] = (*SERIES[False], "COLVAR", "HILLS")


def check_same(folder: Path, whole: Path, biased: bool) -> None:
    for name in SERIES[biased]:
        assert (folder / name).read_text() == (whole / name).read_text(), name
    steps = read_dump(folder / "trajectory.dump").steps.tolist()
    assert steps == list(range(0, steps[-1] + 1, 50))


def undisturbed(folder: Path, settings: MdSettings, bias: Bias | None, resumed: list[int]) -> None:
    """Run without a kill; if asked for with ends and new starts at some steps."""
    keeping = Keeping(FolderStore(folder.with_suffix(".store")), "run", interval_s=1e6)
    for steps in [*sorted({*resumed} - {settings.steps}), settings.steps]:
        run(folder, settings.model_copy(update={"steps": steps}), bias, 5, keeping)


def kill_until_it_ends(
    start: Callable[[ObjectStore], object], inner: ObjectStore, rng: random.Random
) -> int:
    """Run, kill and go on until it ends, the store being as bad as it likes to be."""
    kills = 0
    while True:
        share, longest_s = rng.choice([(0.0, 0.0), (0.1, 0.01), (0.3, 0.02)])
        store = FlakyStore(inner, rng.randrange(10**6), share, longest_s)
        ending = ended_at_random(lambda store=store: start(store), lambda: inner.list("run"), rng)
        kills += ending == "killed"
        if ending == "ended":
            return kills


@pytest.mark.usefixtures("fast_lammps")
def test_a_run_too_short_to_be_looked_at_reports_both_its_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "WATCH_INTERVAL_S", 3600.0)
    seen: list[tuple[int, int]] = []
    run(
        tmp_path / "md",
        settings_for(400),
        None,
        5,
        None,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(0, 400), (400, 400)]


@pytest.mark.usefixtures("fast_lammps")
@pytest.mark.parametrize(
    ("steps", "thermostat", "bias"),
    [(40_000, "nose-hoover", None), (40_000, "csvr", None), (20_000, "csvr", METADYNAMICS)],
)
def test_killed_again_and_again_on_a_store_that_fails(
    tmp_path: Path, steps: int, thermostat: str, bias: Bias | None
) -> None:
    """Three times at least 17 kills, each run from beginning to end.

    With csvr it ends as a run that was never stopped. With Nose-Hoover LAMMPS sums the temperature
    anew when it starts, which decides the last bit: it ends as a run that was started anew at the
    same steps, without a kill and from a store that works.
    """
    settings, rng = settings_for(steps, thermostat), random.Random(steps)
    kills, turns = 0, 0
    while kills < 17:
        folder, inner = tmp_path / f"killed-{turns}", FolderStore(tmp_path / f"store-{turns}")

        def start(store: ObjectStore, folder: Path = folder) -> None:
            run(folder, settings, bias, 5, Keeping(store, "run", INTERVAL_S))

        kills, turns = kills + kill_until_it_ends(start, inner, rng), turns + 1
        whole = tmp_path / f"whole-{turns}"
        resumed = read_result(folder).resumed_steps if thermostat == "nose-hoover" else []
        undisturbed(whole, settings, bias, resumed)
        check_same(folder, whole, bias is not None)


@pytest.mark.usefixtures("fast_lammps")
def test_killed_on_a_real_s3_server(tmp_path: Path, s3_environment: S3Server) -> None:
    """As often as it takes to be killed twice: a fast machine may end a run before that."""
    settings, rng = settings_for(8_000, "csvr"), random.Random(7)
    run(tmp_path / "whole", settings, METADYNAMICS, 5, None)
    kills, turns = 0, 0
    while kills < 2:
        folder, inner = tmp_path / f"killed-{turns}", s3_environment.store(f"kept-{turns}")

        def start(store: ObjectStore, folder: Path = folder) -> None:
            run(folder, settings, METADYNAMICS, 5, Keeping(store, "run", INTERVAL_S))

        kills, turns = kills + kill_until_it_ends(start, inner, rng), turns + 1
        check_same(folder, tmp_path / "whole", True)


@pytest.mark.usefixtures("fast_lammps")
def test_a_server_that_dies_meanwhile_is_waited_for(
    tmp_path: Path, s3_environment: S3Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The run goes on without the store, and is stored once that is back."""
    store = S3Store(s3_environment.settings(prefix="meanwhile", attempts=1))
    over = threading.Event()

    def bring_back() -> None:
        while "not saved, trying again" not in caplog.text and not over.wait(0.02):
            pass
        s3_environment.start()

    bringer = threading.Thread(target=bring_back)

    def progress(done: int, _total: int) -> None:
        if done == 0 and not bringer.ident:
            s3_environment.kill()
            bringer.start()

    keeping = Keeping(store, "run", INTERVAL_S)
    try:
        done = run(tmp_path / "md", settings_for(40_000), None, 5, keeping, progress)
    finally:
        over.set()
        bringer.join()  # other tests use this server
    assert done.steps_run == 40_000
    assert "not saved, trying again" in caplog.text
    newest = max(key for key in store.list("run") if "/manifest-" in key)
    assert "manifest-000000040000-" in newest


@pytest.mark.usefixtures("fast_lammps")
def test_sigterm_leaves_one_last_checkpoint(tmp_path: Path) -> None:
    """Without it nothing would be there: the interval is longer than the run."""
    settings = MdSettings(steps=2_000_000, stride=50, checkpoint_steps=200, thermostat="csvr")
    inner = FolderStore(tmp_path / "store")

    def start() -> None:
        run(tmp_path / "md", settings, None, 5, Keeping(inner, "run", interval_s=1e6))

    log = tmp_path / "md" / "log.lammps"
    ending = ended_at_random(
        start, lambda: log.is_file() and log.stat().st_size, random.Random(1), signal.SIGTERM
    )
    assert ending == "transient"
    # one at once, and one more if LAMMPS is fast enough
    stored = [int(key.split("-")[-2]) for key in inner.list("run") if "/manifest-" in key]
    assert len(stored) in (1, 2)
    rows = read_thermo(log).steps
    assert 0 <= rows[-1] - stored[-1] <= 2 * 200
    done = run(
        tmp_path / "md",
        settings.model_copy(update={"steps": int(rows[-1]) + 1000}),
        None,
        5,
        Keeping(inner, "run"),
    )
    assert done.resumed_steps == stored[-1:]
    assert done.steps_run == rows[-1] + 1000


@pytest.mark.usefixtures("fast_lammps")
def test_other_physics_begins_anew_and_a_longer_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keeping = Keeping(FolderStore(tmp_path / "store"), "run", interval_s=1e6)

    def resumed_at(settings: MdSettings) -> list[int]:
        return run(tmp_path / "md", settings, None, 5, keeping).resumed_steps

    assert resumed_at(settings_for(1000)) == []
    assert resumed_at(settings_for(2000)) == [1000]
    assert caplog.text == ""
    hotter = settings_for(1000).model_copy(update={"temperature_K": 310.0})
    assert resumed_at(hotter) == []
    assert "(newest: step 2000) are of other physics" in caplog.text
    assert "what changed: md.temperature_K was 300.0, is 310.0." in caplog.text
    assert resumed_at(settings_for(3000)) == [1000, 2000]


@pytest.mark.usefixtures("fast_lammps")
def test_what_ends_trust_leaves_the_last_good_checkpoint(tmp_path: Path) -> None:
    trust = LENIENT.model_copy(update={"temperature_factor": 1.3})
    keeping = Keeping(FolderStore(tmp_path / "store"), "run", INTERVAL_S)
    done = run(tmp_path / "md", settings_for(200_000), None, 5, keeping, trust=trust)
    assert done.ended_by == "temperature runaway"
    assert done.steps_run < 200_000
    assert done.last_good_checkpoint is not None
    assert 0 < done.last_good_checkpoint <= done.trusted_steps
    folder = tmp_path / "md" / "failure"
    assert (folder / f"checkpoint.{done.last_good_checkpoint}").read_bytes()[-16:-1] == (
        b"LammpS RestartT"
    )
    assert json.loads((folder / "failure.json").read_text())["kind"] == done.ended_by
    assert len(read_extxyz(folder / "region.extxyz").symbols) > 1


def test_a_committee_goes_on_too(
    committee: Any,
    droplet: System,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the model deviation, by what the operators call; the store comes from outside."""
    md = MdSettings(steps=1500, stride=20, checkpoint_steps=100, thermostat="csvr")
    task = MdTask(system="droplet", label="nucleate", number=3, md=md, trust=LENIENT, seed=5)
    monkeypatch.setattr(supervision, "WATCH_INTERVAL_S", 0.05)
    monkeypatch.setenv("NUCLEOFLOW_CHECKPOINT_INTERVAL_S", "0.1")
    monkeypatch.setenv("NUCLEOFLOW_CHECKPOINTS", str(tmp_path / "other"))
    whole, killed = tmp_path / "whole", tmp_path / "replica-003"
    produce(task, droplet, committee.models, {}, whole)
    monkeypatch.setenv("NUCLEOFLOW_CHECKPOINTS", (tmp_path / "store").as_uri())
    store = FolderStore(tmp_path / "store")
    rng, endings = random.Random(2), []
    while endings.count("killed") < 3 and "ended" not in endings:
        endings.append(
            ended_at_random(
                lambda: produce(task, droplet, committee.models, {}, killed),
                lambda: store.list("nucleate/003"),
                rng,
                changes=1,
            )
        )
    assert "killed" in endings
    if "ended" not in endings:
        produce(task, droplet, committee.models, {}, killed)
    for name in ("trajectory.dump", "model_devi.out", "thermo.csv"):
        assert (killed / name).read_text() == (whole / name).read_text(), name
    assert read_result(killed).resumed_steps
    forget_finished("nucleate", [killed])
    assert store.list("") == []
