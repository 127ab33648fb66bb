"""One identification of the published case by least squares, and one published run of the bee colony.

pytest benchmarks/test_identification.py
"""

import pytest

from tundish.casting import PUBLISHED_UNKNOWNS, Grid, Measurements, identify, read_case, solve

BEES, CYCLES = 8, 25


@pytest.fixture(scope="module")
def strand():
    return read_case().strand


@pytest.fixture(scope="module")
def readings(strand):
    """Of a finer mesh than the one that is fitted, every 0.01 m, with 1 % noise."""
    grid = Grid(192, 192, dz_mold=2.5e-3, dz_spray=2e-2, grading=5, ramp=20)
    return Measurements.from_solution(solve(strand, grid, probes=read_case().probes), noise=0.01, rng=0)


@pytest.fixture(scope="module")
def bounds(strand):
    true = strand.parameters()
    return {name: (0.5 * true[name], 1.5 * true[name]) for name in PUBLISHED_UNKNOWNS}


def test_least_squares(benchmark, strand, readings, bounds):
    true = strand.parameters()
    start = strand.replace({name: 0.65 * true[name] for name in PUBLISHED_UNKNOWNS})
    found = benchmark.pedantic(
        lambda: identify(start, readings, PUBLISHED_UNKNOWNS, bounds, progress=False), rounds=5
    )
    assert found.success
    benchmark.extra_info["solves"] = found.evaluations


def test_published_bee_colony(benchmark, strand, readings, bounds):
    cycles = 1 if benchmark.disabled else CYCLES
    options = {"method": "bee-colony", "popsize": BEES, "maxiter": cycles, "runs": 1}
    found = benchmark.pedantic(
        lambda: identify(strand, readings, PUBLISHED_UNKNOWNS, bounds, progress=False, **options)
    )
    assert found.runs[0].evaluations == BEES + cycles * 2 * BEES**2 * len(PUBLISHED_UNKNOWNS)
    benchmark.extra_info["solves"] = found.evaluations
