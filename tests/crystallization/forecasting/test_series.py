"""Series on even steps, and the frames that belong to them."""

from __future__ import annotations

import numpy as np
import pytest

from tundish import ArgumentError
from tundish.crystallization import Gap, even_series
from tundish.crystallization.forecasting._series import held


def test_a_frame_is_seen_until_the_next() -> None:
    assert held([], 4).tolist() == [0, 1, 2, 3]
    # After the second frame two are missing, and after the third, at place 4, one.
    assert held([Gap(1, 2), Gap(4, 1)], 4).tolist() == [0, 1, 1, 1, 2, 2, 3]


def test_gaps_are_filled_on_lines_and_steps_are_even() -> None:
    series = even_series([1.0, 2.0, 5.0, 6.0], [10, 12, 18, 20])
    assert series.values[:, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert series.time.tolist() == [10, 12, 14, 16, 18, 20]
    assert (series.flat, series.gaps) == (True, [Gap(1, 2)])


def test_a_refusal_has_its_parts() -> None:
    with pytest.raises(ArgumentError, match=r"time\[3\] = 60 s: comes 40 s after the one before") as caught:
        even_series(np.arange(5.0), [0, 10, 20, 60, 70], max_gap=3)
    assert (caught.value.argument, caught.value.value) == ("time[3]", 60)
    assert caught.value.allowed.startswith("comes 40 s after the one before; 10 s are usual")
    with pytest.raises(ArgumentError) as caught:
        even_series([1.0, np.nan, 2.0])
    assert caught.value.argument == "series[1]"
