"""The law of Johnson, Mehl, Avrami and Kolmogorov, fitted to a transformation curve with its intervals."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, choice, level_of, number, positive, vector
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish.crystallization.frames._checks import rising
from tundish.crystallization.kinetics._error_model import ErrorModel, Errors
from tundish.crystallization.kinetics._law import law, slopes

_START, _HALF, _END = 0.01, 0.5, 0.99
_NAMES = ("rate", "exponent", "onset", "start", "half", "end")
_MIN_POINTS = 8
_INFORMATIVE = (0.02, 0.98)  # shares between which a curve determines its parameters
_MIN_INFORMATIVE = 4
_MELTING, _MOLTEN = 0.25, 0.05  # a curve that comes down from above the one to the other melts first
_MAX_MODELLED = 120  # times at which the errors' covariance is modelled; the rest is averaged into them
# Shares between which the errors are modelled: the first few crystals are no law yet, and too small to be
# measured well; the end adds no information.
_BEGUN, _COMPLETE = 0.01, 0.9995
_ROUNDS = 2
_MIN_FREEDOM = 4.0
_KERNELS = ("exponential", "matern")
_OFF = 0.02  # rms of share minus fit, beyond white noise, above which the law does not hold
# A curve that rises by less than the first over its last part, and is below the last, has ended early.
_STILL, _LAST_PART, _WHOLE = 0.01, 0.15, 0.95


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
            raise ArgumentError("share", wanted, "must be at least 0 and below 1")
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
        wanted = level_of(level)
        freedom = max(self.errors.effective - 3, _MIN_FREEDOM)
        return float(optional("scipy.stats", "vision").t.ppf((1 + wanted) / 2, freedom))


def fit_jmak(time: ArrayLike, share: ArrayLike, *, resolution: float = 1e-3) -> JmakFit:
    """Rate, exponent and onset of an isothermal transformation, X = 1 - exp(-(rate (t - onset))^exponent).

    **Main arguments:** `time`: (T,) s, rising. `share`: (T,) crystallised, 0 to 1 but for noise; NaN is
    missing. A record that begins with the flux as charged comes down to a share below 0.05 as it melts; the
    fit begins there (`.first`).

    **Other arguments:** `resolution`: of the share, above 0. Its slow errors are taken for no smaller: edges
    of crystals are off in the same way on frame after frame, which the curve itself does not show.
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
    finest = positive("resolution", resolution)
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
    if np.count_nonzero(last) >= _MIN_INFORMATIVE:
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


def _curve(time: ArrayLike, share: ArrayLike) -> tuple[Floats, Floats, int]:
    """What is known of the curve after the flux has melted, and the row at which that begins."""
    seconds, shares = rising("time", time), vector("share", share)
    if shares.shape != seconds.shape:
        needed = f"{seconds.shape}, as time, is needed"
        raise ArgumentError("share", Shape(shares.shape), needed)
    rows = np.flatnonzero(~np.isnan(shares))
    bad = rows[np.abs(shares[rows] - 0.5) > 1]
    if bad.size:
        allowed = "must lie between 0 and 1, but for noise"
        raise ArgumentError(f"share[{bad[0]}]", float(shares[bad[0]]), allowed)
    highest = np.maximum.accumulate(shares[rows])
    molten = np.flatnonzero((highest > _MELTING) & (shares[rows] < _MOLTEN))
    rows = rows[molten[0] :] if molten.size else rows
    if rows.size < _MIN_POINTS:
        found = f"{rows.size} are known after melting"
        raise ArgumentError("share", MISSING, f"{found}; at least {_MIN_POINTS} are needed")
    known = shares[rows]
    low, high = _INFORMATIVE
    informative = int(np.count_nonzero((known > low) & (known < high)))
    if informative < _MIN_INFORMATIVE:
        found = f"{informative} lie between {low} and {high}"
        raise ArgumentError("share", MISSING, f"{found}; at least {_MIN_INFORMATIVE} are needed to fit")
    third = max(len(known) // 3, 1)
    if known[-third:].mean() <= known[:third].mean() or known.max() < 2 * _MOLTEN:
        raise ArgumentError("share", MISSING, "does not rise; there is no crystallisation to fit")
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
        informative = (share > _INFORMATIVE[0]) & (share < _INFORMATIVE[1]) & (time > onset)
        if np.count_nonzero(informative) < 3:
            continue
        line = np.polyfit(np.log(time[informative] - onset), np.log(-np.log1p(-share[informative])), 1)
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
        lambda p: white(law(time, p).mean(axis=1) - share), inside, lambda p: white(slopes(time, p)),
        x_scale=scale, bounds=(low, high), xtol=1e-12, ftol=1e-12, gtol=1e-12,
    )  # fmt: skip
    found: Floats = solution.x
    return found


def _thinned(time: Floats, share: Floats, at: Floats) -> tuple[Floats, Floats]:
    """(n, k) informative times, k of them together, and their mean shares, (n,)."""
    expected = law(time, at)
    informative = (expected > _BEGUN) & (expected < _COMPLETE)
    if np.count_nonzero(informative) < _MIN_POINTS:
        informative = np.full(len(time), True)
    together = math.ceil(np.count_nonzero(informative) / _MAX_MODELLED)
    rows = np.flatnonzero(informative)
    kept = rows[: rows.size // together * together].reshape(-1, together)
    return time[kept], share[kept].mean(axis=1)


def _generalised(
    time: Floats, share: Floats, at: Floats, kernel: str, finest: float
) -> tuple[Floats, Floats, Errors, float]:
    """Parameters, their covariance, the errors, and the likelihood of the last errors' model."""
    linalg = optional("scipy.linalg", "vision")
    model = ErrorModel(time, share, at, kernel, finest)
    logs, likelihood = model.fitted(None)
    for _ in range(_ROUNDS):
        lower = linalg.cholesky(model.covariance(logs), lower=True)
        at = _least_squares(time, share, at, lower)
        model = ErrorModel(time, share, at, kernel, finest)
        logs, likelihood = model.fitted(logs)
    covariance = model.covariance(logs)
    white = linalg.solve_triangular(linalg.cholesky(covariance, lower=True), model.slopes, lower=True)
    deviation = np.sqrt(np.diag(covariance))
    effective = len(time) ** 2 / float(np.sum((covariance / np.outer(deviation, deviation)) ** 2))
    constant, slow, clock, duration = (float(value) for value in np.exp(logs))
    errors = Errors(constant, slow, clock, duration, kernel, effective)
    return at, np.linalg.inv(white.T @ white), errors, likelihood
