"""What an objective may return, and what it raises in another process."""

from __future__ import annotations

import re

import numpy as np
import pytest
from references.colony import Floats
from references.objectives import BOX, sphere
from references.objectives import VARIANTS as NAMES

from tundish.optimize import bee_colony

VARIANTS = pytest.mark.parametrize("variant", NAMES)


def broken(x: Floats) -> float:
    raise LookupError("lost in a process")


def test_what_another_process_raises_passes_through() -> None:
    with pytest.raises(LookupError, match="lost in a process") as raised:
        bee_colony(broken, BOX, rng=0, workers=2)
    assert raised.value.intermediate_result.nfev == 0


@pytest.mark.parametrize(
    ("returned", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"fun: returned shape \(8, 2\) for 8 points"),
        (None, TypeError, "fun: returned object"),
        ("1", TypeError, "fun: returned"),
        (1 + 2j, TypeError, "fun: returned complex128"),
    ],
)
def test_an_objective_that_returns_no_number_is_refused(
    returned: object, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as raised:
        bee_colony(lambda x: returned, BOX, rng=0)
    assert raised.value.intermediate_result.nfev == 0


@pytest.mark.parametrize("shape", [(), (4,), (9,), (1, 8), (4, 8)])
def test_a_vectorized_objective_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=re.escape(f"fun: returned shape {shape} for 8 points")):
        bee_colony(lambda x: np.zeros(shape), BOX, vectorized=True, rng=0)


def test_ragged_values_are_refused() -> None:
    sizes = iter(range(1, 100))
    with pytest.raises(ValueError, match="fun: returned arrays of different shapes"):
        bee_colony(lambda x: np.zeros(next(sizes)), BOX, rng=0)


def test_an_objective_may_return_one_number_in_an_array_and_change_its_argument() -> None:
    def careless(x: Floats) -> Floats:
        x *= x
        return x.sum(keepdims=True)

    assert bee_colony(careless, BOX, maxiter=2, rng=0).fun == bee_colony(sphere, BOX, maxiter=2, rng=0).fun
