"""Identification on a small billet: exact derivatives, stages, colonies, errors, and what is refused."""

from __future__ import annotations

import dataclasses
import os
import signal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tundish.casting import (
    PUBLISHED_STAGES,
    PUBLISHED_UNKNOWNS,
    Grid,
    Identification,
    Measurements,
    Mold,
    Progress,
    Strand,
    Zone,
    identify,
    misfit,
    solve,
)
from tundish.casting.identification._covariance import covariance_of
from tundish.casting.identification._problem import LOSSES
from tundish.optimize import bee_colony

SENSORS = [(0.015, 0.018), (0.018, 0.018), (0.018, 0.015)]
NAMES = [
    *("mold.heat_flux.x", "mold.heat_flux.y"),
    *(f"zones.{n}.htc.{face}" for n in (0, 1) for face in "xy"),
]
STAGES = [NAMES[:2], NAMES[2:4], NAMES[4:]]


def readings_of(strand: Strand, grid: Grid, **options: Any) -> Measurements:
    return Measurements.from_solution(solve(strand, grid, probes=SENSORS), **{"start": 0.05, **options})


def off(strand: Strand, share: float, names: list[str] = NAMES) -> Strand:
    return strand.replace({name: share * strand.parameters()[name] for name in names})


def box(strand: Strand, low: float = 0.3, high: float = 3.0, names: list[str] = NAMES) -> dict:
    return {name: (low * strand.parameters()[name], high * strand.parameters()[name]) for name in names}


def errors(found: Identification, strand: Strand) -> NDArray[np.float64]:
    true = strand.parameters()
    return np.array([found.parameters[name] / true[name] - 1 for name in found.unknowns])


@pytest.fixture(scope="module")
def grid() -> Grid:
    """Fine enough that the kinks of its answer, where nodes freeze, hold no fit up."""
    return Grid(17, 21, dz_mold=0.01, dz_spray=0.02)


@pytest.fixture(scope="module")
def exact(strand: Strand, grid: Grid) -> Measurements:
    return readings_of(strand, grid)


@pytest.fixture(scope="module")
def noisy(strand: Strand, grid: Grid) -> Measurements:
    return readings_of(strand, grid, noise=0.01, rng=5)


@pytest.fixture(scope="module")
def fit(strand: Strand, grid: Grid, noisy: Measurements) -> Identification:
    return identify(off(strand, 0.8), noisy, NAMES, box(strand), grid=grid, progress=False)


# ---- the misfit ------------------------------------------------------------------------------


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


# ---- least squares ---------------------------------------------------------------------------


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


# ---- stages ----------------------------------------------------------------------------------


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


# ---- errors of the parameters ----------------------------------------------------------------


def test_covariances_agree_with_many_draws(strand: Strand) -> None:
    """Heteroscedastic noise: the sandwich and relative weights hold, and intervals cover the truth."""
    grid = Grid(9, 11, dz_mold=0.02, dz_spray=0.04)
    solution = solve(strand, grid, probes=SENSORS)
    for noise in ("constant", "relative"):
        z, inside = [], []
        for draw in range(40):
            m = Measurements.from_solution(solution, start=0.05, every=0.02, noise=0.02, rng=draw)
            found = identify(strand, m, NAMES, grid=grid, noise=noise, progress=False)
            z.append(
                errors(found, strand) * [strand.parameters()[n] / found.standard_error[n] for n in NAMES]
            )
            intervals = found.confidence_interval(0.95)
            inside.append([low <= strand.parameters()[n] <= high for n, (low, high) in intervals.items()])
        assert np.sqrt(np.mean(np.square(z), axis=0)) == pytest.approx(np.ones(len(NAMES)), abs=0.3)
        assert 0.9 < np.mean(inside) < 0.99


@pytest.mark.parametrize("kind", ["sigma", "residuals", "sandwich"])
def test_covariance_of_a_straight_line(kind: str) -> None:
    """Against the textbook's formulas in plain matrices."""
    rng = np.random.default_rng(0)
    J = np.stack([np.ones(30), np.arange(30.0)], axis=1)  # noqa: N806
    r = rng.normal(size=30)
    squares = (np.ones(30), np.ones(30))
    found, free = covariance_of(J, r, squares, np.array([1.0, 1e-3]), kind)
    inverse = np.linalg.inv(J.T @ J)
    hat = np.diag(J @ inverse @ J.T)
    expected = {
        "sigma": inverse,
        "residuals": inverse * (r @ r) / 28,
        "sandwich": inverse @ J.T @ np.diag((r / (1 - hat)) ** 2) @ J @ inverse,
    }[kind]
    assert found == pytest.approx(expected, rel=1e-9)
    assert free == (np.inf if kind == "sigma" else 28)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "linear"])
def test_slopes_of_a_loss_are_its_derivatives(name: str) -> None:
    loss, z, h = LOSSES[name], np.array([0.1, 0.7, 1.5, 4.0, 30.0]), 1e-6
    slope, bend = ((of(z + h) - of(z - h)) / (2 * h) for of in (loss.value, loss.slope))
    assert slope == pytest.approx(loss.slope(z), rel=1e-6)
    assert bend == pytest.approx(loss.bend(z), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("kind", ["residuals", "sandwich"])
@pytest.mark.parametrize(
    ("name", "scale"), [("huber", 0.5), ("soft_l1", 0.5), ("cauchy", 1.0), ("arctan", 1.5)]
)
def test_errors_of_a_robust_fit_are_as_large_as_they_are_said_to_be(
    name: str, scale: float, kind: str
) -> None:
    """200 straight lines through 60 points: the spread of the fits is what their covariances say."""
    optimize = pytest.importorskip("scipy.optimize")
    x = np.linspace(-1, 1, 60)
    J = np.stack([np.ones(60), x], axis=1)  # noqa: N806
    loss, rng, found, said = LOSSES[name], np.random.default_rng(3), [], []
    for _ in range(200):
        y = rng.normal(size=60)
        fit = optimize.least_squares(lambda p, y=y: J @ p - y, [0, 0], loss=name, f_scale=scale)
        r = y - J @ fit.x
        z = (r / scale) ** 2
        influence = (loss.slope(z), loss.slope(z) + 2 * z * loss.bend(z))
        covariance, _ = covariance_of(J, r, influence, np.ones(2), kind)
        found.append(fit.x)
        said.append(np.diag(covariance))
    ratio = np.sqrt(np.median(said, axis=0)) / np.std(found, axis=0)
    assert np.all((ratio > 0.8) & (ratio < 1.25)), ratio


def test_readings_tell_from_where_on_they_are_off(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    """Without a loss_scale, 1.5 standard deviations, or up to twice that: outliers have neighbours."""
    wild = noisy.temperature.copy()
    wild[::10] += 300
    m = Measurements(noisy.z, noisy.x, noisy.y, wild)
    found = identify(off(strand, 0.9), m, NAMES, grid=grid, loss="huber", progress=False)
    spread = np.std((noisy.temperature - found.temperature)[np.arange(len(m)) % 10 != 0])
    assert 1.0 < found.loss_scale / (1.5 * spread) < 2.0
    assert np.all(found.influence[::10] < 0.3)
    assert np.median(found.influence) == 1.0
    assert abs(errors(found, strand)).max() < 0.1
    few = m.select(np.isin(m.z, np.sort(np.unique(m.z))[[0, -1]]))
    with pytest.raises(ValueError, match=r"^loss_scale: must be given"):
        identify(strand, few, NAMES[:1], grid=grid, loss="huber", progress=False)


def test_a_robust_loss_has_no_known_sigma(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    m = Measurements(noisy.z, noisy.x, noisy.y, noisy.temperature, sigma=10.0)
    with pytest.raises(ValueError, match=r"^covariance = 'sigma': not with loss = 'huber'"):
        identify(strand, m, NAMES, grid=grid, loss="huber", covariance="sigma", progress=False)
    found = identify(off(strand, 0.9), m, NAMES, grid=grid, loss="huber", progress=False)
    assert found.loss_scale == 1.5
    assert np.isfinite(found.degrees_of_freedom)


def test_what_a_result_says_of_its_errors(fit: Identification, strand: Strand) -> None:
    error = np.array([fit.standard_error[n] for n in NAMES])
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx(error)
    assert np.all(abs(errors(fit, strand)) * [strand.parameters()[n] for n in NAMES] < 5 * error)
    for level, quantile in ((0.95, 1.96), (0.683, 1.0)):
        intervals = fit.confidence_interval(level)
        for name in NAMES:
            low, high = intervals[name]
            assert low < fit.parameters[name] < high
            assert (high - low) / 2 / fit.standard_error[name] == pytest.approx(quantile, rel=0.02)
    assert np.diag(fit.correlation) == pytest.approx(np.ones(len(NAMES)))
    assert fit.noise == pytest.approx(0.01 / 3**0.5 * 1200, rel=0.3)
    assert "mold.heat_flux.x = " in repr(fit)
    with pytest.raises(ValueError, match="level"):
        fit.confidence_interval(1.5)


def test_given_sigmas_are_taken_at_their_word(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    m = [Measurements(noisy.z, noisy.x, noisy.y, noisy.temperature, sigma=s) for s in (5.0, 10.0)]
    found = [identify(strand, each, NAMES, grid=grid, progress=False) for each in m]
    assert found[1].covariance == pytest.approx(4 * found[0].covariance, rel=1e-3)
    assert found[0].cost == pytest.approx(4 * found[1].cost, rel=1e-6)
    assert found[0].degrees_of_freedom == np.inf


def test_what_the_sensors_cannot_see_is_named(strand: Strand, grid: Grid) -> None:
    m = readings_of(strand, grid)
    above = m.select(m.z < 0.6)
    found = identify(off(strand, 0.9), above, NAMES, box(strand), grid=grid, progress=False)
    assert found.identifiability.unseen == ("zones.1.htc.x", "zones.1.htc.y")
    assert np.isinf(found.identifiability.condition_number)
    assert "do not determine zones.1.htc.x, zones.1.htc.y" in found.message
    assert np.isinf(found.standard_error["zones.1.htc.x"])
    assert np.isfinite(found.standard_error["zones.0.htc.x"])
    assert found.parameters["zones.1.htc.x"] == off(strand, 0.9).parameters()["zones.1.htc.x"]
    assert "zones.1.htc.y: no reading depends on it" in str(found.identifiability)


def test_parameters_that_cannot_be_told_apart_are_named(strand: Strand, grid: Grid) -> None:
    both = dataclasses.replace(strand, mold=Mold(0.2, heat_flux=strand.mold.heat_flux, htc=0.0))
    hidden = solve(both, grid, probes=[(0.0, 0.0)])  # the axis does not know the faces apart
    m = Measurements.from_solution(hidden, every=0.02, start=0.3)
    names = ["mold.heat_flux.x", "mold.heat_flux.y", "zones.0.htc.x"]
    found = identify(both, m, names, grid=Grid(17, 17, 0.01, 0.02), progress=False)
    assert found.identifiability.condition_number > 10


def test_bias_of_the_grid_is_foretold(strand: Strand) -> None:
    """Fitted on a finer grid, the parameters move by what check_bias said."""
    coarse = Grid().resolve(strand)
    m = readings_of(strand, coarse)
    found = identify(strand, m, NAMES, grid=coarse, progress=False)
    said = found.check_bias(refine=2)
    assert coarse.nx is not None
    fine = dataclasses.replace(
        coarse,
        nx=2 * coarse.nx - 1,
        ny=2 * coarse.nx - 1,
        dz_mold=coarse.dz_mold / 2,
        dz_spray=coarse.dz_spray[0] / 2,
    )
    moved = errors(identify(strand, m, NAMES, grid=fine, progress=False), strand)
    assert abs(moved).max() > 3e-4
    assert [said[n] / strand.parameters()[n] for n in NAMES] == pytest.approx(moved, abs=5e-5)
    with pytest.raises(ValueError, match="refine"):
        found.check_bias(1.0)


@pytest.mark.parametrize(("loss", "stages"), [("soft_l1", None), ("linear", STAGES)])
def test_the_same_grid_adds_no_bias(
    loss: str, stages: list[list[str]] | None, strand: Strand, noisy: Measurements
) -> None:
    """Wherever the search ended: outliers and stages do not pass for errors of the mesh."""
    wild = noisy.temperature.copy()
    wild[::10] += 300 if loss != "linear" else 0
    m = Measurements(noisy.z, noisy.x, noisy.y, wild)
    coarse = Grid().resolve(strand)
    found = identify(off(strand, 0.9), m, NAMES, stages=stages, loss=loss, grid=coarse, progress=False)
    for name, shift in found.check_bias(1 + 1e-6).items():
        assert abs(shift) < 0.1 * found.standard_error[name], name


def test_what_is_no_keyword_or_strand_is_named(strand: Strand, noisy: Measurements) -> None:
    with pytest.raises(TypeError, match=r"^solver = \[1\]: must be a mapping"):
        identify(strand, noisy, NAMES, solver=[1], progress=False)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^measurements = None: must be Measurements"):
        misfit(strand, None, NAMES)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^unknowns: at least one name"):
        misfit(strand, noisy, [])


def test_what_ails_the_march_is_said(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    sweeps = {"method": "sor", "max_sweeps": 12}
    found = identify(strand, noisy, NAMES[:1], grid=grid, solver=sweeps, progress=False)
    assert not found.success
    assert "the sweeps of the march did not converge" in found.message
    assert identify(strand, noisy, NAMES[:1], grid=grid, progress=False).damping == 0


def test_a_stage_needs_readings_of_its_own(strand: Strand, grid: Grid, noisy: Measurements) -> None:
    low = noisy.select(noisy.z > 0.8)
    with pytest.raises(ValueError, match=r"^stages\[0\]: 0 readings above z = 0\.2 m"):
        identify(strand, low, NAMES, stages=STAGES, grid=grid, progress=False)


@pytest.mark.parametrize("most", [7, 20])
def test_max_evaluations_holds_at_bounds_too(
    most: int, strand: Strand, grid: Grid, noisy: Measurements
) -> None:
    """A second pass along the bounds has what the first left over."""
    options = {"max_evaluations": most, "grid": grid, "progress": False}
    found = identify(off(strand, 0.75), noisy, NAMES, box(strand, 0.6, 0.9), **options)
    assert not found.success
    assert found.evaluations <= max(most, 14)


# ---- the colony ------------------------------------------------------------------------------


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


# ---- on the way ------------------------------------------------------------------------------


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
            os.kill(os.getpid(), signal.SIGINT)

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


# ---- what is refused -------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "strand": ({"strand": 1}, "strand"),
    "measurements": ({"measurements": [1]}, "measurements"),
    "unknown unknown": ({"unknowns": ["zones.9.htc.x"]}, r"unknowns: 'zones.9.htc.x' is unknown"),
    "no unknown": ({"unknowns": []}, "unknowns: at least one"),
    "twice": ({"unknowns": NAMES[:1] * 2}, "unknowns: .*given twice"),
    "method": ({"method": "simplex"}, "method"),
    "bounds of another": ({"bounds": {"speed": (0.01, 0.1)}}, "bounds: 'speed' is unknown"),
    "bounds missing": ({"bounds": {}}, "bounds: 'mold.heat_flux.x' is missing"),
    "bounds upside down": ({"bounds": {NAMES[0]: (2e6, 1e6)}}, r"bounds\[.*lower one must be below"),
    "bounds without the start": ({"bounds": {NAMES[0]: (2e6, 3e6)}}, r"bounds\[.*excludes"),
    "bounds no pair": ({"bounds": {NAMES[0]: 1.0}}, r"bounds\[.*must be"),
    "bounds nan": ({"bounds": {NAMES[0]: (np.nan, 2e6)}}, r"bounds\["),
    "bounds impossible": (
        {"unknowns": ["zones.0.htc.x"], "bounds": {"zones.0.htc.x": (-5.0, 900.0)}},
        "bounds: zones.0.htc.x = -5",
    ),
    "bounds for bees": ({"method": "bee-colony", "bounds": None}, "bounds: must be given"),
    "endless bounds for bees": (
        {"method": "bee-colony", "bounds": {NAMES[0]: (0.0, np.inf)}},
        r"bounds\[.*finite",
    ),
    "endless bounds for runs": ({"runs": 2, "bounds": {NAMES[0]: (0.0, np.inf)}}, r"bounds\[.*finite"),
    "runs": ({"runs": 0}, "runs"),
    "rng": ({"rng": "dice"}, "rng"),
    "grid": ({"grid": 10}, "grid"),
    "backend": ({"backend": "abacus"}, "backend"),
    "stages": ({"stages": "all"}, "stages"),
    "stages unknown": ({"stages": [["speed"]]}, "stages: 'speed' is unknown"),
    "stages incomplete": (
        {"unknowns": NAMES[:2], "bounds": None, "stages": [NAMES[:1]]},
        "stages: .*in no stage",
    ),
    "stages empty": ({"stages": [[], NAMES[:1]]}, "stages: every stage"),
    "loss": ({"loss": "bisquare"}, "loss"),
    "loss of bees": ({"loss": "huber", "method": "bee-colony"}, "loss"),
    "loss_scale": ({"loss_scale": 0.0}, "loss_scale"),
    "noise": ({"noise": "loud"}, "noise"),
    "covariance": ({"covariance": "kurtosis"}, "covariance"),
    "covariance without sigma": ({"covariance": "sigma"}, "covariance"),
    "tolerance": ({"tolerance": -1.0}, "tolerance"),
    "max_evaluations": ({"max_evaluations": 0}, "max_evaluations"),
    "popsize": ({"popsize": 1, "method": "bee-colony"}, "popsize"),
    "maxiter": ({"maxiter": 0, "method": "bee-colony"}, "maxiter"),
    "solver": ({"solver": {"speed": 1}}, "solver: 'speed' is unknown"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(strand: Strand, grid: Grid, exact: Measurements, case: str) -> None:
    changes, message = BAD[case]
    good = {"strand": strand, "measurements": exact, "unknowns": NAMES[:1], "grid": grid, "progress": False}
    good["bounds"] = {NAMES[0]: (1e6, 1.5e6)}
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        identify(**{**good, **changes})


def test_readings_that_cannot_be_used_are_refused(strand: Strand, grid: Grid, exact: Measurements) -> None:
    with pytest.raises(ValueError, match="measurements: 5 readings for 6 unknowns"):
        identify(strand, exact.select(np.arange(5)), NAMES, grid=grid, progress=False)
    low = Measurements([1.7], [0.01], [0.01], [1200.0])
    with pytest.raises(
        ValueError, match=r"measurements\.z\[0\] = 1.7: must not exceed the strand's length, 1.5 m"
    ):
        identify(strand, low, NAMES[:1], grid=grid, progress=False)
    relative = Measurements([1.2], [0.01], [0.01], [1200.0], sigma=1.0)
    with pytest.raises(ValueError, match="noise"):
        identify(strand, relative, NAMES[:1], grid=grid, noise="relative", progress=False)


def test_a_start_that_diverges_is_refused(strand: Strand, grid: Grid, exact: Measurements) -> None:
    hot = strand.replace({"mold.heat_flux.x": 5e8})
    with pytest.raises(ValueError, match="strand: the march from the start of the fit diverges"):
        identify(hot, exact, NAMES[:1], grid=grid, progress=False)
