"""What is read of a march: probes, sections, shells and shares, also where it fails."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from typing import Any

import numpy as np
import pytest
from references.strand import (
    DIFFUSIVITY,
    Floats,
    constant_steel,
    product_solution,
    product_strand,
    robin_slab,
    scheil,
    slab,
    small_strand,
)
from scipy.interpolate import CubicSpline

from tundish.casting import Grid, Mold, Solution, Status, Zone, published_strand, solve

THERMOCOUPLES = [(0.062, 0.074), (0.074, 0.074), (0.074, 0.062)]
MODES = [(m, p) for m in ("adi", "sor") for p in ("enthalpy", "correction")]


def readings(solution: Solution, z: Floats) -> Floats:
    """Of the probes at z, straight between the steps."""
    return np.array([np.interp(z, solution.z, row) for row in solution.probe_temperature])


@pytest.fixture(scope="module")
def everything() -> Solution:
    """A coarse march of which every section is kept, and every node is probed."""
    grid = Grid(6, 7, 0.04, 0.1, grading=2.0)
    bare = solve(small_strand(width=0.05), grid, outputs=[])
    probes = [(x, y) for y in bare.y for x in bare.x]
    return solve(small_strand(width=0.05), grid, probes=probes, sections=bare.z)


def test_named_fields_are_nodes_of_the_sections(everything: Solution) -> None:
    sections = everything.section_temperature
    # A section at a step weighs that step with 1 but for rounding of z.
    close = {"rtol": 1e-11, "atol": 0}
    np.testing.assert_allclose(everything.centre_temperature, sections[:, 0, 0], **close)
    np.testing.assert_allclose(everything.corner_temperature, sections[:, -1, -1], **close)
    np.testing.assert_allclose(everything.face_temperature[0], sections[:, 0, -1], **close)
    np.testing.assert_allclose(everything.face_temperature[1], sections[:, -1, 0], **close)


def test_probes_at_nodes_are_exact(everything: Solution) -> None:
    shape = everything.section_temperature.shape
    probes = everything.probe_temperature.T.reshape(shape)
    np.testing.assert_allclose(probes, everything.section_temperature, rtol=1e-11)


def test_sections_between_steps_are_linear_in_z(everything: Solution) -> None:
    where = [0.0, 0.013, 0.2, 0.33, 0.7001, 1.4999, 1.5]
    solution = solve(everything.strand, everything.grid, sections=where)
    flat = everything.section_temperature.reshape(everything.z.size, -1).T
    expected = np.array([np.interp(where, everything.z, node) for node in flat]).T
    np.testing.assert_allclose(solution.section_temperature, expected.reshape(len(where), 7, 6), rtol=1e-11)


def test_sections_come_in_the_order_asked_for() -> None:
    a = solve(small_strand(), Grid(5, 5, 0.05, 0.1), sections=[0.1, 0.5, 0.5, 1.4]).section_temperature
    b = solve(small_strand(), Grid(5, 5, 0.05, 0.1), sections=[1.4, 0.5, 0.1]).section_temperature
    np.testing.assert_array_equal(a, b[[2, 1, 1, 0]])


def test_probes_between_nodes_are_cubic() -> None:
    """Readings between nodes are as good as the nodes themselves, where bilinear ones are not."""
    strand, grid = product_strand(), Grid(13, 13, 5e-3, 5e-3)
    nodes = solve(strand, grid, sections=[1.5])
    x, y = (0.5 * (n[1:] + n[:-1]) for n in (nodes.x, nodes.y))
    probes = [(a, b) for b in y for a in x]
    readings = solve(strand, grid, probes=probes).probe_temperature[:, -1].reshape(y.size, x.size)
    section, exact = nodes.section_temperature[0], product_solution(x, y)
    at_nodes = np.abs(section - product_solution(nodes.x, nodes.y)).max()
    bilinear = 0.25 * (section[1:, 1:] + section[1:, :-1] + section[:-1, 1:] + section[:-1, :-1])
    assert np.abs(readings - exact).max() < 1.3 * at_nodes
    assert np.abs(bilinear - exact).max() > 2 * at_nodes


def test_probes_are_of_high_order_beside_the_cooled_face() -> None:
    """Halving the spacing divides what a reading between nodes is off by more than 8 (cubics: 16)."""
    strand = slab(constant_steel(), 0.03, 40.0, 3000.0, 1800.0, 300.0)

    def exact(x: Floats) -> Floats:
        return 300.0 + 1500.0 * robin_slab(x, 40.0, 0.03, DIFFUSIVITY, 3000.0 * 0.03 / 30.0)

    def misses(nodes: int) -> float:
        grid = Grid(nodes, 2, 2e-3, 2e-3)
        march = solve(strand, grid, sections=[1.0])
        between = 0.5 * (march.x[1:] + march.x[:-1])
        read = solve(strand, grid, probes=[(x, 0.0) for x in between]).probe_temperature[:, -1]
        # The error of the nodes themselves is smooth: it is taken away, by cubics.
        off = CubicSpline(march.x, march.section_temperature[0, 0] - exact(march.x))(between)
        return float(np.abs(read - exact(between) - off).max())

    assert misses(7) / misses(13) > 8


@pytest.mark.parametrize("corner", [(0.0, 0.0), (0.02, 0.0), (0.0, 0.02), (0.02, 0.02), (0.0133, 0.0171)])
def test_probes_on_the_smallest_mesh(corner: tuple[float, float]) -> None:
    """With two nodes a side there are no cubics: readings lie between the corners, and are exact there."""
    solution = solve(small_strand(), Grid(2, 2, 0.02, 0.05), probes=[corner])
    reading = solution.probe_temperature[0]
    named = {
        (0.0, 0.0): solution.centre_temperature,
        (0.02, 0.0): solution.face_temperature[0],
        (0.0, 0.02): solution.face_temperature[1],
        (0.02, 0.02): solution.corner_temperature,
    }
    if corner in named:
        np.testing.assert_allclose(reading, named[corner], rtol=1e-12)
    assert np.all(reading >= solution.corner_temperature - 1e-9)
    assert np.all(reading <= solution.centre_temperature + 1e-9)


def test_metallurgical_length_is_where_the_centre_is_solid() -> None:
    strand = small_strand()
    solution = solve(strand, Grid(9, 9, 0.02, 0.05))
    enthalpy = strand.steel.enthalpy(solution.centre_temperature)  # the tables round the kink at the solidus
    crossing = np.interp(0.0, -enthalpy, solution.z)
    assert solution.metallurgical_length == pytest.approx(crossing, abs=1e-3)
    cut = small_strand(length=0.7, zones=[Zone(0.7, (500.0, 400.0))])
    assert np.isinf(solve(cut, Grid(9, 9, 0.02, 0.05)).metallurgical_length)


def test_shell_is_where_the_axis_is_solid(everything: Solution) -> None:
    """Straight in Kirchhoff's potential between nodes; that and the tables' 1e-2 K leave some micrometres."""
    steel = everything.strand.steel
    for k, section in enumerate(everything.section_temperature):
        for face, (nodes, line) in enumerate(((everything.x, section[0]), (everything.y, section[:, 0]))):
            potential = steel.potential(line)
            solid = nodes[-1] - np.interp(0.0, -potential, nodes, left=0.0, right=nodes[-1])
            if potential[-1] > 0:
                solid = 0.0
            assert everything.shell_thickness[face, k] == pytest.approx(solid, abs=2e-5)


def test_shares_of_the_section_are_areas() -> None:
    """Against counting points of the section, refined 20 times in Kirchhoff's potential."""
    strand, where = small_strand(), [0.05, 0.2, 0.5, 0.8]
    solution = solve(strand, Grid(13, 13, 0.01, 0.025), sections=where)
    steel = strand.steel
    fine = (np.arange(240) + 0.5) * (0.02 / 240)
    for z, section in zip(where, solution.section_temperature, strict=True):
        potential = steel.potential(section)
        rows = np.array([np.interp(fine, solution.x, row) for row in potential])
        field = np.array([np.interp(fine, solution.y, column) for column in rows.T])
        k = np.searchsorted(solution.z, z - 1e-9)
        assert solution.solid_fraction[k] == pytest.approx(np.mean(field <= 0), abs=2e-3)
        liquid = np.mean(field >= steel.potential(steel.liquidus))
        assert solution.liquid_fraction[k] == pytest.approx(liquid, abs=2e-3)


def test_shares_of_a_slab_are_its_shell() -> None:
    strand = slab(scheil(), 0.02, 60.0, 900.0, 1800.0, 303.0)
    solution = solve(strand, Grid(21, 2, 0.01, 0.01))
    assert solution.solid_fraction[-1] > 0.5
    # The columns are control volumes, the shell ends between nodes: half a spacing of 40.
    np.testing.assert_allclose(
        solution.solid_fraction, solution.shell_thickness[0] / 0.02, rtol=0, atol=1 / 40
    )
    assert np.all(solution.solid_fraction + solution.liquid_fraction <= 1 + 1e-12)


@pytest.mark.parametrize("method", ["adi", "sor"])
def test_float32_is_close(method: str) -> None:
    strand, grid = small_strand(), Grid(13, 13, 5e-3, 1e-2)
    probes = [(0.0, 0.0), (0.013, 0.017), (0.02, 0.02)]
    options = {"method": method, "probes": probes, "sections": [0.7, 1.5], "tolerance": 1e-3}
    a, b = solve(strand, grid, **options), solve(strand, grid, dtype="float32", **options)
    assert b.success
    for name, field in b.fields.items():
        assert field.dtype == (np.int32 if name == "iterations" else np.float32), name
    for name in ("probe_temperature", "corner_temperature", "face_temperature", "section_temperature"):
        assert np.abs(getattr(a, name) - getattr(b, name)).max() < 0.05, name
    assert b.metallurgical_length == pytest.approx(a.metallurgical_length, abs=1e-4)
    np.testing.assert_allclose(b.heat, a.heat, rtol=1e-4)
    assert b.energy_imbalance < 1e-4  # 24 bits, some hundred steps


def test_float32_of_the_published_strand() -> None:
    a, b = (solve(published_strand(), dtype=dtype, probes=THERMOCOUPLES) for dtype in ("float64", "float32"))
    assert np.abs(a.probe_temperature - b.probe_temperature).max() < 0.05
    assert np.abs(a.centre_temperature - b.centre_temperature).max() < 0.05
    assert b.metallurgical_length == pytest.approx(a.metallurgical_length, abs=1e-3)


def test_outputs_restrict_the_fields() -> None:
    solution = solve(small_strand(), Grid(5, 5, 0.05, 0.1), outputs=["heat", "metallurgical_length"])
    assert sorted(solution.fields) == ["heat", "metallurgical_length"]
    whole = solve(small_strand(), Grid(5, 5, 0.05, 0.1))
    np.testing.assert_array_equal(solution.heat, whole.heat)
    assert solution.metallurgical_length == whole.metallurgical_length
    with pytest.raises(AttributeError, match=r"probe_temperature was not computed.*outputs="):
        _ = solution.probe_temperature
    with pytest.raises(AttributeError, match="no attribute 'temperature'"):
        _ = solution.temperature
    with pytest.raises(KeyError, match=r"outputs.*probe_gradient"):
        solve(small_strand(), Grid(5, 5, 0.05, 0.1), outputs=["probe_gradient"])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("method", "phase_change"), MODES)
@pytest.mark.parametrize("flux", [2e8, -2e8], ids=["frozen", "boiled"])
def test_a_march_that_leaves_the_range_says_so(
    flux: float, method: str, phase_change: str, dtype: str
) -> None:
    strand = small_strand(mold=Mold(0.2, heat_flux=(flux, 1e6)))
    options: dict[str, Any] = {
        "method": method,
        "phase_change": phase_change,
        "dtype": dtype,
        "tolerance": 1e-3,
    }
    with pytest.warns(RuntimeWarning, match=r"diverged at z = .* m.*NaN"):
        solution = solve(
            strand, Grid(9, 9, 0.01, 0.02), probes=[(0.01, 0.01)], sections=[0.1, 1.0], **options
        )
    assert solution.status == Status.DIVERGED
    assert not solution.success
    assert "diverged" in repr(solution)
    first = int(solution.status_step)
    assert first >= 1
    for name in ("centre_temperature", "corner_temperature", "face_temperature", "probe_temperature", "heat",
                 "shell_thickness", "solid_fraction", "liquid_fraction"):  # fmt: skip
        assert np.all(np.isfinite(getattr(solution, name)[..., :first])), name
        assert np.all(np.isnan(getattr(solution, name)[..., first:])), name
    assert np.all(np.isnan(solution.section_temperature[1]))
    assert np.isnan(solution.metallurgical_length)
    assert np.isnan(solution.energy_imbalance)


def test_a_march_that_fails_late_keeps_what_came_before() -> None:
    """Cooled below 200 K in the last zone, where the steel's curves end."""
    cold = small_strand(
        ambient_temperature=0.0, zones=[Zone(0.7, (500.0, 400.0)), Zone(1.5, (9000.0, 9000.0))]
    )
    with pytest.warns(RuntimeWarning, match="diverged"):
        solution = solve(cold, Grid(9, 9, 0.02, 0.02), sections=[0.7, 1.5])
    k = int(solution.status_step)
    assert 0.7 < solution.z[k] < 1.5
    assert np.all(solution.corner_temperature[:k] >= 200.0)
    assert f"z = {solution.z[k]:.4g} m" in solution.message
    assert np.all(np.isfinite(solution.section_temperature[0]))
    assert np.all(np.isnan(solution.section_temperature[1]))


def test_a_flux_that_does_not_follow_the_speed() -> None:
    """The message has the place, and a flux with which the corner gets there at the mould's end only."""
    slow = published_strand().replace({"speed": 1.0 / 60})
    with pytest.warns(RuntimeWarning, match="diverged") as said:
        solution = solve(slow)
    message = solution.message
    assert str(said[0].message) == message
    assert (
        f"z = {solution.z[solution.status_step]:.4g} m, in the mould: the corner fell below 200 K" in message
    )
    assert "(2e+06, 1.85e+06) W/m2 for 30 s is too much" in message
    assert "falls with the casting speed" in message
    found = re.search(r"fall to about \((\S+), (\S+)\) W/m2", message)
    assert found
    x, y = (float(number) for number in found.groups())
    assert y / x == pytest.approx(1.85 / 2, rel=0.01)

    def with_share(share: float) -> Solution:
        flux = {"mold.heat_flux.x": share * x, "mold.heat_flux.y": share * y}
        return solve(slow.replace(flux), outputs=["corner_temperature"])

    less = with_share(0.97)
    assert less.success
    end = float(np.interp(slow.mold.length, less.z, less.corner_temperature))
    assert 200.0 < end < 300.0
    with pytest.warns(RuntimeWarning, match="diverged"):
        assert with_share(1.03).z[with_share(1.03).status_step] > 0.9 * slow.mold.length


@pytest.mark.parametrize(
    ("cooling", "said"),
    [
        ({"heat_flux": (3e6, 0.0)}, "in zones.0: the face x fell below 200 K"),
        ({"heat_flux": (0.0, 3e6)}, "in zones.0: the face y fell below 200 K"),
        ({"heat_flux": (3e6, 3e6)}, "in zones.0: the corner fell below 200 K"),
        ({"heat_flux": (-9e6, 1e5)}, "in zones.0: the face x rose above 2128 K"),
        ({"htc": 9000.0}, "in zones.0: a face came near the ambient temperature, 100 K, beyond"),
    ],
)
@pytest.mark.parametrize("outputs", [None, ["heat"]])
def test_the_face_that_left_the_range_is_named(
    cooling: dict[str, Any], said: str, outputs: list[str] | None
) -> None:
    """With whatever outputs."""
    strand = small_strand(ambient_temperature=100.0, zones=[Zone(1.5, **cooling)])
    with pytest.warns(RuntimeWarning, match="diverged"):
        message = solve(strand, Grid(9, 9, 0.02, 0.02), outputs=outputs).message
    assert said in message
    assert "\n" not in message


def test_neighbouring_steps_tell_the_section_between_them() -> None:
    """A section that the first failed step takes part in is no number either."""
    cold = small_strand(
        ambient_temperature=0.0, zones=[Zone(0.7, (500.0, 400.0)), Zone(1.5, (9000.0, 9000.0))]
    )
    with pytest.warns(RuntimeWarning, match="diverged"):
        bare = solve(cold, Grid(9, 9, 0.02, 0.02))
    k = int(bare.status_step)
    before, after = (0.5 * (bare.z[j] + bare.z[j - 1]) for j in (k - 1, k))
    with pytest.warns(RuntimeWarning, match="diverged"):
        sections = solve(cold, Grid(9, 9, 0.02, 0.02), sections=[before, after]).section_temperature
    assert np.all(np.isfinite(sections[0]))
    assert np.all(np.isnan(sections[1]))


@pytest.fixture(scope="module")
def estimated() -> Solution:
    """With estimates that are all as asked for."""
    solution = solve(published_strand(), Grid(accuracy=4), probes=THERMOCOUPLES)
    error = {"probes": 3.9, "faces": 4.0, "corner": 8.0, "shell": 8e-3, "length": 80e-3}
    return dataclasses.replace(solution, error_estimate=error)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({}, ""),
        ({"probes": 4.1}, "; probes may be 4.1 K off (error_estimate): ask for a smaller accuracy"),
        ({"shell": 8.04e-3, "corner": 9.0, "faces": 123.0},
         "; faces may be 120 K, corner 9 K and shell 8 mm off (error_estimate): ask for a smaller accuracy"),
        ({"length": 0.081}, "; length may be 81 mm off (error_estimate): ask for a smaller accuracy"),
        ({"length": np.inf, "probes": 5.0},
         "; probes may be 5 K off (error_estimate): ask for a smaller accuracy; the strand ends about where "
         "the centre solidifies: the length may lie before or behind its end"),
        (dict.fromkeys(["probes", "faces", "corner", "shell", "length"], np.inf),
         "; no error could be estimated, as longer steps diverge: ask for a smaller accuracy"),
    ],
)  # fmt: skip
def test_doubts_name_every_field_that_is_further_off_than_asked_for(
    error: dict[str, float], said: str, estimated: Solution
) -> None:
    known = estimated.error_estimate or {}
    assert dataclasses.replace(estimated, error_estimate=known | error).message == f"converged{said}"


def test_solutions_copy_pickle_and_compare_by_value(everything: Solution) -> None:
    cold = small_strand(zones=[Zone(1.5, heat_flux=(3e6, 3e6))])
    with pytest.warns(RuntimeWarning, match="diverged"):
        diverged = solve(cold, Grid(9, 9, 0.02, 0.02))  # has NaN
    for solution in (everything, diverged, solve(everything.strand, outputs=["heat"])):
        for other in (copy.copy(solution), copy.deepcopy(solution), pickle.loads(pickle.dumps(solution))):
            assert other == solution
            assert repr(other) == repr(solution)
        assert solution != dataclasses.replace(solution, fields={})
        assert solution != solution.strand
    heat = everything.heat.copy()
    heat[-1] += 1
    assert everything != dataclasses.replace(everything, fields=everything.fields | {"heat": heat})
    with pytest.raises(TypeError, match="unhashable"):
        hash(everything)


def test_a_solution_without_its_parts_has_no_endless_attributes() -> None:
    bare = object.__new__(Solution)
    with pytest.raises(AttributeError, match="fields"):
        _ = bare.fields
    with pytest.raises(AttributeError, match="no attribute '__setstate__'"):
        bare.__setstate__  # noqa: B018


def test_the_dataset_has_the_error_estimate(estimated: Solution) -> None:
    pytest.importorskip("xarray")
    dataset = estimated.to_xarray()
    assert estimated.error_estimate is not None
    for name, error in estimated.error_estimate.items():
        variable = dataset[f"error_estimate_{name}"]
        assert variable.shape == ()
        assert variable == error
        assert variable.attrs["units"] == ("m" if name in ("shell", "length") else "K")
        assert variable.attrs["long_name"].startswith("estimated error of: ")
    one_mesh = solve(small_strand(), Grid(5, 5, 0.05, 0.1)).to_xarray()
    assert not [name for name in one_mesh if str(name).startswith("error")]
