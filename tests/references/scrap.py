"""Filters of arXiv:2504.11319 in plain NumPy, dense and one heat at a time, to test the others against."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

# Mean of the measurement, its variance without noise, and the slopes b of Cov(state, measurement) = cov b.
Moments = tuple[float, float, np.ndarray]


class Track(NamedTuple):
    """A filter's run: `mean` (T, k) and `cov` (T, k, k) filtered; the state that follows."""

    mean: np.ndarray
    cov: np.ndarray
    forecast: np.ndarray
    forecast_var: np.ndarray
    slopes: np.ndarray
    loglik: float
    following: tuple[np.ndarray, np.ndarray]


def gaussian_filter(
    y: np.ndarray,
    noise: np.ndarray,
    moments: Callable[[int, np.ndarray, np.ndarray], Moments],
    prior: tuple[np.ndarray, np.ndarray, float],
    start: tuple[np.ndarray, np.ndarray] | None = None,
    robust: float | None = None,
) -> Track:
    """Eqs. (1) and (3), of `prior` (q, Q, gamma), with any measurement; update first, then predict."""
    q, Q, gamma = prior  # noqa: N806
    driving = np.diag(gamma**2 * Q)
    a, P = start or (q, driving / (1 - (1 - gamma) ** 2))  # noqa: N806
    means, covs, forecasts, variances, slopes, loglik = [], [], [], [], [], 0.0
    for t, reading in enumerate(y):
        expected, var, b = moments(t, a, P)
        var += noise[t]
        forecasts.append(expected)
        variances.append(var)
        slopes.append(b)
        if not np.isnan(reading):
            off = reading - expected
            S = var if robust is None else var * max(1.0, abs(off) / math.sqrt(var) / robust)  # noqa: N806
            gain = P @ b / S
            a, P = a + gain * off, P - np.outer(gain, gain) * S  # noqa: N806
            loglik += log_density(off / math.sqrt(var), robust) - math.log(var) / 2
        means.append(a)
        covs.append(P)
        a, P = (1 - gamma) * a + gamma * q, (1 - gamma) ** 2 * P + driving  # noqa: N806
    columns = (np.array(x) for x in (means, covs, forecasts, variances, slopes))
    return Track(*columns, loglik, (a, P))


def log_density(z: float, robust: float | None) -> float:
    """Of the standard normal distribution, or of Huber's, whose tails are exponential beyond `robust`."""
    if robust is None:
        return -(math.log(2 * math.pi) + z**2) / 2
    whole = math.sqrt(2 * math.pi) * math.erf(robust / math.sqrt(2)) + 2 * math.exp(-(robust**2) / 2) / robust
    square = z**2 if abs(z) <= robust else 2 * robust * abs(z) - robust**2
    return -square / 2 - math.log(whole)


def linear(masses: np.ndarray) -> Callable[[int, np.ndarray, np.ndarray], Moments]:
    """The measurement of Eq. (2)."""
    return lambda t, a, cov: (masses[t] @ a, masses[t] @ cov @ masses[t], masses[t])


def measured(x: np.ndarray, masses: np.ndarray, addition: float, ratio: float, oxide: float) -> np.ndarray:
    """Eq. (4) for states (..., k)."""
    return (x[..., :-2] @ masses + addition) / (1 + (x[..., -2] + x[..., -1] * oxide) * ratio)


def sigma_points(
    masses: np.ndarray, addition: np.ndarray, ratio: np.ndarray, oxide: np.ndarray, kappa: float | None = None
) -> Callable[[int, np.ndarray, np.ndarray], Moments]:
    """Eq. (4) through 2 k + 1 sigma points, kappa = 3 - k."""

    def moments(t: int, a: np.ndarray, P: np.ndarray) -> Moments:  # noqa: N803
        k = a.size
        scale = k + (3 - k if kappa is None else kappa)
        columns = math.sqrt(scale) * np.linalg.cholesky(P).T
        points = np.concatenate([a[None], a + columns, a - columns])
        weights = np.r_[1 - k / scale, np.full(2 * k, 0.5 / scale)]
        values = measured(points, masses[t], addition[t], ratio[t], oxide[t])
        mean = weights @ values
        common = (weights * (values - mean)) @ (points - a)
        return mean, weights @ (values - mean) ** 2, np.linalg.solve(P, common)

    return moments


def quadrature(
    masses: np.ndarray, addition: np.ndarray, ratio: np.ndarray, oxide: np.ndarray
) -> Callable[[int, np.ndarray, np.ndarray], Moments]:
    """Eq. (4) exactly along s = masses . a, by 5-point Gauss-Hermite quadrature along u = c1 + c2 oxide."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    weights = weights / weights.sum()

    def moments(t: int, a: np.ndarray, P: np.ndarray) -> Moments:  # noqa: N803
        s_axis, u_axis = np.r_[masses[t], 0, 0], np.r_[0 * masses[t], 1, oxide[t]]
        s, u = s_axis @ a, u_axis @ a
        s_var, u_var, common = s_axis @ P @ s_axis, u_axis @ P @ u_axis, s_axis @ P @ u_axis
        off = nodes * math.sqrt(u_var)
        lead = s + off * common / u_var
        left = s_var - common**2 / u_var
        share = 1 / (1 + (u + off) * ratio[t])
        values = (lead + addition[t]) * share
        mean = weights @ values
        var = weights @ (values - mean) ** 2 + left * (weights @ share**2)
        with_s = weights @ ((lead - s) * values + left * share)
        with_u = weights @ (off * values)
        slopes = np.linalg.solve([[s_var, common], [common, u_var]], [with_s, with_u])
        return mean, var, slopes[0] * s_axis + slopes[1] * u_axis

    return moments


def smoothed(track: Track, prior: tuple[np.ndarray, np.ndarray, float]) -> tuple[np.ndarray, np.ndarray]:
    """Mean (T, k) and covariance (T, k, k) given all readings, by the recursion back from the last heat."""
    q, Q, gamma = prior  # noqa: N806
    mean, cov = track.mean.copy(), track.cov.copy()
    for t in range(len(mean) - 2, -1, -1):
        ahead = (1 - gamma) ** 2 * track.cov[t] + np.diag(gamma**2 * Q)
        gain = (1 - gamma) * np.linalg.solve(ahead, track.cov[t]).T
        mean[t] += gain @ (mean[t + 1] - (1 - gamma) * track.mean[t] - gamma * q)
        cov[t] += gain @ (cov[t + 1] - ahead) @ gain.T
    return mean, cov
