"""Run folders, events, locks and process identities."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nucleoflow.backends.local import events, lock
from nucleoflow.backends.local.processes import RUN_VARIABLE, identity, is_alive, members_of_run
from nucleoflow.backends.local.resources import machine_limits, visible_gpus
from nucleoflow.runs.folder import RunFolder, find_run, new_run, runs_root
from nucleops.cores import usable_cores, usable_threads
from nucleops.errors import WrongInput


def make(root: Path, name: str, created: float) -> RunFolder:
    run = RunFolder(root / name)
    run.path.mkdir(parents=True)
    run.write("run", {"created": created})
    return run


def test_runs_are_found_by_beginning_path_and_latest(tmp_path: Path) -> None:
    make(tmp_path, "ag6-1", 2.0)
    newest = make(tmp_path, "ag6-12", 3.0)
    other = make(tmp_path, "quick-1", 1.0)
    assert find_run("latest", tmp_path) == newest
    assert find_run("q", tmp_path) == other
    assert find_run("ag6-1", tmp_path).id == "ag6-1"
    assert find_run(str(other.path), Path("/nowhere")) == other
    with pytest.raises(WrongInput, match="2 runs: ag6-1, ag6-12"):
        find_run("ag6", tmp_path)
    with pytest.raises(WrongInput, match="no run 'x'"):
        find_run("x", tmp_path)
    with pytest.raises(WrongInput, match="no runs in"):
        find_run("latest", tmp_path / "nothing")


def test_run_ids_are_unique(tmp_path: Path) -> None:
    assert len({new_run(tmp_path, "a").id for _ in range(3)}) == 3


def test_root_of_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NUCLEOFLOW_RUNS", raising=False)
    assert runs_root() == tmp_path / "nucleoflow-runs"
    monkeypatch.setenv("NUCLEOFLOW_RUNS", "/elsewhere")
    assert runs_root() == Path("/elsewhere")
    assert runs_root(Path("here")) == tmp_path / "here"


def test_config_is_what_was_asked_for(tmp_path: Path) -> None:
    run = make(tmp_path, "a", 0.0)
    run.write("run", {"stages": ["metad"], "from_run": "/runs/b", "options": {"x": 1}})
    config = run.config()
    assert (config.run_id, config.stages, config.options) == ("a", ("metad",), {"x": 1})
    assert config.from_run == Path("/runs/b")


def test_events_of_many_writers_do_not_mix(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        for i in range(50):
            events.append(tmp_path, "started", step=f"{writer}-{i}", message="ä\n" * 200)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = events.Reader(tmp_path)
    assert len({event["step"] for event in reader.new()}) == 200
    assert list(reader.new()) == []


def test_half_written_and_torn_events(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"event": "a"}\n{"torn\n{"event": "b"')
    reader = events.Reader(tmp_path)
    assert [event["event"] for event in reader.new()] == ["a"]
    with path.open("a") as file:
        file.write("}\n")
    assert [event["event"] for event in reader.new()] == ["b"]


def test_lock_is_exclusive_and_not_inherited(tmp_path: Path) -> None:
    run = make(tmp_path, "a", 0.0)
    code = (
        "import os, sys, time; from pathlib import Path\n"
        "from nucleoflow.backends.local import lock; from nucleoflow.runs.folder "
        "import RunFolder\n"
        f"run = RunFolder(Path({str(run.path)!r})); lock.take(run); lock.sign(run, detached=True)\n"
        "if os.fork() == 0: time.sleep(60)\n"
        "print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        assert lock.controller_pid(run) == holder.pid
        with pytest.raises(lock.AlreadyRunning, match=f"already running .pid {holder.pid}"):
            lock.take(run)
        holder.kill()
        holder.wait()
        assert lock.controller_pid(run) is None
        os.close(lock.take(run))  # although the forked child still lives
        os.killpg(holder.pid, 9)


def test_who_resumes_waits_for_a_controller_that_is_ending(tmp_path: Path) -> None:
    run = make(tmp_path, "a", 0.0)
    code = (
        "import sys, time; from pathlib import Path\n"
        "from nucleoflow.backends.local import lock\n"
        "from nucleoflow.runs.folder import RunFolder\n"
        f"run = RunFolder(Path({str(run.path)!r})); held = lock.take(run)\n"
        "lock.sign(run, detached=False); lock.sign_off(run); print('ending', flush=True)\n"
        "time.sleep(3)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ending\n"
        assert lock.controller_pid(run) == holder.pid
        os.close(lock.take(run))  # longer than a killed one is waited for
        assert holder.wait() == 0


def test_identity_tells_processes_apart() -> None:
    mine = identity(os.getpid())
    assert mine is not None
    assert is_alive(os.getpid(), mine)
    assert not is_alive(os.getpid(), mine + "0")
    assert not is_alive(os.getppid(), mine)
    child = subprocess.Popen([sys.executable, "-S", "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert identity(child.pid) is None  # a zombie
    child.wait()


def test_processes_started_within_one_clock_tick_have_different_identities() -> None:
    command = [sys.executable, "-S", "-c", "input()"]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(12)]
    try:
        assert len({identity(child.pid) for child in children}) == len(children)
    finally:
        for child in children:
            child.kill()
            child.communicate()


def test_members_of_a_run_are_known_by_their_environment(tmp_path: Path) -> None:
    command = [sys.executable, "-S", "-c", "input()"]
    environment = {**os.environ, RUN_VARIABLE: str(tmp_path)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as member:
        assert [process.pid for process in members_of_run(tmp_path)] == [member.pid]
        assert members_of_run(tmp_path / "other") == []
        member.kill()


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2, 5,-1")
    assert visible_gpus() == ("2", "5")
    assert machine_limits(3, 1).gpus == ("2",)
    assert machine_limits().cores == usable_cores() >= 1
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert usable_threads() == 3
    assert usable_threads(2) == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert usable_threads() == usable_cores()
    with pytest.raises(WrongInput, match="--gpus: found 3"):
        machine_limits(None, 3)
    with pytest.raises(WrongInput, match="--cores: found 0"):
        machine_limits(0)
