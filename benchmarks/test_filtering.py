"""The filters and their peers, for pytest-benchmark: each must agree with the plain NumPy filter.

    pytest benchmarks/test_filtering.py                            times
    pytest benchmarks/test_filtering.py --benchmark-disable        a few heats each, to see that they agree

`python -m benchmarks.filtering` puts the same things beside each other in tables.
"""

import functools

import pytest

from benchmarks import filtering

SINGLE_PRECISION = 1e-2
# Quadrature instead of sigma points: another approximation of the same update.
PROJECTED = 1e-3
ALLOWED = {"float32": SINGLE_PRECISION, "partition": PROJECTED}


@functools.cache
def cases_of(sizes):
    return filtering.Cases(sizes)


@pytest.mark.parametrize("key", filtering.WAYS)
def test_filter(benchmark, key):
    cases = cases_of(filtering.TINY if benchmark.disabled else filtering.FULL)
    work, steps = filtering.prepared(cases, key)
    found = benchmark.pedantic(work, rounds=3, warmup_rounds=0 if benchmark.disabled else 1)
    if not benchmark.disabled:
        benchmark.extra_info["µs a filter and heat"] = 1e6 * benchmark.stats.stats.min / steps
    assert filtering.error(cases, key, found) < ALLOWED.get(key, 1e-6)


def test_tables(monkeypatch):
    """Every way and every aim has its line."""
    monkeypatch.setattr(filtering, "ROUNDS", 1)
    tables = filtering.Comparison(filtering.TINY).tables()
    assert len(tables["filters"].splitlines()) == 2 + len(filtering.WAYS)
    assert len(tables["filter_ratios"].splitlines()) == 2 + len(filtering.AIMS)
