"""How measured shares leave the law: a covariance of their errors, fitted by restricted likelihood."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish.crystallization.kinetics._law import law, slopes

_LONGEST = 1 / 8  # of the curve: errors that last longer cannot be separated from the curve itself
_NO_NOISE = 1e-9  # deviation of the share, below which there is none


class Errors(NamedTuple):
    """How measured shares leave the law: `constant` (white), `slow` (correlated), and `clock` (s).

    At shares X of the law and its slope X', the covariance of two times is slow^2 k + clock^2 X' X' k, and
    constant^2 more at the same time. The kernel k is 1 at the same time and falls over `duration` (s):
    exp(-d) with d = dt / duration if `kernel` is "exponential", (1 + 3^0.5 d) exp(-3^0.5 d) if it is
    "matern". `effective`: number of independent points that are worth as much as all.
    """

    constant: float
    slow: float
    clock: float
    duration: float
    kernel: str
    effective: float


class ErrorModel:
    """The restricted likelihood of residuals under :class:`Errors`, by logarithms of its four numbers."""

    def __init__(self, times: Floats, share: Floats, at: Floats, kernel: str, finest: float) -> None:
        self.slopes, self._kernel = slopes(times, at), kernel
        self._residual = residual = share - law(times, at).mean(axis=1)
        time = times.mean(axis=1)
        self._apart = np.abs(time[:, None] - time)
        speed = -self.slopes[:, 2]  # dX/dt
        self._speeds = np.outer(speed, speed)
        size = max(float(np.std(residual)), _NO_NOISE)
        fastest = max(float(speed.max()), 1e-300)
        step, length = float(np.median(np.diff(time))), float(time[-1] - time[0])
        self._bounds = np.log([
            (1e-3 * size, 10 * size), (finest, 10 * max(size, finest)),
            (1e-3 * size / fastest, 20 * size / fastest), (step / 2, max(length * _LONGEST, step)),
        ])  # fmt: skip
        self._starts = np.log([
            (0.7 * size, 0.3 * size, 0.3 * size / fastest, 4 * step),
            (0.2 * size, 0.2 * size, 0.9 * size / fastest, 8 * step),
        ])  # fmt: skip

    def fitted(self, start: Floats | None) -> tuple[Floats, float]:
        """The likeliest logarithms, from one start or from two of its own, and their log-likelihood."""
        optimize = optional("scipy.optimize", "vision")
        starts = self._starts if start is None else [start]
        found = [
            optimize.minimize(self._unlikelihood, np.clip(s, *self._bounds.T), jac=True, method="L-BFGS-B",
                              bounds=self._bounds, options={"maxiter": 60})
            for s in starts
        ]  # fmt: skip
        best = min(found, key=lambda solution: float(solution.fun))
        return best.x, -float(best.fun)

    def covariance(self, logs: Floats) -> Floats:
        """(n, n) of the errors at such logarithms."""
        return self._parts(logs)[0]

    def _parts(self, logs: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """The covariance, the kernel, the kernel by log(duration), and what the kernel is multiplied by."""
        constant, slow, clock, duration = np.exp(logs)
        distance = self._apart / duration
        if self._kernel == "exponential":
            kernel = np.exp(-distance)
            by_duration = kernel * distance
        else:
            distance *= math.sqrt(3)
            falling = np.exp(-distance)
            kernel, by_duration = (1 + distance) * falling, distance**2 * falling
        weight: Floats = slow**2 + clock**2 * self._speeds
        covariance = weight * kernel
        covariance[np.diag_indices_from(covariance)] += constant**2
        return covariance, kernel, by_duration, weight

    def _unlikelihood(self, logs: Floats) -> tuple[float, Floats]:
        """Minus the restricted log-likelihood, and its gradient."""
        linalg = optional("scipy.linalg", "vision")
        _, slow, clock, _ = np.exp(logs)
        covariance, kernel, by_duration, weight = self._parts(logs)
        factor = linalg.cho_factor(covariance, lower=True)
        inverse = linalg.cho_solve(factor, np.eye(len(covariance)))
        seen = inverse @ self.slopes
        # The slopes differ by orders of magnitude: only the pseudo-inverse is safe for a curve cut short.
        information = self.slopes.T @ seen
        projection = inverse - seen @ np.linalg.pinv(information) @ seen.T
        weighed = projection @ self._residual
        value = 2 * np.log(np.diag(factor[0])).sum() + np.linalg.slogdet(information)[1]
        value += self._residual @ weighed

        def by(change: Floats) -> float:
            return float(np.sum(projection * change) - weighed @ change @ weighed)

        constant = 2 * np.exp(2 * logs[0]) * (np.trace(projection) - weighed @ weighed)
        gradient = [constant, by(2 * slow**2 * kernel), by(2 * clock**2 * self._speeds * kernel)]
        return float(value) / 2, np.array([*gradient, by(weight * by_duration)]) / 2
