"""Models and readings that several tests of the filters share."""

from __future__ import annotations

from typing import Any

import numpy as np

from references.filtering import System, random_system

DECAY = 0.02  # of the heats


def scrap_like(n: int, steps: int, seed: int = 0, decay: Any = 7e-4, batch: int = 1) -> dict[str, Any]:
    """A mean-reverting state with a batch of observations, in the arguments' short forms."""
    rng = np.random.default_rng(seed)
    q = rng.uniform(200, 5000, n)
    masses = rng.uniform(0, 1, (steps, n))
    masses *= 70 / masses.sum(axis=1, keepdims=True)
    f = 1 - np.broadcast_to(np.asarray(decay, float), n)
    state_cov = (1 - f) ** 2 * 5 * q**2
    y = masses @ q + 3450 * rng.standard_normal((batch, steps))
    y[rng.random(y.shape) < 0.1] = np.nan
    return {
        "y": y,
        "design": masses,
        "obs_cov": (10 * rng.uniform(340, 350, steps)) ** 2,
        "transition": f,
        "state_cov": state_cov,
        "state_intercept": (1 - f) * q,
        "initial_mean": q,
        "initial_cov": 0.05 * q**2,
    }


def system_of(arguments: dict[str, Any], series: int = 0) -> System:
    """The same with every matrix of every step, for the reference."""
    a = arguments
    steps, n = a["design"].shape
    each = lambda x, *shape: np.broadcast_to(x, (steps, *shape))  # noqa: E731
    f = np.diag(a["transition"])
    return System(
        a["y"][series][:, None],
        a["design"][:, None],
        a["obs_cov"][:, None, None],
        np.zeros((steps, 1)),
        each(f, n, n),
        each(np.diag(a["state_cov"]), n, n),
        each(a["state_intercept"], n),
        a["initial_mean"],
        np.diag(a["initial_cov"]),
    )


def nonlinear(points: Any, t: int) -> Any:
    """Of states of any number: something smooth that depends on the step."""
    return np.sin(points[..., 0]) + points[..., -1] ** 2 / 4 + 0.1 * t * points.sum(axis=-1)


def arguments_of(n: int, steps: int = 25, batch: int = 1) -> dict[str, Any]:
    rng = np.random.default_rng(n)
    s = random_system(n, steps, n)
    y = rng.standard_normal((batch, steps))
    y[:, 3] = np.nan
    return {
        "y": y,
        "obs_cov": 0.7,
        "transition": s.transition[0],
        "state_cov": s.state_cov[0],
        "state_intercept": s.state_intercept[0],
        "initial_mean": s.initial_mean,
        "initial_cov": s.initial_cov,
    }


def heats(n: int, steps: int, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    q = np.r_[rng.uniform(200, 3000, n), 9.7, 0.01]
    masses = rng.uniform(0, 1, (steps, n))
    masses *= 70 / masses.sum(axis=1, keepdims=True)
    addition, ratio = rng.uniform(280, 290, steps) * 100, rng.uniform(20, 30, steps) / 345
    oxide = rng.uniform(20, 30, steps)
    y = (masses @ q[:n] + addition) / (1 + (9.7 + 0.01 * oxide) * ratio) + 1700 * rng.standard_normal(steps)
    y[4 % steps] = np.nan
    return {
        "y": y,
        "design": masses,
        "addition": addition,
        "slag_ratio": ratio,
        "feo_pct": oxide,
        "obs_cov": 1700.0**2,
        "transition": np.full(n + 2, 1 - DECAY),
        "state_cov": DECAY**2 * 5 * q**2,
        "state_intercept": DECAY * q,
        "initial_mean": q,
        "initial_cov": 0.05 * q**2,
    }
