"""Compositions that are not negative: what is known of a heat, conditioned on it or moved to the nearest."""

from __future__ import annotations

import math

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.optional import optional

METHODS = ("truncation", "projection")
_CLEAR = 9.0  # standard deviations above 0, from which on what lies below it is less than rounding
_MAX_ROUNDS = 200
_SETTLED = 1e-6  # standard deviations that no mean, and share that no variance changes by in the last round


def nonnegative(method: str, mean: Floats, cov: Floats, types: int) -> tuple[Floats, Floats]:
    """Mean and standard deviation (T, k) of states whose first `types` components are not negative.

    `mean` (T, k) and `cov` (T, k, k) are those without that knowledge; they are not changed.
    """
    if method == "truncation":
        mean, cov = _truncated(mean.copy(), cov.copy(), types)
    else:
        mean = _projected(mean, cov, types)
    return mean, np.sqrt(np.maximum(np.diagonal(cov, axis1=1, axis2=2), 0.0))


def _truncated(mean: Floats, cov: Floats, types: int) -> tuple[Floats, Floats]:
    """Moments of the normal distribution truncated at 0, in place.

    One component after another, as Simon and Simon, International Journal of Systems Science 41 (2010) 159;
    then round again until each has the moments of its own truncation, the others' taken as normal factors:
    expectation propagation, Cunningham et al., arXiv:1111.6832. Exact for one component, and for independent
    ones.
    """
    # What the truncation of each component has brought to it: inverse variance, and mean times that.
    sharpness, weight = np.zeros((len(mean), types)), np.zeros((len(mean), types))
    heats = np.arange(len(mean))
    for _ in range(_MAX_ROUNDS):
        moved = np.zeros(len(mean))
        for n in range(types):
            near = mean[heats, n] < _CLEAR * np.sqrt(cov[heats, n, n])
            some = heats[near | (sharpness[heats, n] != 0)]
            m, var = mean[some, n], cov[some, n, n]
            rest = 1 / (1 / var - sharpness[some, n])
            wanted, wanted_var = _truncated_moments(rest * (m / var - weight[some, n]), rest)
            sharpness[some, n] += 1 / wanted_var - 1 / var
            weight[some, n] += wanted / wanted_var - m / var
            column = cov[some, :, n] / var[:, None]
            mean[some] += (wanted - m)[:, None] * column
            cov[some] += (wanted_var - var)[:, None, None] * column[:, :, None] * column[:, None, :]
            change = np.abs(wanted - m) / np.sqrt(var) + np.abs(wanted_var / var - 1)
            moved[some] = np.maximum(moved[some], change)
        heats = heats[moved[heats] > _SETTLED]
        if not heats.size:
            return mean, cov
    raise RuntimeError(
        f"nonnegative = 'truncation': did not settle in {_MAX_ROUNDS} rounds; take 'projection'"
    )


def _truncated_moments(mean: Floats, var: Floats) -> tuple[Floats, Floats]:
    """Mean and variance of normal variables that are above 0."""
    log_ndtr = optional("scipy.special", "optimize").log_ndtr
    height = mean / np.sqrt(var)
    ratio = np.exp(-(height**2) / 2 - log_ndtr(height)) / math.sqrt(2 * math.pi)
    return mean + np.sqrt(var) * ratio, var * (1 - ratio * (ratio + height))


def _projected(mean: Floats, cov: Floats, types: int) -> Floats:
    """The nearest states whose components are not negative, in the metric of the inverse covariance.

    The other components follow by what they have in common with these.
    """
    nnls = optional("scipy.optimize", "optimize").nnls
    moved = mean.copy()
    for heat in np.flatnonzero((mean[:, :types] < 0).any(axis=1)):
        free = np.flatnonzero(np.diagonal(cov[heat])[:types] > 0)
        block = cov[heat][np.ix_(free, free)]
        inverse = np.linalg.inv(np.linalg.cholesky(block))
        nearest = nnls(inverse, inverse @ mean[heat, free])[0]
        step = np.linalg.solve(block, nearest - mean[heat, free])
        moved[heat] += cov[heat][:, free] @ step
        moved[heat, free] = nearest
    return moved
