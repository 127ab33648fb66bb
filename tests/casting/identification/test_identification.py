"""Errors of identified parameters, and what the sensors can see."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from references.readings import NAMES, SENSORS, STAGES, box, errors, off, readings_of

from tundish.casting import (
    Grid,
    Identification,
    Measurements,
    Mold,
    Strand,
    identify,
    misfit,
    solve,
)
from tundish.casting.identification._covariance import covariance_of
from tundish.casting.identification._problem import LOSSES


def test_covariances_agree_with_many_draws(strand: Strand) -> None:
    """Heteroscedastic noise: the sandwich and relative weights hold, and intervals cover the truth."""
    grid = Grid(13, 15, dz_mold=0.01, dz_spray=0.02)
    solution = solve(strand, grid, probes=SENSORS)
    for noise in ("constant", "relative"):
        z, inside = [], []
        for draw in range(1000, 1040):  # the scatter of their rms is 0.11
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
    coarse = Grid(
        24, dz_mold=0.24 * strand.speed, dz_spray=1.92 * strand.speed, grading=2.16, ramp=20.0
    ).resolve(strand)
    m = readings_of(strand, coarse)
    found = identify(strand, m, NAMES, grid=coarse, progress=False)
    said = found.check_bias(refine=2)
    fine = dataclasses.replace(
        coarse, nx=47, ny=47, dz_mold=0.12 * strand.speed, dz_spray=0.96 * strand.speed
    )
    moved = errors(identify(strand, m, NAMES, grid=fine, progress=False), strand)
    assert abs(moved).max() > 3e-4
    # Foretold by one linear step from the coarse fit, with its derivatives: to a tenth of the largest bias.
    assert [said[n] / strand.parameters()[n] for n in NAMES] == pytest.approx(moved, abs=1e-4)
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
