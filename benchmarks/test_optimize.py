"""The bee colony and its peers on functions of 8 unknowns, for pytest-benchmark.

`python -m benchmarks.optimize` puts the same things beside each other in tables.
"""

import pytest

from benchmarks import optimize


def record(benchmark, work, rounds=3):
    """Times `work`, after one call that is not counted; notes the time of an evaluation."""
    outcome = benchmark.pedantic(work, rounds=rounds, warmup_rounds=0 if benchmark.disabled else 1)
    if not benchmark.disabled:
        benchmark.extra_info["µs an evaluation"] = 1e6 * benchmark.stats.stats.min / outcome.nfev
    return outcome


@pytest.mark.parametrize("way", optimize.WAYS, ids=lambda way: f"{way.name}, {way.objective}")
def test_overhead(benchmark, way):
    outcome = record(benchmark, way.solve)
    assert abs(outcome.nfev / optimize.EVALUATIONS - 1) < 0.02


@pytest.mark.parametrize("alone", optimize.ALONE)
def test_objective_alone(benchmark, alone):
    benchmark.pedantic(optimize.ALONE[alone], rounds=3)


@pytest.mark.parametrize("function", optimize.FUNCTIONS)
@pytest.mark.parametrize("optimiser", optimize.OPTIMISERS)
def test_minimum(benchmark, optimiser, function):
    outcome = record(
        benchmark, lambda: optimize.OPTIMISERS[optimiser](optimize.FUNCTIONS[function], 0), rounds=1
    )
    assert outcome.fun < 100
