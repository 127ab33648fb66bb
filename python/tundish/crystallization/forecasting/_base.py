"""What all forecasters of a series share: its checks, its clock, intervals, and what they are asked."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, count, floats, integer, level_of, number
from tundish.crystallization.forecasting._intervals import AdaptiveConformal

Places = NDArray[np.intp]

STEPS = 30  # ahead of which errors are followed, at least
TRIED = 0.5  # of the series that is fitted: its end, on which forecasts are tried out
JUDGED = 0.3  # of it: the part that no network trains on
_GAP = 1.5  # usual steps: more is a gap


class Forecast(NamedTuple):
    """(steps,) or (steps, k) each: the forecast and the bounds of its interval, in the unit of the series."""

    mean: Floats
    lower: Floats
    upper: Floats


class Gap(NamedTuple):
    """`missing` observations after the `after`-th (counted from 0) were filled in along a straight line."""

    after: int
    missing: int


class Clock(NamedTuple):
    """The time of observation n is start + n · step, s."""

    start: float
    step: float


class Series(NamedTuple):
    """A checked series: values (T, k), whether it was given as (T,), its clock and its gaps."""

    values: Floats
    flat: bool
    clock: Clock
    gaps: list[Gap]


def checked_horizons(value: Iterable[int]) -> tuple[int, ...]:
    """Steps ahead, at least one, increasing."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"horizons = {value!r}: must be steps ahead, such as (1, 10, 30)")
    horizons = tuple(integer(f"horizons[{n}]", each) for n, each in enumerate(value))
    if not horizons or horizons[0] < 1 or any(b <= a for a, b in itertools.pairwise(horizons)):
        raise ValueError(f"horizons = {horizons}: must be whole numbers from 1, increasing")
    return horizons


def checked_values(name: str, series: ArrayLike) -> tuple[Floats, bool]:
    """(T, k) finite values, and whether they came as (T,)."""
    values = floats(name, series)
    if values.ndim not in (1, 2) or (values.ndim == 2 and not values.shape[1]):
        raise ValueError(f"{name}: has shape {values.shape}; (T,) or (T, k) is needed")
    flat = values.ndim == 1
    values = values[:, None] if flat else values
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        row, column = bad[0]
        where = f"{name}[{row}]" if flat else f"{name}[{row}, {column}]"
        raise ValueError(f"{where} = {values[row, column]}: must be finite; leave out the time or fill it in")
    return values, flat


def checked_series(series: ArrayLike, time: ArrayLike | None, least: int, longest_gap: int) -> Series:
    """A series of at least so many values that are not all the same, on even steps of time."""
    values, flat = checked_values("series", series)
    if len(values) < least:
        raise ValueError(f"series: has {len(values)} values; at least {least} are needed")
    if (np.ptp(values, axis=0) == 0).all():
        raise ValueError(f"series: is constant at {values[0].tolist()}; there is nothing to learn from it")
    if time is None:
        return Series(values, flat, Clock(0.0, 1.0), [])
    return _even(values, flat, checked_time(time, len(values)), longest_gap)


def checked_time(time: ArrayLike, length: int) -> Floats:
    """(T,) s, increasing."""
    times = floats("time", time)
    if times.shape != (length,):
        raise ValueError(f"time: has shape {times.shape}; ({length},), one for each value, is needed")
    if not np.isfinite(times).all():
        raise ValueError(f"time[{int(np.argmin(np.isfinite(times)))}]: must be finite")
    step = np.diff(times)
    if (step <= 0).any():
        n = int(np.argmax(step <= 0)) + 1
        what = "is there twice" if step[n - 1] == 0 else f"runs backwards, after {times[n - 1]:g} s"
        raise ValueError(f"time[{n}] = {times[n]:g} s: {what}; times must increase")
    return times


def _even(values: Floats, flat: bool, time: Floats, longest_gap: int) -> Series:
    """The series on even steps: what is missing in a gap lies on a straight line."""
    usual = float(np.median(np.diff(time)))
    steps = np.where(np.diff(time) > _GAP * usual, np.rint(np.diff(time) / usual), 1).astype(int)
    if steps.max() > longest_gap:
        n = int(np.argmax(steps))
        raise ValueError(
            f"time[{n + 1}] = {time[n + 1]:g} s: comes {time[n + 1] - time[n]:g} s after the one before; "
            f"{usual:g} s are usual, and at most {longest_gap} steps can be bridged, so give one part"
        )
    place = np.concatenate([[0], np.cumsum(steps)])
    even = np.arange(place[-1] + 1)
    filled = np.stack([np.interp(even, place, column) for column in values.T], axis=1)
    gaps = [Gap(int(place[n]), int(steps[n]) - 1) for n in np.flatnonzero(steps > 1)]
    return Series(filled, flat, Clock(float(time[0]), (time[-1] - time[0]) / place[-1]), gaps)


class Forecaster(ABC):
    """A forecaster that is fitted to a series once and then told each value that comes after.

    A subclass learns in `_learn`, and says in `_paths` what it forecasts from the values before an origin
    alone. How it forecasts the last half of the fitted series, and all that follows, makes the intervals
    (:class:`AdaptiveConformal`).
    """

    _window = 1  # values that a forecast needs
    _learns_from = 1  # values beyond them that a fit needs
    _longest_gap = 20  # steps
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
        missing is put on a straight line and told in `.gaps`. Steps are taken as even otherwise.

        **Raises:** ValueError or TypeError naming the argument and the value at fault.
        """
        least = self._window + self._learns_from + 1
        self._begin(checked_series(series, time, least, self._longest_gap))
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
        a straight line and told in `.gaps`; forecasts are not judged by it.

        **Raises:** ValueError or TypeError naming the argument; RuntimeError before `fit`.
        """
        self._fitted()
        new = self._observation(value)
        missing = self._missing_before(time)
        if missing:
            self.gaps.append(Gap(len(self._values) - 1, missing))
            for between in np.linspace(self._values[-1], new, missing + 2)[1:-1]:
                self._take(between, judged=False)
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
            raise ValueError(
                f"series: has {values.shape[1]} columns; {fitted.values.shape[1]}, as fitted, are needed"
            )
        predicted = np.full(values.shape, np.nan)
        origins = np.arange(self._window, len(values))
        if origins.size:
            predicted[origins] = self._paths(values, origins, 1)[:, 0]
        return predicted[:, 0] if flat else predicted

    @property
    def known(self) -> tuple[Floats, Floats]:
        """(T,) s and (T,) or (T, k): what it has been told so far, on even steps; gaps are filled."""
        fitted = self._fitted()
        behind = np.arange(len(self._values) - 1, -1, -1, dtype=np.float64)
        values = self._values[:, 0] if fitted.flat else self._values
        return self._now - fitted.clock.step * behind, values.copy()

    # -- what a subclass says

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
        """Judges the parts of the outlooks by a new value."""

    def _half_widths(self, steps: int, level: float) -> Floats:
        """(steps, k) of a forecast that is made now."""
        half = self._conformal.half_widths(level)
        if steps <= self._steps:
            return half[:steps]
        beyond = np.sqrt(np.arange(self._steps + 1, steps + 1) / self._steps)
        return np.concatenate([half, half[-1] * beyond[:, None]])

    # -- the course of time

    def _first_judged(self, length: int) -> int:
        """Where the part begins that no network trains on."""
        return self._last_part(JUDGED, length)

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
        values, judged_from = self._values, self._first_judged(len(self._values))
        origins = np.arange(self._last_part(TRIED, len(values)), len(values) + 1)
        outlooks = self._outlooks(values, origins)
        for origin, outlook in zip(origins, outlooks, strict=True):
            self._look(outlook)
            if origin < len(values):
                self._judge(values[origin], weigh=bool(origin >= judged_from))

    def _take(self, value: Floats, judged: bool = True) -> None:
        self._judge(value if judged else np.full_like(value, np.nan))
        self._values = np.concatenate([self._values, value[None]])
        self._now += self._fitted().clock.step
        self._look(self._outlooks(self._values, np.array([len(self._values)]))[0])

    def _look(self, outlook: Floats) -> None:
        self._parts = [outlook, *self._parts[: self._steps - 1]]
        self._pending = [self._mixed(outlook), *self._pending[: self._steps - 1]]

    def _judge(self, value: Floats, weigh: bool = True) -> None:
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
            raise ValueError(f"value: has shape {new.shape}; {needed}, as the series was fitted, is needed")
        if not np.isfinite(new).all():
            raise ValueError(f"value = {new}: must be finite; leave it out and tell the time of the next one")
        return new.reshape(-1)

    def _missing_before(self, time: float | None) -> int:
        """How many values are missing before one of this time."""
        if time is None:
            return 0
        step, given = self._fitted().clock.step, number("time", time)
        after = (given - self._now) / step
        if not after > 0:
            raise ValueError(f"time = {given:g} s: must come after {self._now:g} s, the last that is known")
        steps = round(after) if after > _GAP else 1
        if steps > self._longest_gap:
            raise ValueError(
                f"time = {given:g} s: comes {steps} steps of {step:g} s after the last; at most "
                f"{self._longest_gap} can be bridged, so fit anew"
            )
        return steps - 1
