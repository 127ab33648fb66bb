"""Local trends, and the blend of forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.crystallization.forecasting._trend import Blend, median_line, median_step, reach


def test_trends_are_not_misled_by_a_jump() -> None:
    line = 3.0 + 0.5 * np.arange(20.0)
    jumped = line + 40 * (np.arange(20) >= 15)
    for values in (line, jumped):
        assert median_step(values[None, :, None])[0, 0] == pytest.approx(0.5)
    height, slope = median_line(line[None, :, None])
    assert (height[0, 0], slope[0, 0]) == pytest.approx((line[-1], 0.5))
    spiked = line.copy()
    spiked[7] += 90
    height, slope = median_line(spiked[None, :, None])
    assert (height[0, 0], slope[0, 0]) == pytest.approx((line[-1], 0.5))


def test_a_damped_trend_reaches_so_far() -> None:
    steps = np.array([1.0, 2.0, 30.0])
    assert reach(0.9, steps) == pytest.approx([0.9, 0.9 + 0.81, sum(0.9**i for i in range(1, 31))])
    assert reach(1.0, steps) == pytest.approx(steps)


def test_a_blend_turns_to_what_comes_true() -> None:
    blend = Blend(np.array([[0.9, 0.05, 0.05]]), np.ones(1))
    assert blend.weights()[0, 0] == pytest.approx([0.9, 0.05, 0.05])
    for _ in range(40):
        blend.learn([np.array([[[2.0, 0.1, 5.0]]])], np.zeros(1))
    assert blend.weights().sum() == pytest.approx(1)
    assert blend.weights()[0, 0, 1] > 0.99
    unknown = blend.error.copy()
    blend.learn([np.array([[[2.0, 0.1, 5.0]]])], np.array([np.nan]))
    assert np.array_equal(blend.error, unknown)
