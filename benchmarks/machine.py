"""The machine that a benchmark ran on, and fair timing on a machine that others use, too."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tundish import _core


def processor() -> str:
    """The processor's name as the system gives it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0))


def description() -> str:
    """One line for the head of a table."""
    return f"{processor()}, {processors()} processors, kernels built for {_core.instruction_set()}"


class Run(NamedTuple):
    """Something to be timed: `call()` does it once and returns what counts of its wall time, s."""

    call: Callable[[], float]
    rounds: int  # how often it is done at most


class Timing(NamedTuple):
    """Wall times of a run, s."""

    best: float
    median: float
    busy: float  # processors in use during the best round: less than its threads where others got in the way


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A call for :class:`Run` that counts all the time that `work` takes."""

    def call() -> float:
        clock = time.perf_counter()
        work()
        return time.perf_counter() - clock

    return call


def interleaved(runs: Mapping[str, Run]) -> dict[str, Timing]:
    """Times of all runs, taken in turns: what slows the machine down for a while slows all of them.

    Every run of more than two rounds is done once before, uncounted.
    """
    for run in runs.values():
        if run.rounds > 2:
            run.call()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    busy: dict[str, list[float]] = {name: [] for name in runs}
    for done in range(max(run.rounds for run in runs.values())):
        for name, run in runs.items():
            if done < run.rounds:
                wall, used = time.perf_counter(), time.process_time()
                seconds[name].append(run.call())
                busy[name].append((time.process_time() - used) / (time.perf_counter() - wall))
    return {
        name: Timing(min(of), statistics.median(of), busy[name][of.index(min(of))])
        for name, of in seconds.items()
    }
