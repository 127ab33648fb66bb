"""The law of Johnson, Mehl, Avrami and Kolmogorov, and its derivatives."""

from __future__ import annotations

import numpy as np

from tundish._common.arguments import Floats


def law(time: Floats, at: Floats) -> Floats:
    """X at log(rate), log(exponent), onset."""
    rate, exponent = np.exp(at[:2])
    extended: Floats = (rate * np.clip(time - at[2], 0, None)) ** exponent
    return -np.expm1(-extended)


def slopes(time: Floats, at: Floats) -> Floats:
    """(n, 3) of the means of X over the times, (n, k), by log(rate), log(exponent) and onset."""
    rate, exponent = np.exp(at[:2])
    after = time - at[2]
    inside = np.clip(after, 1e-300, None)
    extended = np.where(after > 0, (rate * inside) ** exponent, 0.0)
    common = np.exp(-extended) * extended * exponent
    by = np.stack([common, common * np.log(rate * inside), -common / inside], axis=-1)
    return np.asarray(by.mean(axis=1))
