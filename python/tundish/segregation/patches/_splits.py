"""Splits of patches into groups that stay together. Functions of arrays: the sets themselves are above."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, choice, integer, number
from tundish._common.random import generator
from tundish._common.refusals import MISSING, ArgumentError

GROUPS = ("point", "billet", "sector")
_PROTOCOLS = ("published",)
_SECTORS = 8

Groups = NDArray[np.intp]
Mask = NDArray[np.bool_]


def share_of(name: str, value: object) -> float:
    """A share of the groups, between 0 and 1."""
    share = number(name, value)
    if not 0 < share < 1:
        raise ArgumentError(name, value, "must lie between 0 and 1")
    return share


def groups_by(by: str, point: Groups, billet: NDArray[Any], position: Floats | None) -> Groups:
    """(N,) numbers from 0 of what must stay together: points, billets or eighths of the section.

    `point`: (N,) numbers from 0 of the points; `billet`: (N,) ids; `position`: (N, 2) mm from the axis.
    """
    choice("by", by, GROUPS)
    if by == "point":
        return point
    if by == "billet":
        return np.unique(billet, return_inverse=True)[1]
    if position is None:
        raise ArgumentError("by", by, "needs position, which this set does not have")
    turn = np.arctan2(position[:, 1], position[:, 0]) / (2 * math.pi) % 1
    return np.unique(np.floor(turn * _SECTORS).astype(int) % _SECTORS, return_inverse=True)[1]


def single_patches(by: str | None, point: Groups, augmented: bool, protocol: str | None) -> Groups | None:
    """(N,) a number for each patch if single patches are split, None if `by` names their groups.

    Refuses copies on both sides of a split, unless the published protocol asks for them; warns of several
    patches of one point.
    """
    if protocol is not None:
        choice("protocol", protocol, _PROTOCOLS)
        if by not in (None, "point"):
            raise ArgumentError("by", by, "protocol='published' splits single patches; leave by out")
        return np.arange(len(point))
    if by is not None:
        return None
    if augmented:
        raise ArgumentError(
            "by",
            None,
            "the set is augmented, and copies of one point on both sides of a split are a leak (a nearest "
            "neighbour alone scores R2 = 1). Split by='point' and augment the training part, or name "
            "protocol='published'",
        )
    if point.max() + 1 < len(point):
        warnings.warn(
            "by = None: points have several patches, and those of one share their carbon: on both sides of a "
            "split they make errors look too small. Split by='point', or look at leak(train, test)",
            UserWarning,
            stacklevel=3,
        )
    return np.arange(len(point))


def tested_share(share: float, groups: Groups, by: str | None, rng: Any) -> Mask:
    """(N,) whether a patch is tested, where a share of the groups is, at least one on either side."""
    names = generator(rng).permutation(groups.max() + 1)
    _refuse_few(names.size, 2, by)
    tested = names[: min(max(round(share * names.size), 1), names.size - 1)]
    return np.isin(groups, tested)


def tested_folds(number_of_folds: int, groups: Groups, by: str, rng: Any) -> list[Mask]:
    """(N,) whether a patch is tested, for each fold of a cross-validation."""
    names = generator(rng).permutation(groups.max() + 1)
    _refuse_few(names.size, number_of_folds, by)
    return [np.isin(groups, names[n::number_of_folds]) for n in range(number_of_folds)]


def fold_count(value: object) -> int:
    """Number of folds, at least 2."""
    count = integer("number_of_folds", value)
    if count < 2:
        raise ArgumentError("number_of_folds", count, "must be at least 2")
    return count


def held_out_groups(share: float, groups: Groups, by: str, members: int, seed: int) -> Mask:
    """(members, N) whether a network validates on a patch instead of training on it."""
    names = np.random.default_rng([seed, 0xC0]).permutation(groups.max() + 1)
    if names.size < 2:
        text = f"by = {by!r} makes one group; at least 2, to train and to validate, are needed"
        raise ArgumentError("patches", MISSING, text)
    count = min(max(round(share * names.size), 1), names.size - 1)
    chosen = (np.arange(members)[:, None] * count + np.arange(count)) % names.size
    held = np.array([np.isin(groups, names[row]) for row in chosen])
    fewest = int((~held).sum(axis=1).min())
    if fewest < 2:
        raise ArgumentError("patches", MISSING, f"leave {fewest} to train on; at least 2 are needed")
    return held


def _refuse_few(groups: int, needed: int, by: str | None) -> None:
    if groups < needed:
        raise ArgumentError("by", by, f"makes {groups} of the {needed} groups that are needed")
