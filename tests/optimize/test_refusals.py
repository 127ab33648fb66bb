"""Refusals of the optimisers as data: which argument, and what it was."""

from __future__ import annotations

from typing import Any

import pytest
from references.objectives import BOX, inf, sphere

pytest.importorskip("scipy")

from tundish._common.refusals import MISSING, ArgumentError, UnknownNameError
from tundish.optimize import BeeColony, bee_colony


@pytest.mark.parametrize(
    ("options", "argument", "value"),
    [
        ({"variant": "wasp"}, "variant", "wasp"),
        ({"limit": 0}, "limit", 0),
        ({"maxiter": 0}, "maxiter", 0),
        ({"maxfev": 1}, "maxfev", 1),
        ({"target": inf}, "target", inf),
        ({"workers": 0}, "workers", 0),
        ({"rng": -1}, "rng", -1),
        ({"integrality": [True] * 3}, "integrality", (3,)),
        ({"x0": [0.0]}, "x0", (1,)),
        ({"fun": lambda x: [1.0, 2.0]}, "fun", MISSING),
    ],
)
def test_refusals_are_data(options: dict[str, Any], argument: str, value: object) -> None:
    with pytest.raises(ArgumentError) as refused:
        bee_colony(**{"fun": sphere, "bounds": BOX, **options})
    assert refused.value.argument == argument
    assert refused.value.value is value or refused.value.value == value


def test_the_parts_of_a_state_are_data() -> None:
    state = BeeColony(BOX).state()
    with pytest.raises(UnknownNameError) as unknown:
        BeeColony.from_state({**state, "hive": 1})
    assert unknown.value.argument == "state"
    with pytest.raises(ArgumentError) as refused:
        BeeColony.from_state({**state, "key": [1, 2, 3]})
    assert refused.value.argument == "key"
