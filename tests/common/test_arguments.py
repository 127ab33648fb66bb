"""Arguments into plain numbers and arrays."""

from __future__ import annotations

import numpy as np
import pytest

from tundish._common.arguments import number, pair
from tundish._common.refusals import ArgumentError, ArgumentTypeError
from tundish.casting import Grid


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), (2, 2.0), [np.int64(2), 2]])
def test_a_pair_is_one_number_for_both_or_two(value: object) -> None:
    assert pair("grading", value) == (2.0, 2.0)


@pytest.mark.parametrize("value", [10**400, -(10**400), (1.0, 10**400), [10**400, 1.0]])
def test_numbers_beyond_a_float_are_refused(value: object) -> None:
    with pytest.raises(ArgumentError, match=r"^grading(\[[01]\])?: must be a number below 1e308$"):
        pair("grading", value)
    with pytest.raises(ArgumentError, match="grading"):
        Grid(9, 9, grading=value)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"^ramp: must be a number below 1e308$"):
        number("ramp", 10**400)


@pytest.mark.parametrize("value", ["12", None, True, b"12", (1.0, "2"), (True, 1.0)])
def test_what_is_no_number_is_refused_by_type(value: object) -> None:
    with pytest.raises(ArgumentTypeError, match="must be a number"):
        pair("grading", value)
