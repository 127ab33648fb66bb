"""Intervals that learn from the forecasts that have come true: adaptive conformal inference."""

from __future__ import annotations

import math

import numpy as np

from tundish._arrays import Floats

STEP = 0.05
LAST = 130  # scores
_ROUNDING = 1e-9  # of (scores + 1) · level, which may be a whole number


class AdaptiveConformal:
    """Half-widths about forecasts of 1 to `steps` steps of `channels` series.

    Adaptive conformal inference (Gibbs and Candès, NeurIPS 2021, arXiv:2106.00170, eq. 2) for each step ahead
    and each series by itself: the half-width is the quantile 1 - a of the last 130 absolute errors that are
    known, and a, which starts at 1 - level, becomes a + 0.05 / sqrt(h) (1 - level - e) when a forecast over
    h steps comes true; e is 1 if it was missed and 0 if not. Errors come h steps after the forecast: with
    one gain for all h, a overshoots for the long ones. For a at or below 0 the half-width is the largest of
    all known errors.

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
        return _filled(band.latest)


class _Band:
    """The half-widths of one level, as far as the scores were followed."""

    def __init__(self, level: float, steps: int, channels: int) -> None:
        self.missed = 1 - level
        self.share = np.full((steps, channels), 1 - level)
        self.largest = np.full((steps, channels), np.nan)
        self.latest = self.largest
        self.widths: list[Floats] = []  # of the last forecasts, the latest first
        self.followed = 0

    def follow(self, scores: list[Floats]) -> None:
        while self.followed < len(scores):
            self._learn(scores[self.followed])
            self.followed += 1
            known = np.stack(scores[max(0, self.followed - LAST) : self.followed])
            self.latest = self._quantiles(known)
            self.widths = [self.latest, *self.widths[: len(self.share) - 1]]

    def _learn(self, score: Floats) -> None:
        self.largest = np.fmax(self.largest, score)
        for h, width in enumerate(self.widths):
            told = np.isfinite(score[h]) & np.isfinite(width[h])
            gain = STEP / math.sqrt(h + 1)
            self.share[h] += np.where(told, gain * (self.missed - (score[h] > width[h])), 0.0)

    def _quantiles(self, known: Floats) -> Floats:
        """The ceil((1 - a)(n + 1))-th smallest of n scores."""
        count = np.isfinite(known).sum(axis=0)
        rank = np.ceil((1 - self.share) * (count + 1) - _ROUNDING).astype(int)
        place = np.clip(rank - 1, 0, np.maximum(count - 1, 0))
        # NaN sorts last.
        found = np.take_along_axis(np.sort(known, axis=0), place[None], axis=0)[0]
        found = np.where(rank < 1, 0.0, found)
        return np.where(count > 0, np.where(self.share <= 0, self.largest, found), np.nan)


def _filled(widths: Floats) -> Floats:
    """Widths where none are known, by those of the longest step before."""
    filled = widths.copy()
    for h in range(1, len(filled)):
        unknown = np.isnan(filled[h])
        filled[h, unknown] = filled[h - 1, unknown] * math.sqrt((h + 1) / h)
    return filled
