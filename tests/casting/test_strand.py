"""Strands and their steels are values: equal when made alike, copied and pickled to the same bits."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
from references.strand import PUBLISHED_STEEL, scheil, small_strand, table

from tundish.casting import Grid, Steel, solve

ROWS = [
    (300.0, 1.0, 7200.0, 700.0, 30.0),
    (1650.0, 1.0, 7200.0, 720.0, 32.0),
    (1700.0, 0.0, 7e3, 800.0, 60.0),
]
STEELS = {
    "scheil": scheil(),
    "a replaced one": scheil().replace({"latent_heat": 2.5e5}),
    "solidus": Steel.scheil(**PUBLISHED_STEEL, residual="solidus"),
    "table": Steel.from_table(table(ROWS), latent_heat=250e3),
    "a replaced table": Steel.from_table(table(ROWS), latent_heat=1e3).replace({"latent_heat": 250e3}),
}


def copies(value: Any) -> list[Any]:
    return [copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))]


@pytest.mark.parametrize("steel", STEELS.values(), ids=STEELS)
def test_steels_copy_and_pickle(steel: Steel) -> None:
    temperature = np.linspace(300.0, 1900.0, 50)
    for other in copies(steel):
        assert other == steel
        assert hash(other) == hash(steel)
        assert repr(other) == repr(steel)
        assert other.parameters() == steel.parameters()
        np.testing.assert_array_equal(other.enthalpy(temperature), steel.enthalpy(temperature))


def test_steels_compare_by_value() -> None:
    assert STEELS["table"] == STEELS["a replaced table"]
    assert scheil() == scheil()
    assert len(set(STEELS.values())) == 4
    assert scheil() != "scheil"


def test_a_copy_does_not_warn_again() -> None:
    with pytest.warns(UserWarning, match="latent heat"):
        steel = Steel.scheil(**{**PUBLISHED_STEEL, "partition": 0.5})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(other == steel for other in copies(steel))


@pytest.mark.parametrize("steel", STEELS.values(), ids=STEELS)
def test_strands_copy_and_pickle(steel: Steel) -> None:
    strand, grid = small_strand(steel), Grid(6, 7, 0.05, 0.1)
    assert small_strand(steel) == strand
    assert strand.replace({"speed": 0.5 * strand.speed}) != strand
    expected = solve(strand, grid)
    for other in copies(strand):
        assert other == strand
        assert hash(other) == hash(strand)
        assert solve(other, grid) == expected
