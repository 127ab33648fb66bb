"""Noise and start of a state-space model by expectation and maximisation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import count, number, some_names
from tundish._common.refusals import MISSING, ArgumentError
from tundish.filtering._kalman import run_smoother
from tundish.filtering._model import Model

PARAMETERS = ("obs_cov", "state_cov", "initial_mean", "initial_cov")


@dataclass(frozen=True, repr=False)
class Maximized:
    """What :func:`expectation_maximization` found.

    - `obs_cov`, `state_cov`, `initial_mean`, `initial_cov`: as they were given, but for those that were
      estimated.
    - `loglik` (iterations + 1,): of every iteration's model, the last being that of the result; never
      decreasing.
    - `success`, `message`: whether it converged.
    """

    obs_cov: NDArray[Any]
    state_cov: NDArray[Any]
    initial_mean: NDArray[Any]
    initial_cov: NDArray[Any]
    loglik: NDArray[np.float64]
    success: bool
    message: str

    def __repr__(self) -> str:
        return f"<Maximized: log-likelihood {self.loglik[0]:.6g} to {self.loglik[-1]:.6g}, {self.message}>"


def expectation_maximization(
    y: ArrayLike,
    design: ArrayLike,
    obs_cov: ArrayLike,
    *,
    initial_mean: ArrayLike,
    initial_cov: ArrayLike,
    transition: ArrayLike = 1.0,
    state_cov: ArrayLike = 0.0,
    state_intercept: ArrayLike = 0.0,
    obs_intercept: ArrayLike = 0.0,
    estimate: Iterable[str] = ("obs_cov", "state_cov", "initial_mean"),
    maxiter: int = 50,
    tol: float = 1e-6,
    form: str = "standard",
    threads: int | None = None,
) -> Maximized:
    """Fits noise and start to observations (Shumway & Stoffer, 1982), from the disturbances' smoothed moments
    (Koopman, 1993).

    **Main arguments:**

    - All of :func:`kalman_filter`'s, the estimated ones as a start. A batch `y` (B, T) is B series of one
      model, whose noise and start are then common to all.
    - `estimate`: of "obs_cov", "state_cov", "initial_mean", "initial_cov". An `obs_cov` or `state_cov` that
      changes in time is estimated up to one factor. A diagonal `state_cov` remains diagonal, and a variance
      of 0 remains 0.

    **Other arguments:**

    - `maxiter`: iterations at most; `tol`: it has converged when an iteration raises the log-likelihood by
      less than this share of it.
    - `form`, `threads`: as for :func:`kalman_filter`.

    **Returns:** a :class:`Maximized`. **Raises:** as :func:`kalman_filter`.
    """
    chosen = some_names("estimate", estimate, PARAMETERS)
    iterations, share = count("maxiter", maxiter, 1), number("tol", tol)
    if not share >= 0:
        raise ArgumentError("tol", share, "must not be negative")
    model = Model(y, obs_cov, transition, state_cov, state_intercept, initial_mean, initial_cov, "float64")
    model.put_observation(design, obs_intercept)
    _check_shared(model, chosen)
    if np.isnan(model.y).all():
        raise ArgumentError("y", MISSING, "all observations are missing, there is nothing to estimate from")
    loglik: list[float] = []
    converged = False
    message = f"not converged after {iterations} iterations; raise maxiter"
    for _ in range(iterations):
        moments = _expect(model, form, threads)
        loglik.append(moments.loglik)
        if len(loglik) > 1 and loglik[-1] - loglik[-2] <= share * abs(loglik[-1]):
            converged = True
            message = f"converged after {len(loglik) - 1} iterations"
            break
        _maximize(model, moments, chosen)
    else:
        loglik.append(_expect(model, form, threads).loglik)
    found = {name: _as_given(model, name) for name in PARAMETERS}
    return Maximized(**found, loglik=np.array(loglik), success=converged, message=message)


@dataclass
class _Moments:
    """Moments of the disturbances and of the start, given all observations."""

    loglik: float
    mean: NDArray[np.float64]  # (B, n), of the first state
    cov: NDArray[np.float64]  # (B, n, n)
    transition_sum: NDArray[np.float64]  # (B, n, n), sum of r r' - N
    disturbance: NDArray[np.float64]  # (B, T, p)
    disturbance_var: NDArray[np.float64]  # (B, T, p, p)


def _expect(model: Model, form: str, threads: int | None) -> _Moments:
    wanted = ("mean", "cov", "transition_sum", "disturbance")
    single, scalar = model.single, model.scalar
    model.single = model.scalar = False  # all axes, whatever the caller's y has
    try:
        found = run_smoother(model, form, None, wanted, threads, False)
    finally:
        model.single, model.scalar = single, scalar
    return _Moments(
        float(found["loglik"].sum()), found["mean"][:, 0], found["cov"][:, 0], found["transition_sum"],
        found["disturbance"], found["disturbance_var"],
    )  # fmt: skip


def _maximize(model: Model, moments: _Moments, chosen: list[str]) -> None:
    arrays = model.arrays
    if "obs_cov" in chosen:
        arrays["obs_cov"] = _observation_noise(model, moments)
    if "state_cov" in chosen and model.steps > 1:
        arrays["state_cov"] = _state_noise(model, moments)
    if "initial_cov" in chosen:
        spread = moments.cov.mean(axis=0)
        if "initial_mean" in chosen:
            apart = moments.mean - moments.mean.mean(axis=0)
        else:
            apart = moments.mean - arrays["initial_mean"][:, 0]
        spread = spread + np.einsum("bi,bj->ij", apart, apart) / model.batch
        arrays["initial_cov"] = (0.5 * (spread + spread.T))[None, None]
    if "initial_mean" in chosen:
        arrays["initial_mean"] = moments.mean.mean(axis=0)[None, None]


def _observation_noise(model: Model, moments: _Moments) -> NDArray[np.float64]:
    noise = model.arrays["obs_cov"]
    observed = ~np.isnan(model.y).all(axis=-1)  # (B, T); what is missing in part still has a moment
    second = moments.disturbance[..., None] * moments.disturbance[..., None, :] + moments.disturbance_var
    if noise.shape[0] == noise.shape[1] == 1:
        mean = second[observed].mean(axis=0)
        return np.ascontiguousarray((0.5 * (mean + mean.T))[None, None])
    all_noise = np.broadcast_to(noise, second.shape)[observed]
    factor = np.trace(np.linalg.solve(all_noise, second[observed]), axis1=-2, axis2=-1).mean() / model.p
    return np.asarray(noise * factor)


def _state_noise(model: Model, moments: _Moments) -> NDArray[np.float64]:
    noise = model.arrays["state_cov"]
    steps = model.batch * (model.steps - 1)
    total = moments.transition_sum.sum(axis=0)
    if noise.ndim == 3:
        q = noise[0, 0]
        return np.asarray(np.maximum(q + q * q * np.diag(total) / steps, 0.0)[None, None])
    q = noise[0, 0]
    found = q + q @ total @ q / steps
    return np.ascontiguousarray((0.5 * (found + found.T))[None, None])


def _check_shared(model: Model, chosen: list[str]) -> None:
    for name in chosen:
        values = model.arrays[name]
        if name == "obs_cov":
            continue
        if len(values) > 1 or (name == "state_cov" and values.shape[1] > 1):
            raise ArgumentError(
                name, MISSING, "is estimated as one for all series and steps; give one to start from"
            )
    if "obs_cov" in chosen and not (np.diagonal(model.arrays["obs_cov"], axis1=-2, axis2=-1) > 0).all():
        raise ArgumentError("obs_cov", MISSING, "must be above 0 to be estimated; 0 remains 0")


def _as_given(model: Model, name: str) -> NDArray[Any]:
    """Without the axes along which it does not change."""
    values = model.arrays[name]
    if name == "obs_cov" and model.scalar:
        values = values[..., 0, 0]
    if name == "state_cov" and values.ndim == 3:
        values = values[..., None] * np.eye(model.n)
    if len(values) == 1:
        values = values[0]
        return np.asarray(values[0] if len(values) == 1 else values)
    return np.asarray(values[:, 0] if values.shape[1] == 1 and name != "obs_cov" else values)
