"""What the peers of the filters are given and what they return.

Source: arXiv:2504.11319, Eqs. (1) to (4); masses in t, fractions in ppm, iron oxide in %. A peer is a
function of one of the models below. It sets everything up and returns what is timed: a call without arguments
that returns :class:`Filtered`. T heats, n states; a batch of B series has a leading axis.
"""

from typing import Any, NamedTuple, TypeVar

import numpy as np

Array = np.ndarray


class Dynamics(NamedTuple):
    """Independent states that revert to a mean: ``x[t + 1] = transition x[t] + state_intercept + noise``."""

    transition: float
    state_cov: Array  # (n,) variances of the noise
    state_intercept: Array  # (n,)
    initial_mean: Array  # (n,) expected before the first heat
    initial_cov: Array  # (n,) variances


class Linear(NamedTuple):
    """``y[t] = design[t] x[t] + noise``: an element that stays in the steel."""

    y: Array  # (T,) or (B, T), ppm t
    design: Array  # (T, n) or (B, T, n), t
    obs_cov: Array  # (T,) or (B, T), (ppm t)2
    dynamics: Dynamics


class Partition(NamedTuple):
    """``y = (masses fractions + addition) / (1 + (c1 + c2 iron_oxide) slag_ratio) + noise``.

    An element that parts between steel and slag. The states are the fractions of n - 2 types, then c1 and c2.
    """

    y: Array  # (T,) or (B, T), ppm t
    masses: Array  # (T, n - 2) or (B, T, n - 2), t
    addition: Array  # (T,) or (B, T), ppm t, with the hot metal
    slag_ratio: Array  # (T,) or (B, T), slag over steel
    iron_oxide: Array  # (T,) or (B, T), %
    obs_cov: Array  # (T,) or (B, T), (ppm t)2
    dynamics: Dynamics


class Filtered(NamedTuple):
    """What a filter finds; None is what it was set not to keep."""

    mean: Array | None  # (T, n) or (B, T, n)
    std: Array | None  # (T, n) or (B, T, n)
    loglik: Any  # a number or (B,)


Model = TypeVar("Model", Linear, Partition)
MATRICES = ("design", "masses")  # whose last axis is not the heats


def first(model: Model, heats: int) -> Model:
    """The first heats of a model."""
    cut = {
        name: value[..., :heats, :] if name in MATRICES else value[..., :heats]
        for name, value in model._asdict().items()
        if name != "dynamics"
    }
    return model._replace(**cut)


def one(model: Model, series: int) -> Model:
    """One series of a batch, whose heats may have their data in common."""
    chosen = {
        name: value[series]
        for name, value in model._asdict().items()
        if name != "dynamics" and value.ndim == (3 if name in MATRICES else 2)
    }
    return model._replace(**chosen)


def normal_loglik(innovation: Any, variance: Any) -> Any:
    """Logarithm of the normal density."""
    return -0.5 * (np.log(2 * np.pi * variance) + innovation**2 / variance)


def difference(found: Any, expected: Filtered) -> float:
    """The largest error: of means in standard deviations; of these and of the log-likelihood, relative."""
    apart = [np.abs(found.loglik / expected.loglik - 1)]
    if found.mean is not None:
        apart += [np.abs(found.mean - expected.mean) / expected.std, np.abs(found.std / expected.std - 1)]
    return max(float(np.max(each)) for each in apart)
