"""Filters that are stepped give the numbers of the whole run, and survive pickling."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from references.filter_cases import arguments_of, nonlinear, scrap_like
from references.filtering import random_system

from tundish.filtering import (
    KalmanFilter,
    NotPositiveDefiniteError,
    UnscentedFilter,
    kalman_filter,
    unscented_filter,
)

MODEL = ("transition", "state_cov", "state_intercept", "initial_mean", "initial_cov")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("n", "decay", "robust"), [(3, 0.01, None), (17, 0.01, None), (17, 0.4, 2.0), (17, 0.99, None)]
)
def test_steps_are_the_run_to_the_last_bit(n: int, decay: float, robust: float | None, dtype: str) -> None:
    a = scrap_like(n, 60, decay=decay)
    a["y"] = a["y"][0]
    run = kalman_filter(**a, store="full", robust=robust, dtype=dtype)
    assert run.mean is not None
    assert run.cov is not None
    f = KalmanFilter(**{name: a[name] for name in MODEL}, robust=robust, dtype=dtype)
    for t, y in enumerate(a["y"]):
        f.update(y, a["design"][t], a["obs_cov"][t])
        assert np.array_equal(f.mean, run.mean[t])
        assert np.array_equal(f.cov, run.cov[t])
        assert (f.forecast, f.forecast_var) == (run.forecast[t], run.forecast_var[t])
        assert np.array_equal(f.innovation, run.innovation[t], equal_nan=True)
        f.predict()
        if t % 7 == 0:
            f = pickle.loads(pickle.dumps(f))
    assert f.loglik == run.loglik
    assert np.array_equal(f.mean, run.predicted_mean)
    assert np.array_equal(f.cov, run.predicted_cov)
    np.testing.assert_allclose(f.std**2, np.diag(f.cov), rtol=1e-6)


@pytest.mark.parametrize("form", ["standard", "joseph", "sqrt"])
def test_several_observations_a_step(form: str) -> None:
    s = random_system(3, 15, 3, 2)
    run = kalman_filter(**s.arguments(), form=form)
    f = KalmanFilter(
        initial_mean=s.initial_mean, initial_cov=s.initial_cov, transition=s.transition[0],
        state_cov=s.state_cov[0], state_intercept=s.state_intercept[0], observations=2, form=form,
    )  # fmt: skip
    for t in range(15):
        f.update(s.y[t], s.design[t], s.obs_cov[t], s.obs_intercept[t])
        assert np.array_equal(f.forecast, run.forecast[0, t])
        f = f.copy()
        f.predict()
    assert f.loglik == run.loglik[0]
    assert np.array_equal(f.mean, run.predicted_mean[0])


def test_a_constant_design_is_given_once() -> None:
    a = scrap_like(12, 20)
    y, design = a["y"][0], a["design"][0]
    run = kalman_filter(y, design, 9e6, **{name: a[name] for name in MODEL})
    f = KalmanFilter(design, 9e6, **{name: a[name] for name in MODEL})
    for reading in y:
        f.update(reading)
        f.predict()
    assert f.loglik == run.loglik


def test_steps_without_an_observation_are_missing_ones() -> None:
    a = scrap_like(12, 4, decay=0.02)
    f, g = (KalmanFilter(a["design"][0], 9e6, **{name: a[name] for name in MODEL}) for _ in range(2))
    for _ in range(500):
        f.predict()
        g.update(np.nan)
        g.predict()
    np.testing.assert_allclose(f.cov, g.cov, rtol=1e-9, atol=1e-9)
    f.update(1e5)
    g.update(1e5)
    np.testing.assert_allclose(f.mean, g.mean, rtol=1e-9)


def test_pickles_of_another_machine_go_on_from_the_moments() -> None:
    a = scrap_like(12, 30)
    f = KalmanFilter(a["design"][0], 9e6, **{name: a[name] for name in MODEL})
    for y in a["y"][0][:15]:
        f.update(y)
        f.predict()
    saved = f.__getstate__()
    saved["state"] = saved["state"][:, :-3]  # of registers of another width
    g = KalmanFilter.__new__(KalmanFilter)
    g.__setstate__(saved)
    for y in a["y"][0][15:]:
        for filtered in (f, g):
            filtered.update(y)
            filtered.predict()
    np.testing.assert_allclose(g.mean, f.mean, rtol=1e-10)
    assert g.loglik == pytest.approx(f.loglik, rel=1e-12)


def test_unscented_steps_are_the_run() -> None:
    a = arguments_of(4)
    y = a.pop("y")[0]
    run = unscented_filter(y, nonlinear, **a, kappa=1.0)
    assert run.mean is not None
    f = UnscentedFilter(nonlinear, **a, kappa=1.0)
    for t, reading in enumerate(y):
        f.update(reading)
        assert np.array_equal(f.mean, run.mean[t])
        f.predict()
        f = pickle.loads(pickle.dumps(f))
    assert f.loglik == run.loglik
    assert np.array_equal(f.cov, run.predicted_cov)


def test_unscented_hands_on_what_it_was_given() -> None:
    seen: list[Any] = []

    def observe(points: Any, heat: Any) -> Any:
        seen.append((points.shape, heat))
        return points[..., 0]

    a = arguments_of(2)
    a.pop("y")
    f = UnscentedFilter(observe, **{**a, "obs_cov": None})
    f.update(0.1, t={"heat": 7}, obs_cov=2.0)
    assert seen == [((1, 5, 2), {"heat": 7})]


def test_what_is_missing_or_wrong_is_named() -> None:
    start = {"initial_mean": np.zeros(2), "initial_cov": 1.0}
    f = KalmanFilter(**start)
    with pytest.raises(ValueError, match="obs_cov"):
        f.update(1.0, np.ones(2))
    with pytest.raises(ValueError, match="design"):
        f.update(1.0, obs_cov=1.0)
    with pytest.raises(ValueError, match="design"):
        f.update(1.0, np.ones(3), 1.0)
    with pytest.raises(ValueError, match="y"):
        f.update([1.0, 2.0], np.ones(2), 1.0)
    with pytest.raises(ValueError, match="y: is infinite"):
        f.update(np.inf, np.ones(2), 1.0)
    with pytest.raises(RuntimeError, match="update"):
        _ = f.forecast
    with pytest.raises(ValueError, match="observations"):
        KalmanFilter(**start, observations=0)
    with pytest.raises(TypeError, match="observe"):
        UnscentedFilter(3, **start)  # type: ignore[arg-type]
    g = KalmanFilter(np.ones(2), 0.0, initial_mean=np.zeros(2), initial_cov=0.0)
    with pytest.raises(NotPositiveDefiniteError, match="step 0"):
        g.update(1.0)
