"""Strands that are hard on a march: random ones, fronts that rock, faces held cold, heat in the solid."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from references.random_strands import KINDS, every_step, faults, random_strand
from references.strand import scheil, table

from tundish.casting import Grid, Mold, Solution, Steel, Strand, Zone, published_strand, solve, solve_batch

CONSTANT = dict(
    temperature_K=[300.0, 1650.0, 1700.0, 2000.0],
    solid_fraction=[1, 1, 0, 0],
    density=[7200.0, 7200.0, 7000.0, 7000.0],
    specific_heat=[700.0, 700.0, 800.0, 800.0],
    conductivity=[30.0, 30.0, 60.0, 60.0],
)


def thin_section(factor: float = 5.6973) -> Strand:
    """A thin section of a steel whose liquid conducts `factor` times as well as its solid.

    An undamped march by one linearised solve a step diverges on it.
    """
    steel = Steel.scheil(
        solidus=1713.24,
        liquidus=1788.14,
        pure_iron_melting=1803.17,
        partition=0.8255,
        latent_heat=272659.0,
        specific_heat=(501.0, 737.29),
        density=(7016.25, 6887.35),
        conductivity=(19.6932, 0.0070143),
        liquid_conductivity_factor=factor,
    )
    return Strand(
        steel,
        width=0.23006,
        thickness=0.06875,
        length=3.0,
        speed=0.0199912,
        pouring_temperature=1827.247,
        ambient_temperature=350.11,
        mold=Mold(0.19991, heat_flux=(1444296.0, 1085930.0)),
        zones=[Zone(3.0, htc=(596.66, 392.31))],
    )


def finer(strand: Strand, times: float) -> Grid:
    """Meshes and steps for an accuracy that many times smaller than the default one."""
    return Grid(accuracy=0.5 / times)


def rms_off(solution: Solution, reference: Solution, name: str, behind: float = 0.0) -> float:
    """Rms along z of what a field of one place is off, K, from `behind` (m) on."""
    here = solution.z >= behind
    there = np.interp(solution.z[here], reference.z, getattr(reference, name))
    return float(np.sqrt(np.mean((getattr(solution, name)[here] - there) ** 2)))


@pytest.mark.parametrize("kind", KINDS)
def test_random_strands_are_sound(kind: str) -> None:
    """Ten of each kind on the default grid; `tools/try_strands.py` tries thousands."""
    first = list(KINDS).index(kind)
    for seed in range(first, first + 10 * len(KINDS), len(KINDS)):
        named, strand = random_strand(seed)
        assert named == kind
        solution = solve(strand, sections=every_step(solve(strand, outputs=["heat"]).z))
        assert not faults(solution, below=1.0), seed


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_front_does_not_rock(dtype: str) -> None:
    """At once, and near to eight times smaller steps."""
    strand = thin_section()
    solution, fine = solve(strand, dtype=dtype), solve(strand, finer(strand, 8), dtype=dtype)
    for each in (solution, fine):
        assert each.success
        assert each.damping == 0
    assert rms_off(solution, fine, "centre_temperature") < 1.0
    assert rms_off(solution, fine, "corner_temperature") < 10.0
    assert solution.metallurgical_length == pytest.approx(fine.metallurgical_length, rel=0.01)
    assert solution.energy_imbalance < (1e-13 if dtype == "float64" else 1e-3)
    assert np.max(solution.centre_temperature) <= strand.pouring_temperature + 1e-2


def test_candidates_that_rocked_leave_their_neighbours_alone() -> None:
    """In one register: all converge, and are what they are alone, bit for bit."""
    factors = np.linspace(1.0, 6.0, 11)
    probes = [(0.05, 0.02)]
    name = "steel.liquid_conductivity_factor"
    batch = solve_batch(thin_section(), {name: factors}, probes=probes)
    assert np.all(batch.success)
    assert not np.any(batch.damping)
    for n, factor in enumerate(factors):
        alone = solve(thin_section(float(factor)), probes=probes)
        np.testing.assert_array_equal(batch.probe_temperature[n], alone.probe_temperature)


def test_derivatives_do_not_depend_on_their_number() -> None:
    """Ten parameters take more than one block of tangents."""
    strand, probes = thin_section(), [(0.1, 0.03), (0.02, 0.034)]
    names = [name for name in strand.parameters() if not name.startswith("steel")]
    names += ["steel.latent_heat", "steel.liquid_conductivity_factor"]
    assert len(names) > 8
    whole, plain = solve(strand, probes=probes, gradient=names), solve(strand, probes=probes)
    np.testing.assert_allclose(whole.probe_temperature, plain.probe_temperature, rtol=1e-12)
    for k, name in enumerate(names):
        one = solve(strand, probes=probes, gradient=[name]).probe_gradient[0]
        scale = np.max(np.abs(one))
        np.testing.assert_allclose(whole.probe_gradient[k], one, atol=1e-9 * scale, err_msg=name)


@pytest.mark.parametrize("thickness", [0.001, 0.002, 0.005])
@pytest.mark.parametrize("speed", [0.2, 2.0])
def test_thin_strips_freeze_within_a_second(thickness: float, speed: float) -> None:
    for htc in (2e3, 5e4):
        strip = Strand(
            published_strand().steel,
            width=0.1,
            thickness=thickness,
            length=2.0,
            speed=speed,
            pouring_temperature=1780.0,
            ambient_temperature=300.0,
            mold=Mold(0.3, htc=(htc, htc)),
            zones=[Zone(2.0, htc=(300.0, 300.0))],
        )
        solution, fine = solve(strip), solve(strip, finer(strip, 8))
        assert solution.success, solution.message
        lengths = solution.metallurgical_length, fine.metallurgical_length
        assert np.isfinite(lengths[0]) == np.isfinite(lengths[1])
        if np.isfinite(lengths[0]):
            assert abs(lengths[0] - lengths[1]) < solution.error_estimate["length"]  # type: ignore[index]


@pytest.mark.parametrize(("flux", "first", "last"), [(3e5, 100, 20), (3e5, 150, 30), (2e5, 100, 15)])
def test_a_corner_that_hovers_about_the_liquidus(flux: float, first: float, last: float) -> None:
    """Where the cooling grows weaker nodes are heated from the mush into the liquid again."""
    strand = dataclasses.replace(
        published_strand(),
        mold=Mold(0.5, heat_flux=flux),
        zones=[Zone(3.0, htc=first), Zone(15.5, htc=last)],
    )
    solution, fine = solve(strand), solve(strand, Grid(81, 81, 0.004, 0.006, 4, 6))
    assert solution.success, solution.message
    assert rms_off(solution, fine, "corner_temperature", behind=3.0) < 1.0
    late = solution.z > 3.0
    there = np.interp(solution.z[late], fine.z, fine.corner_temperature)
    assert np.abs(solution.corner_temperature[late] - there).max() < 8.0


# Shares of the solid where it is cold enough, and at the solidus or within the range most of it at once.
@pytest.mark.parametrize(
    ("kelvin", "fraction"),
    [
        ([1700.0, 1760.0], [1.0, 0.0]),
        ([1640.0, 1699.9, 1700.0, 1760.0], [1.0, 0.9, 0.1, 0.0]),
        ([1640.0, 1641.0, 1760.0], [1.0, 0.4, 0.0]),
    ],
)
def test_heat_at_one_temperature_is_within_the_estimate(kelvin: list[float], fraction: list[float]) -> None:
    rows = len(kelvin) + 2
    steel = Steel.from_table(
        {
            "temperature_K": [300.0, *kelvin, 2200.0],
            "solid_fraction": [1.0, *fraction, 0.0],
            "density": [7300.0] * rows,
            "specific_heat": [700.0] * rows,
            "conductivity": [30.0] * rows,
        },
        latent_heat=2.5e5,
    )
    strand = dataclasses.replace(published_strand(), steel=steel, pouring_temperature=1790.0, speed=1.5 / 60)
    solution, fine = solve(strand), solve(strand, finer(strand, 6))
    weights = np.diff(solution.z) / solution.z[-1]
    there = [np.interp(solution.z, fine.z, face) for face in fine.face_temperature]
    off = (solution.face_temperature - np.array(there))[:, 1:]
    assert solution.error_estimate is not None
    assert np.sqrt(np.mean((off**2 * weights).sum(axis=1))) < solution.error_estimate["faces"]


def test_heat_from_outside_is_no_divergence() -> None:
    """The ceiling is the pouring temperature only where nothing heats the strand."""
    heated = Strand(
        published_strand().steel,
        width=0.1,
        thickness=0.1,
        length=0.5,
        speed=0.02,
        pouring_temperature=1780.0,
        ambient_temperature=300.0,
        mold=Mold(0.2, heat_flux=(-2e5, 0.0)),
        zones=[Zone(0.5, htc=(0.0, 0.0))],
    )
    solution = solve(heated, Grid(12, 12, 0.01, 0.02))
    assert solution.success
    assert np.max(solution.face_temperature) > heated.pouring_temperature + 20.0
    furnace = {"mold.heat_flux.x": 0.0, "zones.0.htc.x": 800.0, "ambient_temperature": 1900.0}
    assert solve(heated.replace(furnace), Grid(12, 12, 0.01, 0.02)).success


@pytest.mark.parametrize("htc", [1e5, 1e6, 1e7, 1e9])
def test_faces_are_held_at_the_ambient_temperature(htc: float) -> None:
    """By huge coefficients, the usual stand-in for a fixed temperature of the surface."""
    steel = Steel.from_table(CONSTANT, latent_heat=250e3)
    strand = Strand(steel, 0.16, 0.16, 4.0, 0.03, 1730.0, 303.0, Mold(0.7, htc=htc), [Zone(4.0, htc=htc)])
    solution = solve(strand)
    # From 0.1 m on it loses at most 7e6 W/m2, as a half-space would whose latent heat is added to its own.
    difference = 0.5 + 7e6 / htc
    assert np.all(np.abs(solution.corner_temperature[solution.z > 0.1] - 303.0) < difference)
    assert np.all(np.abs(solution.face_temperature[:, solution.z > 0.1] - 303.0) < difference)
    fine = solve(strand, finer(strand, 4))
    assert rms_off(solution, fine, "centre_temperature") < 0.5


def test_heat_of_transformation_in_the_solid() -> None:
    """80 kJ/kg between 990 and 1000 K, of austenite that becomes pearlite.

    An explicit enthalpy program and 16 times smaller steps have the corner at 1032 and 1041 K.
    """
    w, heat = 10.0, 80e3
    columns: dict[str, Any] = dict(
        temperature_K=[300, 1000 - w - 0.01, 1000 - w, 1000, 1000.01, 1690, 1770, 2000],
        solid_fraction=[1] * 6 + [0, 0],
        density=[7400] * 6 + [7000] * 2,
        specific_heat=[650, 650, 650 + heat / w, 650 + heat / w, 650, 650, 780, 780],
        conductivity=[30] * 6 + [35] * 2,
    )
    zones = [Zone(3.0, htc=900.0), Zone(6.0, htc=350.0), Zone(12.0, htc=150.0)]
    steel = Steel.from_table(columns, latent_heat=260e3)
    strand = Strand(steel, 0.15, 0.15, 12.0, 2 / 60, 1800.0, 300.0, Mold(0.8, htc=1200.0), zones)
    solution = solve(strand)
    assert solution.success
    np.testing.assert_allclose(
        np.interp([6.5, 6.6], solution.z, solution.corner_temperature), [1032.0, 1041.0], atol=3.0
    )


def test_a_thin_strip() -> None:
    """2 mm thick, it cools within a few steps: the default grid against many."""
    steel = Steel.from_table(CONSTANT, latent_heat=250e3)
    cooling: dict[str, Any] = dict(mold=Mold(0.1, htc=1000.0), zones=[Zone(1.0, htc=1000.0)])
    strand = Strand(steel, 0.002, 0.16, 1.0, 0.5, 1730.0, 303.0, **cooling)
    solution, fine = solve(strand), solve(strand, Grid(48, 48, dz_mold=2e-4, dz_spray=1e-3))
    for name in ("centre_temperature", "corner_temperature"):
        assert getattr(solution, name)[-1] == pytest.approx(getattr(fine, name)[-1], abs=5.0)


@pytest.mark.parametrize("kelvin", [1.0, 3.0, 10.0])
def test_a_narrow_freezing_range(kelvin: float) -> None:
    """The front passes the nodes one by one; the default grid is near finer steps."""
    rows = [(300.0, 1.0, 7200.0, 700.0, 30.0), (1700.0 - kelvin, 1.0, 7200.0, 700.0, 30.0)]
    rows += [(1700.0, 0.0, 7000.0, 800.0, 35.0), (2000.0, 0.0, 7000.0, 800.0, 35.0)]
    steel = Steel.from_table(table(rows), latent_heat=260e3)
    cooling: dict[str, Any] = dict(
        mold=Mold(0.7, htc=1200.0), zones=[Zone(3.0, htc=500.0), Zone(12.0, htc=300.0)]
    )
    strand = Strand(steel, 0.1, 0.1, 12.0, 0.03, 1715.0, 303.0, **cooling)
    solution, fine = solve(strand), solve(strand, finer(strand, 8))
    assert solution.success
    assert 3.0 < fine.metallurgical_length < 12.0
    # A front that passes cells in steps: 41 mm off in the median of random strands like this one.
    assert solution.metallurgical_length == pytest.approx(fine.metallurgical_length, abs=0.08)
    assert rms_off(solution, fine, "corner_temperature", behind=0.8) < 3.0


def test_an_end_of_a_zone_that_changes_nothing() -> None:
    """The steps start anew there, and little comes of it."""
    strand = published_strand()
    first = strand.zones[0]
    middle = (strand.mold.length + first.end) / 2
    divided = dataclasses.replace(strand, zones=[Zone(middle, first.htc), *strand.zones])
    whole, parts = solve(strand), solve(divided)
    for name in ("centre_temperature", "corner_temperature"):
        assert rms_off(parts, whole, name) < 0.5, name
    assert parts.metallurgical_length == pytest.approx(whole.metallurgical_length, abs=0.02)


def test_the_last_of_the_melt() -> None:
    """At the length the liquid is gone, the solid is all, and the centre falls from step to step."""
    strand = thin_section()
    solution, fine = solve(strand), solve(strand, finer(strand, 8))
    length = solution.metallurgical_length
    assert length == pytest.approx(fine.metallurgical_length, abs=0.02)
    assert np.all(np.diff(solution.centre_temperature) <= 0.1)  # extrapolated
    behind = solution.z > length
    assert np.all(solution.liquid_fraction[behind] == 0)
    assert np.all(solution.solid_fraction[behind] > 0.97)
    assert np.all(solution.centre_temperature[behind] <= strand.steel.solidus)


def test_a_residual_is_released_somewhere() -> None:
    """With a partition of 0.17 half of the latent heat is left at the solidus."""
    strand = published_strand()
    with pytest.warns(UserWarning, match=r"53 % of the latent heat .* lost"):
        lost = scheil(partition=0.17)
    lengths = {
        residual: solve(dataclasses.replace(strand, steel=scheil(partition=0.17, residual=residual)))
        for residual in ("solidus", "rescale")
    }
    short = solve(dataclasses.replace(strand, steel=lost)).metallurgical_length
    for each in lengths.values():
        assert each.success
        assert each.metallurgical_length > 1.3 * short
