"""The partition model's two updates against sigma points and quadrature in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from references.filter_cases import DECAY, heats
from references.filtering import Floats, unscented

from tundish.filtering import PoleError, kalman_filter, partition_filter


def observe(h: dict[str, Any]) -> Any:
    def values(points: Floats, t: int) -> Floats:
        n = points.shape[-1] - 2
        u = points[..., n] + points[..., n + 1] * h["feo_pct"][t]
        inside = points[..., :n] @ h["design"][t] + h["addition"][t]
        return np.asarray(inside / (1 + u * h["slag_ratio"][t]))

    return values


def by_quadrature(h: dict[str, Any], points: int = 5) -> tuple[Floats, Floats]:
    """Means and covariances by the integral over u = c1 + c2 f, each step from the whole covariance."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(points)
    weights = weights / weights.sum()
    a, cov = h["initial_mean"], np.diag(h["initial_cov"])
    means, covs = [], []
    for t, y in enumerate(h["y"]):
        n = len(a) - 2
        z = np.stack([np.r_[h["design"][t], 0, 0], np.r_[np.zeros(n), 1, h["feo_pct"][t]]])
        s, u = z @ a
        (ss, su), (_, uu) = z @ cov @ z.T
        us = u + np.sqrt(uu) * nodes
        share = 1 / (1 + us * h["slag_ratio"][t])
        values = (s + su / uu * (us - u) + h["addition"][t]) * share
        mean = weights @ values
        variance = weights @ ((values - mean) ** 2 + (ss - su**2 / uu) * share**2) + h["obs_cov"]
        with_u = weights @ ((values - mean) * (us - u))
        with_s = weights @ ((values - mean) * su / uu * (us - u) + (ss - su**2 / uu) * share)
        c = cov @ z.T @ np.linalg.solve(z @ cov @ z.T, [with_s, with_u])
        if np.isfinite(y):
            a, cov = a + c * (y - mean) / variance, cov - np.outer(c, c) / variance
        means.append(a)
        covs.append(cov)
        f = h["transition"]
        a, cov = f * a + h["state_intercept"], np.outer(f, f) * cov + np.diag(h["state_cov"])
    return np.stack(means), np.stack(covs)


@pytest.mark.parametrize("n", [1, 4, 20])
def test_projected_update_is_the_quadrature(n: int) -> None:
    h = heats(n, 30)
    mean, cov = by_quadrature(h)
    f = partition_filter(**h, store="full")
    np.testing.assert_allclose(f.mean, mean, rtol=1e-9)
    np.testing.assert_allclose(f.cov, cov, rtol=1e-8, atol=1e-9 * np.abs(cov).max())


@pytest.mark.parametrize("n", [1, 4, 20])
def test_sigma_points_are_the_reference(n: int) -> None:
    h = heats(n, 30)
    f, q, start = (np.diag(h[name]) for name in ("transition", "state_cov", "initial_cov"))
    model = (f, q, h["state_intercept"], h["initial_mean"], start)
    mean, cov, loglik = unscented(h["y"], observe(h), h["obs_cov"], *model, 3.0 - (n + 2), 1.0, 0.0)
    found = partition_filter(**h, method="sigma", store="full")
    np.testing.assert_allclose(found.mean, mean, rtol=1e-8)
    np.testing.assert_allclose(found.cov, cov, rtol=1e-7, atol=1e-9 * np.abs(cov).max())
    assert found.loglik == pytest.approx(loglik, rel=1e-8)


@pytest.mark.parametrize("method", ["projected", "sigma"])
def test_slopes_make_it_a_kalman_filter(method: str) -> None:
    """With the slopes as design, the innovation as it was, and what of its variance the slopes do not
    explain."""
    h = heats(6, 25)
    f = partition_filter(**h, method=method, slopes=True, store="full")
    assert f.mean is not None
    assert f.cov is not None
    assert f.slopes is not None
    move = h["transition"]
    prediction = np.vstack([h["initial_mean"], f.mean[:-1] * move + h["state_intercept"]])
    first, noise = np.diag(h["initial_cov"])[None], np.diag(h["state_cov"])
    covs = np.concatenate([first, np.outer(move, move) * f.cov[:-1] + noise])
    explained = np.einsum("ti,tij,tj->t", f.slopes, covs, f.slopes)
    y = np.einsum("ti,ti->t", f.slopes, prediction) + f.innovation
    names = ("initial_mean", "initial_cov", "transition", "state_cov", "state_intercept")
    same = kalman_filter(y, f.slopes, f.forecast_var - explained, **{name: h[name] for name in names})
    np.testing.assert_allclose(same.mean, f.mean, rtol=1e-8)
    np.testing.assert_allclose(same.forecast_var, f.forecast_var, rtol=1e-8)


@pytest.mark.parametrize("method", ["projected", "sigma"])
def test_a_batch_is_its_series_alone(method: str) -> None:
    logs = [heats(5, 20, seed) for seed in range(4)]
    names = ("y", "design", "addition", "slag_ratio", "feo_pct")
    stacked = {**logs[0], **{name: np.stack([h[name] for h in logs]) for name in names}}
    for threads in (1, 2):
        together = partition_filter(**stacked, method=method, threads=threads)
        for b, h in enumerate(logs):
            alone = partition_filter(**{**logs[0], **{name: h[name] for name in names}}, method=method)
            for name in ("mean", "std", "forecast", "forecast_var", "loglik", "predicted_cov"):
                assert np.array_equal(getattr(together, name)[b], getattr(alone, name)), name


def test_single_precision_follows() -> None:
    h = heats(10, 300)
    single = partition_filter(**h, dtype="float32")
    np.testing.assert_allclose(single.mean, partition_filter(**h).mean, rtol=2e-3)


@pytest.mark.parametrize("method", ["projected", "sigma"])
def test_the_pole_names_the_step(method: str) -> None:
    h = heats(3, 10)
    h["initial_mean"] = np.r_[h["initial_mean"][:3], -1.5, 0.0]
    h["initial_cov"] = np.r_[h["initial_cov"][:3], 1e-6, 1e-12]
    h["state_cov"] = np.r_[h["state_cov"][:3], 1e-6, 1e-12]
    h["state_intercept"] = DECAY * h["initial_mean"]
    h["slag_ratio"][6] = 1.0
    with pytest.raises(PoleError, match="step 6") as pole:
        partition_filter(**h, method=method)
    assert (pole.value.step, pole.value.series) == (6, 0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("design", np.ones((30, 5))),
        ("addition", np.ones(7)),
        ("slag_ratio", np.full(30, np.nan)),
        ("method", "exact"),
        ("kappa", -9.0),
        ("transition", np.full((6, 6), 0.1)),
        ("feo_pct", np.ones((2, 2, 2))),
    ],
)
def test_bad_arguments_are_named(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        partition_filter(**{**heats(4, 30), name: value})
