"""Work that is shared out among threads."""

from __future__ import annotations

import os
import threading
import time

import pytest

from nucleops.cores import in_threads, meanwhile, shares


def test_results_come_in_order_and_threads_take_turns() -> None:
    seen = set()

    def call(k: int) -> int:
        seen.add(threading.get_ident())
        time.sleep(0.02 if k % 2 else 0.001)
        return k * k

    assert in_threads(call, range(20), threads=3) == [k * k for k in range(20)]
    assert len(seen) == 3
    seen.clear()
    assert in_threads(call, [4], threads=3) == [16]
    assert in_threads(call, [], threads=3) == []
    assert in_threads(call, range(3), threads=1) == [0, 1, 4]
    assert seen == {threading.get_ident()}


def test_what_is_raised_comes_through_when_all_have_stopped() -> None:
    running = []

    def call(k: int) -> None:
        running.append(k)
        time.sleep(0.01)
        running.remove(k)
        if k == 2:
            raise ValueError("the third")

    with pytest.raises(ValueError, match="the third"):
        in_threads(call, range(8), threads=3)
    assert running == []
    assert in_threads(len, ["a", "bc"], threads=2) == [1, 2]  # and it goes on working


def test_within_a_call_no_more_threads_are_taken() -> None:
    """Waiting for threads from all threads at once would never end."""

    def call(k: int) -> set[int]:
        return set(in_threads(lambda _: threading.get_ident(), range(5), threads=64))

    assert all(len(own) == 1 for own in in_threads(call, range(100), threads=64))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    assert in_threads(abs, [-1, -2, -3], threads=3) == [1, 2, 3]
    child = os.fork()
    if not child:
        os._exit(0 if in_threads(abs, [-1, -2, -3], threads=3) == [1, 2, 3] else 1)
    for _ in range(600):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        time.sleep(0.05)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the forked process waits for threads that it does not have")
    assert status == 0


def test_meanwhile_another_thread_does_it() -> None:
    assert meanwhile(threading.get_ident).result() != threading.get_ident()
    with pytest.raises(ZeroDivisionError):
        meanwhile(lambda: 1 / 0).result()


@pytest.mark.parametrize(("count", "threads"), [(0, 2), (1, 4), (7, 3), (100, 8)])
def test_shares_cover_a_range_evenly(count: int, threads: int) -> None:
    pieces = shares(count, threads)
    assert [k for piece in pieces for k in range(count)[piece]] == list(range(count))
    sizes = [len(range(count)[piece]) for piece in pieces]
    assert max(sizes) - min(sizes) <= 1
    assert len(pieces) == max(1, min(count, threads))
