"""State-space models in plain NumPy: the filter step by step, and the posterior of all steps at once."""

# ruff: noqa: N803, N806 (matrices have the names of the textbook)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Reference(NamedTuple):
    """What the filter says of one series."""

    mean: Floats
    cov: Floats
    forecast: Floats
    forecast_var: Floats
    loglik: float
    predicted_mean: Floats
    predicted_cov: Floats


class System(NamedTuple):
    """A model of one series with p observations a step, every matrix of every step."""

    y: Floats  # (T, p)
    design: Floats  # (T, p, n)
    obs_cov: Floats  # (T, p, p)
    obs_intercept: Floats  # (T, p)
    transition: Floats  # (T, n, n)
    state_cov: Floats  # (T, n, n)
    state_intercept: Floats  # (T, n)
    initial_mean: Floats
    initial_cov: Floats

    def arguments(self) -> dict[str, Any]:
        """For `kalman_filter`, as a batch of one series."""
        given = self._asdict()
        for name in ("y", "design", "obs_cov", "obs_intercept", "transition", "state_cov", "state_intercept"):
            given[name] = given[name][None]
        return given


def random_system(
    seed: int, steps: int = 30, n: int = 3, p: int = 1, *, missing: float = 0.2, constant: bool = True
) -> System:
    """Stable, with designs and noises that change in time, and with gaps."""
    rng = np.random.default_rng(seed)

    def covariance(size: int) -> Floats:
        a = rng.standard_normal((size, size + 1))
        return np.asarray(a @ a.T / size + 0.05 * np.eye(size))

    def moved() -> Floats:
        f = rng.standard_normal((n, n))
        return np.asarray(0.9 * f / np.abs(np.linalg.eigvals(f)).max())

    y = rng.standard_normal((steps, p))
    y[rng.random((steps, p)) < missing] = np.nan
    f, q, c = moved(), covariance(n), rng.standard_normal(n)
    transitions = [f if constant else moved() for _ in range(steps)]
    noises = [q if constant else covariance(n) for _ in range(steps)]
    return System(
        y,
        rng.standard_normal((steps, p, n)),
        np.stack([covariance(p) for _ in range(steps)]),
        rng.standard_normal((steps, p)),
        np.stack(transitions),
        np.stack(noises),
        np.stack([c if constant else rng.standard_normal(n) for _ in range(steps)]),
        rng.standard_normal(n),
        covariance(n),
    )


def kalman(s: System) -> Reference:
    """Update, then predict (Durbin & Koopman, 2012, section 4.3), by inverses."""
    a, P, loglik = s.initial_mean, s.initial_cov, 0.0
    kept: list[tuple[Floats, Floats, Floats, Floats]] = []
    for t in range(len(s.y)):
        forecast = s.design[t] @ a + s.obs_intercept[t]
        variance = s.design[t] @ P @ s.design[t].T + s.obs_cov[t]
        there = np.isfinite(s.y[t])
        if there.any():
            Z, S = s.design[t][there], variance[np.ix_(there, there)]
            e = (s.y[t] - forecast)[there]
            K = P @ Z.T @ np.linalg.inv(S)
            a, P = a + K @ e, P - K @ S @ K.T
            loglik -= 0.5 * (
                there.sum() * np.log(2 * np.pi) + np.linalg.slogdet(S)[1] + e @ np.linalg.solve(S, e)
            )
        kept.append((a, P, forecast, variance))
        a = s.transition[t] @ a + s.state_intercept[t]
        P = s.transition[t] @ P @ s.transition[t].T + s.state_cov[t]
    mean, cov, forecasts, variances = (np.stack(x) for x in zip(*kept, strict=True))
    return Reference(mean, cov, forecasts, variances, float(loglik), a, P)


def posterior(s: System) -> tuple[Floats, Floats]:
    """Mean (T, n) and covariance (T, n, n) of every state given all readings, from the joint distribution."""
    T, n = len(s.y), len(s.initial_mean)
    mean, joint = np.zeros((T, n)), np.zeros((T, n, T, n))
    a, P = s.initial_mean, s.initial_cov
    for t in range(T):
        mean[t] = a
        across = P
        for k in range(t, T):
            joint[k, :, t], joint[t, :, k] = across, across.T
            across = s.transition[k] @ across
        a = s.transition[t] @ a + s.state_intercept[t]
        P = s.transition[t] @ P @ s.transition[t].T + s.state_cov[t]
    rows, noise, e = [], [], []
    for t in range(T):
        there = np.flatnonzero(np.isfinite(s.y[t]))
        for k in there:
            row = np.zeros((T, n))
            row[t] = s.design[t, k]
            rows.append(row.ravel())
            e.append(s.y[t, k] - s.obs_intercept[t, k] - s.design[t, k] @ mean[t])
        noise.append(s.obs_cov[t][np.ix_(there, there)])
    A, H = np.array(rows), _block_diagonal(noise)
    K = joint.reshape(T * n, T * n)
    gain = K @ A.T @ np.linalg.inv(A @ K @ A.T + H)
    smoothed = mean.ravel() + gain @ np.array(e)
    cov = (K - gain @ A @ K).reshape(T, n, T, n)
    return smoothed.reshape(T, n), np.stack([cov[t, :, t] for t in range(T)])


def _block_diagonal(blocks: list[Floats]) -> Floats:
    size = sum(len(b) for b in blocks)
    matrix, at = np.zeros((size, size)), 0
    for b in blocks:
        matrix[at : at + len(b), at : at + len(b)] = b
        at += len(b)
    return matrix


def unscented(
    y: Floats, observe: Any, obs_cov: float, f: Floats, q: Floats, c: Floats, a: Floats, P: Floats,
    kappa: float, alpha: float, beta: float,
) -> tuple[Floats, Floats, float]:  # fmt: skip
    """Means (T, n), covariances (T, n, n) and log-likelihood of one series with one observation a step."""
    n, loglik, means, covs = len(a), 0.0, [], []
    s = alpha**2 * (n + kappa)
    w = np.full(2 * n + 1, 0.5 / s)
    w[0] = 1 - n / s
    wc = w.copy()
    wc[0] += 1 - alpha**2 + beta
    for t, reading in enumerate(y):
        L = np.sqrt(s) * np.linalg.cholesky(P)
        points = np.vstack([a, a + L.T, a - L.T])
        values = observe(points, t)
        forecast = w @ values
        S = wc @ (values - forecast) ** 2 + obs_cov
        if np.isfinite(reading):
            C = (wc * (values - forecast)) @ (points - a)
            a, P = a + C * (reading - forecast) / S, P - np.outer(C, C) / S
            loglik -= 0.5 * (np.log(2 * np.pi * S) + (reading - forecast) ** 2 / S)
        means.append(a)
        covs.append(P)
        a, P = f @ a + c, f @ P @ f.T + q
    return np.stack(means), np.stack(covs), float(loglik)
