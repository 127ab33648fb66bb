"""Single solves, batches and peers on the published strand, for pytest-benchmark.

    pytest benchmarks                           times
    pytest benchmarks --benchmark-disable       everything once, to see that it runs

`python -m benchmarks.compare` puts the same things beside each other in one table. The peers' times here
include their set-up and the reading of the results.
"""

import pytest

from benchmarks import ours, roofline
from benchmarks.peers import case, explicit_numba, implicit_scipy, published_sor


def record(benchmark, work, candidates=1, rounds=3):
    """Times `work`, after one call that is not counted; notes the time of a candidate and of a node-step."""
    answer = benchmark.pedantic(work, rounds=rounds, warmup_rounds=0 if benchmark.disabled else 1)
    node_steps = answer["node_steps"] if isinstance(answer, dict) else ours.node_steps(answer)
    if not benchmark.disabled:
        seconds = benchmark.stats.stats.min / candidates
        benchmark.extra_info["ms a candidate"] = 1e3 * seconds
        benchmark.extra_info["ns a node-step"] = 1e9 * seconds / node_steps
    return answer


@pytest.mark.parametrize("grid", [None, ours.FIXED, ours.FINE], ids=["default", "48x48", "100x100"])
def test_single(benchmark, grid):
    answer = record(benchmark, lambda: ours.single(grid), rounds=10)
    assert answer.success
    assert case.rms_error(ours.result(answer)) < 0.5


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("candidates", "options"),
    [
        pytest.param(256, {}, id="256"),
        pytest.param(256, {"outputs": ours.RESTRICTED, "dtype": "float32"}, id="256-readings-float32"),
        pytest.param(16, {"grid": ours.FINE}, id="16-100x100"),
        pytest.param(
            32, {"grid": ours.FINE, "outputs": ours.RESTRICTED, "dtype": "float32"}, id="32-100x100-float32"
        ),
    ],
)
def test_batch(benchmark, candidates, options, threads):
    answer = record(benchmark, lambda: ours.batch(candidates, threads=threads, **options), candidates)
    assert answer.success.all()


def test_gradient(benchmark):
    answer = record(benchmark, lambda: ours.single(gradient=ours.COOLING, threads=1))
    assert answer.probe_gradient.shape[0] == len(ours.COOLING) == 8


@pytest.mark.parametrize("ordering", published_sor.ORDERINGS)
def test_published_scheme(benchmark, ordering):
    answer = record(benchmark, lambda: ours.single(ours.FINE, ordering=ordering, **ours.PUBLISHED), rounds=1)
    assert answer.success


def test_published_scheme_in_a_batch(benchmark):
    options = {"outputs": ours.RESTRICTED, "threads": 1, **ours.PUBLISHED}
    assert record(benchmark, lambda: ours.batch(8, ours.FINE, **options), 8, rounds=1).success.all()


@pytest.mark.parametrize("n", [41, 100])
def test_numba(benchmark, n):
    record(benchmark, lambda: explicit_numba.solve(n))


def test_scipy(benchmark):
    record(benchmark, lambda: implicit_scipy.solve(100), rounds=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # FiPy's own
def test_fipy(benchmark):
    """A few steps on 100 x 100 cells: the whole strand would take minutes."""
    from benchmarks.peers import fipy_strand

    seconds = benchmark.pedantic(lambda: fipy_strand.seconds_per_step(100, steps=3), rounds=1)
    benchmark.extra_info["ns a node-step"] = 1e9 * seconds / 100**2


@pytest.mark.parametrize("ordering", published_sor.ORDERINGS)
def test_scalar_sor(benchmark, ordering):
    record(benchmark, lambda: published_sor.solve(ordering=ordering), rounds=1)


def test_counts_of_the_roofline():
    """The documented count of operations is that of the headers."""
    counts = roofline.counts(48)
    assert 100 < counts.step.simple < 180
    assert (
        2 <= counts.step.divisions < 3.5
    )  # one along x, one along y, and one in the least slope; faces more
    assert 3 <= counts.step.rows < 3.5  # after either pass, and for the next step
    assert 24 <= counts.read + counts.written <= 32


def test_steel_of_the_roofline():
    """The published steel as a table solidifies nearly as the published steel does."""
    found, expected = (ours.single(ours.FIXED, s) for s in (roofline.tabled_strand(), ours.STRAND))
    assert found.metallurgical_length == pytest.approx(expected.metallurgical_length, abs=0.1)
    assert "48 x 48" in ours.nodes_and_steps(found)


def test_node_steps_of_two_meshes():
    found = ours.single()
    finer = found.x.size * found.y.size * (found.z.size - 1)
    assert ours.node_steps(found) == pytest.approx(1.375 * finer, rel=0.05)
