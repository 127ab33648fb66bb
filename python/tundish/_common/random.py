"""Seeds: of generators, and of fields that know their value at any place without a history."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats

Hashes = NDArray[np.uint64]


def generator(rng: Any) -> np.random.Generator:
    """A generator of an integer, a SeedSequence, a Generator or None, or an error that names `rng`."""
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng = {rng!r}: must be an integer of at least 0, a SeedSequence, a Generator or None"
        ) from None


def uniform(seed: int, column: NDArray[np.int64], row: NDArray[np.int64]) -> Floats:
    """Numbers of [0, 1) that belong to the nodes (column, row) of a lattice, broadcast against each other."""
    # One seed a lattice: multiples of large odd numbers part its nodes, and splitmix64 stirs them.
    with np.errstate(over="ignore"):
        mixed = _stirred(np.uint64(seed) + np.asarray(column, np.int64).astype(np.uint64) * _ODD[0])
        mixed = _stirred(mixed + np.asarray(row, np.int64).astype(np.uint64) * _ODD[1])
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


_ODD = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03))


def _stirred(value: Hashes) -> Hashes:
    """The finaliser of splitmix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(value ^ (value >> np.uint64(31)))
