"""Runs of the bee colony: what they cost, who evaluates them, how they end and are interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references.colony import Floats
from references.limits import HANG
from references.objectives import BOX, holed, inf, nan, same, sphere
from references.objectives import VARIANTS as NAMES
from scipy.optimize import OptimizeResult

from tundish import _core
from tundish.optimize import BeeColony, bee_colony

VARIANTS = pytest.mark.parametrize("variant", NAMES)


KEY_OF_2020 = [15435262, 457594585]


X_OF_2020 = [-8.080449078729434e-05, -2.3411048393485396e-05, 0.002205640982633609, 1.2287512071501136e-05]


def test_the_published_run_costs_what_was_published() -> None:
    result = bee_colony(lambda x: sphere(x), [(-5, 5)] * 8, popsize=8, maxiter=25, vectorized=True, rng=0)
    assert result.nfev == 8 + 25 * 1024 == 25_608
    assert result.nit == 25


@given(st.integers(2, 6), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.booleans())
def test_evaluations_are_counted(
    bees: int, dimensions: int, cycles: int, limit: int, published: bool
) -> None:
    calls = []

    def fun(x: Floats) -> float:
        calls.append(x)
        return holed(np.append(x, 0.0))

    variant = "published" if published else "standard"
    result = bee_colony(
        fun, [(-5, 5)] * dimensions, popsize=bees, maxiter=cycles, limit=limit, variant=variant, rng=0
    )
    moves = limit if published else 1
    assert result.nfev == len(calls) == bees + cycles * 2 * bees * moves
    assert result.nit == cycles


@VARIANTS
def test_one_seed_is_one_run(variant: str) -> None:
    def go(**options: Any) -> OptimizeResult:
        return bee_colony(sphere, BOX, popsize=6, maxiter=3, variant=variant, rng=7, **options)

    once = go()
    with ThreadPool(3) as pool:
        others = [
            go(),
            go(vectorized=True),
            go(workers=2),
            go(workers=-1),
            go(workers=map),
            go(workers=pool.map),
        ]
    assert all(same(once, other) for other in others)
    assert same(once, go(callback=lambda x: None))
    assert not same(once, bee_colony(sphere, BOX, popsize=6, maxiter=3, variant=variant, rng=8))


@VARIANTS
@pytest.mark.parametrize("name", ["sphere", "rosenbrock", "rastrigin"])
@pytest.mark.parametrize("callback", [None, lambda x: None])
def test_a_native_objective_changes_nothing(
    variant: str, name: str, callback: Callable[[Floats], None] | None
) -> None:
    native = _core.TestFunction(name, 4)
    options = {"maxiter": 3, "variant": variant, "rng": 3, "maxfev": 1200, "callback": callback}
    inside = bee_colony(native, BOX, **options)
    outside = bee_colony(
        lambda x: native.evaluate(np.ascontiguousarray(x.T)), BOX, vectorized=True, **options
    )
    assert same(inside, outside)


def test_the_first_run_stays_what_it_was() -> None:
    """Frozen: another version of the package must not give another run for the same seed."""
    result = bee_colony(sphere, BOX, maxiter=2, rng=2020)
    assert BeeColony(BOX, rng=2020).state()["key"].tolist() == KEY_OF_2020
    assert result.x.tolist() == pytest.approx(X_OF_2020, rel=1e-15)


@VARIANTS
@pytest.mark.parametrize("maxfev", [8, 9, 100, 1000, 1001])
@pytest.mark.parametrize("native", [False, True])
def test_maxfev_is_never_exceeded(variant: str, maxfev: int, native: bool) -> None:
    fun = _core.TestFunction("sphere", 4) if native else sphere
    result = bee_colony(fun, BOX, maxiter=10**6, maxfev=maxfev, variant=variant, rng=0)
    assert maxfev - 8 < result.nfev <= maxfev
    assert (result.success, result.status) == (False, 2)
    assert f"maxfev = {maxfev}" in result.message


@VARIANTS
def test_a_target_ends_the_run_in_its_round(variant: str) -> None:
    values: list[float] = []

    def fun(x: Floats) -> float:
        values.append(sphere(x))
        return values[-1]

    result = bee_colony(fun, BOX, maxiter=1000, target=0.5, variant=variant, rng=0)
    assert (result.success, result.status) == (True, 1)
    assert result.fun == min(values) <= 0.5
    assert result.nfev == len(values)
    assert min(values[:-8]) > 0.5
    missed = bee_colony(sphere, BOX, maxiter=1, target=-1, rng=0)
    assert (missed.success, missed.status) == (False, 0)
    assert "target = -1 was not reached" in missed.message
    native = _core.TestFunction("sphere", 4)
    again = bee_colony(native, BOX, target=result.fun, variant=variant, maxiter=1000, rng=0)
    assert again.nfev == result.nfev


def test_a_complete_run_is_a_success() -> None:
    result = bee_colony(sphere, BOX, maxiter=3, rng=0)
    assert isinstance(result, OptimizeResult)
    assert (result.success, result.status, result.message) == (True, 0, "all 3 cycles are done")
    assert result.fun == sphere(result.x)
    assert result.population.shape == (8, 4)
    np.testing.assert_array_equal([sphere(x) for x in result.population], result.population_energies)
    np.testing.assert_array_equal(BeeColony.from_state(result.state).x, result.x)


@pytest.mark.parametrize("fun", [sphere, _core.TestFunction("sphere", 4)])
def test_callbacks_see_every_cycle(fun: Any) -> None:
    seen: list[OptimizeResult] = []
    places: list[Floats] = []
    whole = bee_colony(fun, BOX, maxiter=4, rng=0)

    def with_result(intermediate_result: OptimizeResult) -> None:
        seen.append(intermediate_result)

    assert same(bee_colony(fun, BOX, maxiter=4, rng=0, callback=with_result), whole)
    assert same(bee_colony(fun, BOX, maxiter=4, rng=0, callback=places.append), whole)
    assert [r.nit for r in seen] == [1, 2, 3, 4]
    assert np.all(np.diff([r.fun for r in seen]) <= 0)
    assert {r.message for r in seen} == {"in progress"}
    np.testing.assert_array_equal([r.x for r in seen], places)
    assert same(BeeColony.from_state(seen[1].state).minimize(fun, maxiter=4), whole)


@pytest.mark.parametrize("fun", [sphere, _core.TestFunction("sphere", 4)])
def test_callbacks_end_the_run(fun: Any) -> None:
    def stop(x: Floats) -> None:
        raise StopIteration

    for callback in (stop, lambda x: True, lambda intermediate_result: intermediate_result.nit == 1):
        result = bee_colony(fun, BOX, rng=0, callback=callback)
        assert (result.nit, result.success, result.status) == (1, False, 3)


@pytest.mark.parametrize("missing", [nan, inf])
def test_points_without_a_value_are_worst(missing: float) -> None:
    result = bee_colony(lambda x: missing if x[0] < 1 else sphere(x), BOX, rng=0)
    assert result.success
    assert result.x[0] == pytest.approx(1)
    assert result.fun == pytest.approx(1)
    assert np.all(result.population[np.isfinite(result.population_energies), 0] >= 1)


@VARIANTS
@pytest.mark.parametrize("missing", [nan, inf])
def test_a_run_that_finds_no_value_says_so(variant: str, missing: float) -> None:
    result = bee_colony(lambda x: missing, BOX, maxiter=3, variant=variant, rng=0)
    assert (result.success, result.fun) == (False, inf)
    assert "no finite value" in result.message
    assert np.all(np.isinf(result.population_energies))


def test_minus_infinity_is_a_value() -> None:
    result = bee_colony(lambda x: -inf if x[0] > 0 else 1.0, BOX, maxiter=2, rng=0)
    assert result.fun == -inf


def breaks_after(calls: int, error: BaseException) -> Callable[[Floats], float]:
    left = [calls]

    def fun(x: Floats) -> float:
        left[0] -= 1
        if left[0] < 0:
            raise error
        return sphere(x)

    return fun


@pytest.mark.parametrize("error", [LookupError("lost"), StopIteration("spent"), SystemExit(3)])
def test_what_the_objective_raises_passes_through_with_what_was_found(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised:
        bee_colony(breaks_after(100, error), BOX, rng=0)
    assert raised.value is error
    result = raised.value.intermediate_result
    assert (result.nfev, result.success, result.status) == (96, False, 5)
    assert result.fun == sphere(result.x)
    goes_on = BeeColony.from_state(result.state).minimize(sphere, maxiter=2)
    assert same(goes_on, bee_colony(sphere, BOX, maxiter=2, rng=0))


def test_what_the_callback_raises_passes_through() -> None:
    def callback(x: Floats) -> None:
        raise LookupError("lost")

    with pytest.raises(LookupError, match="lost") as raised:
        bee_colony(_core.TestFunction("sphere", 4), BOX, rng=0, callback=callback)
    assert raised.value.intermediate_result.nit == 1


def test_interrupting_the_objective_returns_what_was_found() -> None:
    result = bee_colony(breaks_after(100, KeyboardInterrupt()), BOX, rng=0)
    assert (result.nfev, result.success, result.status) == (96, False, 4)
    assert result.message == "the run was interrupted"
    assert result.fun == sphere(result.x)


INTERRUPTED = """
import sys, time
from tundish import _core
from tundish.optimize import bee_colony

def slow(x):
    time.sleep(0.01)
    return float((x * x).sum())

def say(x, said=[]):
    if not said:
        said.append(True)
        print("running", flush=True)

result = bee_colony({fun}, [(-5, 5)] * 4, maxiter=10**9, rng=0, callback=say, {options})
print(result.status, result.success, result.nfev > 0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize(
    ("fun", "options"),
    [("slow", ""), ("slow", "workers=2"), ("_core.TestFunction('sphere', 4)", "")],
    ids=["alone", "processes", "native"],
)
def test_ctrl_c_returns_what_was_found(fun: str, options: str) -> None:
    script = INTERRUPTED.format(fun=fun, options=options)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the processes of the pool, too
            out, err = process.communicate(timeout=HANG)
        finally:
            process.kill()
    assert out.split() == ["4", "False", "True"], err
    assert "Traceback" not in err
