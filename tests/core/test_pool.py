"""The thread pool among the host's own processes, threads and signals."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from references.limits import HANG

from tundish.casting import BatchSolution, Grid, published_strand, solve_batch

STRAND = published_strand()
GRID = Grid(21, 21, dz_mold=0.01, dz_spray=0.1)

PREPARE = """
import os, signal, sys
import numpy as np
from tundish.casting import Grid, published_strand, solve_batch

strand, grid = published_strand(), Grid(21, 21, dz_mold=0.01, dz_spray=0.1)

def lengths(candidates=32, grid=grid, **options):
    changes = {"zones.0.htc.x": np.linspace(600, 1200, candidates)}
    batch = solve_batch(strand, changes, grid, outputs=["metallurgical_length"], **options)
    return batch.metallurgical_length
"""

FORK = """
before = lengths(threads=2)
child = os.fork()
if child == 0:
    signal.alarm(900)
    os._exit(0 if np.array_equal(lengths(threads=2), before) else 1)
status = os.waitpid(child, 0)[1]
print("child", os.waitstatus_to_exitcode(status))
print("parent", int(not np.array_equal(lengths(threads=2), before)))
"""

INTERRUPT = """
def say(done, all):
    print("running", flush=True)

try:
    lengths(20_000, Grid(100, 100), progress=say)
except KeyboardInterrupt:
    print("interrupted, then", lengths(4).size)
"""


def batch(candidates: int, threads: int | None = None, **options: object) -> BatchSolution:
    changes = {"zones.0.htc.x": np.linspace(600, 1200, candidates)}
    return solve_batch(STRAND, changes, GRID, outputs=["centre_temperature"], threads=threads, **options)  # type: ignore[arg-type]


@pytest.fixture
def no_forced_switches() -> Iterator[None]:
    """Python threads change places only where one lets the other in."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000.0)
    yield
    sys.setswitchinterval(interval)


def test_a_forked_child_solves() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PREPARE + FORK]
    result = subprocess.run(command, capture_output=True, text=True, timeout=HANG, check=False)
    assert result.stdout.split() == ["child", "0", "parent", "0"], result.stderr


def test_two_python_threads_solve_at_once() -> None:
    alone = batch(16, threads=1).centre_temperature
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda _: batch(16, threads=2).centre_temperature, range(8)))
    for result in together:
        np.testing.assert_array_equal(result, alone)


@pytest.mark.usefixtures("no_forced_switches")
def test_other_threads_run_while_a_batch_is_solved() -> None:
    turns, done, seen = [0], threading.Event(), []

    def others() -> None:
        while not done.is_set():
            turns[0] += 1
            time.sleep(0.001)

    def solve_until_watched() -> None:
        candidates = 64
        while len(seen) < 3 and candidates <= 1 << 16:
            seen.clear()
            batch(candidates, threads=1, progress=lambda *_: seen.append(turns[0]))
            candidates *= 2

    other = threading.Thread(target=others)
    other.start()
    try:
        solve_until_watched()
    finally:
        done.set()
        other.join()
    assert len(seen) >= 3
    assert seen[-1] > seen[0]


def test_an_error_in_the_progress_callback_ends_the_batch() -> None:
    def refuse(done: int, candidates: int) -> None:
        raise LookupError(f"{done} of {candidates}")

    with pytest.raises(LookupError, match="of 8"):
        batch(8, progress=refuse)
    assert batch(8).success.all()


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_interrupt_stops_a_long_batch() -> None:
    command = [sys.executable, "-c", PREPARE + INTERRUPT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=HANG)
        finally:
            process.kill()
    assert out.splitlines()[-1] == "interrupted, then 4", err
    assert process.returncode == 0
