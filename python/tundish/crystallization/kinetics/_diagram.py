"""Points of time-temperature-transformation and continuous-cooling diagrams, from several records."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, number, vector
from tundish._common.refusals import MISSING, ArgumentError
from tundish.crystallization.frames._checks import rising, within
from tundish.crystallization.frames._repair import repair_readings
from tundish.crystallization.frames._sequence import FrameSequence
from tundish.crystallization.kinetics._jmak import fit_jmak

_SHARES = (0.01, 0.5, 0.99)
_POINT = [("record", np.int64), ("share", float), ("temperature", float), ("time", float), ("lower", float),
          ("upper", float), ("cooling_rate", float)]  # fmt: skip
_NEAR, _LINE = 5.0, 25.0  # K below the highest temperature: cooling, and the line that it begins with
_MOLTEN = 0.05  # share, below which the flux has been molten

Measured = FrameSequence | Sequence[Any]


class _Curve(NamedTuple):
    """Times (s), crystallised shares, and degC, all (T,)."""

    time: Floats
    share: Floats
    temperature: Floats


def ttt_points(
    records: Iterable[Measured],
    shares: Iterable[float] = _SHARES,
    *,
    level: float = 0.95,
    tolerance: float = 15.0,
) -> NDArray[Any]:
    """Points of the time-temperature-transformation diagram, of records that were held at a temperature.

    **Main arguments:** `records`: each a :class:`FrameSequence` with readings, whose features are computed,
    or (time (T,) s, share (T,), temperature (T,) degC). Readings are repaired as by :func:`repair_readings`.
    `shares`: crystallised, at which there are points.

    **Other arguments:** `level`: of the intervals. `tolerance`: K that the temperature may be off while it
    crystallises (5th to 95th percentile about the median, from 1 % to 99 %).

    **Returns:** a structured array, a row for each record and share: `record` (from 0), `share`,
    `temperature` (degC, the median), `time` (s since the hold was reached, by :func:`fit_jmak`), its
    interval `lower` to `upper`, and `cooling_rate`, 0.

    **Raises:** ValueError naming the record, so for one that is not isothermal; as :func:`fit_jmak`.
    """
    wanted, off = _shares(shares), number("tolerance", tolerance)
    points = []
    for n, curve in enumerate(_curves(records)):
        try:
            fit = fit_jmak(curve.time, curve.share)
        except ValueError as error:
            raise within(f"records[{n}]", error) from None
        inside = (curve.time >= fit.start) & (curve.time <= fit.end)
        if not inside.any():
            allowed = "does not show from 1 % to 99 % of the crystallisation"
            raise ArgumentError(f"records[{n}]", MISSING, allowed)
        held = float(np.median(curve.temperature[inside]))
        low, high = np.quantile(curve.temperature[inside], (0.05, 0.95))
        if max(held - low, high - held) > off:
            raise ArgumentError(
                f"records[{n}]",
                MISSING,
                f"is between {low:.0f} and {high:.0f} degC while it crystallises; for a hold it may be "
                f"{off:g} K off its median",
            )
        before = np.flatnonzero((curve.time < fit.start) & (np.abs(curve.temperature - held) > off))
        reached = float(curve.time[before[-1] + 1] if before.size else curve.time[0])
        for share in wanted:
            interval = np.array(fit.time_interval(share, level)) - reached
            points.append((n, share, held, fit.time_at(share) - reached, *interval, 0.0))
    return np.array(points, _POINT)


def cct_points(records: Iterable[Measured], shares: Iterable[float] = _SHARES) -> NDArray[Any]:
    """Points of the continuous-cooling diagram, of records that were cooled while they crystallised.

    **Main arguments:** as for :func:`ttt_points`.

    **Returns:** a structured array as of :func:`ttt_points`: `temperature` (degC) and `time` (s since the
    cooling began: the line through the readings from the last within 5 K of the highest to 25 K below it,
    drawn back to the highest) at which the share is first seen, and `cooling_rate`, the mean over that time,
    K/s. Shares are those measured (a running median of five, and
    no less than before), without a law, so that `lower` and `upper` are NaN; a share that is not reached has
    no row.

    **Raises:** ValueError naming the record, so for one that is not cooled.
    """
    wanted = _shares(shares)
    points = []
    for n, curve in enumerate(_curves(records)):
        highest = curve.temperature.max()
        begin = int(np.flatnonzero(curve.temperature > highest - _NEAR)[-1])
        after = _Curve(*(column[begin:] for column in curve))
        if len(after.time) < 2 or after.temperature[-1] > highest - 20:
            allowed = f"is not cooled: it ends at {curve.temperature[-1]:.0f} degC"
            raise ArgumentError(f"records[{n}]", MISSING, allowed)
        began = _cooling_began(curve, begin)
        padded = np.pad(after.share, 2, mode="edge")
        smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
        rising_share = np.maximum.accumulate(smooth)
        for share in wanted:
            if rising_share[0] >= share or rising_share[-1] < share:
                continue
            k = int(np.argmax(rising_share >= share))
            part = (share - rising_share[k - 1]) / (rising_share[k] - rising_share[k - 1])
            at = after.time[k - 1] + part * (after.time[k] - after.time[k - 1])
            temperature = float(np.interp(at, after.time, after.temperature))
            rate = (highest - temperature) / (at - began)
            points.append((n, share, temperature, at - began, math.nan, math.nan, rate))
    return np.array(points, _POINT)


def _cooling_began(curve: _Curve, begin: int) -> float:
    """s at which the highest temperature was left, by the readings from the `begin`-th on."""
    highest = curve.temperature.max()
    cooler = np.flatnonzero(curve.temperature[begin:] < highest - _LINE)
    end = begin + max(int(cooler[0]) if cooler.size else len(curve.time), 2)
    slope, level = np.polyfit(curve.time[begin:end] - curve.time[begin], curve.temperature[begin:end], 1)
    at_highest = float(curve.time[np.flatnonzero(curve.temperature == highest)[-1]])
    back = (highest - level) / slope if slope < 0 else 0.0
    return float(np.clip(curve.time[begin] + back, at_highest, curve.time[begin]))


def _shares(shares: Iterable[float]) -> list[float]:
    wanted = [number("shares", share) for share in shares]
    for share in wanted:
        if not 0 < share < 1:
            raise ArgumentError("shares", MISSING, f"{share:g} must lie between 0 and 1")
    return wanted


def _curves(records: Iterable[Measured]) -> list[_Curve]:
    """What the records show from when the flux is molten, with repaired readings."""
    curves = []
    for n, record in enumerate(records):
        try:
            curves.append(_curve(record))
        except (TypeError, ValueError) as error:
            raise within(f"records[{n}]", error) from None
    return curves


def _curve(record: Measured) -> _Curve:
    if isinstance(record, FrameSequence):
        if record.temperature is None:
            raise ValueError("has no temperature")
        table = record.features()
        time, share, temperature = table["time"], table["share"], table["temperature"]
    else:
        if len(record) != 3:
            raise ValueError("must be a FrameSequence, or time, share and temperature")
        time, share = rising("time", record[0]), vector("share", record[1])
        temperature = vector("temperature", record[2])
        if not len(time) == len(share) == len(temperature):
            raise ValueError(
                f"time, share and temperature have {len(time)}, {len(share)} and {len(temperature)} values"
            )
        if not np.isfinite(share).all():
            raise ArgumentError(f"share[{np.argmax(~np.isfinite(share))}]", MISSING, "must be finite")
    repaired = repair_readings(time, temperature).values
    known = np.isfinite(repaired)
    curve = _Curve(time, share, np.interp(time, time[known], repaired[known]))
    molten = np.flatnonzero(curve.share < _MOLTEN)
    if not molten.size:
        allowed = f"is never below {_MOLTEN}; the flux must have been molten"
        raise ArgumentError("share", MISSING, allowed)
    return _Curve(*(column[molten[0] :] for column in curve))
