"""statsmodels' KalmanFilter: Cython on BLAS.

It keeps all covariances. Filtering in blocks of heats, each going on from the last one's end, leaves these in
the processor's caches and only their diagonals in memory: it is a fifth faster. Not forcing covariances to be
symmetric, which changes nothing here, saves another tenth.
"""

from collections.abc import Callable

import numpy as np
from statsmodels.tsa.statespace import kalman_filter

from .filters_model import Filtered, Linear

BLOCK = 1000  # heats
# All is conserved, that is not kept, but the filtered means and covariances.
WITH_FILTERED = (
    kalman_filter.MEMORY_NO_FORECAST
    | kalman_filter.MEMORY_NO_PREDICTED
    | kalman_filter.MEMORY_NO_LIKELIHOOD
    | kalman_filter.MEMORY_NO_GAIN
    | kalman_filter.MEMORY_NO_SMOOTHING
    | kalman_filter.MEMORY_NO_STD_FORECAST
)
NOTHING = WITH_FILTERED | kalman_filter.MEMORY_NO_FILTERED


def linear(model: Linear) -> Callable[[], Filtered]:
    """Means, standard deviations and log-likelihood of one series."""
    dynamics, heats, n = model.dynamics, *model.design.shape
    blocks = [slice(start, min(start + BLOCK, heats)) for start in range(0, heats, BLOCK)]
    filters = [_filter(model, block, WITH_FILTERED) for block in blocks]
    noise = np.diag(dynamics.state_cov)

    def call() -> Filtered:
        mean, cov = dynamics.initial_mean, np.diag(dynamics.initial_cov)
        means, stds = np.empty((2, heats, n))
        loglik = 0.0
        for block, filtering in zip(blocks, filters, strict=True):
            filtering.initialize_known(mean, cov)
            found = filtering.filter()
            means[block] = found.filtered_state.T
            stds[block] = np.sqrt(np.diagonal(found.filtered_state_cov))
            loglik += found.llf
            mean = dynamics.transition * found.filtered_state[:, -1] + dynamics.state_intercept
            cov = dynamics.transition**2 * found.filtered_state_cov[..., -1] + noise
        return Filtered(means, stds, loglik)

    return call


def linear_likelihood(model: Linear) -> Callable[[], Filtered]:
    """The log-likelihood of one series alone: the least that it can be set to keep."""
    filtering = _filter(model, slice(None), NOTHING)
    dynamics = model.dynamics
    filtering.initialize_known(dynamics.initial_mean, np.diag(dynamics.initial_cov))
    return lambda: Filtered(None, None, filtering.loglike())


def _filter(model: Linear, heats: slice, memory: int) -> kalman_filter.KalmanFilter:
    dynamics, n = model.dynamics, model.design.shape[1]
    filtering = kalman_filter.KalmanFilter(
        1, n, loglikelihood_burn=0, tolerance=0, conserve_memory=memory, stability_method=0
    )
    filtering.bind(model.y[heats].copy())
    filtering["design"] = np.asfortranarray(model.design[heats].T[None])
    filtering["obs_cov"] = model.obs_cov[None, None, heats]
    filtering["transition"] = dynamics.transition * np.eye(n)
    filtering["selection"] = np.eye(n)
    filtering["state_cov"] = np.diag(dynamics.state_cov)
    filtering["state_intercept"] = dynamics.state_intercept[:, None]
    return filtering
