"""The mesh of the section and the steps down the strand."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from references.strand import (
    Floats,
    small_strand,
)

from tundish import ArgumentError, ArgumentTypeError
from tundish.casting import Grid, Mold, Plan, Solution, Strand, _grid, published_strand, solve

THERMOCOUPLES = [(0.062, 0.074), (0.074, 0.074), (0.074, 0.062)]


def readings(solution: Solution, z: Floats) -> Floats:
    """Of the probes at z, straight between the steps."""
    return np.array([np.interp(z, solution.z, row) for row in solution.probe_temperature])


@pytest.mark.parametrize("grading", [1.0, 0.5, 3.0, 20.0])
def test_nodes_are_in_geometric_progression(grading: float) -> None:
    solution = solve(small_strand(), Grid(12, 7, 0.05, 0.1, grading=(grading, 1.0)), outputs=[])
    spacing = np.diff(solution.x)
    np.testing.assert_allclose(spacing[1:] / spacing[:-1], grading ** (-1 / 10), rtol=1e-12)
    assert spacing[0] / spacing[-1] == pytest.approx(grading, rel=1e-12)
    np.testing.assert_allclose(solution.y, np.linspace(0, 0.02, 7), rtol=1e-14)
    assert (solution.x[0], solution.x[-1]) == (0.0, 0.02)


@pytest.mark.parametrize("ramp", [1.0, 5.0, 100.0])
def test_steps_by_zone(ramp: float) -> None:
    """Each stretch has its own largest step, starts `ramp` times smaller and grows by 20 %."""
    solution = solve(small_strand(), Grid(3, 3, 0.03, (0.07, 0.11), ramp=ramp), outputs=[])
    ends = [0.0, 0.2, 0.7, 1.5]
    for low, high, largest in zip(ends, ends[1:], (0.03, 0.07, 0.11), strict=False):
        z = solution.z[(solution.z >= low) & (solution.z <= high)]
        assert (z[0], z[-1]) == (low, high)
        step = np.diff(z)
        assert step.max() <= largest * (1 + 1e-12)
        growth = step[1:] / step[:-1]
        assert growth.max() <= 1.2 + 1e-9
        assert growth.min() >= 1 - 1e-9
        if ramp == 1:
            assert step.size == np.ceil((high - low) / largest - 1e-9)  # no more than it takes
        else:
            assert step[0] <= largest / ramp
            assert step[0] > 0.5 * largest / ramp


def test_a_grid_that_divides_its_stretches_is_taken_as_it_is() -> None:
    z = solve(small_strand(), Grid(3, 3, 0.01, 0.02), outputs=[]).z
    np.testing.assert_allclose(
        z, np.concatenate((np.arange(20) * 0.01, 0.2 + np.arange(66) * 0.02)), rtol=1e-12
    )


def test_the_default_grid_follows_the_strand() -> None:
    """A slower strand has a coarser mesh, and so has one of a lower accuracy."""
    strand = published_strand()
    grids = {speed: Grid().resolve(strand.replace({"speed": speed / 60})) for speed in (1.0, 2.5, 4.0)}
    nodes = [grid.nx for grid in grids.values()]
    assert nodes == sorted(nodes)
    assert nodes[0] < nodes[-1]
    assert all(grid.dz_mold is grid.dz_spray is grid.ramp is None for grid in grids.values())
    assert (
        Grid(accuracy=0.1).resolve(strand).nx
        > Grid().resolve(strand).nx
        > Grid(accuracy=2).resolve(strand).nx
    )
    z = solve(strand, outputs=[]).z
    for end in (0.5, 1.2, 3.0, 15.5):  # every stretch ends at a step
        assert np.abs(z - end).min() == 0


def test_what_one_mesh_leaves_out_is_chosen_for_the_default_accuracy() -> None:
    slow = published_strand().replace({"speed": 1.0 / 60})
    mesh = Grid().resolve(slow)
    assert Grid(dz_mold=1e-3).resolve(slow) == Grid(mesh.nx, mesh.ny, 1e-3, (1.92 / 60,), mesh.grading, 20.0)


def test_the_default_grid_suits_other_sections() -> None:
    """A bloom of 250 x 200 mm, below the mould: within 1.5 K of a mesh twice as fine."""
    published = published_strand()
    bloom = Strand(
        published.steel,
        width=0.25,
        thickness=0.20,
        length=15.5,
        speed=1.5 / 60,
        pouring_temperature=1780.0,
        ambient_temperature=303.0,
        mold=Mold(0.7, heat_flux=1.2e6),
        zones=published.zones,
    )
    probes = [(0.0, 0.0), (0.125, 0.0), (0.0, 0.1), (0.125, 0.1), (0.107, 0.094)]
    fine = Grid(101, 91, 5e-3, 3e-2, grading=5.0, ramp=20.0)
    a, b = (solve(bloom, grid, probes=probes) for grid in (None, fine))
    z = np.linspace(1.2, 15.5, 300)
    assert np.abs(readings(a, z) - readings(b, z)).max() < 1.5
    assert a.metallurgical_length == pytest.approx(b.metallurgical_length, abs=0.03)


def test_the_default_grid_reads_thermocouples_within_half_a_kelvin() -> None:
    """Root mean square over 3 x 1530 readings, against a mesh twice as fine."""
    strand, fine = published_strand(), Grid(96, 96, 2e-3, 1e-2, grading=5.0, ramp=10.0)
    a, b = (solve(strand, grid, probes=THERMOCOUPLES) for grid in (None, fine))
    z = np.linspace(0.21, 15.5, 1530)
    assert np.sqrt(np.mean((readings(a, z) - readings(b, z)) ** 2)) < 0.5


def test_arrays_and_numbers_of_numpy_are_plain_numbers() -> None:
    plain = Grid(20, 20, 0.01, (0.1, 0.2, 0.1), (1.0, 2.0), 5.0)
    grid = Grid(
        np.int64(20),  # type: ignore[arg-type]
        dz_mold=np.float64(0.01),
        dz_spray=np.array([0.1, 0.2, 0.1]),  # type: ignore[arg-type]
        grading=np.array([1, 2]),  # type: ignore[arg-type]
        ramp=np.array(5),  # type: ignore[arg-type]
    )
    assert grid == plain
    assert hash(grid) == hash(plain)
    assert repr(grid) == repr(plain)
    one = Grid(20, dz_spray=np.float32(0.5), grading=np.array(2.0))  # type: ignore[arg-type]
    assert one == Grid(20, dz_spray=0.5, grading=2.0)
    assert Grid(20, dz_spray=iter([0.1, 0.2])) == Grid(20, dz_spray=(0.1, 0.2))  # type: ignore[arg-type]
    assert repr(Grid(accuracy=np.float32(0.5))) == repr(Grid())  # type: ignore[arg-type]


@pytest.mark.parametrize("grid", [Grid(), Grid(21, accuracy=0.1), Grid(20, dz_spray=(0.1, 0.2, 0.3))])
def test_grids_copy_and_pickle(grid: Grid) -> None:
    for other in (copy.copy(grid), copy.deepcopy(grid), pickle.loads(pickle.dumps(grid))):
        assert other == grid
        assert hash(other) == hash(grid)


def test_replacing_keeps_the_accuracy_unless_it_is_taken_away() -> None:
    assert dataclasses.replace(Grid(), nx=41) == Grid(41, accuracy=0.5)
    with pytest.raises(ArgumentError, match=r"^nx = 20: must be odd .*; or leave out the accuracy \(None\)$"):
        dataclasses.replace(Grid(), nx=20)
    assert dataclasses.replace(Grid(), nx=20, accuracy=None) == Grid(20)
    with pytest.raises(ArgumentError, match=r"^dz_mold = 0.01: must be left out .*accuracy \(None\)$"):
        dataclasses.replace(Grid(), dz_mold=0.01)


def test_nodes_beside_an_accuracy_are_as_many_as_its_estimate_needs() -> None:
    """Fewer than 21 have errors far above their estimates; the grading is that of the accuracy."""
    with pytest.raises(ArgumentError, match=r"^nx = 19: must be odd and at least 21 beside an accuracy"):
        Grid(19, accuracy=0.5)
    with pytest.raises(ArgumentError, match=r"^ny = 5: "):
        Grid(21, 5, accuracy=0.5)
    strand = published_strand()
    few, chosen = Grid(21, accuracy=0.5).resolve(strand), Grid().resolve(strand)
    assert (few.nx, few.ny, few.grading) == (21, 21, chosen.grading)
    assert Grid(21, accuracy=0.5, grading=1).resolve(strand).grading == (1.0, 1.0)


@pytest.mark.parametrize(
    "accuracy", [0, -1, "0.5", True, np.nan, np.inf, -np.inf, [0.5], np.array([0.5]), 1j, 10**400]
)
def test_an_accuracy_that_is_none_is_refused_by_name(accuracy: Any) -> None:
    with pytest.raises((ArgumentError, ArgumentTypeError)) as caught:
        Grid(accuracy=accuracy)
    assert caught.value.argument == "accuracy"


def test_an_absurd_accuracy_is_refused_with_what_can_be_reached() -> None:
    with pytest.raises(ArgumentError, match=r"^accuracy = 1e-60: .* K can be reached$"):
        Grid(accuracy=1e-60).check(published_strand())
    with pytest.raises(ArgumentError, match=r"^accuracy = 0.001: .*float32"):
        Plan(published_strand(), Grid(accuracy=1e-3), dtype="float32")


def test_a_grid_with_everything_given_chooses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice marches the strand on a coarse mesh."""
    monkeypatch.setattr(_grid._core, "grid_for", None)
    assert Grid(20).resolve(small_strand()) == Grid(20, 20, 1e-3, (1e-2,), (1.0, 1.0), 1.0)
