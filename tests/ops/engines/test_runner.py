"""The runner, against tiny programs that behave as badly as real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nucleops.engines import runner
from nucleops.engines.limits import ending_signal, oom_kills
from nucleops.engines.runner import interruptible, run
from nucleops.errors import (
    MissingProgram,
    OutOfMemory,
    Preempted,
    ProgramFailed,
    TimeLimit,
    WrongInput,
)

OPS = Path(runner.__file__).parents[2]


def sh(script: str, folder: Path, **options: object) -> runner.RunResult:
    return run(["sh", "-c", script], folder, folder / "log", **options)  # type: ignore[arg-type]


def wait_for(condition, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def driver(folder: Path, body: str) -> subprocess.Popen[str]:
    """Start a Python process that uses the runner, as an operator does."""
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from nucleops.engines.runner import run, interruptible\n"
        "from nucleops.errors import NucleoError\n"
        f"here = Path({str(folder)!r})\ntry:\n    {body}\n"
        "except NucleoError as error:\n    print(type(error).__name__, error)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(OPS)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_result_and_log(tmp_path):
    result = sh("echo out; echo err >&2; exit 3", tmp_path)
    assert result.returncode == 3
    assert result.stopped_because is None
    text = (tmp_path / "log").read_text()
    assert "$ sh -c 'echo out; echo err >&2; exit 3'" in text
    assert text.endswith("out\nerr\n")
    assert result.tail() == "out\nerr"


def test_log_is_appended_and_tail_is_of_this_run(tmp_path):
    sh("echo first", tmp_path)
    assert sh("echo second", tmp_path).tail() == "second"
    assert "first" in (tmp_path / "log").read_text()


def test_output_reaches_the_log_while_the_program_runs(tmp_path):
    seen = []

    def watch():
        seen.append((tmp_path / "log").read_text())
        return "seen" if "early" in seen[-1] else None

    result = sh("echo early; sleep 60", tmp_path, watch=watch)
    assert result.stopped_because == "seen"
    assert result.wall_s < 5


def test_threads_and_own_variables(tmp_path):
    result = sh(
        "echo $OMP_NUM_THREADS $OPENBLAS_NUM_THREADS $MKL_NUM_THREADS "
        "$TF_INTRA_OP_PARALLELISM_THREADS $DP_INTER_OP_PARALLELISM_THREADS $MINE",
        tmp_path,
        threads=3,
        env={"MKL_NUM_THREADS": "1", "MINE": "yes"},
    )
    assert result.tail() == "3 3 1 3 3 yes"


ALONE = "echo $OMPI_MCA_ess_singleton_isolated $OMPI_MCA_pml $OMPI_MCA_btl"


def test_one_process_looks_for_no_others(tmp_path, monkeypatch):
    for name in ("ess_singleton_isolated", "pml", "btl"):
        monkeypatch.delenv(f"OMPI_MCA_{name}", raising=False)
    assert sh(ALONE, tmp_path).tail() == "1 ob1 self"
    monkeypatch.setenv("OMPI_MCA_pml", "cm")
    assert sh(ALONE, tmp_path).tail() == "1 cm self"
    assert sh(ALONE, tmp_path, env={"OMPI_MCA_btl": "tcp,self"}).tail() == "1 cm tcp,self"
    launcher = ["sh", "-c", 'shift; exec "$@"']  # -np 2 are $0 and $1
    apart = run(["sh", "-c", ALONE], tmp_path, tmp_path / "two", cores=2, launcher=launcher)
    assert apart.tail() == "cm"


def test_cp2k_alone_starts_no_daemon(tmp_path):
    own = {"LD_DEBUG": "files", "LD_DEBUG_OUTPUT": str(tmp_path / "loaded")}  # a file a process
    run(["cp2k.psmp", "--version"], tmp_path, tmp_path / "log", env=own).check()
    (loaded,) = tmp_path.glob("loaded.*")
    assert "libmpi" in loaded.read_text()


def test_several_processes_go_through_the_launcher(tmp_path):
    launcher = tmp_path / "launch"
    launcher.write_text('#!/bin/sh\necho "launched $*"\nshift 2\nexec "$@"\n')
    launcher.chmod(0o755)
    result = run(["echo", "x"], tmp_path, tmp_path / "log", cores=2, launcher=[str(launcher)])
    assert result.tail() == "launched -np 2 echo x\nx"


def test_standard_input(tmp_path):
    (tmp_path / "in").write_text("hello\n")
    assert run(["cat"], tmp_path, tmp_path / "log", stdin=tmp_path / "in").tail() == "hello"
    assert run(["cat"], tmp_path, tmp_path / "log").tail() == ""
    with pytest.raises(WrongInput):
        run(["cat"], tmp_path, tmp_path / "log", stdin=tmp_path / "nothing")


def test_cpu_seconds_include_children(tmp_path):
    loop = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
    result = sh(f"sh -c '{loop}'; true", tmp_path)
    assert 0.02 < result.cpu_s <= result.wall_s + 0.1


def test_missing_program_and_folder(tmp_path):
    with pytest.raises(MissingProgram, match=r"no-such-program.*make setup"):
        run(["no-such-program"], tmp_path, tmp_path / "log")
    with pytest.raises(WrongInput, match="folder"):
        run(["true"], tmp_path / "nowhere", tmp_path / "log")
    (tmp_path / "bad").write_bytes(b"\x7fELF nonsense")
    (tmp_path / "bad").chmod(0o755)
    with pytest.raises(MissingProgram, match="cannot be started"):
        run([str(tmp_path / "bad")], tmp_path, tmp_path / "log")


def test_relative_program_is_found_where_it_runs(tmp_path):
    (tmp_path / "here").write_text("#!/bin/sh\necho ran\n")
    (tmp_path / "here").chmod(0o755)
    assert run(["./here"], tmp_path, tmp_path / "log").tail() == "ran"


def test_check(tmp_path):
    assert sh("exit 3", tmp_path).check(ok=(0, 3)).returncode == 3
    with pytest.raises(ProgramFailed, match=r"(?s)exit code 4.*the reason"):
        sh("echo the reason; exit 4", tmp_path).check()
    with pytest.raises(ProgramFailed, match="SIGSEGV"):
        sh("kill -SEGV $$", tmp_path).check()
    with pytest.raises(OutOfMemory):
        sh("echo 'terminate: std::bad_alloc'; exit 6", tmp_path).check()


def test_time_limit(tmp_path):
    with pytest.raises(TimeLimit, match=r"0\.3 s"):
        sh("trap 'echo asked; exit 0' TERM; sleep 60 & wait", tmp_path, timeout_s=0.3)
    assert (tmp_path / "log").read_text().endswith("asked\n")


def test_time_limit_of_a_program_that_will_not_end(tmp_path):
    before = time.monotonic()
    with pytest.raises(TimeLimit):
        sh("trap '' TERM; while :; do sleep 0.1; done", tmp_path, timeout_s=0.3, grace_s=0.5)
    assert time.monotonic() - before < 5


def test_nothing_of_the_group_is_left_behind(tmp_path):
    sh("sleep 600 & echo $! > pid", tmp_path)
    wait_for(lambda: not alive(int((tmp_path / "pid").read_text())))


def test_watch_that_raises_ends_the_program(tmp_path):
    def watch():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        sh("echo $$ > pid; sleep 600", tmp_path, watch=watch)
    assert not alive(int((tmp_path / "pid").read_text()))


def test_killed_from_outside(tmp_path):
    with pytest.raises(Preempted, match="SIGTERM"):
        sh("kill -TERM $$", tmp_path)
    with pytest.raises(Preempted, match="SIGTERM"):
        sh("sh -c 'kill -TERM $$'; exit 143", tmp_path)


def test_kill_is_preemption_unless_memory_ran_out(tmp_path, monkeypatch):
    with pytest.raises(Preempted, match="SIGKILL"):
        sh("kill -KILL $$", tmp_path)
    with pytest.raises(OutOfMemory):
        sh("echo 'Cannot allocate memory'; kill -KILL $$", tmp_path)
    counts = iter([4, 5])
    monkeypatch.setattr(runner, "oom_kills", lambda: next(counts))
    with pytest.raises(OutOfMemory):
        sh("exit 137", tmp_path)


def test_signal_of_an_mpi_rank():
    said = b"=   EXIT CODE: 9\nYOUR APPLICATION TERMINATED WITH THE EXIT STRING: Killed (signal 9)"
    assert ending_signal(9, said) == signal.SIGKILL
    assert ending_signal(9, b"") is None
    assert ending_signal(0, said) is None


def test_oom_counter_is_a_number_or_unknown():
    assert oom_kills() is None or oom_kills() >= 0


def test_handlers_are_restored(tmp_path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    sh("true", tmp_path)
    with pytest.raises(TimeLimit):
        sh("sleep 60", tmp_path, timeout_s=0.1)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_our_signal_is_passed_on_and_waited_for(tmp_path, number):
    program = (
        "import signal, sys, time\n"
        "def stop(n, f):\n    time.sleep(0.5); print('checkpoint', n, flush=True); sys.exit(0)\n"
        f"signal.signal({int(number)}, stop)\nprint('ready', flush=True)\ntime.sleep(600)\n"
    )
    log = tmp_path / "log"
    process = driver(tmp_path, f"run([sys.executable, '-c', {program!r}], here, here / 'log')")
    wait_for(lambda: log.exists() and log.read_text().endswith("ready\n"))
    process.send_signal(number)
    out, _ = process.communicate(timeout=20)
    assert out.startswith("Preempted")
    assert log.read_text().endswith(f"checkpoint {int(number)}\n")


def test_a_second_signal_cuts_the_waiting_short(tmp_path):
    script = "trap '' TERM; echo ready; while :; do sleep 0.1; done"
    process = driver(tmp_path, f"run(['sh', '-c', {script!r}], here, here / 'log', grace_s=600)")
    log = tmp_path / "log"
    wait_for(lambda: log.exists() and log.read_text().endswith("ready\n"))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.communicate(timeout=10)[0].startswith("Preempted")


def test_programs_run_in_threads_are_told_too(tmp_path):
    def send() -> None:
        wait_for(lambda: all((tmp_path / f"log{i}").exists() for i in range(2)))
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=send).start()
    with interruptible(), ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run, ["sleep", "60"], tmp_path, tmp_path / f"log{i}") for i in range(2)]
        for job in jobs:
            with pytest.raises(Preempted):
                job.result(timeout=20)
    sh("true", tmp_path)  # the signal belongs to that context, not to the next run


def test_kill_9_of_us_takes_the_whole_group_along(tmp_path):
    script = "sleep 600 & echo $! > grandchild; echo $$ > child; wait"
    process = driver(tmp_path, f"run(['sh', '-c', {script!r}], here, here / 'log')")
    wait_for(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text())
    pids = [int((tmp_path / name).read_text()) for name in ("child", "grandchild")]
    assert all(alive(pid) for pid in pids)
    process.kill()
    process.communicate()
    wait_for(lambda: not any(alive(pid) for pid in pids), 5)
