"""The Avrami fit: exact curves, honest intervals, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tundish.crystallization import fit_jmak

TIME = np.arange(200.0, 560.0, 3.0)
TRUE = {"rate": 0.012, "exponent": 2.5, "onset": 239.0}


def curve(time: NDArray = TIME, rate: float = 0.012, exponent: float = 2.5, onset: float = 239.0) -> NDArray:
    return 1 - np.exp(-((rate * np.clip(time - onset, 0, None)) ** exponent))


def correlated(random: np.random.Generator, count: int, deviation: float, memory: float) -> NDArray:
    steps = random.normal(0, deviation * np.sqrt(1 - memory**2), count)
    errors = np.zeros(count)
    for n in range(1, count):
        errors[n] = memory * errors[n - 1] + steps[n]
    return errors


@pytest.mark.parametrize(
    ("rate", "exponent", "onset"),
    [(0.012, 2.5, 239.0), (0.03, 1.0, 210.0), (0.008, 4.0, 150.0), (1.2, 3.0, 300.0)],
)
def test_an_exact_curve_gives_its_parameters(rate: float, exponent: float, onset: float) -> None:
    time = TIME if rate < 1 else np.arange(298.0, 305.0, 0.05)
    fit = fit_jmak(time, curve(time, rate, exponent, onset))
    assert fit.rate == pytest.approx(rate, rel=1e-5)
    assert fit.exponent == pytest.approx(exponent, rel=1e-5)
    assert fit.onset == pytest.approx(onset, abs=1e-3)
    assert fit.rms < 1e-6
    assert fit.share(time) == pytest.approx(curve(time, rate, exponent, onset), abs=1e-6)


def test_times_of_shares() -> None:
    fit = fit_jmak(TIME, curve())
    assert fit.half == pytest.approx(239 + np.log(2) ** 0.4 / 0.012)
    assert fit.share([fit.start, fit.half, fit.end]) == pytest.approx([0.01, 0.5, 0.99])
    assert fit.time_at(0) == fit.onset
    for share in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="share ="):
            fit.time_at(share)


def test_intervals_widen_with_level_and_with_correlation() -> None:
    random, time = np.random.default_rng(3), TIME[::2]
    white = fit_jmak(time, curve(time) + random.normal(0, 0.01, time.size))
    slow = fit_jmak(time, curve(time) + correlated(random, time.size, 0.015, 0.9))
    for name in ("rate", "exponent", "onset", "start", "half", "end"):
        value, (low, high) = getattr(white, name), white.interval(name)
        assert low < value < high
        wider = white.interval(name, 0.99)
        assert wider[0] < low
        assert high < wider[1]
        other = slow.interval(name)
        assert other[1] - other[0] > high - low
    assert slow.errors.effective < 0.6 * white.errors.effective
    assert white.interval("half") == white.time_interval(0.5)
    assert white.time_interval(0) == white.interval("onset")


@pytest.mark.parametrize(("memory", "deviation"), [(0.0, 0.01), (0.7, 0.01)])
def test_intervals_hold_the_truth_as_often_as_they_say(memory: float, deviation: float) -> None:
    """Takes seconds: 40 fits each."""
    random, held = np.random.default_rng(11), []
    time = TIME[::4]
    for _ in range(40):
        fit = fit_jmak(time, curve(time) + correlated(random, time.size, deviation, memory))
        for name in ("rate", "exponent"):
            (low, high), (lower, higher) = fit.interval(name, 0.6), fit.interval(name)
            held.append((low <= TRUE[name] <= high, lower <= TRUE[name] <= higher))
    often, nearly_always = np.mean(held, axis=0)
    assert 0.45 <= often <= 0.85
    assert nearly_always >= 0.85


def test_melting_is_left_out() -> None:
    time = np.arange(0.0, 560.0, 4.0)
    share = np.where(time < 100, 1 - np.clip((time - 40) / 50, 0, 1), curve(time))
    fit = fit_jmak(time, share)
    assert time[fit.first] == 88.0
    assert fit.exponent == pytest.approx(2.5, rel=1e-4)
    assert repr(fit).startswith("<JmakFit: rate 0.012 1/s, exponent 2.5, onset 239 s")


def test_missing_shares_are_left_out() -> None:
    share = curve()
    share[10:20] = np.nan
    assert fit_jmak(TIME, share).rate == pytest.approx(0.012, rel=1e-5)


@pytest.mark.parametrize(
    ("time", "share", "message"),
    [
        (TIME, curve()[:-1], r"share: has shape \(119,\); \(120,\)"),
        (TIME, 100 * curve(), r"share\[\d+\] = [\d.]+: must lie between 0 and 1"),
        (TIME[::-1], curve(), r"time\[1\].*backwards"),
        (TIME, np.full(120, 0.5), "does not rise"),
        (TIME, np.zeros(120), "0 lie between 0.02 and 0.98; at least 4"),
        (TIME, np.full(120, np.nan), "0 are known"),
        (TIME[:5], curve()[:5], "5 are known after melting; at least 8"),
        (TIME, np.linspace(0.9, 0.1, 120), "does not rise"),
    ],
)
def test_bad_curves_are_refused(time: NDArray, share: NDArray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_jmak(time, share)


def test_bad_arguments_of_intervals_are_refused() -> None:
    fit = fit_jmak(TIME, curve())
    with pytest.raises(ValueError, match="name = 'slope'"):
        fit.interval("slope")
    with pytest.raises(ValueError, match="resolution = 0"):
        fit_jmak(TIME, curve(), resolution=0)
    for level in (0, 1, np.nan):
        with pytest.raises(ValueError, match="level ="):
            fit.interval("rate", level)


@pytest.mark.parametrize("end", [0.3, 0.6, 0.9])
def test_a_curve_that_ends_early_is_told(end: float) -> None:
    shares = end * curve(rate=0.02) + np.random.default_rng(0).normal(0, 0.003, TIME.size)
    with pytest.warns(UserWarning, match=rf"share: comes to an end at {end:.2f}; .* does not hold"):
        fit_jmak(TIME, shares)


def test_a_curve_that_leaves_the_law_is_told() -> None:
    twice = 0.5 * curve(rate=0.04) + 0.5 * curve(rate=0.02, onset=400.0)
    with pytest.warns(UserWarning, match=r"share: leaves the law by 0\.\d+ rms, beyond noise of 0\.0"):
        fit_jmak(TIME, twice)
    # Noise alone, and a curve that is cut short, are no reason.
    fit_jmak(TIME, curve() + np.random.default_rng(0).normal(0, 0.05, TIME.size))
    fit_jmak(TIME[:40], curve()[:40])
