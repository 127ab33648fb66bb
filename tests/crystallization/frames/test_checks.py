"""Refusals of what comes with frames, as data."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from references.frames import frames, sequence

from tundish import ArgumentError, ArgumentTypeError
from tundish.crystallization import CalibrationWarning, FrameSequence
from tundish.crystallization.frames._calibration import collect_doubts
from tundish.crystallization.frames._checks import Quantity


@pytest.mark.parametrize(
    ("arguments", "argument", "value"),
    [
        ({"time": [0, 1, 2, 2, 3, 4]}, "time[3]", 2.0),
        ({"crystals": "grey"}, "crystals", "grey"),
    ],
)
def test_a_refusal_has_argument_and_value(arguments: dict[str, Any], argument: str, value: object) -> None:
    with pytest.raises(ArgumentError) as caught:
        FrameSequence(**{"images": frames(), "time": np.arange(6.0), **arguments})
    assert (caught.value.argument, caught.value.value) == (argument, value)


def test_other_types_are_type_errors() -> None:
    with pytest.raises(ArgumentTypeError) as caught:
        FrameSequence(frames(), np.arange(6.0), mask=np.ones((8, 10)))
    assert (caught.value.argument, caught.value.allowed) == ("mask", "is float64; bool is needed")


def test_a_quantity_is_a_number_with_its_unit() -> None:
    seconds = Quantity(3.5, "s")
    assert seconds == 3.5
    assert str(ArgumentError("time[1]", seconds, "must rise")) == "time[1] = 3.5 s: must rise"
    again = pickle.loads(pickle.dumps(seconds))
    assert (again, again.unit, f"{again:g}") == (3.5, "s", "3.5 s")


def test_sequences_stay_frozen_when_copied() -> None:
    for other in (copy.deepcopy(sequence()), pickle.loads(pickle.dumps(sequence()))):
        assert np.array_equal(other.images, sequence().images)
        with pytest.raises(ValueError, match="read-only"):
            other.images[0, 0, 0] = 1
        with pytest.raises(AttributeError, match="time: sequences do not change; make others"):
            other.time = np.arange(6.0)


def test_doubts_are_collected_and_other_warnings_shown() -> None:
    pytest.importorskip("skimage")
    still = FrameSequence(np.full((4, 30, 30), 50, np.uint8), np.arange(4.0))
    with pytest.warns(CalibrationWarning, match="no two states") as caught:
        still.calibration()
    assert any(each.message.remedy.startswith("give mask=") for each in caught)
    doubts: list[str] = []

    def calibrate_twice() -> None:
        with collect_doubts() as found:
            still.calibration()
            still.calibration()
            warnings.warn("something else", stacklevel=1)
        doubts.extend(found)

    with pytest.warns(UserWarning, match="something else"):
        calibrate_twice()
    assert len(doubts) == len(set(doubts)) >= 1
    assert "the frames show no two states, so nothing counts as crystallised" in doubts
