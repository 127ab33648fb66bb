"""The filters in plain NumPy, as in the textbooks: what all the others must agree with."""

from collections.abc import Callable

import numpy as np

from .filters_model import Dynamics, Filtered, Linear, Partition, normal_loglik

Array = np.ndarray
Moments = tuple[float, float, Array]  # of a reading: expected, its variance, its covariance with the states


def linear(model: Linear) -> Callable[[], Filtered]:
    """Kalman filter of one series."""

    def observe(t: int, mean: Array, cov: Array) -> Moments:
        design = model.design[t]
        with_states = cov @ design
        return design @ mean, design @ with_states + model.obs_cov[t], with_states

    return lambda: _march(model.y, model.dynamics, observe)


def partition(model: Partition) -> Callable[[], Filtered]:
    """Unscented filter of one series, kappa = 3 - n; the states are predicted exactly, as they are linear."""
    n = model.dynamics.initial_mean.size
    weights = np.full(2 * n + 1, 1 / 6)
    weights[0] = 1 - n / 3

    def observe(t: int, mean: Array, cov: Array) -> Moments:
        half = np.sqrt(3) * np.linalg.cholesky(cov)
        away = np.concatenate([np.zeros((n, 1)), half, -half], axis=1)
        points = mean[:, None] + away
        element = model.masses[t] @ points[:-2] + model.addition[t]
        readings = element / (1 + (points[-2] + points[-1] * model.iron_oxide[t]) * model.slag_ratio[t])
        expected = weights @ readings
        weighted = weights * (readings - expected)
        return expected, weighted @ (readings - expected) + model.obs_cov[t], away @ weighted

    return lambda: _march(model.y, model.dynamics, observe)


def _march(y: Array, dynamics: Dynamics, observe: Callable[[int, Array, Array], Moments]) -> Filtered:
    """Update and predict, heat by heat."""
    mean, cov = dynamics.initial_mean, np.diag(dynamics.initial_cov)
    noise = np.diag(dynamics.state_cov)
    means, stds = np.empty((2, y.size, mean.size))
    loglik = 0.0
    for t in range(y.size):
        expected, variance, with_states = observe(t, mean, cov)
        innovation = y[t] - expected
        loglik += normal_loglik(innovation, variance)
        mean = mean + with_states * (innovation / variance)
        cov = cov - np.outer(with_states, with_states / variance)
        means[t], stds[t] = mean, np.sqrt(cov.diagonal())
        mean = dynamics.transition * mean + dynamics.state_intercept
        cov = dynamics.transition**2 * cov + noise
    return Filtered(means, stds, loglik)
