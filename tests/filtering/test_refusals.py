"""Refusals of the filters as data: which argument, at which place, and what it was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.filtering import (
    KalmanFilter,
    expectation_maximization,
    kalman_filter,
    partition_filter,
    unscented_filter,
)

TWO = np.stack([np.eye(2), [[1.0, 2.0], [2.0, 1.0]]])


def arguments(**changes: Any) -> dict[str, Any]:
    given = {
        "y": np.zeros((2, 3)),
        "design": np.ones((3, 2)),
        "obs_cov": 1.0,
        "initial_mean": np.zeros(2),
        "initial_cov": 1.0,
    }
    return {**given, **changes}


@pytest.mark.parametrize(
    ("changes", "argument", "value"),
    [
        ({"y": [1.0, np.inf, 2.0]}, "y[1]", MISSING),
        ({"design": [[1.0, 2.0], [1.0, np.nan], [1.0, 2.0]]}, "design[1, 1]", np.nan),
        ({"obs_cov": [1.0, -1.0, 1.0]}, "obs_cov[1]", MISSING),
        ({"transition": np.ones(3)}, "transition", (3,)),
        ({"state_cov": TWO}, "state_cov[1]", MISSING),
        ({"state_cov": np.stack([TWO] * 3, axis=1)}, "state_cov[1, 0]", MISSING),
        ({"initial_cov": [1.0, -1.0]}, "initial_cov", MISSING),
        ({"store": "everything"}, "store", "everything"),
        ({"robust": 0.0}, "robust", 0.0),
        ({"threads": 0}, "threads", 0),
    ],
)
def test_the_place_is_in_the_argument(changes: dict[str, Any], argument: str, value: object) -> None:
    with pytest.raises(ArgumentError) as refused:
        kalman_filter(**arguments(**changes))
    error = refused.value
    assert error.argument == argument
    assert error.value is value or error.value == value or np.isnan(error.value)
    assert str(error).startswith(argument)


def test_a_noise_of_steps_is_indexed_by_the_step() -> None:
    noise = np.stack([np.eye(2), TWO[1], np.eye(2)])
    with pytest.raises(ArgumentError) as refused:
        kalman_filter(**arguments(y=np.zeros((2, 3, 2)), design=np.ones((2, 2)), obs_cov=noise))
    assert refused.value.argument == "obs_cov[1]"


def test_other_filters_refuse_alike() -> None:
    with pytest.raises(ArgumentError) as refused:
        expectation_maximization(**arguments(estimate=["gold"]))
    assert refused.value.argument == "estimate"
    given = arguments()
    given.pop("design")
    with pytest.raises(ArgumentTypeError) as no_function:
        unscented_filter(observe=3, **given)
    assert (no_function.value.argument, no_function.value.value) == ("observe", 3)
    with pytest.raises(ArgumentError) as refused:
        KalmanFilter(np.ones(2), 1.0, initial_mean=np.zeros(2), initial_cov=1.0).update([1.0, 2.0])
    assert refused.value.argument == "y"
    with pytest.raises(ArgumentError) as refused:
        partition_filter(
            np.zeros(3), np.ones((3, 1)), 1.0, 0.1, 20.0, 1.0, transition=np.full((3, 3), 0.1), state_cov=0.1,
            state_intercept=0.0, initial_mean=np.ones(3), initial_cov=1.0,
        )  # fmt: skip
    assert refused.value.argument == "transition"


@pytest.mark.parametrize("name", ["initial_cov", "state_cov", "initial_mean"])
def test_ragged_arrays_are_refused_by_name(name: str) -> None:
    arguments: dict[str, Any] = {"state_cov": 1.0, "initial_mean": np.zeros(2), "initial_cov": 1.0}
    with pytest.raises(ArgumentTypeError, match=rf"^{name}: must be an array of numbers$"):
        kalman_filter([[1.0]], np.ones((1, 2)), [1.0], **{**arguments, name: [[1], [1, 2]]})
