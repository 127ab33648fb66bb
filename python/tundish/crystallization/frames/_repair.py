"""Readings of thermocouples that were read off the frames, with what was mis-read put right."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, count, floats, positive
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish.crystallization.frames._checks import rising

_NEIGHBOURS = 7  # readings on each side of one, whose median slope is the trend
_SHARE = 0.9  # of the changes between readings that count as their ordinary movement
_MARGIN = 4.0  # ordinary movements that a reading may make at once
_END_COST = 2  # readings are mis-read at an end half as readily: nothing comes back to prove it
_DIGITS = "0123456789"
_FURTHEST = 1e9  # K off the programme; numbers may be mis-read by more, but what is worked with stays finite


class Repair(NamedTuple):
    """One reading that was replaced.

    - `row`, `column`: of the reading. `time`: s.
    - `read`: degC as read, NaN if missing. `repaired`: degC put in its place, NaN in gaps that are too long.
    - `reason`: "missing"; "spike", one reading that leaves its neighbours, or "jump", several that leave and
      come back; "programme", too far from the heating programme.
    - `digits`: whether one digit dropped, doubled or taken for another explains it. Then that digit is put
      right; otherwise the reading is interpolated.
    """

    row: int
    column: int
    time: float
    read: float
    repaired: float
    reason: str
    digits: bool


class Repaired(NamedTuple):
    """Readings after :func:`repair_readings`.

    - `values`: as given, (T,) or (T, k), degC.
    - `repairs`: a :class:`Repair` for each reading replaced, by column and time.
    - `jumps`: (row, column) of readings that leave the one before at once and do not come back. They may
      be a quench or a wire that broke, so they are kept.
    """

    values: Floats
    repairs: tuple[Repair, ...]
    jumps: tuple[tuple[int, int], ...]


def repair_readings(
    time: ArrayLike,
    values: ArrayLike,
    programme: ArrayLike | None = None,
    *,
    tolerance: float = 10.0,
    deviation: float = 100.0,
    longest: int = 10,
) -> Repaired:
    """Finds the readings that were mis-read or are missing, and puts them right.

    **Main arguments:**

    - `time`: (T,) s, rising. `values`: (T,) or (T, k) degC, a column a thermocouple; NaN is missing.
    - `programme`: (n, 2), times (s, rising) and temperatures (degC) of the heating programme between which it
      is linear, as far as it is known. Two points at one time are a step.

    **Other arguments:**

    - `tolerance`: K that a reading may leave its neighbours by even where all others lie on a line.
    - `deviation`: K that a reading may differ from the programme.
    - `longest`: readings. A run of up to so many that leaves and comes back is mis-read; one that is longer,
      or does not come back, is kept. Where more than so many follow each other missing, they stay NaN.

    **Returns:** a :class:`Repaired`, with each repair.

    What is kept is the cheapest chain through the readings (dynamic programming). From one kept reading to
    the next a step is free if it is no longer than `tolerance` + 4 s dt off the trend, s being the size below
    which 90 % of this column's changes lie (K/s, after a median of three) and the trend the median slope over
    15 readings, both after the programme was taken off. A longer step costs (`longest` + 1) / 2, a reading
    left out 1 (at the ends 2), and none may be left out that lies between the two. A thermocouple that
    flickers has a wide band, one that follows a ramp a narrow one, so both lose what does not fit them.

    In place of what is left out comes the reading with a digit put right, if that lies in the band, and
    otherwise a value on the line between its neighbours; before the first and after the last reading kept,
    on the line of the median slope over 15 readings, or as far off the programme if there is one.

    **Raises:** ValueError or TypeError naming the argument; so if fewer than three readings are known, or
    more than half of them do not fit the programme.
    """
    columns = floats("values", values)
    names = ["values"] if columns.ndim == 1 else [f"values[:, {n}]" for n in range(columns.shape[-1])]
    return repair_columns(
        names, time, columns, programme, tolerance=tolerance, deviation=deviation, longest=longest
    )


def repair_columns(
    names: Sequence[str],
    time: ArrayLike,
    columns: Floats,
    programme: ArrayLike | None = None,
    *,
    tolerance: float = 10.0,
    deviation: float = 100.0,
    longest: int = 10,
) -> Repaired:
    """:func:`repair_readings` of columns (T,) or (T, k) degC, which refusals call by these names."""
    seconds = rising("time", time)
    if columns.ndim not in (1, 2) or len(columns) != len(seconds):
        needed = f"({len(seconds)},) or ({len(seconds)}, k) needed"
        raise ArgumentError("values", Shape(columns.shape), needed)
    if np.isinf(columns).any():
        first = np.argwhere(np.isinf(columns))[0].tolist()
        raise ArgumentError("values", MISSING, f"is infinite at {first}")
    limits = _Limits(
        positive("tolerance", tolerance), positive("deviation", deviation), count("longest", longest, 1)
    )
    baseline = np.zeros(len(seconds)) if programme is None else programme_at(programme, seconds)
    repaired = columns.copy()
    repairs: list[Repair] = []
    jumps: list[tuple[int, int]] = []
    for column, (name, read) in enumerate(zip(names, columns.reshape(len(seconds), -1).T, strict=True)):
        found = _Column(name, seconds, read, baseline, limits, programme is not None)
        fixed = found.fixed()
        repairs += [
            Repair(n, column, float(seconds[n]), float(read[n]), value, reason, digits)
            for n, (value, reason, digits) in fixed.items()
        ]
        for n, (value, _, _) in fixed.items():
            repaired.reshape(len(seconds), -1)[n, column] = value
        jumps += [(n, column) for n in found.jumps]
    return Repaired(repaired, tuple(repairs), tuple(jumps))


def programme_at(programme: ArrayLike, time: Floats) -> Floats:
    """(T,) degC of a heating programme, (n, 2) times and temperatures; constant beyond its ends.

    At the time of a step it is what comes after.
    """
    points = floats("programme", programme)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        needed = "(n, 2), times and temperatures, is needed"
        raise ArgumentError("programme", Shape(points.shape), needed)
    if not np.isfinite(points[:, 1]).all():
        raise ArgumentError("programme", MISSING, "temperatures must be finite")
    return np.interp(time, rising("programme[:, 0]", points[:, 0], twice=True), points[:, 1])


class _Limits(NamedTuple):
    """K, K, and readings; see :func:`repair_readings`."""

    tolerance: float
    deviation: float
    longest: int


class _Column:
    """One thermocouple: which readings are kept, and what comes in place of the others."""

    def __init__(
        self, name: str, time: Floats, read: Floats, baseline: Floats, limits: _Limits, programmed: bool
    ) -> None:
        self._time, self._read, self._baseline, self._limits = time, read, baseline, limits
        self._programmed = programmed
        self._offset = np.clip(read - baseline, -_FURTHEST, _FURTHEST)
        known = np.flatnonzero(np.isfinite(read))
        fitting = np.abs(self._offset)[known] <= limits.deviation if programmed else np.full(known.size, True)
        if known.size < 3:
            raise ArgumentError(name, MISSING, f"{known.size} readings are known; at least 3 are needed")
        if fitting.sum() < max(known.size / 2, 3):
            off = f"{known.size - fitting.sum()} of the {known.size} readings of {name}"
            raise ArgumentError(
                "programme", MISSING, f"{off} differ by more than {limits.deviation:g} K from it"
            )
        self._programme = known[~fitting]
        self._known = known[fitting]
        self._movement = 0.0
        self._kept, self.jumps = self._chain()

    def _chain(self) -> tuple[NDArray[np.intp], list[int]]:
        """The readings on the cheapest chain, and those of them that a jump leads to."""
        time = self._time[self._known]
        level, self._movement = _detrended(time, self._offset[self._known])
        number, longest = len(level), self._limits.longest
        jump = (longest + 1) / 2  # two of them, out and back, cost more than the longest run
        cost = np.minimum(_END_COST * np.arange(number, dtype=float), number).tolist()
        before = [-1] * number
        steps = [self._steps(time, level, gap) for gap in range(min(longest, number - 2) + 1)]
        free, allowed = ([step[k].tolist() for step in steps] for k in (0, 1))
        for n in range(1, number):
            for gap in range(min(longest, n - 1, number - 2) + 1):
                start = n - gap - 1
                if allowed[gap][start]:
                    total = cost[start] + gap + (0 if free[gap][start] else jump)
                    if total < cost[n]:
                        cost[n], before[n] = total, start
        last = min(range(number), key=lambda n: cost[n] + _END_COST * (number - 1 - n))
        chain = [last]
        while before[chain[-1]] >= 0:
            chain.append(before[chain[-1]])
        chain.reverse()
        jumps = [b for a, b in itertools.pairwise(chain) if not free[b - a - 1][a]]
        return self._known[chain], self._known[jumps].tolist() if jumps else []

    def _steps(self, time: Floats, level: Floats, gap: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each reading to the one `gap` readings on: is the step free, may those between be left out?"""
        ahead = gap + 1
        here, there = level[:-ahead], level[ahead:]
        low, high = np.minimum(here, there), np.maximum(here, there)
        free = high - low <= self._band(time[ahead:] - time[:-ahead])
        allowed = np.full(len(here), True)
        for k in range(1, ahead):
            between = level[k : k + len(here)]
            near = np.minimum(time[k : k + len(here)] - time[:-ahead], time[ahead:] - time[k : k + len(here)])
            band = self._band(near)
            allowed &= (between < low - band) | (between > high + band)
        return free, allowed

    def _band(self, seconds: Floats) -> Floats:
        return self._limits.tolerance + _MARGIN * self._movement * seconds

    def fixed(self) -> dict[int, tuple[float, str, bool]]:
        """By index: the repaired reading, the reason, and whether a digit explains it."""
        kept = np.zeros(len(self._read), bool)
        kept[self._kept] = True
        offset = self._between(kept)
        fixed = {}
        for run in _runs(~kept):
            if len(run) > self._limits.longest and np.isnan(self._read[run]).all():
                fixed.update({n: (math.nan, "missing", False) for n in run})
                continue
            reach = np.abs(self._time[kept][:, None] - self._time[run]).min(axis=0)
            for n, band in zip(run, self._band(reach), strict=True):
                fixed[n] = self._one(n, float(offset[n] + self._baseline[n]), float(band), len(run))
        return fixed

    def _between(self, kept: NDArray[np.bool_]) -> Floats:
        """(T,) K off the programme: on lines between the kept readings, and on beyond the first and last."""
        time, known = self._time[kept], self._offset[kept]
        offset = np.interp(self._time, time, known)
        if self._programmed or len(known) < 2:
            return np.asarray(offset)
        reach = 2 * _NEIGHBOURS + 1
        slopes = np.diff(known) / np.diff(time)
        before, after = self._time < time[0], self._time > time[-1]
        offset[before] += np.median(slopes[:reach]) * (self._time[before] - time[0])
        offset[after] += np.median(slopes[-reach:]) * (self._time[after] - time[-1])
        return np.asarray(offset)

    def _one(self, n: int, expected: float, band: float, length: int) -> tuple[float, str, bool]:
        read = float(self._read[n])
        if math.isnan(read):
            return expected, "missing", False
        reason = "programme" if n in self._programme else "spike" if length == 1 else "jump"
        nearest = min(_edits(read), key=lambda value: abs(value - expected), default=math.inf)
        if abs(nearest - expected) <= band:
            return nearest, reason, True
        return expected, reason, False


def _detrended(time: Floats, offset: Floats) -> tuple[Floats, float]:
    """Levels after the running median slope was taken off, and the size (K/s) of ordinary changes of it."""
    padded = np.pad(offset, 1, mode="reflect") if len(offset) > 1 else offset
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=-1)
    interval = np.diff(time)
    slope = np.diff(offset) / interval
    wide = np.pad(slope, _NEIGHBOURS, constant_values=np.nan)
    trend = np.nanmedian(np.lib.stride_tricks.sliding_window_view(wide, 2 * _NEIGHBOURS + 1), axis=-1)
    level = offset - np.concatenate([[0.0], np.cumsum(trend * interval)])
    return level, float(np.quantile(np.abs(np.diff(smooth) / interval - trend), _SHARE))


def _runs(bad: NDArray[np.bool_]) -> Iterator[list[int]]:
    """The indices of each run of bad readings."""
    places = np.flatnonzero(bad)
    if places.size:
        for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            yield run.tolist()


def _edits(read: float) -> Iterator[float]:
    """What may have been shown where this was read: one digit lost, put in, or taken for another."""
    text = np.format_float_positional(abs(read), trim="-")
    yield from (math.copysign(float(shown), read) for shown in _texts(text))


def _texts(text: str) -> Iterator[str]:
    for n in range(len(text) + 1):
        yield from (text[:n] + digit + text[n:] for digit in _DIGITS)
    if len(text) > 1:
        for n, character in enumerate(text):
            if character in _DIGITS:
                yield from (text[:n] + digit + text[n + 1 :] for digit in _DIGITS if digit != character)
                yield text[:n] + text[n + 1 :]
