"""A mesh for the small billet, and readings that were made on it."""

from __future__ import annotations

import pytest
from references.readings import NAMES, box, off, readings_of

from tundish.casting import Grid, Identification, Measurements, Strand, identify


@pytest.fixture(scope="module")
def grid() -> Grid:
    """Fine enough that the kinks of its answer, where nodes freeze, hold no fit up."""
    return Grid(17, 21, dz_mold=0.005, dz_spray=0.02)


@pytest.fixture(scope="module")
def exact(strand: Strand, grid: Grid) -> Measurements:
    return readings_of(strand, grid)


@pytest.fixture(scope="module")
def noisy(strand: Strand, grid: Grid) -> Measurements:
    return readings_of(strand, grid, noise=0.01, rng=5)


@pytest.fixture(scope="module")
def fit(strand: Strand, grid: Grid, noisy: Measurements) -> Identification:
    return identify(off(strand, 0.8), noisy, NAMES, box(strand), grid=grid, progress=False)
