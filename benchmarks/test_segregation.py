"""The engines, maps and training of carbon networks, for pytest-benchmark.

    pytest benchmarks/test_segregation.py                            times
    pytest benchmarks/test_segregation.py --benchmark-disable        a small network, to see that they agree

`python -m benchmarks.segregation` puts the same things beside each other in tables.
"""

import functools

import numpy as np
import pytest

pytest.importorskip("torch")

from benchmarks import segregation

ROUNDED = 0.1  # of the deviation of carbon, for engines with fewer digits
SINGLE_PRECISION = 1e-3


@functools.cache
def cases_of(sizes):
    return segregation.Cases(sizes)


@pytest.mark.parametrize("key", segregation.WAYS)
def test_way(benchmark, key):
    cases, way = cases_of(segregation.TINY if benchmark.disabled else segregation.FULL), segregation.WAYS[key]
    found = benchmark.pedantic(way.prepare(cases), rounds=3, warmup_rounds=0 if benchmark.disabled else 1)
    if not benchmark.disabled:
        benchmark.extra_info["patches a second"] = way.count(cases) / benchmark.stats.stats.min
    elif way.count is segregation.batch and key != "training":
        change = (found - segregation.eager(cases)()) / float(cases.regressor.network.carbon_scale[0])
        assert np.abs(change).max() < (ROUNDED if key.endswith(("16", "int8")) else SINGLE_PRECISION)


def test_tables(monkeypatch):
    """Every way and every aim has its line."""
    monkeypatch.setattr(segregation, "ROUNDS", 1)
    tables = segregation.Comparison(segregation.TINY).tables()
    assert len(tables["segregation"].splitlines()) == 2 + len(segregation.WAYS)
    assert len(tables["segregation_ratios"].splitlines()) == 2 + len(segregation.AIMS)
