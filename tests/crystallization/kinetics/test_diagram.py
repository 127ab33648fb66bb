"""Points of time-temperature-transformation and continuous-cooling diagrams."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tundish.crystallization import cct_points, synthetic, ttt_points

TIME = np.arange(200.0, 560.0, 3.0)


def curve(time: NDArray = TIME, rate: float = 0.012, exponent: float = 2.5, onset: float = 239.0) -> NDArray:
    return 1 - np.exp(-((rate * np.clip(time - onset, 0, None)) ** exponent))


def record(hold: float, rate: float) -> tuple[NDArray, NDArray, NDArray]:
    time = np.arange(0.0, 400.0, 2.0)
    temperature = np.interp(time, [0, 20, 35, 400], [1500, 1500, hold, hold])
    return time, curve(time, rate, 2.5, 60.0), temperature


def test_ttt_points_are_times_since_the_hold_was_reached() -> None:
    points = ttt_points([record(1200, 0.02), record(1100, 0.012)])
    assert points["record"].tolist() == [0, 0, 0, 1, 1, 1]
    assert points["temperature"].tolist() == [1200] * 3 + [1100] * 3
    half = points[points["share"] == 0.5]
    # The hold is reached within 15 K half a second before its end.
    assert half["time"] == pytest.approx(60 + np.log(2) ** 0.4 / np.array([0.02, 0.012]) - 35, abs=2.5)
    assert (points["lower"] <= points["time"]).all()
    assert (points["time"] <= points["upper"]).all()


def test_ttt_points_of_frames() -> None:
    s = synthetic.sequence(150, size=(48, 64), rng=1)
    (point,) = ttt_points([s], [0.5])
    assert s.truth is not None
    expected = s.truth.onset + np.log(2) ** (1 / s.truth.exponent) / s.truth.rate - s.truth.programme[3, 0]
    assert point["time"] == pytest.approx(expected, abs=3)
    assert point["temperature"] == pytest.approx(1200, abs=2)


def test_cct_points_have_their_cooling_rate() -> None:
    time = np.arange(0.0, 300.0)
    records = []
    for rate in (2.0, 4.0):
        temperature = np.interp(time, [0, 50, 300], [1500, 1500, 1500 - 250 * rate])
        share = np.clip((1300 - temperature) / 200, 0, 1)
        records.append((time, share, temperature))
    points = cct_points(records, [0.25, 0.5])
    assert points["cooling_rate"] == pytest.approx([2, 2, 4, 4])
    assert points["temperature"] == pytest.approx([1250, 1200, 1250, 1200])
    assert points["time"] == pytest.approx([125, 150, 62.5, 75])
    assert np.isnan(points["lower"]).all()
    assert len(cct_points([(time, 0.3 * records[0][1], records[0][2])])) == 1


@pytest.mark.parametrize("rate", [0.5, 3.0, 40.0])
@pytest.mark.parametrize("soaked", [0.0, 50.5])
def test_the_clock_of_cooling_begins_at_the_highest_temperature(rate: float, soaked: float) -> None:
    """With a ramp from the first frame on, and after a soak that ends between two frames."""
    time = np.arange(0.0, soaked + 400 / rate, min(1.0, 10 / rate))
    temperature = np.interp(time, [soaked, soaked + 500 / rate], [1500, 1000])
    share = np.clip((1300 - temperature) / 100, 0, 1)
    (point,) = cct_points([(time, share, temperature)], [0.5])
    assert point["temperature"] == pytest.approx(1250)
    assert point["time"] == pytest.approx(250 / rate)
    assert point["cooling_rate"] == pytest.approx(rate)


def test_records_that_do_not_fit_a_diagram_are_named() -> None:
    time, share, temperature = record(1200, 0.02)
    cooled = (time, share, np.linspace(1500, 1000, time.size))
    with pytest.raises(ValueError, match=r"records\[1\]: is between \d+ and \d+ degC while"):
        ttt_points([record(1200, 0.02), cooled])
    with pytest.raises(ValueError, match=r"records\[0\]: is not cooled"):
        cct_points([(time, share, np.full(time.size, 1500.0))])
    with pytest.raises(ValueError, match=r"records\[0\]: must be a FrameSequence, or time"):
        ttt_points([(time, share)])
    with pytest.raises(ValueError, match=r"records\[0\]: time, share and temperature have 200, 199"):
        ttt_points([(time, share[1:], temperature)])
    with pytest.raises(ValueError, match=r"records\[1\]: share: 0 lie between 0\.02 and 0\.98"):
        ttt_points([record(1200, 0.02), (time, np.zeros(time.size), temperature)])
    with pytest.raises(ValueError, match=r"never below 0\.05"):
        cct_points([(time, share + 0.2, temperature)])
    with pytest.raises(ValueError, match="shares: 1 must lie"):
        cct_points([cooled], [1.0])
