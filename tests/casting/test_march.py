"""The march down the strand: closed forms, orders of convergence, conservation, and what is read of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from references.strand import (
    Floats,
    Neumann,
    constant_steel,
    explicit_enthalpy,
    robin_slab,
    scheil,
    slab,
    small_strand,
    table,
)
from scipy.interpolate import CubicSpline

from tundish.casting import Grid, Mold, Solution, Status, Steel, Strand, Zone, published_strand, solve

DIFFUSIVITY = 30.0 / (7000.0 * 700.0)  # of constant_steel(), m2/s
THERMOCOUPLES = [(0.062, 0.074), (0.074, 0.074), (0.074, 0.062)]
MODES = [(m, p) for m in ("adi", "sor") for p in ("enthalpy", "correction")]


def order(errors: list[float]) -> float:
    """Of convergence, from the last two errors of a series that halves the step."""
    return float(np.log2(errors[-2] / errors[-1]))


def widths(nodes: Floats) -> Floats:
    """Of the control volumes."""
    return np.diff(nodes, prepend=nodes[0]) / 2 + np.diff(nodes, append=nodes[-1]) / 2


def readings(solution: Solution, z: Floats) -> Floats:
    """Of the probes at z, straight between the steps."""
    return np.array([np.interp(z, solution.z, row) for row in solution.probe_temperature])


# ---- closed forms ----------------------------------------------------------------------------

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


def product_strand() -> Strand:
    """Both faces cooled by convection, differently, and a rectangular section."""
    htc = (800.0, 1200.0)
    return small_strand(
        constant_steel(),
        width=0.06,
        pouring_temperature=1800.0,
        mold=Mold(0.2, htc=htc),
        zones=[Zone(1.5, htc)],
    )


def product_solution(x: Floats, y: Floats) -> Floats:
    along_x = robin_slab(x, 75.0, 0.03, DIFFUSIVITY, 800.0 * 0.03 / 30.0)
    along_y = robin_slab(y, 75.0, 0.02, DIFFUSIVITY, 1200.0 * 0.02 / 30.0)
    return 303.0 + 1497.0 * np.outer(along_y, along_x)


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


# ---- symmetries ------------------------------------------------------------------------------


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
    assert order(differences) > 1.7


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


# ---- the mesh --------------------------------------------------------------------------------


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


def test_the_default_grid_steps_by_time() -> None:
    slow = published_strand().replace({"speed": 1.0 / 60})
    grid = Grid().resolve(slow)
    assert (grid.nx, grid.ny, grid.grading) == (48, 48, (5.0, 5.0))
    assert (grid.dz_mold, grid.dz_spray, grid.ramp) == (0.24 / 60, (1.92 / 60,), 20.0)
    assert Grid(dz_mold=1e-3).resolve(slow) == dataclasses.replace(grid, dz_mold=1e-3)


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


# ---- conservation ----------------------------------------------------------------------------

GRIDS = {
    "uniform": Grid(12, 9, 0.01, 0.02),
    "graded": Grid(12, 9, 0.01, 0.02, grading=(6.0, 0.7)),
    "ramped": Grid(12, 9, 0.02, (0.04, 0.08), ramp=30.0),
    "smallest": Grid(2, 2, 0.02, 0.04),
    "default": Grid(),
}


@pytest.mark.parametrize("residual", ["none", "solidus", "rescale"])
@pytest.mark.parametrize("method", ["adi", "sor"])
@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)
def test_heat_is_conserved(grid: Grid, method: str, residual: str) -> None:
    """The heat given off is the enthalpy lost: to rounding, and as the closed form counts it."""
    strand = small_strand(scheil(residual=residual))
    ends = [0.2, 0.7, 1.5]
    solution = solve(strand, grid, method=method, sections=ends)
    # The sweeps of SOR end with heat balances that do not close, but the enthalpies are settled by fluxes.
    assert solution.energy_imbalance < (1e-12 if method == "adi" else 1e-9)
    area = np.outer(widths(solution.y), widths(solution.x))
    for z, section in zip(ends, solution.section_temperature, strict=True):
        lost = np.sum(
            area * (strand.steel.enthalpy(strand.pouring_temperature) - strand.steel.enthalpy(section))
        )
        heat = solution.heat[np.searchsorted(solution.z, z - 1e-9)]
        if residual == "solidus" and np.abs(section - strand.steel.solidus).min() < 8.0:
            continue  # a node where the latent heat is released: its temperature does not tell its enthalpy
        # The tables are 1e-2 K off, 0.5 K at the kinks: some 1e-4 of the heat where nodes sit there.
        assert heat == pytest.approx(strand.speed * lost, rel=5e-4)


@pytest.mark.parametrize(("method", "phase_change"), MODES)
def test_the_mould_takes_its_flux(method: str, phase_change: str) -> None:
    """Heat down to any z in the mould is flux x cooled edge x z, exactly."""
    strand = small_strand(width=0.06)
    solution = solve(
        strand, Grid(7, 9, 0.013, 0.05, ramp=4.0, grading=2.0), method=method, phase_change=phase_change
    )
    z = solution.z[solution.z <= 0.2]
    np.testing.assert_allclose(solution.heat[: z.size], (1.2e6 * 0.02 + 1.0e6 * 0.03) * z, rtol=1e-12)


def test_heat_follows_the_face_temperature() -> None:
    """The heat is the integral of htc (T - ambient); trapezoids are good to 1e-3 but for the start."""
    strand = slab(scheil(), 0.02, 60.0, 900.0, 1800.0, 303.0)
    solution = solve(strand, Grid(9, 2, 2e-3, 2e-3))
    flux = 900.0 * (solution.face_temperature[0] - 303.0) * 0.02
    heat = np.concatenate(([0.0], np.cumsum(0.5 * (flux[1:] + flux[:-1]) * np.diff(solution.z))))
    np.testing.assert_allclose(solution.heat[10:], heat[10:], rtol=1e-3)
    assert np.all(np.diff(solution.heat) > 0)


@pytest.mark.parametrize("method", ["adi", "sor"])
def test_the_published_correction_loses_heat(method: str) -> None:
    """And says so: `energy_imbalance` is what heat and enthalpies of the last section say."""
    strand = small_strand()
    solution = solve(strand, Grid(9, 9, 0.01, 0.02), method=method, phase_change="correction", sections=[1.5])
    area = np.outer(widths(solution.y), widths(solution.x))
    section = solution.section_temperature[0]
    lost = np.sum(area * (strand.steel.enthalpy(1823.0) - strand.steel.enthalpy(section)))
    imbalance = abs(solution.heat[-1] / strand.speed - lost) / (solution.heat[-1] / strand.speed)
    assert 1e-4 < imbalance < 0.05
    # Temperatures read back are 1e-2 K off: 1e-5 of the heat.
    assert solution.energy_imbalance == pytest.approx(imbalance, abs=1e-4)
    assert solution.success
    assert np.all(np.diff(solution.heat) > 0)


# ---- the range of temperatures ---------------------------------------------------------------


def extremes(solution: Solution) -> tuple[float, float]:
    return float(solution.section_temperature.min()), float(solution.section_temperature.max())


@pytest.mark.parametrize("residual", ["none", "solidus", "rescale"])
def test_the_default_grid_takes_every_residual(residual: str) -> None:
    """The published strand cools monotonically, wherever the steel releases its latent heat."""
    published = published_strand()
    strand = dataclasses.replace(published, steel=scheil(residual=residual))
    solution = solve(strand, sections=np.linspace(0.05, 15.5, 60))
    low, high = extremes(solution)
    assert high <= 1823.0 + 0.1  # nothing heats it; rounding, and ripples of the linearised step
    assert low > 700.0  # the corner at the mould's end, 741 K
    assert np.all(np.diff(solution.centre_temperature) < 0.1)


@pytest.mark.parametrize("factor", [1.0, 3.0])
@pytest.mark.parametrize("solidus", [1700.0, 1720.0])
def test_the_default_grid_takes_narrow_freezing_ranges(solidus: float, factor: float) -> None:
    """Of 28 and 8 K, as low-carbon grades have, with and without convection in the melt."""
    steel = scheil(solidus=solidus, liquid_conductivity_factor=factor)
    strand = dataclasses.replace(published_strand(), steel=steel)
    solution = solve(strand, sections=np.linspace(0.05, 15.5, 60))
    assert solution.success
    low, high = extremes(solution)
    assert high <= 1823.0 + 0.1
    assert low > 600.0  # the corner at the mould's end


HARSH = {
    "fine mesh, long steps": Grid(41, 41, 0.01, 0.08, grading=4.0, ramp=20.0),
    "a step a zone": Grid(15, 15, 0.2, 0.5),
    "finest mesh, few steps": Grid(121, 9, 0.05, 0.1, grading=(10.0, 1.0)),
}


@pytest.mark.parametrize("steel", ["none", "solidus", "rescale"])
@pytest.mark.parametrize("strand", [small_strand(), published_strand()], ids=["small", "published"])
@pytest.mark.parametrize("grid", HARSH.values(), ids=HARSH)
@pytest.mark.filterwarnings("ignore:diverged:RuntimeWarning")
def test_what_converged_lies_between_the_surroundings_and_the_melt(
    grid: Grid, strand: Strand, steel: str
) -> None:
    """A march on a hopeless mesh may fail, but not without saying so."""
    strand = dataclasses.replace(strand, steel=scheil(residual=steel))
    every = solve(strand, grid, outputs=[]).z
    solution = solve(strand, grid, sections=every)
    if solution.success:
        low, high = extremes(solution)
        assert low > strand.ambient_temperature
        assert high < strand.pouring_temperature + 25.0  # ripples


# ---- what is read of it ----------------------------------------------------------------------


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


# ---- a march that fails ----------------------------------------------------------------------


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
