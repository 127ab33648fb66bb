"""Random strands in physical ranges are solved."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references.strand import small_strand

from tundish.casting import Grid, Mold, Solution, Steel, Strand, Zone, solve

# Steels may lose any share of their latent heat here.
pytestmark = pytest.mark.filterwarnings("ignore:partition = .* latent heat:UserWarning")


def between(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


@st.composite
def steels(draw: st.DrawFn) -> Steel:
    liquidus = draw(between(1680.0, 1800.0))
    return Steel.scheil(
        solidus=liquidus - draw(between(15.0, 120.0)),
        liquidus=liquidus,
        pure_iron_melting=liquidus + draw(between(8.0, 90.0)),
        partition=draw(between(0.1, 0.9)),
        latent_heat=draw(between(0.0, 300e3)),
        specific_heat=(draw(between(500.0, 800.0)), draw(between(650.0, 900.0))),
        density=(draw(between(7000.0, 7800.0)), draw(between(6700.0, 7200.0))),
        conductivity=(draw(between(10.0, 25.0)), draw(between(0.0, 0.015))),
        liquid_conductivity_factor=draw(between(1.0, 6.0)),
        residual=draw(st.sampled_from(["none", "rescale"])),
    )


@st.composite
def strands(draw: st.DrawFn) -> Strand:
    """A section of 60 to 400 mm with a mould, and zones long enough to freeze some of it."""
    width = draw(between(0.06, 0.4))
    thickness = draw(between(0.06, 0.4))
    speed = draw(between(0.005, 0.1))
    mold_seconds = draw(between(8.0, 40.0))
    # A half-space that loses q for a time t cools by 1.13 q sqrt(t / (k rho c)), a corner by twice as much.
    steel = draw(steels())
    effusivity = np.sqrt(steel.conductivity(600.0) * steel.density(600.0) * steel.heat_capacity(600.0))
    flux = draw(between(0.2, 1.0)) * 1200.0 * effusivity / (2 * 1.13 * np.sqrt(mold_seconds))
    ends = np.cumsum([mold_seconds, *draw(st.lists(between(20.0, 400.0), min_size=1, max_size=3))]) * speed
    return Strand(
        steel,
        width=width,
        thickness=thickness,
        length=float(ends[-1]),
        speed=speed,
        pouring_temperature=steel.liquidus + draw(between(1.0, 80.0)),
        ambient_temperature=draw(between(270.0, 400.0)),
        mold=Mold(float(ends[0]), heat_flux=(flux, flux * draw(between(0.7, 1.0)))),
        zones=[
            Zone(float(e), htc=(draw(between(50.0, 1200.0)), draw(between(50.0, 1200.0)))) for e in ends[1:]
        ],
    )


@st.composite
def grids(draw: st.DrawFn, strand: Strand) -> Grid:
    """Steps of at most 2 s in the mould and 10 s below it, nodes a few millimetres apart."""
    ends = [strand.mold.length, *(zone.end for zone in strand.zones)]
    sprays = [min(strand.speed * draw(between(2.0, 10.0)), b - a) for a, b in itertools.pairwise(ends)]
    return Grid(
        draw(st.integers(6, 20)),
        draw(st.integers(6, 20)),
        strand.speed * draw(between(0.5, 2.0)),
        tuple(sprays),
        grading=draw(between(1.0, 4.0)),
        ramp=draw(between(1.0, 20.0)),
    )


def assert_sound(solution: Solution) -> None:
    strand = solution.strand
    assert solution.success, solution.message
    assert np.all(np.diff(solution.z) > 0)
    assert solution.z[0] == 0
    assert solution.z[-1] == strand.length
    for name, values in solution.fields.items():
        if name != "metallurgical_length":
            assert np.all(np.isfinite(values)), name
    low, high = float(solution.section_temperature.min()), float(solution.section_temperature.max())
    # Nothing heats the strand; at the liquidus the tables are some tenths of a kelvin off.
    assert strand.ambient_temperature <= low
    assert high <= strand.pouring_temperature + 0.5
    assert np.all(np.diff(solution.heat) > 0)
    for share in (solution.solid_fraction, solution.liquid_fraction):
        assert np.all(share >= 0)
        assert np.all(share <= 1)
    assert np.all(solution.solid_fraction + solution.liquid_fraction <= 1 + 1e-12)
    assert np.all(solution.shell_thickness >= 0)
    assert np.all(solution.shell_thickness <= np.array([[strand.width / 2], [strand.thickness / 2]]) + 1e-12)
    assert not solution.metallurgical_length <= 0
    solid = np.any(solution.centre_temperature <= strand.steel.solidus)
    assert np.isfinite(solution.metallurgical_length) == solid


@pytest.mark.parametrize(("method", "phase_change"), [("adi", "enthalpy"), ("sor", "enthalpy")])
@settings(max_examples=60)
@given(data=st.data())
def test_any_strand_is_solved(method: str, phase_change: str, data: st.DataObject) -> None:
    strand = data.draw(strands())
    grid = data.draw(grids(strand))
    sections = np.linspace(0.0, strand.length, 25)
    options: dict[str, Any] = {"method": method, "phase_change": phase_change, "tolerance": 1e-6}
    solution = solve(strand, grid, sections=sections, probes=[(0.0, strand.thickness / 2)], **options)
    assert_sound(solution)
    # To rounding; sums over some hundred nodes and steps, and for SOR the sweeps' own imbalance.
    assert solution.energy_imbalance < (1e-12 if method == "adi" else 1e-7)


@settings(max_examples=40)
@given(strand=strands())
def test_the_default_grid_solves_any_strand(strand: Strand) -> None:
    solution = solve(strand, sections=np.linspace(0.0, strand.length, 25))
    assert_sound(solution)
    assert solution.energy_imbalance < 1e-12


@settings(max_examples=30)
@given(data=st.data())
def test_probes_anywhere_lie_between_the_corner_and_the_centre(data: st.DataObject) -> None:
    places = data.draw(st.lists(st.tuples(between(0.0, 0.02), between(0.0, 0.02)), min_size=1, max_size=5))
    solution = solve(small_strand(), Grid(9, 9, 0.02, 0.05), probes=places)
    # Cubics overshoot, most beside the quenched face of the mould: by 2 % of the difference over the section.
    room = 0.02 * (solution.centre_temperature - solution.corner_temperature) + 1e-9
    assert np.all(solution.probe_temperature >= solution.corner_temperature - room)
    assert np.all(solution.probe_temperature <= solution.centre_temperature + room)
