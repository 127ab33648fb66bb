"""Local trends that are robust against jumps, and a blend of forecasts by their past errors."""

from __future__ import annotations

import numpy as np

from tundish._common.arguments import Floats

DAMPINGS = (0.8, 0.9, 0.95, 0.98, 1.0)

_FAVOURED = 100.0  # of the prior weights, where the others have 1
_MEMORY = 0.95  # of the errors, from one value to the next
_EAGERNESS = 1.0
_NOTHING = 1e-9  # of the series' usual step


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


def prior_weights(form: str, steps: int) -> Floats:
    """(steps, m): weights of forecasts before anything is known, of the networks alone in the form "level".

    In the form "change" they are those of persistence, 20 trends and the networks.
    Persistence, the median steps damped by 0.8 and 0.9, and the networks have 100 times the weight of each
    other; the networks less far ahead, by the root of the steps, since changes over h steps overlap and they
    have seen fewer that do not.
    """
    if form == "level":
        return np.ones((steps, 1))
    trend = np.ones((2, 2, len(DAMPINGS)))  # half and whole window; median step and line
    trend[:, 0, :2] = _FAVOURED
    prior = np.empty((steps, trend.size + 2))
    prior[:, 0], prior[:, 1:-1] = _FAVOURED, trend.reshape(-1)
    prior[:, -1] = _FAVOURED / np.sqrt(np.arange(1, steps + 1))
    return np.asarray(prior / prior.sum(axis=1, keepdims=True))


class Blend:
    """A mean of m forecasts whose weights follow their errors.

    For each step h ahead and each series the weight of a forecast is its prior times
    exp(-n / sqrt(h) · E / E0): E is its mean absolute error, E0 that of the first forecast, persistence,
    both with a memory of 0.95 a value, and n the sum of those memories, at most 20. Errors h steps ahead
    overlap, so they are worth less (the root). Exponential weights are those of N. Littlestone and M. K.
    Warmuth, Information and Computation 108 (1994) 212, doi:10.1006/inco.1994.1009.
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
        evidence = _EAGERNESS * self.number[..., None] / ahead * error / error[..., :1]
        log = np.log(self.prior)[:, None] - evidence
        weight = np.exp(log - log.max(axis=-1, keepdims=True))
        return np.asarray(weight / weight.sum(axis=-1, keepdims=True))

    def mean(self, parts: Floats) -> Floats:
        """(..., steps, k) of parts (..., steps, k, m), exactly what all parts are if they are the same.

        The weights of the last step that is followed are those of all steps beyond.
        """
        weights = self.weights()
        first = parts[..., 0]
        weights = weights[np.minimum(np.arange(first.shape[-2]), len(weights) - 1)]
        return np.asarray(first + ((parts - first[..., None]) * weights).sum(axis=-1))

    def state(self) -> dict[str, Floats]:
        """What `restore` takes."""
        return {"blend.error": self.error, "blend.number": self.number, "blend.least": self.least}

    def restore(self, state: dict[str, Floats]) -> None:
        """Goes back to where a blend with the same prior was."""
        self.error, self.number = state["blend.error"], state["blend.number"]
        self.least = state["blend.least"]

    def learn(self, outlooks: list[Floats], value: Floats) -> None:
        """Takes a new value (k,), for which outlooks[h] (steps, k, m) was made h + 1 steps ago."""
        if not np.isfinite(value).all():
            return
        for h, outlook in enumerate(outlooks):
            self.error[h] = _MEMORY * self.error[h] + np.abs(outlook[h] - value[:, None])
            self.number[h] = _MEMORY * self.number[h] + 1
