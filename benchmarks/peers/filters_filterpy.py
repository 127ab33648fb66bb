"""filterpy's KalmanFilter and UnscentedKalmanFilter: NumPy, one step a call, as its documentation shows them.

The log-likelihood is taken from the innovation and its variance, which the filters keep: their own property
`log_likelihood` gives the same and would take most of the time.
"""

from collections.abc import Callable

import numpy as np
from filterpy.kalman import JulierSigmaPoints, KalmanFilter, UnscentedKalmanFilter, predict

from .filters_model import Dynamics, Filtered, Linear, Partition, normal_loglik


def linear(model: Linear) -> Callable[[], Filtered]:
    """Kalman filter of one series. The function `predict` takes a transition that is a number."""
    dynamics, n = model.dynamics, model.design.shape[1]
    noise = np.diag(dynamics.state_cov)

    def call() -> Filtered:
        filtering = KalmanFilter(n, 1)

        def update(t: int) -> None:
            filtering.update(model.y[t : t + 1], R=model.obs_cov[t], H=model.design[t : t + 1])

        def move() -> None:
            filtering.x, filtering.P = predict(
                filtering.x, filtering.P, dynamics.transition, noise, dynamics.state_intercept
            )

        return _march(filtering, dynamics, len(model.y), update, move)

    return call


def partition(model: Partition) -> Callable[[], Filtered]:
    """Unscented filter of one series, kappa = 3 - n."""
    dynamics, n = model.dynamics, model.masses.shape[1] + 2
    points = JulierSigmaPoints(n, kappa=3 - n)

    def move(x: np.ndarray, dt: float) -> np.ndarray:
        return dynamics.transition * x + dynamics.state_intercept

    def observe(x: np.ndarray, t: int) -> list[float]:
        element = model.masses[t] @ x[:-2] + model.addition[t]
        return [element / (1 + (x[-2] + x[-1] * model.iron_oxide[t]) * model.slag_ratio[t])]

    def call() -> Filtered:
        filtering = UnscentedKalmanFilter(n, 1, 1.0, observe, move, points)
        filtering.Q = np.diag(dynamics.state_cov)
        # It predicts first; here the first heat is predicted already.
        filtering.sigmas_f = points.sigma_points(dynamics.initial_mean, np.diag(dynamics.initial_cov))

        def update(t: int) -> None:
            filtering.update(model.y[t : t + 1], R=model.obs_cov[t], t=t)

        return _march(filtering, dynamics, len(model.y), update, filtering.predict)

    return call


def _march(
    filtering: KalmanFilter | UnscentedKalmanFilter,
    dynamics: Dynamics,
    heats: int,
    update: Callable[[int], None],
    move: Callable[[], None],
) -> Filtered:
    """Update and predict, heat by heat."""
    filtering.x, filtering.P = dynamics.initial_mean.copy(), np.diag(dynamics.initial_cov)
    mean, std = np.empty((2, heats, dynamics.initial_mean.size))
    loglik = 0.0
    for t in range(heats):
        update(t)
        mean[t], std[t] = filtering.x, np.sqrt(filtering.P.diagonal())
        loglik += normal_loglik(filtering.y[0], filtering.S[0, 0])
        move()
    return Filtered(mean, std, loglik)
