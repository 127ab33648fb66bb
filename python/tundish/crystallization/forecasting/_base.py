"""What all forecasters of a series share: fit, forecast, update, predict, and their intervals."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, count, floats, level_of, number
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish.crystallization.forecasting._intervals import AdaptiveConformal
from tundish.crystallization.forecasting._series import GAP, Gap, Series, checked_values, even_series
from tundish.crystallization.frames._checks import Quantity

Places = NDArray[np.intp]

STEPS = 30  # ahead of which errors are followed, at least
TRIED = 0.5  # of the series that is fitted: its end, on which forecasts are tried out
VALIDATED = 0.3  # of it: the part that no network trains on


class Forecast(NamedTuple):
    """(steps,) or (steps, k) each: the forecast and the bounds of its interval, in the unit of the series."""

    mean: Floats
    lower: Floats
    upper: Floats


class Forecaster(ABC):
    """A forecaster that is fitted to a series once, and updated with each value that comes after.

    A subclass learns in `_learn`; its `_paths` are forecasts from the values before an origin alone. The
    errors of its forecasts of the last half of the fitted series, and of all that follows, make the intervals
    (:class:`AdaptiveConformal`).
    """

    _window = 1  # values that a forecast needs
    _learns_from = 1  # values beyond them that a fit needs
    _max_gap = 20  # steps
    _steps = STEPS
    _limits: Floats | None = None  # (k, 2) between which the series can lie

    def __init__(self) -> None:
        self.gaps: list[Gap] = []
        self._series: Series | None = None

    def __repr__(self) -> str:
        if self._series is None:
            return f"<{type(self).__name__}: not fitted>"
        length, columns = self._values.shape
        of = "" if self._series.flat else f" of {columns} columns"
        return f"<{type(self).__name__}: knows {length} values{of}, up to {self._now:g} s>"

    def fit(self, series: ArrayLike, time: ArrayLike | None = None) -> Self:
        """Learns from a series.

        **Main arguments:** `series`: (T,) or (T, k), finite, and not constant in all its columns. `time`:
        (T,) s, increasing; left out, 0, 1, 2 and so on. A step of more than 1.5 usual ones is a gap: what is
        missing is put on a straight line, and the gap is in `.gaps`. Steps are taken as even otherwise.

        **Raises:** ValueError or TypeError naming the argument and the value at fault.
        """
        least = self._window + self._learns_from + 1
        self._begin(even_series(series, time, min_values=least, max_gap=self._max_gap))
        self._learn(self._values)
        self._try_out()
        return self

    def forecast(self, steps: int = STEPS, level: float = 0.9) -> Forecast:
        """The next `steps` values, and intervals that each holds its value with the frequency `level`.

        **Returns:** a :class:`Forecast`: (steps,) if the series was given as (T,), and (steps, k) otherwise.

        **Raises:** ValueError or TypeError naming the argument; RuntimeError before `fit`.
        """
        flat = self._fitted().flat
        wanted, asked = count("steps", steps, 1), level_of(level)
        mean = self._pending[0][:wanted] if wanted <= self._steps else self._further(wanted)
        half = self._half_widths(wanted, asked)
        parts = [mean.copy(), mean - half, mean + half]
        if self._limits is not None:
            parts = [np.clip(part, *self._limits.T) for part in parts]
        return Forecast(*(part[:, 0] if flat else part for part in parts))

    def update(self, value: ArrayLike, time: float | None = None) -> Self:
        """Takes the next value, a number (or (1,)) or (k,), and learns from how it was forecast.

        `time`, s: when it was observed; left out, one step after the last. What is missing between is put on
        a straight line, and the gap is in `.gaps`; errors of forecasts are not measured there.

        **Raises:** ValueError or TypeError naming the argument; RuntimeError before `fit`.
        """
        self._fitted()
        new = self._observation(value)
        missing = self._missing_before(time)
        if missing:
            self.gaps.append(Gap(len(self._values) - 1, missing))
            for between in np.linspace(self._values[-1], new, missing + 2)[1:-1]:
                self._take(between, measured=False)
        self._take(new)
        return self

    def predict(self, series: ArrayLike) -> Floats:
        """One step ahead: element t is forecast from `series[:t]` alone, with what was learnt so far.

        `series`: (T,) or (T, k), as fitted, on even steps. **Returns:** the same shape; NaN for the first
        values, before which there are too few.

        **Raises:** ValueError or TypeError naming `series`; RuntimeError before `fit`.
        """
        fitted = self._fitted()
        values, flat = checked_values("series", series)
        if values.shape[1] != fitted.values.shape[1]:
            needed = f"{fitted.values.shape[1]}, as fitted, are needed"
            raise ArgumentError("series", MISSING, f"has {values.shape[1]} columns; {needed}")
        predicted = np.full(values.shape, np.nan)
        origins = np.arange(self._window, len(values))
        if origins.size:
            predicted[origins] = self._paths(values, origins, 1)[:, 0]
        return predicted[:, 0] if flat else predicted

    @property
    def known(self) -> tuple[Floats, Floats]:
        """(T,) s and (T,) or (T, k): the times and values so far, on even steps; gaps are filled."""
        fitted = self._fitted()
        behind = np.arange(len(self._values) - 1, -1, -1, dtype=np.float64)
        values = self._values[:, 0] if fitted.flat else self._values
        return self._now - fitted.clock.step * behind, values.copy()

    @abstractmethod
    def _learn(self, values: Floats) -> None:
        """Learns from (T, k) values."""

    @abstractmethod
    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        """(origins, steps, k): forecasts from values[:origin], with what was learnt so far."""

    def _outlooks(self, values: Floats, origins: Places) -> Floats:
        """(origins, steps, k, m): what forecasts are made of, one or several."""
        return self._paths(values, origins, self._steps)[..., None]

    def _mixed(self, outlook: Floats) -> Floats:
        """(steps, k) of an outlook (steps, k, m)."""
        return np.asarray(outlook[..., 0])

    def _weigh(self, value: Floats) -> None:  # noqa: B027 - most have one part, and nothing to weigh
        """Learns from a new value how good the parts of the outlooks are."""

    def _half_widths(self, steps: int, level: float) -> Floats:
        """(steps, k) of a forecast that is made now."""
        half = self._conformal.half_widths(level)
        if steps <= self._steps:
            return half[:steps]
        beyond = np.sqrt(np.arange(self._steps + 1, steps + 1) / self._steps)
        return np.concatenate([half, half[-1] * beyond[:, None]])

    def _first_validated(self, length: int) -> int:
        """Where the part begins that no network trains on."""
        return self._last_part(VALIDATED, length)

    def _last_part(self, share: float, length: int) -> int:
        return max(self._window + self._learns_from, length - max(1, round(share * length)))

    def _begin(self, series: Series) -> None:
        self._series, self._values = series, series.values
        self.gaps = list(series.gaps)
        self._conformal = AdaptiveConformal(self._steps, series.values.shape[1])
        self._now = series.clock.start + series.clock.step * (len(series.values) - 1)
        # Of the last origins, the latest first: forecasts (steps, k), and what they were made of.
        self._pending: list[Floats] = []
        self._parts: list[Floats] = []

    def _try_out(self) -> None:
        values, validated_from = self._values, self._first_validated(len(self._values))
        origins = np.arange(self._last_part(TRIED, len(values)), len(values) + 1)
        outlooks = self._outlooks(values, origins)
        for origin, outlook in zip(origins, outlooks, strict=True):
            self._keep_outlook(outlook)
            if origin < len(values):
                self._measure_errors(values[origin], weigh=bool(origin >= validated_from))

    def _take(self, value: Floats, measured: bool = True) -> None:
        self._measure_errors(value if measured else np.full_like(value, np.nan))
        self._values = np.concatenate([self._values, value[None]])
        self._now += self._fitted().clock.step
        self._keep_outlook(self._outlooks(self._values, np.array([len(self._values)]))[0])

    def _keep_outlook(self, outlook: Floats) -> None:
        self._parts = [outlook, *self._parts[: self._steps - 1]]
        self._pending = [self._mixed(outlook), *self._pending[: self._steps - 1]]

    def _measure_errors(self, value: Floats, weigh: bool = True) -> None:
        """Compares a value with the forecasts for it."""
        errors = np.full((self._steps, value.size), np.nan)
        for h, path in enumerate(self._pending):
            errors[h] = np.abs(value - path[h])
        self._conformal.add(errors)
        if weigh:
            self._weigh(value)

    def _further(self, steps: int) -> Floats:
        return np.asarray(self._paths(self._values, np.array([len(self._values)]), steps)[0])

    def _fitted(self) -> Series:
        if self._series is None:
            raise RuntimeError(f"this {type(self).__name__} has learnt nothing yet: fit it, or load one")
        return self._series

    def _observation(self, value: ArrayLike) -> Floats:
        """(k,) finite."""
        fitted = self._fitted()
        new = floats("value", value).reshape(np.shape(value))
        wanted: tuple[int, ...] = () if fitted.flat else (fitted.values.shape[1],)
        if new.shape not in ((wanted, (1,)) if fitted.flat else (wanted,)):
            needed = "a number" if fitted.flat else f"{wanted}"
            allowed = f"{needed}, as the series was fitted, is needed"
            raise ArgumentError("value", Shape(new.shape), allowed)
        if not np.isfinite(new).all():
            allowed = "must be finite; leave it out and tell the time of the next one"
            raise ArgumentError("value", new, allowed)
        return new.reshape(-1)

    def _missing_before(self, time: float | None) -> int:
        """How many values are missing before one of this time."""
        if time is None:
            return 0
        step, given = self._fitted().clock.step, number("time", time)
        after = (given - self._now) / step
        if not after > 0:
            allowed = f"must come after {self._now:g} s, the last that is known"
            raise ArgumentError("time", Quantity(given, "s"), allowed)
        steps = round(after) if after > GAP else 1
        if steps > self._max_gap:
            raise ArgumentError(
                "time",
                Quantity(given, "s"),
                f"comes {steps} steps of {step:g} s after the last; at most {self._max_gap} can be bridged, "
                "so fit anew",
            )
        return steps - 1
