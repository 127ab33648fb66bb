"""The march down the strand: closed forms, orders of convergence, and symmetries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from references.strand import (
    DIFFUSIVITY,
    Floats,
    Neumann,
    constant_steel,
    explicit_enthalpy,
    product_solution,
    product_strand,
    robin_slab,
    slab,
    small_strand,
    table,
)

from tundish.casting import Grid, Mold, Steel, Strand, Zone, solve

MODES = [(m, p) for m in ("adi", "sor") for p in ("enthalpy", "correction")]


def order(errors: list[float]) -> float:
    """Of convergence, from the last two errors of a series that halves the step."""
    return float(np.log2(errors[-2] / errors[-1]))


HALF, SECONDS, HTC = 0.05, 60.0, 1500.0  # a slab with Bi = 2.5, up to Fo = 0.15


def slab_error(grid: Grid, steel: Steel | None = None, **options: Any) -> Floats:
    solution = solve(
        slab(steel or constant_steel(), HALF, SECONDS, HTC, 1800.0, 300.0), grid, sections=[1.0], **options
    )
    exact = robin_slab(solution.x, SECONDS, HALF, DIFFUSIVITY, HTC * HALF / 30.0)
    return solution.section_temperature[0, 0] - (300.0 + 1500.0 * exact)


def test_series_of_a_slab_cooled_by_convection() -> None:
    # Second order: 0.17 K at 21 nodes, so 0.04 K at 41; the steps add less than 0.01 K.
    assert np.abs(slab_error(Grid(41, 2, 2e-3, 2e-3))).max() < 0.08
    assert np.abs(slab_error(Grid(41, 2, 2e-3, 2e-3, grading=4.0))).max() < 0.2


def test_series_along_y_is_the_series_along_x() -> None:
    along_x = slab(constant_steel(), HALF, SECONDS, HTC, 1800.0, 300.0)
    along_y = Strand(
        along_x.steel,
        0.1,
        0.1,
        1.0,
        1 / SECONDS,
        1800.0,
        300.0,
        Mold(0.5, htc=(0.0, HTC)),
        [Zone(1.0, (0.0, HTC))],
    )
    a = solve(along_x, Grid(21, 2, 0.02, 0.02), sections=[1.0]).section_temperature[0]
    b = solve(along_y, Grid(2, 21, 0.02, 0.02), sections=[1.0]).section_temperature[0]
    np.testing.assert_allclose(a, b.T, rtol=1e-12)  # the same operations but for their order
    np.testing.assert_allclose(a[0], a[1], rtol=1e-12)  # nothing happens across


@pytest.mark.parametrize(("method", "expected"), [("adi", 1.9), ("sor", 0.95)])
def test_product_solution_of_a_rectangle(method: str, expected: float) -> None:
    """Mesh and steps refined together: alternating directions of second order, backward Euler of first."""
    errors = []
    for nodes, dz in ((9, 0.04), (17, 0.02), (33, 0.01)):
        solution = solve(product_strand(), Grid(nodes, nodes, dz, dz), method=method, sections=[1.5])
        exact = product_solution(solution.x, solution.y)
        errors.append(float(np.abs(solution.section_temperature[0] - exact).max()))
    assert order(errors) > expected
    assert errors[-1] < (0.1 if method == "adi" else 3.0)  # of a fall of 1300 K


@pytest.mark.parametrize("grading", [1.0, 4.0])
def test_order_in_space(grading: float) -> None:
    errors = [np.abs(slab_error(Grid(n, 2, 1e-3, 1e-3, grading=grading))).max() for n in (11, 21, 41)]
    assert order(errors) > 1.8


@pytest.mark.parametrize(("method", "low", "high"), [("adi", 1.9, 2.2), ("sor", 0.9, 1.1)])
def test_order_in_z(method: str, low: float, high: float) -> None:
    """On one mesh, against much smaller steps. The start of a zone is crossed and costs no order."""

    def end(dz: float, method: str) -> Floats:
        return solve(product_strand(), Grid(9, 9, dz, dz), method=method, sections=[1.5]).section_temperature

    reference = end(2e-4, "adi")
    errors = [float(np.abs(end(dz, method) - reference).max()) for dz in (0.04, 0.02, 0.01)]
    assert low < order(errors) < high


def test_order_in_z_with_freezing() -> None:
    """On average over the strand; nodes that start or end to freeze cost a little of the second order."""

    def centre(dz: float) -> Floats:
        solution = solve(small_strand(), Grid(9, 9, dz, dz))
        return np.interp(np.linspace(0.1, 1.5, 57), solution.z, solution.centre_temperature)

    reference = centre(1e-4)
    errors = [float(np.sqrt(np.mean((centre(dz) - reference) ** 2))) for dz in (0.02, 0.01, 0.005, 0.0025)]
    assert np.log2(errors[0] / errors[-1]) / 3 > 1.5


@pytest.mark.parametrize("method", ["adi", "sor"])
def test_stefan_problem(method: str) -> None:
    """Freezing from a cold wall with superheat and latent heat: Neumann's similarity solution.

    The wall is a face with 1e7 W/(m2 K), within 0.3 K of the surroundings after 1 s; the latent heat is
    released over 2 K. The front advances node by node, so the shell is up to half a spacing thin.
    """
    exact = Neumann(400.0, 1700.0, 1750.0, 7200.0, (30.0, 700.0), (30.0, 800.0), 200e3)
    solid, liquid = (7200.0, 700.0, 30.0), (7200.0, 800.0, 30.0)
    rows = [(200.0, 1.0, *solid), (1699.0, 1.0, *solid), (1701.0, 0.0, *liquid), (2000.0, 0.0, *liquid)]
    steel = Steel.from_table(table(rows), latent_heat=200e3)
    solution = solve(
        slab(steel, 0.1, 60.0, 1e7, 1750.0, 400.0),
        Grid(151, 2, 1e-3, 1e-3, grading=5.0, ramp=20.0),
        method=method,
        sections=[1.0],
    )
    late = solution.z > 0.3
    missing = exact.shell(60 * solution.z[late]) - solution.shell_thickness[0, late]
    assert np.abs(missing).max() < 0.5 * np.diff(solution.x).max()
    assert np.abs(missing).mean() < 0.01 * exact.shell(60.0)
    depth = 0.1 - solution.x
    temperature = solution.section_temperature[0, 0]
    assert np.abs(temperature - exact.temperature(depth, 60.0)).max() < 2.5  # beside the front; of 1350 K
    far = np.abs(depth - exact.shell(60.0)) > 5e-3
    assert np.abs(temperature - exact.temperature(depth, 60.0))[far].max() < 1.0


def test_plain_explicit_scheme_agrees() -> None:
    """An explicit enthalpy march in NumPy on the same nodes: the steps and the tables are what is left."""
    stations = [0.2, 0.7, 0.9, 1.5]
    reference = explicit_enthalpy(small_strand(), (9, 13), stations)
    solution = solve(small_strand(), Grid(9, 13, 1e-3, 2e-3), sections=stations)
    for expected, section in zip(reference, solution.section_temperature, strict=True):
        assert np.abs(section - expected).max() < 0.4


def turned(strand: Strand) -> Strand:
    """By 90 degrees: faces x and y change places."""

    def swap(pair: tuple[float, float] | None) -> tuple[float, float] | None:
        return pair and pair[::-1]

    mold = Mold(strand.mold.length, swap(strand.mold.heat_flux), swap(strand.mold.htc))
    zones = [Zone(z.end, swap(z.htc), swap(z.heat_flux)) for z in strand.zones]
    return small_strand(strand.steel, width=strand.thickness, thickness=strand.width, mold=mold, zones=zones)


@pytest.mark.parametrize("phase_change", ["enthalpy", "correction"])
def test_swapping_the_faces_with_sor(phase_change: str) -> None:
    strand = small_strand(width=0.06)
    options = {"method": "sor", "phase_change": phase_change, "tolerance": 1e-9, "sections": [0.1, 0.7, 1.5]}
    a = solve(strand, Grid(11, 8, 0.02, 0.05, grading=(2.0, 1.0)), **options)
    b = solve(turned(strand), Grid(8, 11, 0.02, 0.05, grading=(1.0, 2.0)), **options)
    # Sweeps stop when nothing moves by more than 1e-9 K; the remaining error is at most some 100 times that,
    # and gathers over 42 steps.
    mirrored = b.section_temperature.transpose(0, 2, 1)
    np.testing.assert_allclose(a.section_temperature, mirrored, rtol=0, atol=1e-5)
    np.testing.assert_allclose(a.face_temperature, b.face_temperature[::-1], rtol=0, atol=1e-5)
    np.testing.assert_allclose(a.shell_thickness, b.shell_thickness[::-1], rtol=0, atol=1e-8)
    np.testing.assert_allclose(a.solid_fraction, b.solid_fraction, rtol=0, atol=1e-7)
    np.testing.assert_allclose(a.liquid_fraction, b.liquid_fraction, rtol=0, atol=1e-7)


def test_swapping_the_faces_with_adi() -> None:
    """Rows go first: the answer is symmetric but for the splitting error, of second order in the step."""
    strand = small_strand(width=0.06)
    differences = []
    for dz in (0.02, 0.01, 0.005):
        a = solve(strand, Grid(11, 8, dz, dz), sections=[1.5]).section_temperature[0]
        b = solve(turned(strand), Grid(8, 11, dz, dz), sections=[1.5]).section_temperature[0]
        differences.append(float(np.abs(a - b.T).max()))
    assert differences[-1] < 0.01
    # Over both halvings: the four steps that a stretch starts with split otherwise than the rest, and the two
    # errors have opposite signs.
    assert np.log2(differences[0] / differences[-1]) / 2 > 1.7


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_only_the_time_since_the_meniscus_counts(method: str, phase_change: str) -> None:
    """Twice the speed on twice the lengths is the same march, bit for bit."""
    fast = small_strand(
        length=3.0,
        speed=0.04,
        mold=Mold(0.4, (1.2e6, 1.0e6)),
        zones=[Zone(1.4, (500.0, 400.0)), Zone(3.0, (300.0, 350.0))],
    )
    options = {"method": method, "phase_change": phase_change}
    a = solve(small_strand(), Grid(7, 9, 0.025, 0.05), **options)
    b = solve(fast, Grid(7, 9, 0.05, 0.1), **options)
    np.testing.assert_array_equal(2 * a.z, b.z)
    for name in ("centre_temperature", "corner_temperature", "face_temperature", "solid_fraction"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    np.testing.assert_array_equal(2 * a.heat, b.heat)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_heat_flux_and_convection_add(method: str, phase_change: str) -> None:
    """h (T - 303 K) is h (T - 403 K) + h 100 K, in the mould and in the zones."""

    def of(ambient: float) -> Strand:
        extra = ambient - 303.0
        mold = Mold(0.2, heat_flux=(9e5 + 400 * extra, 8e5 + 300 * extra), htc=(400.0, 300.0))
        zone = Zone(1.0, heat_flux=(500.0 * extra, 400.0 * extra), htc=(500.0, 400.0))
        return small_strand(length=1.0, mold=mold, zones=[zone], ambient_temperature=ambient)

    options = {"method": method, "phase_change": phase_change, "tolerance": 1e-9, "sections": [0.2, 1.0]}
    a, b = (solve(of(ambient), Grid(7, 7, 0.02, 0.04), **options) for ambient in (303.0, 403.0))
    np.testing.assert_allclose(
        a.section_temperature, b.section_temperature, rtol=0, atol=1e-6
    )  # sweeps, rounding
    np.testing.assert_allclose(a.heat, b.heat, rtol=1e-9)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_without_cooling_nothing_happens(method: str, phase_change: str) -> None:
    strand = small_strand(mold=Mold(0.2, heat_flux=0.0), zones=[Zone(1.5, htc=0.0)])
    solution = solve(strand, Grid(7, 9, 0.02, 0.05), method=method, phase_change=phase_change, sections=[1.5])
    # The temperature is read back from the enthalpy or the potential: rounding.
    np.testing.assert_allclose(solution.section_temperature, 1823.0, rtol=1e-9)
    assert np.all(solution.heat == 0)
    assert np.all(solution.liquid_fraction == 1)
    assert np.all(solution.solid_fraction == 0)
    assert np.isinf(solution.metallurgical_length)
    assert solution.energy_imbalance < 1e-6  # J/m out of nothing, per 1 J/m


def test_one_number_cools_both_faces() -> None:
    strand = small_strand(
        mold=Mold(0.2, heat_flux=1e6, htc=10.0), zones=[Zone(1.5, htc=400.0, heat_flux=1e3)]
    )
    pairs = small_strand(
        mold=Mold(0.2, heat_flux=(1e6, 1e6), htc=(10.0, 10.0)),
        zones=[Zone(1.5, htc=(400.0, 400.0), heat_flux=(1e3, 1e3))],
    )
    assert strand.parameters() == pairs.parameters()
