"""What filters do where they cannot go on, and what they keep of a caller's arrays."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import numpy as np
import pytest
from references.filter_cases import arguments_of, heats, nonlinear, scrap_like

from tundish.filtering import (
    DivergedError,
    KalmanFilter,
    NotPositiveDefiniteError,
    expectation_maximization,
    kalman_filter,
    kalman_smoother,
    partition_filter,
    unscented_filter,
)

START: dict[str, Any] = {"initial_mean": np.zeros(1), "initial_cov": 1.0}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_square_roots_that_decay_to_nothing_are_no_loss(dtype: str) -> None:
    y = np.zeros(3000)
    f = kalman_filter(y, np.ones(1), 1.0, **START, transition=0.5, form="sqrt", dtype=dtype)
    assert np.isfinite(f.loglik)
    mixed = {"initial_mean": np.zeros(3), "initial_cov": 1.0, "transition": [0.9, 0.9, 0.95]}
    f = kalman_filter(y, np.ones(3), 1.0, **mixed, state_cov=[0.0, 0.0, 1.0], form="sqrt", dtype=dtype)
    assert np.isfinite(f.final_cov).all()


@pytest.mark.parametrize("form", ["standard", "joseph", "sqrt"])
@pytest.mark.parametrize("missing", [True, False])
def test_growth_without_bound_is_told(form: str, missing: bool) -> None:
    y = np.full(3000, np.nan if missing else 1.0)
    with pytest.raises(DivergedError, match=r"step \d+: a variance is no longer a finite number"):
        kalman_filter(y, np.zeros(1) + missing, 1.0, **START, transition=3.0, form=form)


def test_growth_by_rows_is_told() -> None:
    a = scrap_like(10, 2000)
    with pytest.raises(DivergedError, match=r"step \d+ of series 0"):
        kalman_filter(**{**a, "y": np.full((1, 2000), np.nan), "transition": 2.0})


@pytest.mark.parametrize("name", ["y", "design", "obs_cov", "initial_cov", "obs_intercept"])
def test_numbers_beyond_single_precision_are_refused(name: str) -> None:
    a: dict[str, Any] = {"y": np.ones(3), "design": np.ones(1), "obs_cov": 1.0, **START, name: [1e39]}
    if name in ("y", "obs_cov", "obs_intercept"):
        a[name] = [1.0, 1e39, 1.0]
    with pytest.raises(ValueError, match=rf"{name}.*too large for float32"):
        kalman_filter(**a, dtype="float32")
    kalman_filter(**a)


def test_a_negative_variance_is_refused_however_small() -> None:
    with pytest.raises(ValueError, match=r"state_cov.*\[1\] is negative"):
        kalman_filter(
            np.ones(3), np.ones(2), 1.0, initial_mean=np.zeros(2), initial_cov=1.0, state_cov=[1, -1e-30]
        )


def test_which_of_several_matrices_is_told() -> None:
    bad = np.stack([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])
    with pytest.raises(ValueError, match=r"initial_cov\[1\]: is indefinite"):
        kalman_filter(np.ones((2, 3)), np.ones(2), 1.0, initial_mean=np.zeros(2), initial_cov=bad)
    bad[1, 1, 0] = 1.0
    with pytest.raises(ValueError, match=r"initial_cov\[1\]: is not symmetric"):
        kalman_filter(np.ones((2, 3)), np.ones(2), 1.0, initial_mean=np.zeros(2), initial_cov=bad)


def test_states_known_exactly_have_sigma_points() -> None:
    a = arguments_of(3)
    a["state_cov"] = np.diag([0.1, 0.0, 0.2])
    a["transition"] = np.eye(3)
    f = unscented_filter(**{**a, "initial_cov": np.diag([1.0, 0.0, 1.0])}, observe=nonlinear, kappa=1.0)
    assert f.std is not None
    assert (f.std[..., 1] == 0).all()
    h = heats(3, 12)
    h["state_cov"][[0, 4]] = h["initial_cov"][[0, 4]] = 0.0
    sigma, projected = (partition_filter(**h, method=m, slopes=True) for m in ("sigma", "projected"))
    np.testing.assert_allclose(sigma.mean, projected.mean, rtol=5e-3)
    assert np.isfinite(sigma.slopes).all()


def test_sigma_points_name_their_own_remedy() -> None:
    a = {**arguments_of(5), "obs_cov": 1e-6}
    with pytest.raises(NotPositiveDefiniteError, match="kappa of 0 or more"):
        unscented_filter(**a, observe=lambda x, t: -1e3 * (x**2).sum(axis=-1), kappa=-4.9)


def test_a_design_given_once_does_not_stay() -> None:
    model: dict[str, Any] = {
        "initial_mean": np.zeros(3),
        "initial_cov": 1.0,
        "transition": 0.9,
        "state_cov": 0.1,
    }
    k = KalmanFilter(np.ones(3), 1.0, **model)
    k.update(1.0, [1.0, 0.0, 0.0], 2.0, 0.3)
    k.predict()
    g = pickle.loads(pickle.dumps(k))
    for f in (k, g):
        f.update(1.0)
    assert k.forecast_var == g.forecast_var
    assert k.forecast == g.forecast


def test_a_callers_arrays_may_be_used_again() -> None:
    design, transition = np.ones(3), np.full(3, 0.9)
    k = KalmanFilter(design, 1.0, initial_mean=np.zeros(3), initial_cov=1.0, transition=transition)
    design[:] = transition[:] = 7.0
    k.update(1.0)
    assert k.forecast_var == 4.0
    k.predict()
    g = k.copy()
    assert np.array_equal(g.mean, k.mean)
    k.predict()
    g.predict()
    assert np.array_equal(g.mean, k.mean)


def test_a_step_that_fails_is_not_taken() -> None:
    k = KalmanFilter(np.ones(1), initial_mean=np.ones(1), initial_cov=0.0)
    with pytest.raises(NotPositiveDefiniteError):
        k.update(2.0, obs_cov=0.0)
    assert (k.mean, k.loglik) == (1.0, 0.0)
    k.update(2.0, obs_cov=1.0)
    assert k.mean == 1.0


def test_readings_that_are_no_numbers_are_refused() -> None:
    k = KalmanFilter(np.ones(1), 1.0, **START)
    for bad in ("a", None, True, 1 + 2j):
        with pytest.raises(TypeError, match="y"):
            k.update(bad)  # type: ignore[arg-type]


def test_numbers_of_readings_follow_from_the_design() -> None:
    k = KalmanFilter(np.ones((2, 3)), np.eye(2), initial_mean=np.zeros(3), initial_cov=1.0)
    k.update([1.0, 2.0])
    assert k.forecast.shape == (2,)
    assert repr(k).startswith("<KalmanFilter: step 0, mean [")


def test_threads_may_share_a_stepped_filter() -> None:
    n = 30
    k = KalmanFilter(
        np.ones(n), 1.0, initial_mean=np.zeros(n), initial_cov=1.0, state_cov=0.1, transition=0.9
    )

    def work() -> None:
        for _ in range(200):
            k.update(1.0)
            k.predict()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert np.isfinite(k.mean).all()
    assert np.isfinite(k.loglik)


def test_nothing_to_estimate_from() -> None:
    with pytest.raises(ValueError, match="y: all observations are missing"):
        expectation_maximization(np.full(5, np.nan), np.ones(1), 1.0, **START)


def test_a_smoother_stops_when_it_is_asked_to() -> None:
    """Progress is reported from the thread that watches; an error there ends the run."""
    calls = []

    def stop(done: int, total: int) -> None:
        calls.append(done)
        raise RuntimeError("enough")

    a = scrap_like(45, 20000)
    with pytest.raises(RuntimeError, match="enough"):
        kalman_smoother(**a, progress=stop)
    assert calls == [0]
