"""The artificial bee colony: what it asks for, what it costs, how it ends, and what it refuses."""

from __future__ import annotations

import copy
import json
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.pool import ThreadPool
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references.colony import Floats, ReferenceColony, philox, run
from scipy.optimize import Bounds, OptimizeResult
from scipy.stats import chisquare, kstest

from tundish import _core
from tundish.optimize import BeeColony, bee_colony

VARIANTS = pytest.mark.parametrize("variant", ["published", "standard"])
BOX = [(-5.0, 5.0)] * 4
nan, inf = float("nan"), float("inf")
KEY_OF_2020 = [15435262, 457594585]
X_OF_2020 = [-8.080449078729434e-05, -2.3411048393485396e-05, 0.002205640982633609, 1.2287512071501136e-05]


def sphere(x: Floats) -> Any:
    total = 0.0
    for coordinate in x:
        total = total + coordinate * coordinate
    return total


def rugged(x: Floats) -> float:
    return float(np.sum(x * x - 3 * np.cos(9 * x))) - 4


def holed(x: Floats) -> float:
    """Without a value in places."""
    if x[0] > 2:
        return nan
    return inf if x[1] < -3 else rugged(x)


def colony_and_reference(
    bounds: list[tuple[float, float]], rng: int = 5, **options: Any
) -> tuple[BeeColony, ReferenceColony]:
    colony = BeeColony(bounds, rng=rng, **options)
    return colony, ReferenceColony(bounds, colony.state()["key"].tolist(), **options)


def same(a: OptimizeResult, b: OptimizeResult) -> bool:
    alike = ("x", "fun", "nit", "nfev", "population", "population_energies", "status", "message", "success")
    return all(np.array_equal(a[name], b[name]) for name in alike)


# ---- the algorithm ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0,) * 4, (0,) * 2, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_reference_draws_published_random_numbers(
    counter: tuple[int, ...], key: tuple[int, ...], words: tuple[int, ...]
) -> None:
    """Known answers of Random123."""
    assert philox(counter, key) == words


@VARIANTS
@pytest.mark.parametrize("fun", [sphere, rugged, holed])
@pytest.mark.parametrize("limit", [None, 3])
@pytest.mark.parametrize("integrality", [None, [False, True, True, False]])
def test_every_point_is_that_of_the_reference(
    variant: str, fun: Callable[[Floats], float], limit: int | None, integrality: list[bool] | None
) -> None:
    bounds = [(-5.0, 5.0), (-4.0, 6.0), (0.0, 3.0), (-1e-3, 7.0)]
    colony, reference = colony_and_reference(
        bounds, popsize=5, variant=variant, limit=limit, integrality=integrality
    )
    left = 0
    for _ in range(300):
        points = reference.ask()
        np.testing.assert_array_equal(colony.ask(), points)
        left += sum(reference.is_left(bee) for bee in range(5))
        values = [fun(point) for point in points]
        colony.tell(points, values)
        reference.tell(points, values)
        np.testing.assert_array_equal(colony.population, reference.x)
        np.testing.assert_array_equal(colony.population_energies, reference.f)
    assert (colony.fun, colony.nit, colony.nfev) == (reference.fun, reference.cycles, 1500)
    np.testing.assert_array_equal(colony.x, reference.best)
    assert left > 0 or limit is None


@VARIANTS
@pytest.mark.parametrize("native", [False, True])
def test_a_whole_run_is_that_of_the_reference(variant: str, native: bool) -> None:
    _, reference = colony_and_reference(BOX, variant=variant)
    run(reference, sphere, 4)
    fun = _core.TestFunction("sphere", 4) if native else sphere
    result = bee_colony(fun, BOX, maxiter=4, variant=variant, rng=5)
    np.testing.assert_array_equal(result.population, reference.x)
    np.testing.assert_array_equal(result.population_energies, reference.f)
    np.testing.assert_array_equal(result.x, reference.best)
    assert result.fun == reference.fun


def test_initial_sources_fill_the_box_evenly() -> None:
    x = BeeColony([(-2, 6), (1, 4)], popsize=5000, integrality=[False, True], rng=0).ask()
    assert kstest((x[:, 0] + 2) / 8, "uniform").pvalue > 1e-3
    assert chisquare(np.bincount(x[:, 1].astype(int))[1:]).pvalue > 1e-3


def test_moves_are_along_one_coordinate_evenly() -> None:
    colony = BeeColony([(-1, 1)] * 6, popsize=5000, rng=1)
    x = colony.ask()
    colony.tell(x, np.zeros(len(x)))
    moved = colony.ask() != x
    assert moved.sum(axis=1).max() == 1
    assert chisquare(moved.sum(axis=0)).pvalue > 1e-3


def test_moves_scale_evenly_with_the_distance_to_the_partner() -> None:
    factors = []
    for seed in range(1000):
        colony = BeeColony([(-1e3, 1e3)], popsize=2, x0=[[0.0], [1.0]], rng=seed)
        colony.tell(colony.ask(), [0, 0])
        factors.append((colony.ask()[1, 0] - 1.0) / (1.0 - 0.0))
    assert kstest((np.array(factors) + 1) / 2, "uniform").pvalue > 1e-3


def test_viewers_choose_by_fitness() -> None:
    """P = fit / sum of fit with fit = 1/(1 + J), or 1 + |J| below 0."""
    values = np.array([-3.0, -0.5, 0.0, 1.0, 9.0, inf])
    fitness = np.array([4.0, 1.5, 1.0, 0.5, 0.1, 0.0])
    copies = 3000
    colony = BeeColony([(0, 1)], popsize=6 * copies, variant="standard", rng=2)
    colony.tell(colony.ask(), np.repeat(values, copies))
    colony.tell(colony.ask(), np.full(6 * copies, inf))
    counts = np.bincount(colony.state()["chosen"] // copies, minlength=6)
    assert counts[5] == 0
    assert chisquare(counts[:5], counts.sum() * fitness[:5] / fitness.sum()).pvalue > 1e-3


def test_published_sources_that_no_move_changes_are_sought_within_the_population() -> None:
    colony = BeeColony([(-100, 100)] * 2, popsize=4, limit=2, x0=np.linspace([0, 5], [1, 6], 4), rng=0)
    colony.tell(colony.ask(), [1, 2, 3, 4])
    for _ in range(4):
        colony.tell(colony.ask(), [9, 9, 9, 9])
    assert colony.nit == 1
    x = colony.ask()
    assert np.all((x >= [0, 5]) & (x <= [1, 6]))
    assert not np.any(x == colony.population)
    colony.tell(x, [9, 9, 9, 9])
    np.testing.assert_array_equal(colony.population, x)
    assert colony.fun == 1


def test_the_standard_colony_leaves_one_source_a_cycle() -> None:
    colony = BeeColony([(-1, 1)] * 3, popsize=4, limit=2, variant="standard", rng=0)
    colony.tell(colony.ask(), [1, 2, 3, 4])
    colony.tell(colony.ask(), [9, 9, 9, 9])
    colony.tell(colony.ask(), [9, 9, 9, 9])
    differs = (colony.ask() != colony.population).sum(axis=1)
    assert sorted(differs) == [1, 1, 1, 3]


# ---- what it costs ---------------------------------------------------------------------------


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


# ---- the same run, whoever evaluates it ------------------------------------------------------


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


def test_a_seed_may_be_given_in_many_ways() -> None:
    def first(rng: Any) -> Floats:
        return BeeColony(BOX, rng=rng).ask()

    np.testing.assert_array_equal(first(3), first(np.random.SeedSequence(3)))
    np.testing.assert_array_equal(first(np.int64(3)), first([3]))
    np.testing.assert_array_equal(first(np.random.default_rng(3)), first(np.random.default_rng(3)))
    generator = np.random.default_rng(3)
    assert not np.array_equal(first(generator), first(generator))
    assert not np.array_equal(first(None), first(None))


def test_the_first_run_stays_what_it_was() -> None:
    """Frozen: another version of the package must not give another run for the same seed."""
    result = bee_colony(sphere, BOX, maxiter=2, rng=2020)
    assert BeeColony(BOX, rng=2020).state()["key"].tolist() == KEY_OF_2020
    assert result.x.tolist() == pytest.approx(X_OF_2020, rel=1e-15)


# ---- saved and restored ----------------------------------------------------------------------


def by_npz(state: dict[str, Any], folder: Path) -> Any:
    np.savez(folder / "state.npz", **state)
    return np.load(folder / "state.npz", allow_pickle=False)


def by_json(state: dict[str, Any], folder: Path) -> Any:
    return json.loads(json.dumps(state, default=np.ndarray.tolist))


@VARIANTS
@pytest.mark.parametrize("save", [by_npz, by_json])
@pytest.mark.parametrize("rounds", [0, 1, 4, 9, 50])
def test_a_restored_colony_goes_on_as_if_uninterrupted(
    variant: str, save: Callable[[dict[str, Any], Path], Any], rounds: int, tmp_path: Path
) -> None:
    options = {"popsize": 5, "limit": 4, "variant": variant, "integrality": [False, True, False, False]}
    whole = bee_colony(holed, BOX, maxiter=30, rng=1, **options)
    colony = BeeColony(BOX, rng=1, **options)
    for _ in range(rounds):
        colony.tell(colony.ask(), [holed(x) for x in colony.ask()])
    restored = BeeColony.from_state(save(colony.state(), tmp_path))
    np.testing.assert_array_equal(restored.ask(), colony.ask())
    assert restored.nfev == 5 * rounds
    assert same(restored.minimize(holed, maxiter=30), whole)


def test_colonies_are_copied_and_pickled() -> None:
    colony = BeeColony(BOX, rng=1)
    colony.minimize(sphere, maxiter=1)
    for twin in (copy.copy(colony), copy.deepcopy(colony), pickle.loads(pickle.dumps(colony))):
        np.testing.assert_array_equal(twin.ask(), colony.ask())
        twin.minimize(sphere, maxiter=2)
        assert (twin.nit, colony.nit) == (2, 1)


def test_a_run_goes_on_where_the_last_one_ended() -> None:
    whole = bee_colony(sphere, BOX, maxiter=5, rng=1)
    colony = BeeColony(BOX, rng=1)
    assert colony.minimize(sphere, maxfev=777).status == 2
    assert colony.minimize(sphere, maxiter=2).nit == 2
    assert same(colony.minimize(sphere, maxiter=5), whole)
    assert colony.minimize(sphere, maxiter=5).nfev == whole.nfev


STALE = {
    "limit": 0,
    "key": [1, 2, 3],
    "lower": [0.0],
    "upper": [nan] * 2,
    "integrality": [True] * 3,
    "rounds": -1,
    "population": [[0.0, 9.0]] * 3,
    "population_energies": [nan] * 3,
    "trials": [-1] * 3,
    "chosen": [3] * 3,
    "x": [0.0, -9.0],
    "fun": nan,
    "variant": "wasp",
}


@pytest.mark.parametrize("name", STALE)
def test_an_impossible_state_is_refused_by_name(name: str) -> None:
    state = BeeColony([(-1, 1)] * 2, popsize=3, rng=0).state()
    message = "bounds" if name in ("lower", "upper") else name
    with pytest.raises((ValueError, TypeError), match=message):
        BeeColony.from_state({**state, name: STALE[name]})
    with pytest.raises(KeyError, match=f"'{name}' is missing"):
        BeeColony.from_state({k: v for k, v in state.items() if k != name})


def test_an_unknown_part_of_a_state_is_refused() -> None:
    with pytest.raises(KeyError, match="'hive' is unknown"):
        BeeColony.from_state({**BeeColony(BOX).state(), "hive": 1})


# ---- the box ---------------------------------------------------------------------------------


@st.composite
def boxes(draw: st.DrawFn) -> tuple[list[tuple[float, float]], list[bool]]:
    size = draw(st.integers(1, 4))
    bounds, integrality = [], []
    for _ in range(size):
        lower = draw(st.floats(-1e6, 1e6))
        integral = draw(st.booleans())
        bounds.append((lower, lower + draw(st.floats(1.0 if integral else 0.0, 1e6))))
        integrality.append(integral)
    return bounds, integrality


@given(boxes(), st.integers(0, 2**32), st.booleans())
def test_points_stay_in_the_box(
    box: tuple[list[tuple[float, float]], list[bool]], seed: int, published: bool
) -> None:
    bounds, integrality = box
    lower, upper = np.array(bounds).T
    variant = "published" if published else "standard"
    colony = BeeColony(bounds, popsize=4, limit=2, variant=variant, integrality=integrality, rng=seed)
    centre = (lower + upper) / 2
    for _ in range(30):
        x = colony.ask()
        assert np.all((x >= lower) & (x <= upper))
        assert np.all(x[:, integrality] % 1 == 0)
        colony.tell(x, -np.abs(x - centre).sum(axis=1))


def test_integers_are_found() -> None:
    result = bee_colony(
        lambda x: (x[0] - 7.4) ** 2 + (x[1] - 0.3) ** 2,
        [(-20.5, 20.5), (-1, 1)],
        integrality=[True, False],
        maxiter=10,
        rng=0,
    )
    assert result.x[0] == 7
    assert result.x[1] == pytest.approx(0.3)


def test_bounds_may_be_those_of_scipy() -> None:
    plain = bee_colony(sphere, [(-1, 2), (-1, 3)], maxiter=1, rng=0)
    assert same(plain, bee_colony(sphere, Bounds([-1, -1], [2, 3]), maxiter=1, rng=0))
    assert same(plain, bee_colony(sphere, Bounds(-1, [2, 3]), maxiter=1, rng=0))


def test_a_coordinate_may_be_fixed() -> None:
    result = bee_colony(sphere, [(-1, 2), (0.5, 0.5)], maxiter=5, rng=0)
    assert result.x[1] == 0.5
    assert result.fun == pytest.approx(0.25)


# ---- start and end ---------------------------------------------------------------------------


def test_the_start_is_among_the_first_points() -> None:
    free = BeeColony(BOX, rng=0).ask()
    one = BeeColony(BOX, x0=[1, 2, 3, 4], rng=0).ask()
    two = BeeColony(BOX, x0=[[1, 2, 3, 4], [0, 0, 0, 5]], rng=0).ask()
    np.testing.assert_array_equal(one, [[1, 2, 3, 4], *free[1:]])
    np.testing.assert_array_equal(two, [[1, 2, 3, 4], [0, 0, 0, 5], *free[2:]])
    assert bee_colony(sphere, BOX, x0=[0, 0, 0, 0], maxiter=1, rng=0).fun == 0


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


# ---- no value, no answer ---------------------------------------------------------------------


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


def broken(x: Floats) -> float:
    raise LookupError("lost in a process")


def test_what_another_process_raises_passes_through() -> None:
    with pytest.raises(LookupError, match="lost in a process") as raised:
        bee_colony(broken, BOX, rng=0, workers=2)
    assert raised.value.intermediate_result.nfev == 0


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"fun: returned shape \(8, 2\) for 8 points"),
        (None, TypeError, "fun: returned object"),
        ("1", TypeError, "fun: returned"),
        (1 + 2j, TypeError, "fun: returned complex128"),
    ],
)
def test_an_objective_that_returns_no_number_is_refused(
    returned: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        bee_colony(lambda x: returned, BOX, rng=0)
    assert raised.value.intermediate_result.nfev == 0


@pytest.mark.parametrize("shape", [(), (4,), (9,), (1, 8), (4, 8)])
def test_a_vectorized_objective_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"fun: returned shape {shape} for 8 points")):
        bee_colony(lambda x: np.zeros(shape), BOX, vectorized=True, rng=0)


def test_ragged_values_are_refused() -> None:
    sizes = iter(range(1, 100))
    with pytest.raises(ValueError, match="fun: returned arrays of different shapes"):
        bee_colony(lambda x: np.zeros(next(sizes)), BOX, rng=0)


def test_an_objective_may_return_one_number_in_an_array_and_change_its_argument() -> None:
    def careless(x: Floats) -> Floats:
        x *= x
        return x.sum(keepdims=True)

    assert bee_colony(careless, BOX, maxiter=2, rng=0).fun == bee_colony(sphere, BOX, maxiter=2, rng=0).fun


# ---- Ctrl-C ----------------------------------------------------------------------------------


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

import scipy.optimize  # a colony needs it, and a busy machine takes seconds for it
print("running", flush=True)
result = bee_colony({fun}, [(-5, 5)] * 4, maxiter=10**9, rng=0, {options})
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
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1.5)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the processes of the pool, too
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert out.split() == ["4", "False", "True"], err
    assert "Traceback" not in err


# ---- bad input -------------------------------------------------------------------------------


def minimized(**options: Any) -> OptimizeResult:
    def fun(x: Floats) -> float:
        raise AssertionError("evaluated before the input was checked")

    return bee_colony(**{"fun": fun, "bounds": BOX, "rng": 0, **options})


REFUSED = {
    "fun": [{"fun": 3}, {"fun": None}],
    "bounds": [
        {"bounds": bounds}
        for bounds in (
            [(1, -1)] * 3,
            [(0, 1), (0, nan)],
            [(0, inf)],
            [(-1e308, 1e308)],
            [],
            [1, 2],
            [(1, 2, 3)],
            "box",
            [("a", "b")],
            None,
        )
    ],
    "popsize": [{"popsize": popsize} for popsize in (0, 1, -3, 2.5, True, None, 10**8, 2**40)],
    "maxiter": [{"maxiter": maxiter} for maxiter in (0, -1, 2.5, None)],
    "limit": [{"limit": limit} for limit in (0, -1, 1.5, 2**31)],
    "variant": [{"variant": variant} for variant in ("wasp", None, 3)],
    "workers": [
        {"workers": workers} for workers in (0, -2, 1.5, None, "all")
    ] + [{"workers": 2, "vectorized": True}],
    "integrality": [
        {"integrality": [True] * 3},
        {"integrality": [0.5] * 4},
        {"integrality": "yes"},
        {"integrality": 2},
        {"integrality": True, "bounds": [(0.2, 0.8)]},
    ],
    "x0": [
        {"x0": [9, 0, 0, 0]},
        {"x0": [nan, 0, 0, 0]},
        {"x0": [0, 0, 0]},
        {"x0": np.zeros((9, 4))},
        {"x0": np.zeros((1, 1, 4))},
        {"x0": "centre"},
        {"x0": [0.5, 0, 0, 0], "integrality": True},
    ],
    "rng": [{"rng": rng} for rng in (-1, 0.5, "seed", True, np.random.RandomState(0))],
    "maxfev": [{"maxfev": maxfev} for maxfev in (0, 7, 100.0)],
    "target": [{"target": target} for target in (nan, "low", [1.0])],
    "callback": [{"callback": 3}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "options"), [(name, options) for name, cases in REFUSED.items() for options in cases]
)
def test_bad_input_is_refused_by_name(name: str, options: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=name):
        minimized(**options)


def test_points_that_were_not_asked_for_are_refused() -> None:
    colony = BeeColony(BOX, rng=0)
    x = colony.ask()
    before = colony.state()
    for points, values, name in (
        (x + 1e-9, np.zeros(8), "x"),
        (x[:3], np.zeros(3), "x"),
        (x, np.zeros(3), "f"),
        (x, np.zeros((8, 1)), "f"),
        (x, ["low"] * 8, "f"),
    ):
        with pytest.raises((ValueError, TypeError), match=f"^{name}"):
            colony.tell(points, values)
    for name, value in colony.state().items():
        np.testing.assert_array_equal(value, before[name])
    colony.tell(x, [nan] * 8)
    assert colony.nfev == 8


def test_a_native_objective_of_other_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match="bounds = 4 dimensions: the objective has 3"):
        bee_colony(_core.TestFunction("sphere", 3), BOX)
