"""Expectation and maximisation: never a step down, the closed form of every step, and back to the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from references.filtering import Floats, System, posterior, random_system

from tundish.filtering import expectation_maximization, kalman_filter


def simulated(seed: int, steps: int, p: int = 1, batch: int = 1) -> tuple[dict[str, Any], Floats, Floats]:
    """A model's arguments with wrong noises to start from, and the true H and Q."""
    rng = np.random.default_rng(seed)
    s = random_system(seed, 2, 2, p)
    f, q, h = s.transition[0], s.state_cov[0], s.obs_cov[0]
    design = rng.standard_normal((steps, p, 2))
    y = np.empty((batch, steps, p))
    for b in range(batch):
        a = rng.multivariate_normal(s.initial_mean, s.initial_cov)
        for t in range(steps):
            y[b, t] = design[t] @ a + rng.multivariate_normal(np.zeros(p), h)
            a = f @ a + rng.multivariate_normal(np.zeros(2), q)
    y[rng.random(y.shape) < 0.1] = np.nan
    start = {
        "y": y,
        "design": design,
        "obs_cov": 3 * np.eye(p),
        "transition": f,
        "state_cov": 2.0 * np.eye(2) + 0.1,
        "initial_mean": s.initial_mean + 1,
        "initial_cov": s.initial_cov,
    }
    return start, h, q


@pytest.mark.parametrize(
    "estimate",
    [
        ("obs_cov",),
        ("state_cov",),
        ("initial_mean",),
        ("initial_cov",),
        ("obs_cov", "state_cov", "initial_mean"),
        ("obs_cov", "state_cov", "initial_mean", "initial_cov"),
    ],
)
@pytest.mark.parametrize(("p", "batch"), [(1, 1), (2, 1), (2, 4)])
def test_likelihood_never_falls(estimate: tuple[str, ...], p: int, batch: int) -> None:
    start, _, _ = simulated(3, 25, p, batch)
    r = expectation_maximization(**start, estimate=estimate, maxiter=15, tol=0.0)
    assert (np.diff(r.loglik) >= -1e-9 * np.abs(r.loglik[1:])).all()
    assert r.loglik[-1] > r.loglik[0]
    found = {name: getattr(r, name) for name in ("state_cov", "initial_mean", "initial_cov")}
    again = kalman_filter(start["y"], start["design"], r.obs_cov, transition=start["transition"], **found)
    assert again.loglik.sum() == pytest.approx(r.loglik[-1], rel=1e-10)


def neighbours(y: Floats, f: float, q: float, h: float, first: float) -> tuple[Floats, Floats]:
    """Posterior of the pairs (a(t), a(t-1)) of a scalar model that starts from N(first, 1)."""
    steps = len(y)
    s = System(
        y[:, None],
        np.tile([[[1.0, 0.0]]], (steps, 1, 1)),
        np.full((steps, 1, 1), h),
        np.zeros((steps, 1)),
        np.tile([[f, 0.0], [1.0, 0.0]], (steps, 1, 1)),
        np.tile([[q, 0.0], [0.0, 0.0]], (steps, 1, 1)),
        np.zeros((steps, 2)),
        np.array([first, 0.0]),
        np.diag([1.0, 1e-12]),
    )
    return posterior(s)


def test_one_step_is_the_closed_form() -> None:
    """The moments of a scalar model's disturbances from the joint posterior of neighbouring states."""
    rng = np.random.default_rng(0)
    f, q, h = 0.7, 0.4, 0.5
    y = rng.standard_normal(8)
    y[2] = np.nan
    start = {"transition": f, "state_cov": q, "initial_mean": [0.2], "initial_cov": 1.0}
    r = expectation_maximization(y, np.ones(1), h, **start, maxiter=1, tol=0.0)
    mean, cov = neighbours(y, f, q, h, 0.2)
    moved = np.array([1.0, -f])
    eta = [(moved @ m) ** 2 + moved @ c @ moved for m, c in zip(mean[1:], cov[1:], strict=True)]
    there = np.isfinite(y)
    eps = [(v - m[0]) ** 2 + c[0, 0] for v, m, c in zip(y[there], mean[there], cov[there], strict=True)]
    assert float(r.state_cov[0, 0]) == pytest.approx(np.mean(eta), rel=1e-9)
    assert float(r.obs_cov) == pytest.approx(np.mean(eps), rel=1e-9)
    assert float(r.initial_mean[0]) == pytest.approx(mean[0, 0], rel=1e-9)


def test_many_readings_bring_back_the_truth() -> None:
    start, h, q = simulated(5, 1500, 1, 1)
    r = expectation_maximization(**start, maxiter=300, tol=1e-7)
    assert r.success, r.message
    np.testing.assert_allclose(r.obs_cov, h, rtol=0.15)
    np.testing.assert_allclose(r.state_cov, q, atol=0.2 * np.abs(q).max())


def test_what_changes_in_time_keeps_its_shape() -> None:
    rng = np.random.default_rng(2)
    scale = rng.uniform(0.5, 2.0, 400)
    y = np.sqrt(4.0 * scale) * rng.standard_normal(400)
    start = {"initial_mean": [0.0], "initial_cov": 1e-8}
    r = expectation_maximization(y, np.ones(1), scale, **start, estimate=["obs_cov"])
    np.testing.assert_allclose(r.obs_cov / scale, 4.0, rtol=0.15)


def test_a_diagonal_noise_stays_diagonal_and_nothing_stays_nothing() -> None:
    start, _, _ = simulated(7, 30)
    r = expectation_maximization(**{**start, "state_cov": [0.5, 0.0]}, maxiter=3)
    assert r.state_cov[0, 1] == r.state_cov[1, 0] == r.state_cov[1, 1] == 0.0
    assert r.state_cov[0, 0] > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("estimate", ["transition"]),
        ("estimate", []),
        ("estimate", "obs_cov"),
        ("maxiter", 0),
        ("tol", -1.0),
        ("obs_cov", 0.0),
    ],
)
def test_bad_arguments_are_named(name: str, value: Any) -> None:
    start: dict[str, Any] = {
        "y": np.zeros(5),
        "design": np.ones(1),
        "obs_cov": 1.0,
        "initial_mean": [0.0],
        "initial_cov": 1.0,
    }
    with pytest.raises((ValueError, TypeError, KeyError), match=name):
        expectation_maximization(**{**start, name: value})
