"""The artificial bee colony: the points that it asks for, its box, its state, and what it refuses."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references.colony import Floats, ReferenceColony, philox, run
from references.objectives import BOX, holed, inf, nan, rugged, same, sphere
from references.objectives import VARIANTS as NAMES
from scipy.optimize import Bounds, OptimizeResult
from scipy.stats import chisquare, kstest

from tundish import _core
from tundish.optimize import BeeColony, bee_colony

VARIANTS = pytest.mark.parametrize("variant", NAMES)


def colony_and_reference(
    bounds: list[tuple[float, float]], rng: int = 5, **options: Any
) -> tuple[BeeColony, ReferenceColony]:
    colony = BeeColony(bounds, rng=rng, **options)
    return colony, ReferenceColony(bounds, colony.state()["key"].tolist(), **options)


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


def test_a_seed_may_be_given_in_many_ways() -> None:
    def first(rng: Any) -> Floats:
        return BeeColony(BOX, rng=rng).ask()

    np.testing.assert_array_equal(first(3), first(np.random.SeedSequence(3)))
    np.testing.assert_array_equal(first(np.int64(3)), first([3]))
    np.testing.assert_array_equal(first(np.random.default_rng(3)), first(np.random.default_rng(3)))
    generator = np.random.default_rng(3)
    assert not np.array_equal(first(generator), first(generator))
    assert not np.array_equal(first(None), first(None))


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


def test_the_start_is_among_the_first_points() -> None:
    free = BeeColony(BOX, rng=0).ask()
    one = BeeColony(BOX, x0=[1, 2, 3, 4], rng=0).ask()
    two = BeeColony(BOX, x0=[[1, 2, 3, 4], [0, 0, 0, 5]], rng=0).ask()
    np.testing.assert_array_equal(one, [[1, 2, 3, 4], *free[1:]])
    np.testing.assert_array_equal(two, [[1, 2, 3, 4], [0, 0, 0, 5], *free[2:]])
    assert bee_colony(sphere, BOX, x0=[0, 0, 0, 0], maxiter=1, rng=0).fun == 0


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
