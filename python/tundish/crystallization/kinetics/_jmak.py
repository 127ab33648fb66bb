"""The law of Johnson, Mehl, Avrami and Kolmogorov, fitted to a transformation curve with its intervals."""

from __future__ import annotations

import math
import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, number, vector
from tundish._common.optional import optional
from tundish.crystallization.frames._repair import rising

_START, _HALF, _END = 0.01, 0.5, 0.99
_NAMES = ("rate", "exponent", "onset", "start", "half", "end")
_LEAST_POINTS = 8
_INFORMATIVE = (0.02, 0.98)  # shares between which a curve tells its parameters
_LEAST_INFORMATIVE = 4
_MELTING, _MOLTEN = 0.25, 0.05  # a curve that comes down from above the one to the other melts first
_MOST_MODELLED = 120  # times at which the errors' covariance is modelled; the rest is averaged into them
# Shares between which the errors are modelled: the first few crystals are no law yet, and too small to be
# measured well; at the end nothing more is told.
_BEGUN, _COMPLETE = 0.01, 0.9995
_ROUNDS = 2
_LONGEST = 1 / 8  # of the curve: errors that last longer cannot be told from the curve itself
_LEAST_FREEDOM = 4.0
_KERNELS = ("exponential", "matern")
_NO_NOISE = 1e-9  # deviation of the share, below which there is none
_OFF = 0.02  # rms of share minus fit, beyond white noise, above which the law does not hold
# A curve that rises by less than the first over its last part, and is below the last, has ended early.
_STILL, _LAST_PART, _WHOLE = 0.01, 0.15, 0.95


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


class JmakFit:
    """X = 1 - exp(-(rate (t - onset))^exponent), fitted by :func:`fit_jmak`.

    - `rate`: 1/s. `exponent`. `onset`: s.
    - `start`, `half`, `end`: s, when X is 0.01, 0.5 and 0.99.
    - `covariance`: (3, 3) of log(rate), log(exponent) and onset.
    - `errors`: the :class:`Errors` of the shares. `rms`: of share minus fit.
    - `first`: the row that the fit begins with; those before belong to the melting.
    """

    rate: float
    exponent: float
    onset: float
    covariance: Floats
    errors: Errors
    rms: float
    first: int

    def __init__(self, at: Floats, covariance: Floats, errors: Errors, rms: float, first: int) -> None:
        self.rate, self.exponent = (float(value) for value in np.exp(at[:2]))
        self.onset = float(at[2])
        self.covariance, self.errors, self.rms, self.first = covariance, errors, rms, first

    def __repr__(self) -> str:
        return (
            f"<JmakFit: rate {self.rate:.4g} 1/s, exponent {self.exponent:.3g}, onset {self.onset:.4g} s, "
            f"rms {self.rms:.2g}>"
        )

    start = property(lambda self: self.time_at(_START))
    half = property(lambda self: self.time_at(_HALF))
    end = property(lambda self: self.time_at(_END))

    def share(self, time: ArrayLike) -> Floats:
        """X at times (s)."""
        at = np.array([math.log(self.rate), math.log(self.exponent), self.onset])
        return law(np.asarray(time, np.float64), at)

    def time_at(self, share: float) -> float:
        """s at which X is a share, 0 <= share < 1."""
        wanted = number("share", share)
        if not 0 <= wanted < 1:
            raise ValueError(f"share = {share}: must be at least 0 and below 1")
        return float(self.onset + (-math.log1p(-wanted)) ** (1 / self.exponent) / self.rate)

    def interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """(lower, upper) that hold a parameter with this probability.

        - `name`: "rate", "exponent" or "onset", or of the times "start", "half" or "end".
        - `level`: above 0 and below 1.

        Rate and exponent are symmetric in their logarithm. The quantile is Student's, with the effective
        number of points less three, and no less than four, as degrees of freedom.

        **Raises:** ValueError naming the argument.
        """
        choice("name", name, _NAMES)
        wanted = {"start": _START, "half": _HALF, "end": _END}.get(name)
        if wanted is not None:
            return self.time_interval(wanted, level)
        place = _NAMES.index(name)
        reach = self._quantile(level) * math.sqrt(self.covariance[place, place])
        value = float(getattr(self, name))
        return (value - reach, value + reach) if name == "onset" else (
            value * math.exp(-reach), value * math.exp(reach))  # fmt: skip

    def time_interval(self, share: float, level: float = 0.95) -> tuple[float, float]:
        """(lower, upper) s for the time at which X is a share, above 0 and below 1; as :meth:`interval`."""
        time = self.time_at(share)
        if share == 0:
            return self.interval("onset", level)
        after, power = time - self.onset, math.log(-math.log1p(-share))
        slope = np.array([-after, -after * power / self.exponent, 1.0])
        reach = self._quantile(level) * math.sqrt(slope @ self.covariance @ slope)
        return time - reach, time + reach

    def _quantile(self, level: float) -> float:
        wanted = number("level", level)
        if not 0 < wanted < 1:
            raise ValueError(f"level = {level}: must lie between 0 and 1")
        freedom = max(self.errors.effective - 3, _LEAST_FREEDOM)
        return float(optional("scipy.stats", "vision").t.ppf((1 + wanted) / 2, freedom))


def fit_jmak(time: ArrayLike, share: ArrayLike, *, resolution: float = 1e-3) -> JmakFit:
    """Rate, exponent and onset of an isothermal transformation, X = 1 - exp(-(rate (t - onset))^exponent).

    **Main arguments:** `time`: (T,) s, rising. `share`: (T,) crystallised, 0 to 1 but for noise; NaN is
    missing. A record that begins with the flux as charged comes down to a share below 0.05 as it melts; the
    fit begins there (`.first`).

    **Other arguments:** `resolution`: of the share, above 0. Its slow errors are taken for no smaller: edges
    of crystals are off in the same way on frame after frame, which the curve itself does not tell.
    0.001 suits frames of 240 rows, 0.002 those of 48.

    **Returns:** a :class:`JmakFit`.

    M. Avrami, J. Chem. Phys. 7 (1939) 1103, doi:10.1063/1.1750380. The start is the line of log(-log(1 - X))
    against log(t - onset), over several onsets; least squares follow. Shares leave the law for a while, not
    from one to the next: intervals that take their errors for independent are too narrow. So a covariance
    (:class:`Errors`) is fitted to them by restricted maximum likelihood (H. D. Patterson and R. Thompson,
    Biometrika 58 (1971) 545, doi:10.1093/biomet/58.3.545), with the kernel that is likelier, and the law is
    fitted again by generalised least squares, twice. For that, times at which X is below 0.01 (a few
    crystals, too small to be measured well) or above 0.9995 are left out, and neighbours averaged (in the
    law too), so that 120 at most are left.

    **Warns:** UserWarning where the law does not hold, so that its numbers and intervals say nothing: if the
    shares leave it by more than 0.02 rms beyond their white noise (by their second differences), or come to
    an end below 0.95 (rise by less than 0.01 over the last 15 % of the record).

    **Raises:** ValueError or TypeError naming the argument; so if fewer than 8 shares are known, fewer than
    4 of them between 0.02 and 0.98, or if they do not rise. ImportError without SciPy (`tundish[vision]`).
    """
    finest = number("resolution", resolution)
    if not (math.isfinite(finest) and finest > 0):
        raise ValueError(f"resolution = {resolution}: must be finite and above 0")
    seconds, known, first = _curve(time, share)
    at = _least_squares(seconds[:, None], known, _begin(seconds, known))
    rms = float(np.sqrt(np.mean((law(seconds, at) - known) ** 2)))
    modelled, averaged = _thinned(seconds, known, at)
    fits = [_generalised(modelled, averaged, at, kernel, finest) for kernel in _KERNELS]
    at, covariance, errors, _ = max(fits, key=lambda fit: fit[3])
    _warn(seconds, known, rms)
    return JmakFit(at, covariance, errors, rms, first)


def _warn(time: Floats, share: Floats, rms: float) -> None:
    """Where the law does not hold."""
    second = np.abs(np.diff(share, 2))
    white = float(np.median(second)) / (0.6745 * math.sqrt(6))  # the median of a normal deviation
    off = math.sqrt(max(rms**2 - white**2, 0.0))
    last = time >= time[-1] - _LAST_PART * (time[-1] - time[0])
    level = float(share[last].mean())
    rise = np.inf
    if np.count_nonzero(last) >= _LEAST_INFORMATIVE:
        rise = np.polyfit(time[last], share[last], 1)[0] * (time[last][-1] - time[last][0])
    if _MELTING < level < _WHOLE and abs(rise) < _STILL:
        warnings.warn(
            f"share: comes to an end at {level:.2f}; the law, which goes on to 1, does not hold, and its "
            "numbers say nothing (share / its end may follow it)",
            UserWarning, stacklevel=3,
        )  # fmt: skip
    elif off > _OFF:
        warnings.warn(
            f"share: leaves the law by {rms:.3f} rms, beyond noise of {white:.3f}; it does not hold, and its "
            "numbers say nothing",
            UserWarning, stacklevel=3,
        )  # fmt: skip


def law(time: Floats, at: Floats) -> Floats:
    """X at log(rate), log(exponent), onset."""
    rate, exponent = np.exp(at[:2])
    extended: Floats = (rate * np.clip(time - at[2], 0, None)) ** exponent
    return -np.expm1(-extended)


def _slopes(time: Floats, at: Floats) -> Floats:
    """(n, 3) of the means of X over the times, (n, k), by log(rate), log(exponent) and onset."""
    rate, exponent = np.exp(at[:2])
    after = time - at[2]
    inside = np.clip(after, 1e-300, None)
    extended = np.where(after > 0, (rate * inside) ** exponent, 0.0)
    common = np.exp(-extended) * extended * exponent
    by = np.stack([common, common * np.log(rate * inside), -common / inside], axis=-1)
    return np.asarray(by.mean(axis=1))


def _curve(time: ArrayLike, share: ArrayLike) -> tuple[Floats, Floats, int]:
    """What is known of the curve after the flux has melted, and the row at which that begins."""
    seconds, shares = rising("time", time), vector("share", share)
    if shares.shape != seconds.shape:
        raise ValueError(f"share: has shape {shares.shape}; {seconds.shape}, as time, is needed")
    rows = np.flatnonzero(~np.isnan(shares))
    bad = rows[np.abs(shares[rows] - 0.5) > 1]
    if bad.size:
        raise ValueError(f"share[{bad[0]}] = {shares[bad[0]]:g}: must lie between 0 and 1, but for noise")
    highest = np.maximum.accumulate(shares[rows])
    molten = np.flatnonzero((highest > _MELTING) & (shares[rows] < _MOLTEN))
    rows = rows[molten[0] :] if molten.size else rows
    if rows.size < _LEAST_POINTS:
        raise ValueError(f"share: {rows.size} are known after melting; at least {_LEAST_POINTS} are needed")
    known = shares[rows]
    low, high = _INFORMATIVE
    telling = int(np.count_nonzero((known > low) & (known < high)))
    if telling < _LEAST_INFORMATIVE:
        raise ValueError(
            f"share: {telling} lie between {low} and {high}; at least {_LEAST_INFORMATIVE} are needed to fit"
        )
    third = max(len(known) // 3, 1)
    if known[-third:].mean() <= known[:third].mean() or known.max() < 2 * _MOLTEN:
        raise ValueError("share: does not rise; there is no crystallisation to fit")
    return seconds[rows], known, int(rows[0])


def _begin(time: Floats, share: Floats) -> Floats:
    """Parameters to start from: the best of the lines over several onsets."""
    highest = np.maximum.accumulate(share)
    early = float(time[np.argmax(highest >= min(0.05, 0.5 * highest[-1]))])
    span = float(time[np.argmax(highest >= 0.6 * highest[-1])]) - early
    span = span if span > 0 else float(time[-1] - time[0])
    best, least = np.zeros(3), math.inf
    for before in (-0.05, 0.02, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2):
        onset = early - before * span
        telling = (share > _INFORMATIVE[0]) & (share < _INFORMATIVE[1]) & (time > onset)
        if np.count_nonzero(telling) < 3:
            continue
        line = np.polyfit(np.log(time[telling] - onset), np.log(-np.log1p(-share[telling])), 1)
        exponent = max(line[0], 0.3)
        at = np.array([line[1] / exponent, math.log(exponent), onset])
        squares = float(np.sum((law(time, at) - share) ** 2))
        if squares < least:
            best, least = at, squares
    return best


def _least_squares(time: Floats, share: Floats, at: Floats, whiten: Floats | None = None) -> Floats:
    """The parameters after least squares from `at`, of errors that `whiten` makes independent.

    `time` is (n, k): each share is the mean over k times.
    """
    optimize, linalg = optional("scipy.optimize", "vision"), optional("scipy.linalg", "vision")

    def white(values: Floats) -> Floats:
        solved: Floats = values if whiten is None else linalg.solve_triangular(whiten, values, lower=True)
        return solved

    scale = [0.1, 0.1, 0.1 * math.exp(-at[0])]
    # Exponents beyond 20 and below 0.1 are no kinetics; the onset lies near the record.
    first, last = float(time.min()), float(time.max())
    low = [at[0] - 10, math.log(0.1), min(first - 10 * (last - first), at[2])]
    high = [at[0] + 10, math.log(20.0), max(last, at[2])]
    inside = np.clip(at, np.array(low) + 1e-9, np.array(high) - 1e-9)
    solution = optimize.least_squares(
        lambda p: white(law(time, p).mean(axis=1) - share), inside, lambda p: white(_slopes(time, p)),
        x_scale=scale, bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-12,
    )  # fmt: skip
    found: Floats = solution.x
    return found


def _thinned(time: Floats, share: Floats, at: Floats) -> tuple[Floats, Floats]:
    """(n, k) times that tell something, k of them together, and their mean shares, (n,)."""
    expected = law(time, at)
    telling = (expected > _BEGUN) & (expected < _COMPLETE)
    if np.count_nonzero(telling) < _LEAST_POINTS:
        telling = np.full(len(time), True)
    together = math.ceil(np.count_nonzero(telling) / _MOST_MODELLED)
    rows = np.flatnonzero(telling)
    kept = rows[: rows.size // together * together].reshape(-1, together)
    return time[kept], share[kept].mean(axis=1)


def _generalised(
    time: Floats, share: Floats, at: Floats, kernel: str, finest: float
) -> tuple[Floats, Floats, Errors, float]:
    """Parameters, their covariance, the errors, and the likelihood of the last errors' model."""
    linalg = optional("scipy.linalg", "vision")
    model = _ErrorModel(time, share, at, kernel, finest)
    logs, likelihood = model.fitted(None)
    for _ in range(_ROUNDS):
        lower = linalg.cholesky(model.covariance(logs), lower=True)
        at = _least_squares(time, share, at, lower)
        model = _ErrorModel(time, share, at, kernel, finest)
        logs, likelihood = model.fitted(logs)
    covariance = model.covariance(logs)
    white = linalg.solve_triangular(linalg.cholesky(covariance, lower=True), model.slopes, lower=True)
    deviation = np.sqrt(np.diag(covariance))
    effective = len(time) ** 2 / float(np.sum((covariance / np.outer(deviation, deviation)) ** 2))
    constant, slow, clock, duration = (float(value) for value in np.exp(logs))
    errors = Errors(constant, slow, clock, duration, kernel, effective)
    return at, np.linalg.inv(white.T @ white), errors, likelihood


class _ErrorModel:
    """The restricted likelihood of residuals under :class:`Errors`, by logarithms of its four numbers."""

    def __init__(self, times: Floats, share: Floats, at: Floats, kernel: str, finest: float) -> None:
        self.slopes, self._kernel = _slopes(times, at), kernel
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
