"""Weights of several forecasts, learnt from those that have come true."""

from __future__ import annotations

import numpy as np

from tundish._common.arguments import Floats

MEMORY = 0.95  # of the errors, from one value to the next
EAGERNESS = 1.0
_NOTHING = 1e-9  # of the series' usual step


class Blend:
    """A mean of m forecasts whose weights follow their errors.

    For each step h ahead and each series the weight of a forecast is its prior times
    exp(-n / sqrt(h) · E / E0): E is its mean absolute error, E0 that of the first forecast, persistence,
    both with a memory of 0.95 a value, and n the sum of those memories, at most 20. Errors h steps ahead
    overlap, so they say less (the root). Exponential weights are those of N. Littlestone and M. K. Warmuth,
    Information and Computation 108 (1994) 212, doi:10.1006/inco.1994.1009.
    """

    def __init__(self, prior: Floats, usual: Floats) -> None:
        self.prior = prior  # (steps, m)
        self.error = np.zeros((len(prior), usual.size, prior.shape[1]))
        self.number = np.zeros((len(prior), usual.size))
        self.least = np.maximum(_NOTHING * usual, np.finfo(float).tiny)

    def weights(self) -> Floats:
        """(steps, k, m), whose sum over m is 1."""
        error = self.error + self.least[None, :, None]
        ahead = np.sqrt(np.arange(1, len(error) + 1))[:, None, None]
        told = EAGERNESS * self.number[..., None] / ahead * error / error[..., :1]
        log = np.log(self.prior)[:, None] - told
        weight = np.exp(log - log.max(axis=-1, keepdims=True))
        return np.asarray(weight / weight.sum(axis=-1, keepdims=True))

    def learn(self, outlooks: list[Floats], value: Floats) -> None:
        """Takes a new value (k,), for which outlooks[h] (steps, k, m) was made h + 1 steps ago."""
        if not np.isfinite(value).all():
            return
        for h, outlook in enumerate(outlooks):
            self.error[h] = MEMORY * self.error[h] + np.abs(outlook[h] - value[:, None])
            self.number[h] = MEMORY * self.number[h] + 1
