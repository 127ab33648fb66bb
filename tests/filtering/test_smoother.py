"""The smoother against the joint distribution of all states."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references.filter_cases import scrap_like, system_of
from references.filtering import kalman, posterior, random_system

from tundish.filtering import kalman_filter, kalman_smoother


@pytest.mark.parametrize("form", ["standard", "joseph", "sqrt"])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (3, 1), (2, 3), (4, 2)])
@pytest.mark.parametrize("constant", [True, False])
def test_smoother_is_the_posterior(n: int, p: int, form: str, constant: bool) -> None:
    s = random_system(n + 5 * p, 17, n, p, constant=constant)
    mean, cov = posterior(s)
    found = kalman_smoother(**s.arguments(), form=form, store="full")
    assert found.cov is not None
    assert found.std is not None
    np.testing.assert_allclose(found.mean[0], mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.cov[0], cov, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.std[0] ** 2, np.diagonal(cov, axis1=-2, axis2=-1), rtol=1e-7, atol=1e-10)
    assert found.loglik[0] == pytest.approx(kalman(s).loglik, rel=1e-10)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 2), st.integers(1, 12))
def test_any_system(seed: int, n: int, p: int, steps: int) -> None:
    s = random_system(seed, steps, n, p, missing=0.3)
    s.y[0, 0] = 0.5
    mean, _ = posterior(s)
    np.testing.assert_allclose(kalman_smoother(**s.arguments()).mean[0], mean, rtol=1e-7, atol=1e-8)


def test_singular_noise_needs_no_inverse() -> None:
    """One component never changes."""
    s = random_system(1, 15, 2)
    still, half = np.broadcast_to(np.eye(2), (15, 2, 2)), np.broadcast_to(np.diag([1.0, 0.0]), (15, 2, 2))
    s = s._replace(transition=still, state_cov=half, state_intercept=np.zeros((15, 2)))
    mean, cov = posterior(s)
    found = kalman_smoother(**s.arguments(), store="full")
    assert found.cov is not None
    np.testing.assert_allclose(found.mean[0], mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(found.cov[0], cov, rtol=1e-7, atol=1e-9)
    assert np.ptp(found.mean[0, :, 1]) < 1e-9


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 10, 101])
def test_ends_with_the_filter(steps: int) -> None:
    """At any number of steps, whatever the distance of the states kept in between."""
    arguments = scrap_like(10, steps)
    f, s = kalman_filter(**arguments), kalman_smoother(**arguments)
    assert f.mean is not None
    assert f.std is not None
    assert s.std is not None
    np.testing.assert_allclose(s.mean[:, -1], f.mean[:, -1], rtol=1e-10)
    assert (s.std <= f.std * (1 + 1e-9)).all()
    if steps <= 10:
        np.testing.assert_allclose(s.mean[0], posterior(system_of(arguments))[0], rtol=1e-9)


def test_a_batch_is_its_series_alone() -> None:
    arguments = scrap_like(6, 30, batch=5)
    together = kalman_smoother(**arguments, threads=2, store="full")
    for b in range(5):
        alone = kalman_smoother(**{**arguments, "y": arguments["y"][b]}, store="full")
        for name in ("mean", "std", "cov", "loglik"):
            assert np.array_equal(getattr(together, name)[b], getattr(alone, name)), name


def test_single_precision_follows() -> None:
    arguments = scrap_like(5, 60)
    double, single = kalman_smoother(**arguments), kalman_smoother(**arguments, dtype="float32")
    np.testing.assert_allclose(single.mean, double.mean, rtol=1e-3)


def test_robust_smoother_bounds_an_outlier() -> None:
    arguments: dict[str, Any] = scrap_like(5, 40)
    spoilt = {**arguments, "y": arguments["y"].copy()}
    spoilt["y"][0, 20] = 1e9
    clean = kalman_smoother(**arguments).mean
    assert np.abs(kalman_smoother(**spoilt, robust=2.0).mean - clean).max() < 200
    assert np.abs(kalman_smoother(**spoilt).mean - clean).max() > 1e4


def test_store_final_is_no_smoother() -> None:
    with pytest.raises(ValueError, match="store"):
        kalman_smoother(**scrap_like(3, 5), store="final")
