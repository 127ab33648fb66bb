"""Local trends that jumps do not mislead, and how far they reach."""

from __future__ import annotations

import numpy as np

from tundish._common.arguments import Floats

DAMPINGS = (0.8, 0.9, 0.95, 0.98, 1.0)


def windows(values: Floats, origins: object, window: int) -> Floats:
    """(origins, window, k): the values before each origin."""
    return np.asarray(values[np.asarray(origins)[:, None] + np.arange(-window, 0)])


def reach(damping: float, steps: Floats) -> Floats:
    """How many steps of a trend a forecast over so many steps takes: the sum of damping^i, i = 1 to steps.

    E. S. Gardner and E. McKenzie, Management Science 31 (1985) 1237, doi:10.1287/mnsc.31.10.1237.
    """
    if damping == 1:
        return steps
    return damping * (1 - damping**steps) / (1 - damping)


def median_step(recent: Floats) -> Floats:
    """(n, k): the median of the steps of (n, window, k)."""
    return np.asarray(np.median(np.diff(recent, axis=1), axis=1))


def median_line(recent: Floats) -> tuple[Floats, Floats]:
    """(n, k) each: where the Theil-Sen line through (n, window, k) ends, and its slope a step.

    The slope is the median of those of all pairs (P. K. Sen, J. Am. Stat. Assoc. 63 (1968) 1379,
    doi:10.1080/01621459.1968.10480934), the height the median of what is left.
    """
    length = recent.shape[1]
    early, late = np.triu_indices(length, 1)
    slopes = (recent[:, late] - recent[:, early]) / (late - early)[None, :, None]
    slope = np.median(slopes, axis=1)
    left = recent - slope[:, None] * np.arange(1 - length, 1)[None, :, None]
    return np.asarray(np.median(left, axis=1)), np.asarray(slope)


def trends(recent: Floats, steps: int) -> Floats:
    """(n, steps, k, 20): forecasts of the change from the last value of (n, window, k).

    Of the last half of the window and of all of it, the median step and the median line, each damped by
    :data:`DAMPINGS`, in this order.
    """
    ahead = np.arange(1, steps + 1, dtype=float)
    found = []
    for part in (recent[:, -max(2, recent.shape[1] // 2) :], recent):
        height, slope = median_line(part)
        for start, step in ((np.zeros_like(height), median_step(part)), (height - recent[:, -1], slope)):
            for damping in DAMPINGS:
                distance = reach(damping, ahead)[None, :, None]
                found.append(start[:, None] + distance * step[:, None])
    return np.stack(found, axis=-1)
