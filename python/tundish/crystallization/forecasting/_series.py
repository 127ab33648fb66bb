"""Series as forecasters take them: checked, and on even steps of time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, floats, integer
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish.crystallization.frames._checks import Quantity

GAP = 1.5  # usual steps: more is a gap


class Gap(NamedTuple):
    """`missing` observations after the `after`-th (counted from 0) were filled in along a straight line."""

    after: int
    missing: int


class Clock(NamedTuple):
    """The time of observation n is start + n · step, s."""

    start: float
    step: float


class Series(NamedTuple):
    """A series on even steps: values (T, k), whether it was given as (T,), its clock and its gaps."""

    values: Floats
    flat: bool
    clock: Clock
    gaps: list[Gap]

    @property
    def time(self) -> Floats:
        """(T,) s."""
        return self.clock.start + self.clock.step * np.arange(len(self.values), dtype=np.float64)


def checked_horizons(value: Iterable[int]) -> tuple[int, ...]:
    """Steps ahead, at least one, increasing."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ArgumentTypeError("horizons", value, "must be steps ahead, such as (1, 10, 30)")
    horizons = tuple(integer(f"horizons[{n}]", each) for n, each in enumerate(value))
    if not horizons or horizons[0] < 1 or any(b <= a for a, b in itertools.pairwise(horizons)):
        raise ArgumentError("horizons", horizons, "must be whole numbers from 1, increasing")
    return horizons


def checked_values(name: str, series: ArrayLike) -> tuple[Floats, bool]:
    """(T, k) finite values, and whether they came as (T,)."""
    values = floats(name, series)
    if values.ndim not in (1, 2) or (values.ndim == 2 and not values.shape[1]):
        raise ArgumentError(name, Shape(values.shape), "(T,) or (T, k) is needed")
    flat = values.ndim == 1
    values = values[:, None] if flat else values
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        row, column = bad[0]
        where = f"{name}[{row}]" if flat else f"{name}[{row}, {column}]"
        allowed = "must be finite; leave out the time or fill it in"
        raise ArgumentError(where, float(values[row, column]), allowed)
    return values, flat


def even_series(
    series: ArrayLike, time: ArrayLike | None = None, *, min_values: int = 2, max_gap: int = 20
) -> Series:
    """A series on even steps of time, on which missing values lie on straight lines.

    **Main arguments:** `series`: (T,) or (T, k), finite, and not constant in all its columns. `time`: (T,) s,
    increasing; None is 0, 1, 2 and so on. A step of more than 1.5 median steps is a gap.

    **Other arguments:** `min_values`: the fewest values that are accepted. `max_gap`: the most steps that a
    gap may have.

    **Returns:** a :class:`Series`.

    **Raises:** ValueError or TypeError naming the argument and the value at fault.
    """
    values, flat = checked_values("series", series)
    if len(values) < min_values:
        raise ArgumentError("series", MISSING, f"has {len(values)} values; at least {min_values} are needed")
    if (np.ptp(values, axis=0) == 0).all():
        constant = f"is constant at {values[0].tolist()}"
        raise ArgumentError("series", MISSING, f"{constant}; there is nothing to learn from it")
    if time is None:
        return Series(values, flat, Clock(0.0, 1.0), [])
    return _interpolated(values, flat, checked_time(time, len(values)), max_gap)


def checked_time(time: ArrayLike, length: int) -> Floats:
    """(T,) s, increasing."""
    times = floats("time", time)
    if times.shape != (length,):
        needed = f"({length},), one for each value, is needed"
        raise ArgumentError("time", Shape(times.shape), needed)
    if not np.isfinite(times).all():
        raise ArgumentError(f"time[{int(np.argmin(np.isfinite(times)))}]", MISSING, "must be finite")
    step = np.diff(times)
    if (step <= 0).any():
        n = int(np.argmax(step <= 0)) + 1
        what = "is there twice" if step[n - 1] == 0 else f"runs backwards, after {times[n - 1]:g} s"
        raise ArgumentError(f"time[{n}]", Quantity(times[n], "s"), f"{what}; times must increase")
    return times


def _interpolated(values: Floats, flat: bool, time: Floats, max_gap: int) -> Series:
    """The series on even steps: what is missing in a gap lies on a straight line."""
    usual = float(np.median(np.diff(time)))
    steps = np.where(np.diff(time) > GAP * usual, np.rint(np.diff(time) / usual), 1).astype(int)
    if steps.max() > max_gap:
        n = int(np.argmax(steps))
        raise ArgumentError(
            f"time[{n + 1}]",
            Quantity(time[n + 1], "s"),
            f"comes {time[n + 1] - time[n]:g} s after the one before; {usual:g} s are usual, and at most "
            f"{max_gap} steps can be bridged, so give one part",
        )
    place = np.concatenate([[0], np.cumsum(steps)])
    even = np.arange(place[-1] + 1)
    filled = np.stack([np.interp(even, place, column) for column in values.T], axis=1)
    gaps = [Gap(int(place[n]), int(steps[n]) - 1) for n in np.flatnonzero(steps > 1)]
    return Series(filled, flat, Clock(float(time[0]), (time[-1] - time[0]) / place[-1]), gaps)


def checked_limits(limits: Iterable[float | None]) -> Floats:
    """(2,), of which a side that is open is infinite."""
    if not isinstance(limits, Iterable):
        raise ArgumentTypeError("limits", limits, "must be (least, most), such as (0, 1)")
    pair, infinite = tuple(limits), (-np.inf, np.inf)
    found = floats("limits", [infinite[n > 0] if side is None else side for n, side in enumerate(pair)])
    if found.shape != (2,) or not found[0] < found[1]:
        raise ArgumentError("limits", pair, "must be (least, most), such as (0, 1) or (0, None)")
    return found


def refuse_beyond(limits: Floats, values: Floats) -> None:
    """Refuses a series (T, k) that has values beyond limits (2,)."""
    low, high = limits
    beyond = np.flatnonzero(((values < low) | (values > high)).any(axis=1))
    if beyond.size:
        first = beyond[0]
        raise ArgumentError(f"series[{first}]", values[first], f"is beyond limits = ({low:g}, {high:g})")


def held(gaps: list[Gap], number: int) -> NDArray[np.intp]:
    """Which of a number of frames is seen at each step, where the last is seen until the next."""
    seen = list(range(number))
    for gap in reversed(gaps):
        before = gap.after - sum(g.missing for g in gaps if g.after < gap.after)
        seen[before + 1 : before + 1] = [before] * gap.missing
    return np.array(seen)
