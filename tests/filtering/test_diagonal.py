"""Diagonals against the whole matrices that they stand for, in every filter, and what is refused of them."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from references.filter_cases import heats, nonlinear

from tundish._common.refusals import ArgumentError, ArgumentTypeError
from tundish.filtering import (
    Diagonal,
    KalmanFilter,
    UnscentedFilter,
    expectation_maximization,
    kalman_filter,
    kalman_smoother,
    partition_filter,
    unscented_filter,
)

BATCH, STEPS = 3, 25


def case(n: int, seed: int = 0) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Arguments of three series, and their diagonals (B, n)."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((BATCH, STEPS))
    y[:, 4] = np.nan
    given = {
        "y": y,
        "design": rng.standard_normal((STEPS, n)),
        "obs_cov": 0.5,
        "initial_mean": rng.standard_normal((BATCH, n)),
        "state_intercept": 0.1,
    }
    diagonals = {
        "transition": 1 - 0.1 * rng.random((BATCH, n)),
        "state_cov": rng.random((BATCH, n)),
        "initial_cov": rng.random((BATCH, n)),
    }
    return given, diagonals


def whole(values: np.ndarray) -> np.ndarray:
    return values[..., None] * np.eye(values.shape[-1])


def assert_equal(a: Any, b: Any) -> None:
    """To the last bit, all that is there."""
    for name, value in vars(a).items():
        other = getattr(b, name)
        assert (value is None) == (other is None), name
        assert np.array_equal(value, other, equal_nan=value is not None and not isinstance(value, str)), name


@pytest.mark.parametrize("form", ["standard", "joseph", "sqrt"])
@pytest.mark.parametrize("n", [2, 12, 45])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_batch_of_diagonals_is_a_batch_of_matrices(form: str, n: int, dtype: str) -> None:
    given, diagonals = case(n)
    matrices = {name: whole(values) for name, values in diagonals.items()}
    marked = {name: Diagonal(values) for name, values in diagonals.items()}
    options = {"form": form, "dtype": dtype, "store": "full"}
    assert_equal(kalman_filter(**given, **marked, **options), kalman_filter(**given, **matrices, **options))
    assert_equal(
        kalman_smoother(**given, **marked, **options), kalman_smoother(**given, **matrices, **options)
    )


@pytest.mark.parametrize("n", [2, 12])
def test_one_diagonal_for_all_series(n: int) -> None:
    given, diagonals = case(n)
    shared = {name: values[0] for name, values in diagonals.items()}
    marked = {name: Diagonal(values) for name, values in shared.items()}
    assert_equal(kalman_filter(**given, **marked), kalman_filter(**given, **shared))
    alone = {**given, "y": given["y"][0], "initial_mean": given["initial_mean"][0]}
    each = {name: Diagonal(values[None]) for name, values in shared.items()}
    assert_equal(kalman_filter(**alone, **each), kalman_filter(**alone, **shared))


@pytest.mark.parametrize("series", [1, BATCH])
@pytest.mark.parametrize("n", [2, 12])
def test_diagonals_that_change_in_time(n: int, series: int) -> None:
    given, diagonals = case(n)
    rng = np.random.default_rng(1)
    values = {name: 1 - 0.2 * rng.random((series, STEPS, n)) for name in ("transition", "state_cov")}
    start = {"initial_cov": diagonals["initial_cov"][0]}
    marked = {name: Diagonal(x) for name, x in values.items()}
    matrices = {name: whole(x) for name, x in values.items()}
    for run in (kalman_filter, kalman_smoother):
        assert_equal(run(**given, **marked, **start), run(**given, **matrices, **start))


def test_other_filters_take_them() -> None:
    given, diagonals = case(4)
    shared = {name: values[0] for name, values in diagonals.items()}
    marked = {name: Diagonal(values) for name, values in shared.items()}
    observed = {name: given[name] for name in ("y", "obs_cov", "initial_mean")}
    assert_equal(
        unscented_filter(observe=nonlinear, **observed, **marked),
        unscented_filter(observe=nonlinear, **observed, **shared),
    )
    model = {**given, "initial_mean": given["initial_mean"][0]}
    assert_equal(expectation_maximization(**model, **marked), expectation_maximization(**model, **shared))
    h = heats(4, 20)
    names = ("transition", "state_cov", "initial_cov")
    assert_equal(
        partition_filter(**{**h, **{name: Diagonal(h[name]) for name in names}}), partition_filter(**h)
    )


def test_stepped_filters_take_them() -> None:
    given, diagonals = case(4)
    shared = {name: values[0] for name, values in diagonals.items()}
    marked = {name: Diagonal(values) for name, values in shared.items()}
    start = {"obs_cov": 0.5, "initial_mean": given["initial_mean"][0]}
    for a, b in (
        (KalmanFilter(np.ones(4), **start, **marked), KalmanFilter(np.ones(4), **start, **shared)),
        (UnscentedFilter(nonlinear, **start, **marked), UnscentedFilter(nonlinear, **start, **shared)),
    ):
        for f in (a, b):
            f.update(0.3)
            f.predict()
        again = pickle.loads(pickle.dumps(a))
        for f in (a, b, again):
            f.update(0.5)
        assert np.array_equal(a.cov, b.cov)
        assert np.array_equal(again.cov, b.cov)
        assert a.loglik == b.loglik == again.loglik


def test_values_do_not_change() -> None:
    values = np.ones((2, 3))
    diagonal = Diagonal(values)
    values[:] = 7
    for one in (diagonal, pickle.loads(pickle.dumps(diagonal)), copy.deepcopy(diagonal)):
        assert one.values.tolist() == np.ones((2, 3)).tolist()
        with pytest.raises(ValueError, match="read-only"):
            one.values[0, 0] = 2
        with pytest.raises(AttributeError, match="a diagonal does not change"):
            one.values = values
    assert repr(diagonal) == "<Diagonal: values (2, 3)>"
    assert diagonal.ndim == 3


def test_single_precision_is_kept() -> None:
    assert Diagonal(np.ones(2, np.float32)).values.dtype == np.float32
    assert Diagonal([1, 2]).values.dtype == np.float64


@pytest.mark.parametrize(
    ("values", "error"),
    [(1.0, ArgumentError), (np.ones((1, 2, 3, 4)), ArgumentError), (["a"], ArgumentTypeError)],
)
def test_what_is_no_diagonal_is_refused(values: Any, error: type[ArgumentError]) -> None:
    with pytest.raises(error) as refused:
        Diagonal(values)
    assert refused.value.argument == "values"


@pytest.mark.parametrize("name", ["transition", "state_cov", "initial_cov"])
@pytest.mark.parametrize("shape", [(3,), (2, 4), (4, 4), (BATCH, STEPS + 1, 4), (2, STEPS, 4)])
def test_shapes_that_do_not_fit_are_refused(name: str, shape: tuple[int, ...]) -> None:
    given, diagonals = case(4)
    with pytest.raises(ArgumentError, match="is needed") as refused:
        kalman_filter(**given, **{**diagonals_of(diagonals), name: Diagonal(np.ones(shape))})
    assert (refused.value.argument, refused.value.value) == (name, shape)


def test_an_initial_covariance_does_not_change_in_time() -> None:
    given, diagonals = case(4)
    with pytest.raises(ArgumentError) as refused:
        kalman_filter(
            **given, **{**diagonals_of(diagonals), "initial_cov": Diagonal(np.ones((BATCH, STEPS, 4)))}
        )
    assert refused.value.argument == "initial_cov"


def test_a_variance_below_0_is_refused_with_its_series() -> None:
    given, diagonals = case(4)
    bad = np.ones((BATCH, 4))
    bad[1, 2] = -1
    for value in (Diagonal(bad), whole(bad)):
        with pytest.raises(ArgumentError, match=r"variance\[2\] is negative") as refused:
            kalman_filter(**given, **{**diagonals_of(diagonals), "state_cov": value})
        assert refused.value.argument == "state_cov[1]"
    bad[1, 2] = np.nan
    with pytest.raises(ArgumentError, match=r"state_cov\[1, 2\] = nan"):
        kalman_filter(**given, **{**diagonals_of(diagonals), "state_cov": Diagonal(bad)})


@pytest.mark.parametrize("name", ["y", "design", "obs_cov", "initial_mean", "state_intercept"])
def test_other_arguments_are_no_diagonals(name: str) -> None:
    given, diagonals = case(4)
    with pytest.raises((ValueError, TypeError), match=name):
        kalman_filter(**{**given, **diagonals_of(diagonals), name: Diagonal(np.ones(4))})


def diagonals_of(values: dict[str, np.ndarray]) -> dict[str, Any]:
    return {name: Diagonal(x) for name, x in values.items()}
