"""A user's objective, evaluated at all points of a round."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, integer
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError

Objective = Callable[[Floats], Any]
Map = Callable[[Objective, Iterable[Floats]], Iterable[Any]]
Rounds = Callable[[Floats], Floats]  # values (S,) of points (S, n_dim)


def checked(vectorized: bool, workers: int | Map) -> int | Map:
    """`workers` as a map-like callable or a number of processes of at least 1; refused by name if neither."""
    if vectorized and workers != 1:
        raise ArgumentError("workers", workers, "vectorized=True evaluates a round in one call, workers is 1")
    if callable(workers):
        return workers
    number = integer("workers", workers)
    if number == -1:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if number < 1:
        raise ArgumentError("workers", number, "must be at least 1, -1 for all processors, or map-like")
    return number


@contextmanager
def rounds(fun: Objective, vectorized: bool, workers: int | Map) -> Iterator[Rounds]:
    """Evaluates rounds of points for as long as it is open."""
    if vectorized:
        # The transposed view keeps the coordinates of a point side by side: NumPy then sums them in the
        # order, and with the rounding, that it has for a single point.
        yield lambda points: _values(fun(points.T), len(points))
    elif callable(workers):
        yield lambda points: _values(list(workers(fun, points)), len(points))
    elif workers == 1:
        yield lambda points: _values([fun(point) for point in points], len(points))
    else:
        with _processes(fun, workers) as evaluate:
            yield evaluate


def _values(returned: object, points: int) -> Floats:
    """What an objective returned, as one number a point."""
    try:
        values = np.asarray(returned)
    except ValueError:
        raise ArgumentError(
            "fun", MISSING, "returned arrays of different shapes; one number a point is needed"
        ) from None
    if values.dtype.kind not in "iuf":
        raise ArgumentTypeError("fun", MISSING, f"returned {values.dtype}; one real number a point is needed")
    if values.shape != (points,):
        if values.shape != (points, 1):
            raise ArgumentError(
                "fun",
                MISSING,
                f"returned shape {values.shape} for {points} points; one number a point is needed",
            )
        values = values[:, 0]
    return np.ascontiguousarray(values, dtype=np.float64)


@contextmanager
def _processes(fun: Objective, workers: int) -> Iterator[Rounds]:
    # The function goes to a process once, not with every point; where processes fork it need not pickle.
    import multiprocessing  # costs more than the rest of the package

    pool = multiprocessing.get_context().Pool(workers, _begin_process, (fun,))
    try:
        yield lambda points: _values(pool.map(_evaluate, points, -(-len(points) // workers)), len(points))
    finally:
        pool.terminate()
        pool.join()


_of_process: Objective | None = None


def _begin_process(fun: Objective) -> None:
    global _of_process
    _of_process = fun
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that waits for the values


def _evaluate(point: Floats) -> Any:
    assert _of_process is not None
    return _of_process(point)
