"""Grids that are chosen for an accuracy: two meshes, extrapolated, and an estimate of the error left."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tundish.casting import (
    Grid,
    Mold,
    Plan,
    Steel,
    Stepper,
    Strand,
    Zone,
    published_strand,
    solve,
    solve_batch,
)

# Metallurgical length of the published strand by an independent reference, m.
LENGTH = 15.2207
PROBES = [(0.062, 0.074), (0.074, 0.074), (0.074, 0.062)]


@pytest.fixture(scope="module")
def strand() -> Strand:
    return published_strand()


def test_a_grid_without_numbers_asks_for_half_a_kelvin(strand: Strand) -> None:
    assert Grid() == Grid(accuracy=0.5)
    grid = Grid().resolve(strand)
    assert grid.accuracy == 0.5
    assert grid.nx is not None
    assert grid.nx % 2 == 1
    assert grid.resolve(strand) == grid


def test_the_default_is_as_right_as_it_says_on_the_published_strand(strand: Strand) -> None:
    solution = solve(strand, probes=PROBES)
    assert solution.success
    assert abs(solution.metallurgical_length - LENGTH) < 10e-3
    error = solution.error_estimate
    assert error is not None
    assert set(error) == {"probes", "faces", "corner", "shell", "length"}
    assert error["probes"] < 0.5
    assert error["faces"] < 0.5
    assert error["corner"] < 1.5
    fine = solve(strand, Grid(accuracy=0.05), probes=PROBES)
    at = np.linspace(0.25, 15.5, 400)
    for a, b in zip(solution.probe_temperature, fine.probe_temperature, strict=True):
        off = np.interp(at, solution.z, a) - np.interp(at, fine.z, b)
        assert np.sqrt(np.mean(off**2)) < 0.5


def test_estimates_are_of_what_was_asked_for(strand: Strand) -> None:
    error = solve(strand, outputs=["metallurgical_length"]).error_estimate
    assert error is not None
    assert list(error) == ["length"]
    assert solve(strand, Grid(20, dz_mold=0.01, dz_spray=0.1)).error_estimate is None


def test_derivatives_leave_the_estimates_as_they_are(strand: Strand) -> None:
    plain, whole = (
        solve(strand, probes=PROBES, gradient=names) for names in ([], ["speed", "steel.solidus"])
    )
    assert plain.error_estimate == pytest.approx(whole.error_estimate, rel=1e-9)


def test_a_batch_is_its_candidates_to_the_bit(strand: Strand) -> None:
    values = np.linspace(800, 1200, 11)
    batch = solve_batch(strand, {"zones.0.htc.x": values}, probes=PROBES)
    assert batch.error_estimate is not None
    for n in (0, 7, 10):
        plan = Plan(strand, probes=PROBES)
        alone = plan.run({"zones.0.htc.x": values[n : n + 1]}).candidate(0)
        for name, field in alone.fields.items():
            assert_array_equal(field, batch.fields[name][n], err_msg=name)
        assert alone.error_estimate == batch.candidate(n).error_estimate


def test_sections_lie_on_the_finer_mesh(strand: Strand) -> None:
    solution = solve(strand, sections=[1.0, 5.0])
    assert solution.section_temperature.shape == (2, solution.y.size, solution.x.size)
    k = np.searchsorted(solution.z, 5.0)
    near = solution.corner_temperature[k - 1 : k + 1]
    assert near.min() - 1e-9 <= solution.section_temperature[1, -1, -1] <= near.max() + 1e-9


def test_shells_and_shares_keep_their_bounds_and_order(strand: Strand) -> None:
    solution = solve(strand)
    for name, highest in {"solid_fraction": 1.0, "liquid_fraction": 1.0, "shell_thickness": 0.08}.items():
        field = getattr(solution, name)
        assert field.min() >= 0
        assert field.max() <= highest
    assert np.all(np.diff(solution.solid_fraction) >= -1e-12)
    assert np.all(np.diff(solution.liquid_fraction) < 1e-3)  # where weaker cooling sets in
    assert solution.liquid_fraction[0] == 1
    assert np.all(solution.solid_fraction + solution.liquid_fraction <= 1 + 1e-12)


def test_heat_is_conserved(strand: Strand) -> None:
    assert solve(strand).energy_imbalance < 1e-12


def test_derivatives_are_those_of_what_is_returned(strand: Strand) -> None:
    name, step = "zones.1.htc.x", 1e-3
    plan = Plan(strand, probes=PROBES, gradient=[name])
    exact = plan.run()
    value = strand.parameters()[name]
    moved = Plan(strand, probes=PROBES).run({name: [value - step, value + step]})
    slope = (moved.probe_temperature[1] - moved.probe_temperature[0]) / (2 * step)
    assert np.abs(exact.probe_gradient[0] - slope).max() < 2e-5 * np.abs(slope).max()
    of_length = (moved.metallurgical_length[1] - moved.metallurgical_length[0]) / (2 * step)
    assert exact.metallurgical_length_gradient[0] == pytest.approx(of_length, rel=1e-4)


def test_a_length_near_the_end_is_none_and_says_so(strand: Strand) -> None:
    """The coarser mesh solidifies later than the finer one: between the two the strand ends."""
    *zones, last = strand.zones
    for end in np.arange(LENGTH + 0.005, LENGTH + 0.1, 0.01):
        short = dataclasses.replace(strand, length=end, zones=[*zones, dataclasses.replace(last, end=end)])
        solution = solve(short, outputs=["metallurgical_length"])
        assert solution.error_estimate is not None
        if np.isinf(solution.error_estimate["length"]):
            break
    assert np.isinf(solution.metallurgical_length)
    assert "ends about where the centre solidifies" in solution.message


def test_the_stepper_marches_the_finer_mesh(strand: Strand) -> None:
    solution = solve(strand, outputs=["metallurgical_length"])
    stepper = Stepper(strand)
    assert stepper.temperature.shape == (solution.y.size, solution.x.size)
    stepper.step()
    assert stepper.z == solution.z[1]


@pytest.mark.parametrize("accuracy", [0, -1.0, float("nan"), float("inf")])
def test_an_accuracy_is_a_number_of_kelvins(accuracy: float) -> None:
    with pytest.raises(ValueError, match="accuracy"):
        Grid(accuracy=accuracy)


def test_an_accuracy_out_of_reach_is_refused_with_what_can_be_reached(strand: Strand) -> None:
    with pytest.raises(ValueError, match=r"accuracy = 1e-09.*can be reached") as refused:
        solve(strand, Grid(accuracy=1e-9))
    reached = float(str(refused.value).split(";")[1].split()[0])
    assert 1e-9 < reached < 1e-3
    Grid(accuracy=reached).resolve(strand)


@pytest.mark.parametrize("end", [14.8, 15.19, 15.22, 15.25, 15.35, 15.6])
def test_a_length_is_within_its_estimate_wherever_the_strand_ends(strand: Strand, end: float) -> None:
    last = dataclasses.replace(strand.zones[-1], end=end)
    cut = dataclasses.replace(strand, length=end, zones=(*strand.zones[:-1], last))
    solution = solve(cut, outputs=["metallurgical_length"])
    error = solution.error_estimate
    assert error is not None
    if end == 14.8:
        assert solution.metallurgical_length == np.inf
        assert error["length"] == 0
    elif end == 15.6:
        assert abs(solution.metallurgical_length - LENGTH) < error["length"] < 10e-3
    elif error["length"] != np.inf:
        assert abs(solution.metallurgical_length - LENGTH) < error["length"]


def test_an_accuracy_needs_an_odd_number_of_nodes() -> None:
    with pytest.raises(ValueError, match=r"nx = 20: .*odd"):
        Grid(20, accuracy=0.5)


def test_thin_strips_get_steps_of_their_own() -> None:
    """The steps follow the section, not the time alone: a strip of 2 mm is solid within a second."""
    table = {
        "temperature_K": [300.0, 1650.0, 1700.0, 2000.0], "solid_fraction": [1, 1, 0, 0],
        "density": [7200.0, 7200.0, 7000.0, 7000.0], "specific_heat": [700.0, 700.0, 800.0, 800.0],
        "conductivity": [30.0, 30.0, 60.0, 60.0],
    }  # fmt: skip
    strip = Strand(
        Steel.from_table(table, latent_heat=250e3), 0.002, 0.16, 1.0, 0.5, 1730.0, 303.0,
        Mold(0.1, htc=1000.0), [Zone(1.0, htc=1000.0)],
    )  # fmt: skip
    fine = solve(strip, Grid(48, 48, dz_mold=2e-4, dz_spray=1e-3))
    assert abs(solve(strip).centre_temperature[-1] - fine.centre_temperature[-1]) < 1.5


def test_estimates_are_of_each_candidate_s_steel(strand: Strand) -> None:
    """A freezing range that is narrower than that of the plan's steel leaves more on its mesh."""
    solidus = [1700.0, 1720.0]
    batch = solve_batch(
        strand, {"steel.solidus": solidus}, outputs=["face_temperature", "metallurgical_length"]
    )
    assert batch.error_estimate is not None
    for n, kelvin in enumerate(solidus):
        fine = solve(strand.replace({"steel.solidus": kelvin}), Grid(accuracy=0.1))
        off = abs(batch.metallurgical_length[n] - fine.metallurgical_length)
        assert off < batch.error_estimate["length"][n]
        assert batch.error_estimate["faces"][n] > 0.5
