"""Seeds: of generators, of streams that do not shift each other, and of fields without a history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.refusals import ArgumentError, ArgumentTypeError

Hashes = NDArray[np.uint64]


def generator(rng: Any) -> np.random.Generator:
    """A generator of an integer, a SeedSequence, a Generator or None, or an error that names `rng`."""
    with _refusing(rng):
        return np.random.default_rng(rng)


def seed_of(rng: Any) -> np.random.SeedSequence:
    """A seed from which nothing has been spawned yet, of what :func:`generator` takes.

    A Generator gives another seed at each call.
    """
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence(rng.integers(2**63, size=2).tolist())
    if isinstance(rng, np.random.SeedSequence):  # a copy: one that has spawned would spawn others
        return np.random.SeedSequence(rng.entropy, spawn_key=rng.spawn_key)
    with _refusing(rng):
        return np.random.SeedSequence(rng)


def stream(seed: np.random.SeedSequence, *key: int) -> np.random.Generator:
    """The stream of a key: always the same for one seed, and independent of the streams of other keys."""
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key)))


@contextmanager
def _refusing(rng: Any) -> Iterator[None]:
    """Around NumPy's own check of a seed."""
    allowed = "must be an integer of at least 0, a SeedSequence, a Generator or None"
    try:
        yield
    except TypeError:
        raise ArgumentTypeError("rng", rng, allowed) from None
    except ValueError:
        raise ArgumentError("rng", rng, allowed) from None


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
