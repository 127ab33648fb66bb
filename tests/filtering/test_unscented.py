"""The unscented filter against sigma points in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from references.filter_cases import arguments_of, nonlinear
from references.filtering import random_system, unscented

from tundish.filtering import NotPositiveDefiniteError, kalman_filter, unscented_filter


@pytest.mark.parametrize("n", [1, 2, 5, 12])
@pytest.mark.parametrize(("kappa", "alpha", "beta"), [(0.0, 1.0, 0.0), (1.0, 0.5, 2.0), (2.0, 1.0, 0.0)])
def test_filter_is_the_reference(n: int, kappa: float, alpha: float, beta: float) -> None:
    a = arguments_of(n)
    mean, cov, loglik = unscented(
        a["y"][0], nonlinear, 0.7, a["transition"], a["state_cov"], a["state_intercept"], a["initial_mean"],
        a["initial_cov"], kappa, alpha, beta,
    )  # fmt: skip
    a["observe"] = nonlinear
    f = unscented_filter(**a, kappa=kappa, alpha=alpha, beta=beta, store="full")
    assert f.mean is not None
    assert f.cov is not None
    np.testing.assert_allclose(f.mean[0], mean, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(f.cov[0], cov, rtol=1e-9, atol=1e-9)
    assert f.loglik[0] == pytest.approx(loglik, rel=1e-9)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_is_its_series_alone(threads: int) -> None:
    """At 40 states, large enough for the threads."""
    for n in (3, 40):
        a = arguments_of(n, steps=4, batch=20)
        together = unscented_filter(**a, observe=nonlinear, kappa=1.0, threads=threads)
        for b in (0, 7, 19):
            alone = unscented_filter(**{**a, "y": a["y"][b]}, observe=nonlinear, kappa=1.0)
            for name in ("mean", "std", "forecast", "forecast_var", "loglik", "final_cov", "predicted_cov"):
                assert np.array_equal(getattr(together, name)[b], getattr(alone, name)), name


def test_several_observations_a_step() -> None:
    """A linear model with p = 2 and gaps is the Kalman filter's."""
    s = random_system(4, 20, 3, 2)
    given = s.arguments()
    design, intercept = given.pop("design")[0], given.pop("obs_intercept")[0]
    u = unscented_filter(**given, observe=lambda x, t: x @ design[t].T + intercept[t], kappa=0.5)
    f = kalman_filter(**s.arguments())
    for name in ("mean", "std", "forecast", "forecast_var", "loglik", "predicted_cov"):
        np.testing.assert_allclose(getattr(u, name), getattr(f, name), rtol=1e-8, atol=1e-9)


def test_single_precision_hands_out_single_points() -> None:
    kinds = set()

    def observe(x: Any, t: int) -> Any:
        kinds.add(x.dtype)
        return nonlinear(x, t)

    a = arguments_of(3)
    single, double = (unscented_filter(**a, observe=observe, dtype=d) for d in ("float32", "float64"))
    np.testing.assert_allclose(single.mean, double.mean, rtol=1e-3, atol=1e-3)
    assert kinds == {np.dtype("float32"), np.dtype("float64")}


@pytest.mark.parametrize(
    ("observe", "words"),
    [
        (lambda x, t: x, "shape"),
        (lambda x, t: np.full(x.shape[:2], np.nan), "not finite at step 0"),
        (lambda x, t: np.full(x.shape[:2], "a"), "numbers"),
        (3.0, "function"),
    ],
)
def test_what_observe_returns_is_checked(observe: Any, words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=rf"observe.*{words}"):
        unscented_filter(**arguments_of(3), observe=observe)


@pytest.mark.parametrize(
    ("name", "value"), [("kappa", -3.0), ("kappa", np.nan), ("alpha", 0.0), ("beta", np.inf)]
)
def test_bad_sigma_points_are_named(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        unscented_filter(**arguments_of(3), observe=nonlinear, **{name: value})


def test_a_lost_covariance_names_the_step() -> None:
    """The centre's weight is negative: a strongly curved model makes an innovation's variance so, too."""
    a = {**arguments_of(5), "obs_cov": 1e-6}
    with pytest.raises(NotPositiveDefiniteError, match="step 0"):
        unscented_filter(**a, observe=lambda x, t: -1e3 * (x**2).sum(axis=-1), kappa=-4.9)
