"""Refused arguments as data: those of shapes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tundish._common.refusals import ArgumentError, Shape
from tundish.casting import Measurements, Steel
from tundish.crystallization import FrameSequence
from tundish.filtering import Diagonal, kalman_filter
from tundish.optimize import bee_colony
from tundish.scrap import HeatLog, RetainedElement
from tundish.segregation import PatchSet

FILTERED = (np.zeros((1, 2, 3, 4)), 1.0, 1.0)
IMAGES = np.zeros((3, 4, 4), np.uint8)


def test_a_shape_is_the_value_and_the_message_has_it() -> None:
    error = ArgumentError("y", Shape((2, 0)), "(T,) is needed")
    assert (error.value, error.allowed) == ((2, 0), "(T,) is needed")
    assert str(error) == "y: has shape (2, 0); (T,) is needed"
    assert str(error.named("--y").at("y.csv", 3)) == "y.csv: line 3, --y: has shape (2, 0); (T,) is needed"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again.value), str(again)) == (Shape, str(error))


@pytest.mark.parametrize(
    ("call", "argument", "shape"),
    [
        (lambda: kalman_filter(*FILTERED, initial_mean=0, initial_cov=1), "y", (1, 2, 3, 4)),
        (lambda: Diagonal(np.zeros(())), "values", ()),
        (lambda: bee_colony(sum, [(0, 1, 2)]), "bounds", (1, 3)),
        (lambda: Measurements([[0.5, 0.6]], 0.1, 0.1, 900.0), "z", (1, 2)),
        (lambda: Steel.from_table(np.zeros((5, 2))), "table", (5, 2)),
        (lambda: HeatLog([1, 2], ["a"], [[1.0]], [1.0, 2.0], [1.0, 2.0]), "scrap", (1, 1)),
        (lambda: RetainedElement([[1.0]], 1.0, 0.1, 1.0), "prior_mean", (1, 1)),
        (lambda: FrameSequence(IMAGES[0], [0.0]), "images", (4, 4)),
        (lambda: PatchSet(IMAGES, [0.2, 0.3], mm_per_px=1.0), "carbon", (2,)),
    ],
    ids=["filter", "diagonal", "colony", "measurements", "steel", "log", "element", "frames", "patches"],
)
def test_rooms_refuse_shapes_as_data(call: Callable[[], Any], argument: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError) as refused:
        call()
    assert (refused.value.argument, refused.value.value) == (argument, shape)
    assert str(refused.value) == f"{argument}: has shape {shape}; {refused.value.allowed}"
