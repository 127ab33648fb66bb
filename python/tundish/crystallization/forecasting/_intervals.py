"""Intervals that learn from the forecasts that have come true: adaptive conformal ones."""

from __future__ import annotations

import math

import numpy as np

from tundish._common.arguments import Floats

GAIN = 0.1
LAST = 130  # errors


class AdaptiveConformal:
    """Half-widths about forecasts of 1 to `steps` steps of `channels` series.

    A half-width is f times the quantile `level` of the last 130 absolute errors, for each step ahead and each
    series. The factor f, of a step ahead and of all series together, starts at 1 and becomes
    f + 0.1 (m - 1 + level), not below 0, whenever a forecast comes true; m is the share of the series that it
    missed. So in the long run a share `level` is hit, whatever the errors do: quantile tracking
    (A. N. Angelopoulos, E. J. Candès and R. J. Tibshirani, NeurIPS 2023, arXiv:2307.16895, section 2.1) of
    errors in units of their running quantile. An error h steps ahead is known h steps after the forecast.

    A step ahead of which no error is known has the half-width of the step before it times the square root of
    their ratio, as for a random walk.
    """

    def __init__(self, steps: int, channels: int) -> None:
        self.steps, self.channels = steps, channels
        self.scores: list[Floats] = []
        self._bands: dict[float, _Band] = {}

    def add(self, score: Floats) -> None:
        """Takes (steps, channels) absolute errors, row h of the forecast h + 1 steps ago, or NaN."""
        self.scores.append(score)

    def half_widths(self, level: float) -> Floats:
        """(steps, channels) of forecasts that are made now."""
        band = self._bands.setdefault(level, _Band(level, self.steps, self.channels))
        band.follow(self.scores)
        return _filled(band.width)


class _Band:
    """The half-widths of one level, as far as the errors were followed."""

    def __init__(self, level: float, steps: int, channels: int) -> None:
        self.level = level
        self.factor = np.ones(steps)
        self.width = np.full((steps, channels), np.nan)
        self.before: list[Floats] = []  # widths of the last forecasts, the latest first
        self.followed = 0

    def follow(self, scores: list[Floats]) -> None:
        while self.followed < len(scores):
            self.followed += 1
            self._learn(np.stack(scores[max(0, self.followed - LAST) : self.followed]))
            self.before = [self.width, *self.before[: len(self.width) - 1]]

    def _learn(self, known: Floats) -> None:
        """Takes the last errors (n, steps, channels)."""
        for h, used in enumerate(self.before):
            score = known[-1, h]
            if np.isfinite(score).all() and np.isfinite(used[h]).all():
                missed = float((score > used[h]).mean())
                self.factor[h] = max(self.factor[h] + GAIN * (missed - 1 + self.level), 0.0)
        self.width = self.factor[:, None] * _quantile(known, self.level)


def _quantile(known: Floats, level: float) -> Floats:
    """(steps, channels): numpy.nanquantile over the first axis, and NaN where all is; 20 times faster."""
    ranked = np.sort(known, axis=0)  # NaN last
    number = np.isfinite(known).sum(axis=0)
    place = level * np.maximum(number - 1, 0)
    below = place.astype(int)
    above = np.minimum(below + 1, np.maximum(number - 1, 0))
    low, high = (np.take_along_axis(ranked, each[None], axis=0)[0] for each in (below, above))
    return np.asarray(low + (place - below) * (high - low))


def _filled(widths: Floats) -> Floats:
    """Widths where none are known, by those of the step before."""
    filled = widths.copy()
    for h in range(1, len(filled)):
        unknown = np.isnan(filled[h])
        filled[h, unknown] = filled[h - 1, unknown] * math.sqrt((h + 1) / h)
    return filled
