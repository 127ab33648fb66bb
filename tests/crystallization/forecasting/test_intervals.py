"""Intervals that learn from the errors of forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.crystallization.forecasting._intervals import AdaptiveConformal, _quantile


@pytest.mark.parametrize("change", [1.0, 4.0])
def test_intervals_hold_as_often_as_they_say(change: float) -> None:
    """Also where errors grow all at once, and for errors of which h - 1 are never told in time."""
    generator = np.random.default_rng(1)
    errors = np.abs(generator.normal(size=(900, 3, 2)))
    errors[400:] *= change
    for level in (0.8, 0.9):
        band, hit = AdaptiveConformal(3, 2), []
        for n in range(len(errors)):
            if n > 100:
                half = band.half_widths(level)
                for h in range(3):
                    if n + h < len(errors):
                        hit.append(errors[n + h, h] <= half[h])
            band.add(errors[n])
        assert np.mean(hit) == pytest.approx(level, abs=0.025)


def test_steps_of_which_nothing_is_known_are_those_of_a_random_walk() -> None:
    band = AdaptiveConformal(4, 1)
    for error in (1.0, 3.0, 2.0):
        band.add(np.array([[error], [np.nan], [np.nan], [np.nan]]))
    half = band.half_widths(0.9)[:, 0]
    assert half == pytest.approx(half[0] * np.sqrt([1, 2, 3, 4]))


def test_levels_are_followed_each_by_itself() -> None:
    generator = np.random.default_rng(0)
    asked, late = AdaptiveConformal(3, 1), AdaptiveConformal(3, 1)
    for error in np.abs(generator.normal(size=(60, 3, 1))):
        asked.add(error)
        late.add(error)
        asked.half_widths(0.9)
    assert np.array_equal(asked.half_widths(0.9), late.half_widths(0.9))
    assert np.all(late.half_widths(0.5) < late.half_widths(0.9))


def test_quantiles_are_those_of_numpy() -> None:
    known = np.random.default_rng(0).normal(size=(17, 4, 3))
    known[:3, 1] = np.nan
    known[:, 2, 0] = np.nan
    found = _quantile(known, 0.83)
    assert np.isnan(found[2, 0])
    known[0, 2, 0] = found[2, 0] = 1.5
    assert found == pytest.approx(np.nanquantile(known, 0.83, axis=0))
