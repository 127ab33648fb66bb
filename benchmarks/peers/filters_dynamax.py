"""dynamax's Kalman filter and unscented filter: JAX, compiled before they are timed, float64.

Both return all covariances. Filtering in blocks of heats, each going on from the last one's end, in one
compiled call, leaves these in the processor's caches and only their diagonals in memory: it is a tenth
faster.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .filters_model import Dynamics, Filtered, Linear, Partition

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of what dynamax imports
    from dynamax.linear_gaussian_ssm.inference import lgssm_filter, make_lgssm_params
    from dynamax.nonlinear_gaussian_ssm.inference_ukf import UKFHyperParams, unscented_kalman_filter
    from dynamax.nonlinear_gaussian_ssm.models import ParamsNLGSSM

jax.config.update("jax_enable_x64", True)
BLOCK = 100  # heats
State = tuple[Any, Any]  # mean and covariance expected before a heat


def linear(model: Linear) -> Callable[[], Filtered]:
    """`lgssm_filter` of one series, with weights of the emission that change in time."""
    return _compiled(_linear, model)


def partition(model: Partition) -> Callable[[], Filtered]:
    """`unscented_kalman_filter` of one series, kappa = 3 - n."""
    return _compiled(_partition, model)


def _compiled(filtering: Callable[..., Any], model: Linear | Partition) -> Callable[[], Filtered]:
    heats = len(model.y)
    block = heats if heats % BLOCK else BLOCK
    given = jax.device_put(model)
    work = jax.jit(partial(filtering, block)).lower(given).compile()

    def call() -> Filtered:
        mean, std, loglik = jax.block_until_ready(work(given))
        return Filtered(np.asarray(mean), np.asarray(std), float(loglik))

    return call


def _linear(block: int, model: Linear) -> Any:
    dynamics, n = model.dynamics, model.design.shape[1]
    transition, noise = dynamics.transition * jnp.eye(n), jnp.diag(dynamics.state_cov)

    def filtering(state: State, heats: Any) -> Any:
        y, design, obs_cov = heats
        parameters = make_lgssm_params(
            *state, transition, noise, design[:, None, :], obs_cov[:, None, None], dynamics.state_intercept
        )
        return lgssm_filter(parameters, y[:, None])

    return _in_blocks(block, filtering, dynamics, (model.y, model.design, model.obs_cov))


def _partition(block: int, model: Partition) -> Any:
    dynamics, n = model.dynamics, model.masses.shape[1] + 2
    points = UKFHyperParams(alpha=1.0, beta=0.0, kappa=3.0 - n)

    def move(x: Any, heat: Any) -> Any:
        return dynamics.transition * x + dynamics.state_intercept

    def observe(x: Any, heat: Any) -> Any:
        addition, slag_ratio, iron_oxide = heat[n - 2 :]
        element = heat[: n - 2] @ x[: n - 2] + addition
        return (element / (1 + (x[n - 2] + x[n - 1] * iron_oxide) * slag_ratio))[None]

    def filtering(state: State, heats: Any) -> Any:
        y, inputs, obs_cov = heats
        noise = jnp.diag(dynamics.state_cov)
        parameters = ParamsNLGSSM(*state, move, noise, observe, obs_cov[:, None, None])
        fields = ["filtered_means", "filtered_covariances"]
        return unscented_kalman_filter(parameters, y[:, None], points, inputs, fields)

    others = jnp.stack([model.addition, model.slag_ratio, model.iron_oxide], axis=1)
    inputs = jnp.concatenate([model.masses, others], axis=1)
    return _in_blocks(block, filtering, dynamics, (model.y, inputs, model.obs_cov))


def _in_blocks(block: int, filtering: Callable[..., Any], dynamics: Dynamics, heats: Any) -> Any:
    """Means, standard deviations and log-likelihood of `filtering(state, heats)` of all heats."""

    def step(state: State, heats: Any) -> Any:
        found = filtering(state, heats)
        mean, cov = found.filtered_means, found.filtered_covariances
        following = (
            dynamics.transition * mean[-1] + dynamics.state_intercept,
            dynamics.transition**2 * cov[-1] + jnp.diag(dynamics.state_cov),
        )
        return following, (mean, jnp.sqrt(jnp.diagonal(cov, axis1=1, axis2=2)), found.marginal_loglik)

    start = (dynamics.initial_mean, jnp.diag(dynamics.initial_cov))
    blocks = [each.reshape(-1, block, *each.shape[1:]) for each in heats]
    _, (mean, std, loglik) = jax.lax.scan(step, start, blocks)
    n = mean.shape[-1]
    return mean.reshape(-1, n), std.reshape(-1, n), loglik.sum()
