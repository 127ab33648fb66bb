"""Small series, films and settings for the forecaster of a flux."""

from __future__ import annotations

from typing import Any

import numpy as np

from tundish.crystallization import FluxForecaster, FrameSequence

SMALL: dict[str, Any] = dict(window=8, units=4, horizons=(1, 5), epochs=3, device="cpu")


def wave(length: int = 90, columns: int = 2, rng: int = 0) -> np.ndarray[Any, Any]:
    """Waves of different heights and phases, with a little noise."""
    time, column = np.arange(length)[:, None], np.arange(columns)
    clean = (column + 1) * np.sin(time / 9 + column)
    return clean + np.random.default_rng(rng).normal(0, 0.02, clean.shape)


def frames(length: int = 70, rng: int = 0, gap: bool = False, least: float = 1.0) -> FrameSequence:
    """A disc of at least this radius that grows on a dark melt; every frame is 24 x 24 px."""
    y, x = np.mgrid[:24, :24] - 11.5
    random = np.random.default_rng(rng)
    radius = least + 9 * np.clip((np.arange(length) - 10) / length, 0, 1)
    images = 50 + 120 * (np.hypot(x, y)[None] < radius[:, None, None]) + random.normal(0, 3, (length, 24, 24))
    time = np.arange(length, dtype=float)
    if gap:
        time[length // 2 :] += 2
    return FrameSequence(np.clip(images, 0, 255).astype(np.uint8), time, mask=np.hypot(x, y) < 11)


def same(a: FluxForecaster, b: FluxForecaster, steps: int = 12) -> bool:
    pairs = zip(a.forecast(steps), b.forecast(steps), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)
