"""Intervals from what networks got wrong at the points that they were not trained on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.optional import optional

_ROUNDING = 1e-9  # of (points + 1) · level, which may be a whole number
_CHUNK = 4096  # patches at a time


class Calibration(NamedTuple):
    """What is known of the errors at points that were held out.

    - `error`: (n,) absolute errors, wt%, of the mean of the networks that did not see the patch.
    - `weight`: (n,) 1 / the number of patches of the same point: a point counts once.
    - `held`: (members, n) whether a network did not see the patch. Every patch has one that did not.
    """

    error: Floats
    weight: Floats
    held: NDArray[np.bool_]

    @property
    def points(self) -> int:
        """Number of points that were held out."""
        return round(float(self.weight.sum()))

    def method(self, level: float) -> str:
        """ "conformal", or "student" where there are too few points for it."""
        return "conformal" if level * (self.points + 1) <= self.points + _ROUNDING else "student"


def calibrate(
    predictions: Floats, carbon: Floats, held: NDArray[np.bool_], group: NDArray[np.intp]
) -> Calibration:
    """The calibration by (members, N) predictions of carbon (N,), where networks saw all but what is held."""
    rows = np.flatnonzero(held.any(axis=0))
    kept, sizes = held[:, rows], np.bincount(group[rows])
    mean = np.sum(predictions[:, rows] * kept, axis=0) / kept.sum(axis=0)
    return Calibration(np.abs(mean - carbon[rows]), 1 / sizes[group[rows]], kept)


def intervals(predictions: Floats, calibration: Calibration, level: float) -> Floats:
    """(N, 2) bounds from (members, N) predictions, by CV+ over points (Barber et al., Ann. Stat. 49, 2021).

    Each held-out patch says: the mean of the networks that did not see it, plus or minus its error. The upper
    bound is the ceil(level · (points + 1))-th smallest of the upper ends, and the lower bound likewise, every
    point counting once. So the networks' disagreement widens the interval where they disagree. Where the
    points are too few for the level, the errors are taken as normal: Student's t with as many degrees of
    freedom as points, times the root mean square error and sqrt(1 + 1/points); or as far as the farthest end,
    if that is farther.
    """
    share = calibration.held / calibration.held.sum(axis=0)
    bounds = [
        _bounds(predictions[:, n : n + _CHUNK], calibration, share, level)
        for n in range(0, predictions.shape[1], _CHUNK)
    ]
    return np.concatenate(bounds) if bounds else np.empty((0, 2))


def _bounds(predictions: Floats, calibration: Calibration, share: Floats, level: float) -> Floats:
    middle = predictions.mean(axis=0)
    unseen = predictions.T @ share
    error, weight, points = calibration.error, calibration.weight, calibration.points
    rank = min(level * (points + 1), points) - _ROUNDING
    lower, upper = -_ranked(error - unseen, weight, rank), _ranked(error + unseen, weight, rank)
    if calibration.method(level) == "student":
        quantile = float(optional("scipy.stats", "vision").t.ppf((1 + level) / 2, points))
        half = quantile * math.sqrt(float(weight @ error**2) / points * (1 + 1 / points))
        centre = unseen @ (weight / points)
        lower, upper = np.minimum(lower, centre - half), np.maximum(upper, centre + half)
    return np.stack([np.minimum(lower, middle), np.maximum(upper, middle)], axis=1)


def _ranked(values: Floats, weight: Floats, rank: float) -> Floats:
    """(N,) the smallest value of each row at which the weights of those up to it reach the rank."""
    order = np.argsort(values, axis=1)
    reached = np.cumsum(weight[order], axis=1) >= rank
    # Rounding of sums: the last value reaches whatever the sum of all should.
    reached[:, -1] = True
    place = np.argmax(reached, axis=1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, order[rows, place]])
