"""Identification on a small billet: exact derivatives, stages, colonies."""

from __future__ import annotations

import dataclasses
import signal

import numpy as np
import pytest
from references.readings import NAMES, SENSORS, STAGES, box, errors, off, readings_of

from tundish.casting import (
    PUBLISHED_STAGES,
    PUBLISHED_UNKNOWNS,
    Grid,
    Identification,
    Measurements,
    Progress,
    Strand,
    Zone,
    identify,
    misfit,
    solve,
)
from tundish.optimize import bee_colony


def test_misfit_is_the_weighted_sum_of_squares(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    weighted = Measurements(noisy.z, noisy.x, noisy.y, noisy.temperature, sigma=noisy.z + 1)
    x = np.array([[1.1e6, 350.0], [1.3e6, 420.0], [9e8, 400.0]])
    for m, dtype in ((noisy, "float64"), (weighted, "float64"), (noisy, "float32")):
        native = misfit(strand, m, ["mold.heat_flux.x", "zones.1.htc.y"], grid, solver={"dtype": dtype})
        found = native.evaluate(x)
        assert np.isnan(found[2])  # diverges
        for values, f in zip(x[:2], found[:2], strict=True):
            changed = strand.replace(dict(zip(["mold.heat_flux.x", "zones.1.htc.y"], values, strict=True)))
            s = solve(changed, grid, probes=m.sensors)
            model = [np.interp(z, s.z, s.probe_temperature[n]) for z, n in zip(m.z, m.sensor, strict=True)]
            plain = np.sum((m.scale * (np.array(model) - m.temperature)) ** 2)
            assert f == pytest.approx(plain, rel=1e-9 if dtype == "float64" else 1e-4)


def test_a_colony_minimises_the_misfit_without_python(
    strand: Strand, grid: Grid, exact: Measurements
) -> None:
    names = ["zones.0.htc.x", "zones.0.htc.y"]
    bounds = [(300.0, 800.0), (200.0, 700.0)]
    results = [
        bee_colony(misfit(strand, exact, names, grid, solver={"threads": n}), bounds, maxiter=3, rng=3)
        for n in (1, 2)
    ]
    assert results[0].x == pytest.approx([500, 400], rel=0.05)
    assert np.array_equal(results[0].x, results[1].x)


@pytest.mark.parametrize("share", [0.65, 1.3])
def test_exact_readings_give_the_parameters_back(
    strand: Strand, grid: Grid, exact: Measurements, share: float
) -> None:
    found = identify(off(strand, share), exact, NAMES, box(strand), grid=grid, progress=False)
    assert found.success
    assert found.message == "converged"
    assert abs(errors(found, strand)).max() < 1e-4
    assert found.evaluations % 7 == 0
    assert found.evaluations <= 8 * 7
    assert found.strand.parameters() == pytest.approx(
        off(strand, share).replace(found.parameters).parameters()
    )
    assert found.cost == pytest.approx(np.sum(found.residuals**2))


def test_bounds_may_be_left_out(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify(off(strand, 0.8), exact, NAMES, grid=grid, progress=False)
    assert abs(errors(found, strand)).max() < 1e-4


def test_parameters_that_are_not_positive_are_fitted_linearly(strand: Strand, grid: Grid) -> None:
    warm = dataclasses.replace(strand, zones=[Zone(0.7, htc=500.0, heat_flux=(-2e4, 0.0)), strand.zones[1]])
    names = ["zones.0.heat_flux.x", "zones.0.heat_flux.y"]
    m = readings_of(warm, grid)
    start = warm.replace(dict.fromkeys(names, 1e4))
    found = identify(start, m, names, dict.fromkeys(names, (-1e5, 1e5)), grid=grid, progress=False)
    assert [found.parameters[n] for n in names] == pytest.approx([-2e4, 0.0], abs=5)


def test_speed_and_steel_can_be_identified(strand: Strand, grid: Grid, exact: Measurements) -> None:
    names = ["speed", "steel.latent_heat"]
    found = identify(off(strand, 0.9, names), exact, names, grid=grid, progress=False)
    assert abs(errors(found, strand)).max() < 1e-3


def test_a_bound_that_is_hit_is_named(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify(off(strand, 0.65), exact, NAMES, box(strand, 0.6, 0.9), grid=grid, progress=False)
    assert "at a bound: " in found.message
    for name, (low, high) in found.bounds.items():
        assert low <= found.parameters[name] <= high


def test_random_starts_come_after_the_strands_own(strand: Strand, grid: Grid, exact: Measurements) -> None:
    def run(runs: int) -> Identification:
        return identify(
            off(strand, 0.9), exact, NAMES, box(strand, 0.7, 1.3), grid=grid, runs=runs, rng=1, progress=False
        )

    three, again, one = run(3), run(3), run(1)
    assert len(three.runs) == 3
    assert three.runs[0] == one.runs[0]
    assert three.runs == again.runs
    assert three.cost == pytest.approx(min(r.cost for r in three.runs))
    assert three.evaluations == sum(r.evaluations for r in three.runs)


def test_missing_and_scattered_sensors_do(strand: Strand, grid: Grid) -> None:
    s = solve(strand, grid, probes=[*SENSORS, (0.0, 0.02), (0.02, 0.0)])
    m = Measurements.from_solution(s, every=0.013, start=0.04)
    m = m.select(np.random.default_rng(0).permutation(len(m))[:60])
    found = identify(off(strand, 0.8), m, NAMES, grid=grid, progress=False)
    assert abs(errors(found, strand)).max() < 1e-3


def test_a_robust_loss_forgives_outliers(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    wild = noisy.temperature.copy()
    wild[::10] += 300
    m = Measurements(noisy.z, noisy.x, noisy.y, wild)

    def worst(loss: str) -> float:
        found = identify(off(strand, 0.9), m, NAMES, grid=grid, loss=loss, loss_scale=30.0, progress=False)
        assert found.success
        return float(abs(errors(found, strand)).max())

    plain = worst("linear")
    assert all(worst(loss) < 0.5 * plain for loss in ("soft_l1", "huber", "cauchy", "arctan"))


def test_stages_end_at_the_same_parameters_for_less(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify(off(strand, 0.8), exact, NAMES, stages=STAGES, grid=grid, progress=False)
    assert found.success
    assert abs(errors(found, strand)).max() < 1e-4
    assert found.unknowns == tuple(NAMES)
    assert all(error > 0 for error in found.standard_error.values())


def test_a_stage_takes_readings_that_later_unknowns_cannot_reach(
    strand: Strand, grid: Grid, exact: Measurements
) -> None:
    """What later stages start from makes no difference to the first ones."""
    starts = [off(off(strand, 0.8), share, NAMES[4:]) for share in (1.0, 0.5)]
    found = [identify(s, exact, NAMES[:4], stages=STAGES[:2], grid=grid, progress=False) for s in starts]
    fluxes = [[f.runs[0].parameters[n] for n in NAMES[:2]] for f in found]
    assert fluxes[0] == pytest.approx(fluxes[1], rel=1e-12)


def test_published_stages_hold_all_published_unknowns() -> None:
    for stages in PUBLISHED_STAGES.values():
        assert sorted(name for stage in stages for name in stage) == sorted(PUBLISHED_UNKNOWNS)
    assert [len(stage) for stage in PUBLISHED_STAGES[4]] == [2, 2, 2, 2]


def test_bee_colony_finds_the_parameters_and_repeats_itself(
    strand: Strand, grid: Grid, exact: Measurements
) -> None:
    def run(threads: int, runs: int = 2) -> Identification:
        return identify(
            strand, exact, NAMES, box(strand, 0.7, 1.4), "bee-colony", stages=STAGES, runs=runs, maxiter=3,
            popsize=6, rng=2, grid=grid, solver={"threads": threads}, progress=False,
        )  # fmt: skip

    found, again, one = run(1), run(2), run(1, runs=1)
    assert found.success
    assert abs(errors(found, strand)).max() < 0.1
    assert found.runs == again.runs
    assert np.array_equal(found.covariance, again.covariance)
    assert found.runs[0] == one.runs[0]
    assert found.parameters == min(found.runs, key=lambda r: r.cost).parameters
    assert found.evaluations == 2 * 3 * (6 + 3 * 2 * 6 * 6 * 2) + 7
    assert found.cost == pytest.approx(min(r.cost for r in found.runs), rel=1e-3)


def test_bee_colony_runs_ten_times_by_default(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify(
        strand,
        exact,
        NAMES[:1],
        box(strand, names=NAMES[:1]),
        "bee-colony",
        maxiter=1,
        grid=grid,
        progress=False,
    )
    assert len(found.runs) == 10
    assert len({run.parameters[NAMES[0]] for run in found.runs}) == 10


def test_progress_is_told_what_is_going_on(strand: Strand, grid: Grid, exact: Measurements) -> None:
    seen: list[Progress] = []
    found = identify(off(strand, 0.8), exact, NAMES, stages=STAGES, grid=grid, progress=seen.append)
    assert [p.stage for p in seen] == sorted(p.stage for p in seen)
    assert {p.stage for p in seen} == {0, 1, 2}
    assert seen[-1].evaluations == found.evaluations - 7
    assert set(seen[0].parameters) == set(NAMES)
    bees: list[Progress] = []
    identify(
        strand, exact, NAMES[:1], box(strand, names=NAMES[:1]), "bee-colony", maxiter=1, runs=1, grid=grid,
        progress=bees.append,
    )  # fmt: skip
    assert bees[-1].evaluations == bees[-1].total == 8 + 2 * 8 * 8
    assert np.all(np.diff([p.cost for p in bees]) <= 0)


@pytest.mark.parametrize("method", ["least-squares", "bee-colony"])
def test_ctrl_c_returns_what_was_found(strand: Strand, grid: Grid, exact: Measurements, method: str) -> None:
    calls = []

    def interrupt(progress: Progress) -> None:
        calls.append(progress)
        if len(calls) == 3:
            signal.default_int_handler(signal.SIGINT, None)  # a signal has ended the process

    found = identify(
        off(strand, 0.65), exact, NAMES, box(strand), method, runs=1, grid=grid, progress=interrupt
    )
    assert not found.success
    assert "interrupted" in found.message
    assert found.parameters == pytest.approx(calls[-1].parameters)
    assert np.isfinite(found.cost)


def test_a_limit_that_is_reached_is_no_success(strand: Strand, grid: Grid, exact: Measurements) -> None:
    found = identify(off(strand, 0.65), exact, NAMES, grid=grid, max_evaluations=14, progress=False)
    assert not found.success
    assert "max_evaluations = 14" in found.message
    assert found.evaluations == 14


def test_a_picture_is_drawn(fit: Identification) -> None:
    figure = fit.plot()
    assert len(figure.axes) == 4
    labels = [text.get_text() for text in figure.axes[3].get_yticklabels()]
    assert len(labels) == len(NAMES)
    assert labels[0].startswith("mold.heat_flux.x = ")
