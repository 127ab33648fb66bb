"""How the scrap of simulated heats is made up, as in section 3.2.1 of arXiv:2504.11319."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, choice, integer, number
from tundish._common.refusals import ArgumentError

RECIPES = ("sparse", "identity", "full-rank", "low-rank")
_CHARGE = 70.0  # t of scrap a heat
_DENSITY = 0.1
_FREQUENT = (0.9, 3.4)  # extra share of the frequent types, before the charge is scaled


def charges(
    recipe: str, heats: int, types: int, random: np.random.Generator, condition_number: float, rank: int
) -> Floats:
    """(T, n) t, rows that add up to 70."""
    recipes: dict[str, Callable[[], Floats]] = {
        "sparse": lambda: _sparse(heats, types, random),
        "identity": lambda: np.eye(types)[np.arange(heats) % types],
        "full-rank": lambda: _full_rank(heats, types, random, condition_number),
        "low-rank": lambda: _low_rank(heats, types, random, rank),
    }
    shares = recipes[choice("recipe", recipe, RECIPES)]()
    return np.asarray(_CHARGE * shares / shares.sum(axis=1, keepdims=True))


def _sparse(heats: int, types: int, random: np.random.Generator) -> Floats:
    used = random.random((heats, types)) < _DENSITY
    used[np.arange(heats), random.integers(types, size=heats)] |= ~used.any(axis=1)
    shares = np.where(used, random.random((heats, types)), 0.0)
    frequent = sorted({0, (types - 1) // 2, types - 1})
    shares[:, frequent] += random.uniform(*_FREQUENT, (heats, len(frequent)))
    return shares


def _low_rank(heats: int, types: int, random: np.random.Generator, rank: int) -> Floats:
    if not 1 <= integer("rank", rank) <= min(heats, types):
        raise ArgumentError("rank", rank, f"must be between 1 and {min(heats, types)}, heats and types")
    return np.asarray(random.random((heats, rank)) @ random.random((rank, types)))


def _full_rank(heats: int, types: int, random: np.random.Generator, condition_number: float) -> Floats:
    """Non-negative rows of sum 1 whose singular values fall geometrically over `condition_number`.

    The matrix of equal shares 1/n has one singular value, sqrt(T/n), and vectors of equal entries. What is
    added is orthogonal to both, so that its singular values are the others, and rows still add up to 1. The
    largest of them is as large as non-negative shares allow.
    """
    wanted = number("condition_number", condition_number)
    if not (math.isfinite(wanted) and wanted >= 1):
        raise ArgumentError("condition_number", wanted, "must be finite and at least 1")
    if types == 1:
        return np.ones((heats, 1))
    if heats <= types:
        raise ArgumentError("heats", heats, f"must be above types = {types} for recipe = 'full-rank'")
    left, right = _orthogonal_to_ones(heats, types - 1, random), _orthogonal_to_ones(types, types - 1, random)
    top = math.sqrt(heats / types)
    smallest = top / wanted
    fall = np.linspace(0, 1, types - 1) if types > 2 else np.ones(1)

    def variation(largest: float) -> Floats:
        return np.asarray((left * (largest ** (1 - fall) * smallest**fall)) @ right.T)

    def fits(largest: float) -> bool:
        return bool(variation(largest).min() >= -1 / types)

    if not fits(smallest):
        allowed = f"too small for {types} types and non-negative masses"
        raise ArgumentError("condition_number", wanted, allowed)
    low, high = math.log(smallest), math.log(top)
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(math.exp(middle)) else (low, middle)
    # What rounding leaves below 0 where the variation just fits is 0.
    return np.maximum(1 / types + variation(math.exp(low)), 0.0)


def _orthogonal_to_ones(size: int, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(size, count) orthonormal columns that each add up to 0, uniformly random."""
    columns = np.column_stack([np.ones(size), random.standard_normal((size, count))])
    return np.asarray(np.linalg.qr(columns)[0][:, 1:])
