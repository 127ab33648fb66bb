"""simdkalman: NumPy, one heat of many series a call.

Its class `KalmanFilter` takes a design that is the same in all heats. Its functions `update` and `predict`
take any, and a covariance that all series have in common, which the class computes for each.
"""

from collections.abc import Callable

import numpy as np
import simdkalman
from simdkalman import primitives

from .filters_model import Filtered, Linear, normal_loglik


def shared(model: Linear) -> Callable[[], Filtered]:
    """Many series (B, T) with one design and one noise, by the functions."""
    dynamics, (count, heats), n = model.dynamics, model.y.shape, model.design.shape[1]
    transition, noise = dynamics.transition * np.eye(n), np.diag(dynamics.state_cov)
    intercept = dynamics.state_intercept[:, None]

    def call() -> Filtered:
        mean = np.tile(dynamics.initial_mean[:, None], (count, 1, 1))
        cov = np.diag(dynamics.initial_cov)[None]
        means, stds, loglik = np.empty((count, heats, n)), np.empty((heats, n)), np.zeros(count)
        for t in range(heats):
            y, design = model.y[:, t, None, None], model.design[t : t + 1]
            obs_cov = model.obs_cov[t, None, None]
            expected, variance = primitives.predict_observation(mean, cov, design, obs_cov)
            loglik += normal_loglik(y - expected, variance)[:, 0, 0]
            mean, cov = primitives.update(mean, cov, design, obs_cov, y)
            means[:, t], stds[t] = mean[..., 0], np.sqrt(cov[0].diagonal())
            mean, cov = primitives.predict(mean, cov, transition, noise)
            mean += intercept
        return Filtered(means, np.broadcast_to(stds, means.shape), loglik)

    return call


def constant(model: Linear) -> Callable[[], Filtered]:
    """Many series (B, T) with the design and the noise of the first heat in all heats, by the class.

    It has no intercept: the model's must be 0. Its log-likelihood leaves a constant out.
    """
    dynamics, heats, n = model.dynamics, model.y.shape[1], model.design.shape[1]
    filtering = simdkalman.KalmanFilter(
        state_transition=dynamics.transition * np.eye(n),
        process_noise=np.diag(dynamics.state_cov),
        observation_model=model.design[:1],
        observation_noise=model.obs_cov[:1, None],
    )
    wanted = {"smoothed": False, "filtered": True, "observations": False, "log_likelihood": True}

    def call() -> Filtered:
        start = {"initial_value": dynamics.initial_mean, "initial_covariance": np.diag(dynamics.initial_cov)}
        found = filtering.compute(model.y, 0, **start, **wanted)
        states = found.filtered.states
        std = np.sqrt(np.diagonal(states.cov, axis1=2, axis2=3))
        return Filtered(states.mean, std, found.log_likelihood - 0.5 * heats * np.log(2 * np.pi))

    return call
