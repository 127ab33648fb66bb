"""The published scheme: node by node in plain Python, its sweeps, and what it says when they run out."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from references.strand import closed_form, published_march, scheil, scheil_capacity, small_strand, tabulated

from tundish.casting import Grid, Mold, Status, Stepper, Strand, Zone, solve, solve_batch

PUBLISHED: dict[str, Any] = {"method": "sor", "phase_change": "correction"}
QUENCH: dict[str, Any] = {"pouring_temperature": 1729.0, "mold": Mold(0.1, heat_flux=6e6)}


def lumped(flux: float) -> Strand:
    """A bar so thin that it is of one temperature, 2 mm thick, and loses the same heat everywhere."""
    zone = Zone(1.1, heat_flux=flux)
    return small_strand(
        width=0.002, thickness=0.002, length=1.1, speed=0.01, mold=Mold(1.0, flux), zones=[zone]
    )


@pytest.mark.parametrize(
    ("grid", "changes", "relaxation", "tolerance"),
    [
        (Grid(9, 9, 0.02, 0.05), {}, 1.4, 1e-7),
        (Grid(6, 9, 0.02, 0.05, grading=(3.0, 1.0), ramp=4.0), {}, 1.4, 1e-7),
        (Grid(9, 4, 0.1, 0.3), QUENCH, 1.0, 1e-5),
        (Grid(5, 7, 0.05, 0.1), {}, 1.8, 1e-7),
    ],
    ids=["published", "graded", "quenched", "1.8"],
)
def test_the_published_scheme_node_by_node(
    grid: Grid, changes: dict[str, Any], relaxation: float, tolerance: float
) -> None:
    """The same sweeps and temperatures as nested loops in Python, here with the tables that the kernels use.

    Sums run in another order, so sweeps could differ only where a change falls on the tolerance to its last
    digit. The quench takes nodes from the liquid through the whole mush in one step.
    """
    strand = small_strand(width=0.05, **changes)
    options = {**PUBLISHED, "relaxation": relaxation, "tolerance": tolerance}
    z = solve(strand, grid, outputs=[], **options).z
    solution = solve(strand, grid, sections=z, **options)
    march = (solution.x, solution.y, z, tabulated(strand.steel), relaxation, tolerance)
    expected, sweeps = published_march(strand, *march)
    np.testing.assert_array_equal(solution.iterations, sweeps)
    np.testing.assert_allclose(solution.section_temperature, expected, rtol=0, atol=1e-6)
    jumps = (expected[:-1] > strand.steel.liquidus) & (expected[1:] < strand.steel.solidus)
    assert jumps.any() == bool(changes)


def test_the_published_scheme_without_tables() -> None:
    """With the closed forms instead of the tables: 0.5 K where a node is at a kink, and 0.15 K on average."""
    strand, grid = small_strand(width=0.05), Grid(7, 7, 0.02, 0.05)
    z = solve(strand, grid, outputs=[], **PUBLISHED).z
    solution = solve(strand, grid, sections=z, **PUBLISHED)
    expected, _ = published_march(strand, solution.x, solution.y, z, closed_form())
    difference = np.abs(solution.section_temperature - expected)
    assert difference.max() < 1.0
    assert difference.mean() < 0.25


def test_the_equations_are_solved() -> None:
    """A hundred times the tolerance moves no temperature by more than about a hundred times the tolerance."""
    strand, grid = small_strand(), Grid(9, 9, 0.02, 0.05)
    for phase_change in ("enthalpy", "correction"):
        options: dict[str, Any] = {"method": "sor", "phase_change": phase_change, "sections": [0.2, 0.7, 1.5]}
        tight, loose = (solve(strand, grid, tolerance=t, **options) for t in (1e-10, 1e-6))
        difference = np.abs(tight.section_temperature - loose.section_temperature).max()
        assert difference < 1e-4  # the sweeps halve the error, and 36 steps hand it on
        assert loose.iterations.sum() < tight.iterations.sum()


@pytest.mark.parametrize("phase_change", ["enthalpy", "correction"])
def test_red_black_ordering(phase_change: str) -> None:
    """The same answer to the tolerance, in fewer sweeps."""
    strand, grid = small_strand(), Grid(17, 17, 0.01, 0.02)
    options: dict[str, Any] = {"method": "sor", "phase_change": phase_change, "sections": [0.2, 0.7, 1.5]}
    a, b = (solve(strand, grid, ordering=o, **options) for o in ("lexicographic", "red-black"))
    # 1e-7 K a sweep leaves some 1e-6 K a step, handed on over 60 steps.
    np.testing.assert_allclose(a.section_temperature, b.section_temperature, rtol=0, atol=1e-4)
    assert b.iterations.sum() < 0.95 * a.iterations.sum()


def test_sweeps_of_over_relaxation() -> None:
    """Sweeps are fewest between Gauss-Seidel and 2, and the answer does not depend on them."""
    strand, grid = small_strand(), Grid(17, 17, 0.02, 0.05)
    runs = [solve(strand, grid, relaxation=r, sections=[1.5], **PUBLISHED) for r in (1.0, 1.4, 1.9)]
    sweeps = [int(run.iterations.sum()) for run in runs]
    assert sweeps[1] < sweeps[0]
    assert sweeps[1] < sweeps[2]
    for run in runs:
        np.testing.assert_allclose(run.section_temperature, runs[0].section_temperature, rtol=0, atol=1e-4)


@pytest.mark.parametrize("phase_change", ["enthalpy", "correction"])
@pytest.mark.parametrize("relaxation", [1.0, 1.4, 1.9])
def test_sweeps_end_in_float32(phase_change: str, relaxation: float) -> None:
    """The default is what 24 bits can reach: 4 units in the last place at 2000 K, over 2 - relaxation."""
    strand, grid = small_strand(), Grid(17, 17, 0.01, 0.02)
    options: dict[str, Any] = {"method": "sor", "phase_change": phase_change, "relaxation": relaxation}
    exact, rounded = (solve(strand, grid, dtype=d, sections=[1.0], **options) for d in ("float64", "float32"))
    assert rounded.success
    assert rounded.iterations.max() < exact.iterations.max()
    np.testing.assert_allclose(rounded.section_temperature, exact.section_temperature, rtol=0, atol=0.5)


def test_a_tolerance_that_rounding_cannot_reach_is_refused() -> None:
    strand, grid = small_strand(), Grid(5, 5, 0.05, 0.1)
    message = r"tolerance = 1e-07: K; must be at least 0.00081\d* in float32 with relaxation = 1.4, or"
    with pytest.raises(ValueError, match=message):
        solve(strand, grid, method="sor", dtype="float32", tolerance=1e-7)
    with pytest.raises(ValueError, match=r"tolerance = 0.001: .* at least 0.004"):
        solve(strand, grid, method="sor", dtype="float32", tolerance=1e-3, relaxation=1.9)
    assert solve(strand, grid, method="sor", dtype="float32", tolerance=1e-3).success
    assert solve(strand, grid, dtype="float32", tolerance=1e-7).success  # no sweeps
    default, same = (solve(strand, grid, method="sor", **t) for t in ({}, {"tolerance": 1e-7}))
    np.testing.assert_array_equal(default.iterations, same.iterations)


def test_alternating_directions_take_no_sweeps() -> None:
    assert np.all(solve(small_strand(), Grid(5, 5, 0.05, 0.1)).iterations == 1)


def test_correction_formulas_on_a_thin_bar() -> None:
    """Where the section has one temperature, Eqs. (18) and (19) can be followed by hand.

    A step takes q dt / (capacity x half thickness); the liquid falls past the liquidus by `below` and ends at
    T_L - C_l rho_l / (C_mz rho_mz) below, the mush past the solidus at T_S - C_mz rho_mz / (C_s rho_s) below.
    """
    flux, dz = 4e4, 0.1
    strand = lumped(flux)
    solution = solve(strand, Grid(2, 2, dz, dz), **PUBLISHED)
    taken = 2 * flux * (dz / strand.speed) / 0.001  # J/m3 a step, through both faces
    solidus, liquidus = strand.steel.solidus, strand.steel.liquidus
    mush = float(scheil_capacity(np.nextafter(liquidus, 0.0)))
    expected = [1823.0]
    while len(expected) < solution.z.size:
        before = expected[-1]
        capacity = float(scheil_capacity(before))
        after = before - taken / capacity
        if before >= liquidus > after:
            after = liquidus - float(scheil_capacity(liquidus)) / mush * (liquidus - after)
            capacity = mush
        if before > solidus > after:
            after = solidus - capacity / float(scheil_capacity(solidus)) * (solidus - after)
        expected.append(after)
    assert min(expected) < solidus  # both were needed
    # The bar's own gradient is 1 K; the table of C is 1 % off at the liquidus, of some 50 K of mush.
    np.testing.assert_allclose(solution.centre_temperature, expected, rtol=0, atol=2.0)


def test_enthalpy_on_a_thin_bar() -> None:
    """The enthalpy falls by the same amount every step, whatever the temperature does."""
    strand = lumped(4e4)
    for residual in ("none", "solidus", "rescale"):
        steel = scheil(residual=residual)
        solution = solve(dataclasses.replace(strand, steel=steel), Grid(2, 2, 0.05, 0.05), method="sor")
        lost = 2 * 4e4 / 0.001 * solution.z / strand.speed
        mean = steel.temperature(steel.enthalpy(1823.0) - lost)
        assert np.all(solution.centre_temperature >= mean - 1.0)  # the gradient of the bar is 1 K
        assert np.all(solution.corner_temperature <= mean + 1.0)


def test_correction_needs_capacities() -> None:
    """Latent heat at one temperature has none to offer."""
    with pytest.raises(ValueError, match=r"phase_change.*residual='solidus'.*enthalpy"):
        solve(small_strand(scheil(residual="solidus")), Grid(5, 5, 0.05, 0.1), phase_change="correction")


@pytest.mark.parametrize("ordering", ["lexicographic", "red-black"])
@pytest.mark.parametrize("phase_change", ["enthalpy", "correction"])
def test_sweeps_that_run_out_are_reported(phase_change: str, ordering: str) -> None:
    strand, grid = small_strand(), Grid(9, 9, 0.02, 0.05)
    options: dict[str, Any] = {"phase_change": phase_change, "ordering": ordering, "max_sweeps": 12}
    with pytest.warns(RuntimeWarning, match=r"not converged at z = 0.02 m.*max_sweeps"):
        solution = solve(strand, grid, method="sor", **options)
    assert solution.status == Status.NOT_CONVERGED
    assert solution.status_step == 1
    assert not solution.success
    assert "max_sweeps" in solution.message
    assert "not converged" in repr(solution)
    np.testing.assert_array_equal(solution.iterations, 12)
    assert np.all(np.isfinite(solution.centre_temperature))  # it is an answer, if a poor one


def test_the_first_step_that_does_not_converge_is_named() -> None:
    strand, grid = small_strand(), Grid(9, 9, 0.02, 0.05)
    enough = solve(strand, grid, **PUBLISHED)
    limit = int(enough.iterations.max()) - 1
    late = int(np.argmax(enough.iterations > limit)) + 1
    with pytest.warns(RuntimeWarning, match="not converged"):
        solution = solve(strand, grid, max_sweeps=limit, **PUBLISHED)
    assert solution.status_step == late
    assert f"z = {solution.z[late]:.4g} m" in solution.message
    np.testing.assert_array_equal(solution.centre_temperature[:late], enough.centre_temperature[:late])
    assert solve(strand, grid, max_sweeps=limit + 1, **PUBLISHED).success


def test_a_batch_says_which_candidates_failed() -> None:
    """Speed decides how many sweeps a step needs; every candidate has its own status and sweeps."""
    strand, grid = small_strand(), Grid(9, 9, 0.02, 0.05)
    speeds = np.array([0.2, 0.02, 0.1, 0.01, 0.3])
    sweeps = solve_batch(strand, {"speed": speeds}, grid, **PUBLISHED).iterations.max(axis=1)
    limit = int(np.sort(sweeps)[2])
    with pytest.warns(RuntimeWarning, match=r"2 of 5 candidates failed; candidate 1: not converged"):
        batch = solve_batch(strand, {"speed": speeds}, grid, max_sweeps=limit, **PUBLISHED)
    np.testing.assert_array_equal(batch.success, sweeps <= limit)
    assert batch.candidate(0).success
    assert batch.candidate(1).status == Status.NOT_CONVERGED
    assert "max_sweeps" in batch.candidate(1).message
    assert batch.candidate(0).message == "converged"


def test_a_stepper_says_that_its_sweeps_ran_out() -> None:
    stepper = Stepper(small_strand(), Grid(9, 9, 0.02, 0.05), method="sor", max_sweeps=2)
    assert stepper.converged
    with pytest.warns(RuntimeWarning, match=r"not converged at z = 0.02 m"):
        stepper.step()
    assert not stepper.converged
    assert stepper.iterations == 2
