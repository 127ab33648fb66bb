"""Random streams that do not shift each other."""

from __future__ import annotations

from typing import Any

import numpy as np


def seed_of(rng: Any) -> np.random.SeedSequence:
    """A seed that nobody has spawned from yet. Raises ValueError or TypeError naming `rng`."""
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence(rng.integers(2**63, size=2).tolist())
    if isinstance(rng, np.random.SeedSequence):  # a copy: one that has spawned would spawn others
        return np.random.SeedSequence(rng.entropy, spawn_key=rng.spawn_key)
    try:
        return np.random.SeedSequence(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng = {rng!r}: must be an integer of at least 0, a SeedSequence, a Generator or None"
        ) from None


def stream(seed: np.random.SeedSequence, *key: int) -> np.random.Generator:
    """The stream of this key: always the same of one seed, and independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key)))
