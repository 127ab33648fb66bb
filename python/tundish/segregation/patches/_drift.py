"""Whether new images look like those that a network was trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish.segregation.patches._handcrafted import FEATURE_NAMES

_PERMUTATIONS = 999
_SIGNIFICANT = 0.01
_OUTLIER = 0.99  # quantile of the training points' distances to their nearest


class Drift(NamedTuple):
    """How far new images are from the training's.

    - `p_value`: of the permutation test of the energy distance (Székely and Rizzo, 2004) between the features
      of the new and of the training points, 999 permutations: at least 0.001.
    - `distance`: the energy distance, in standard deviations of the training's features.
    - `flag`: whether p_value is at most 0.01.
    - `outlier`: (points,) whether a new point's nearest in training is farther than that of 99 % of the
      training points.
    - `shifts`: {feature: shift of its mean, in standard deviations of the training's}, largest first.
    """

    p_value: float
    distance: float
    flag: bool
    outlier: NDArray[np.bool_]
    shifts: dict[str, float]


def point_means(features: Floats, group: NDArray[np.intp]) -> Floats:
    """(points, k) means over the patches of each point: copies are no further evidence."""
    sums = np.zeros((int(group.max()) + 1, features.shape[1]))
    np.add.at(sums, group, features)
    return sums / np.bincount(group)[:, None]


def drift(known: Floats, asked: Floats, seed: int) -> Drift:
    """The test of the features (points, k) of new images against those of the training."""
    scale = known.std(axis=0)
    used = scale > 1e-9 * np.maximum(1.0, np.abs(known).max(axis=0))
    middle, scale = known.mean(axis=0), np.where(used, scale, 1.0)
    # What was the same in all of the training cannot be scaled: any change of it is a shift without bound.
    both = np.concatenate([known - middle, asked - middle]) / scale
    shift = both[len(known) :].mean(axis=0)
    between = _distances(both)
    new = np.arange(len(both)) >= len(known)
    rng = np.random.default_rng(seed)
    observed = _energy(between, new)
    beyond = sum(_energy(between, rng.permutation(new)) >= observed for _ in range(_PERMUTATIONS))
    p_value = (1 + beyond) / (1 + _PERMUTATIONS)
    nearest = between.copy()
    np.fill_diagonal(nearest, np.inf)
    usual = nearest[: len(known), : len(known)].min(axis=1)
    outlier = nearest[len(known) :, : len(known)].min(axis=1) > np.quantile(usual, _OUTLIER)
    largest = np.argsort(-np.abs(shift), kind="stable")
    shifts = {FEATURE_NAMES[k]: float(shift[k]) for k in largest}
    return Drift(p_value, observed, p_value <= _SIGNIFICANT, outlier, shifts)


def _distances(rows: Floats) -> Floats:
    square = np.sum(rows**2, axis=1)
    return np.asarray(np.sqrt(np.maximum(square[:, None] + square[None, :] - 2 * rows @ rows.T, 0.0)))


def _energy(between: Floats, new: NDArray[np.bool_]) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'|, at least 0."""
    side = np.where(new, -1.0 / new.sum(), 1.0 / (~new).sum())
    return max(-float(side @ between @ side), 0.0)
