"""Small cases, and what they are measured against: closed forms and schemes in plain NumPy.

Nothing here calls the solver, so that an error of the kernels cannot hide in its own reference. Where a
scheme must be followed to rounding (the published SOR) it reads the tabulated curves of the steel, which
test_steel.py holds against the closed forms.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import erf, erfc

from tundish.casting import Mold, Steel, Strand, Zone

Floats = NDArray[np.float64]
Curve = Callable[[ArrayLike], tuple[Floats, Floats]]  # value and slope

PUBLISHED_STEEL: dict[str, Any] = {
    "solidus": 1672.0,
    "liquidus": 1728.0,
    "pure_iron_melting": 1809.0,
    "partition": 0.84,
    "latent_heat": 189e3,
    "specific_heat": (700.0, 800.0),
    "density": (7256.0, 7011.0),
    "conductivity": (12.3167, 0.0107534, 7.7098e-7),
    "liquid_conductivity_factor": 3.0,
}
DIFFUSIVITY = 30.0 / (7000.0 * 700.0)  # of constant_steel(), m2/s
COLUMNS = ("temperature_K", "solid_fraction", "density", "specific_heat", "conductivity")


def scheil(**changes: Any) -> Steel:
    """The published steel, or one like it."""
    return Steel.scheil(**{**PUBLISHED_STEEL, **changes})


def table(rows: ArrayLike) -> dict[str, Floats]:
    """Rows of a table by column."""
    return dict(zip(COLUMNS, np.asarray(rows, float).T, strict=True))


def constant_steel() -> Steel:
    """A steel without latent heat: 7000 kg/m3, 700 J/(kg K) and 30 W/(m K) at all temperatures."""
    properties = (7000.0, 700.0, 30.0)
    return Steel.from_table(table([(1500.0, 1.0, *properties), (1510.0, 0.0, *properties)]))


def small_strand(steel: Steel | None = None, **changes: Any) -> Strand:
    """A 40 mm billet that is solid after about 1.2 of its 1.5 m, cooled differently on its two faces."""
    arguments: dict[str, Any] = {
        "width": 0.04,
        "thickness": 0.04,
        "length": 1.5,
        "speed": 0.02,
        "pouring_temperature": 1823.0,
        "ambient_temperature": 303.0,
        "mold": Mold(0.2, heat_flux=(1.2e6, 1.0e6)),
        "zones": [Zone(0.7, htc=(500.0, 400.0)), Zone(1.5, htc=(300.0, 350.0))],
    }
    return Strand(steel or scheil(), **{**arguments, **changes})


def slab(steel: Steel, half: float, seconds: float, htc: float, pouring: float, ambient: float) -> Strand:
    """A slab of half thickness `half` that face x alone cools for `seconds`, while it travels 1 m."""
    return Strand(
        steel,
        width=2 * half,
        thickness=2 * half,
        length=1.0,
        speed=1.0 / seconds,
        pouring_temperature=pouring,
        ambient_temperature=ambient,
        mold=Mold(0.5, htc=(htc, 0.0)),
        zones=[Zone(1.0, htc=(htc, 0.0))],
    )


def robin_slab(x: ArrayLike, seconds: float, half: float, diffusivity: float, biot: float) -> Floats:
    """(T - ambient) / (pouring - ambient) at x of a slab that is cooled at x = half and insulated at 0.

    Fourier's series (Carslaw and Jaeger, Conduction of Heat in Solids, section 3.11).
    """
    starts = np.pi * np.arange(200)
    roots = np.array([brentq(lambda b: b * np.sin(b) - biot * np.cos(b), a, a + np.pi / 2) for a in starts])
    weights = 4 * np.sin(roots) / (2 * roots + np.sin(2 * roots))
    decay = np.exp(-(roots**2) * diffusivity * seconds / half**2)
    return np.cos(np.multiply.outer(np.asarray(x, float) / half, roots)) @ (weights * decay)


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


@dataclasses.dataclass(frozen=True)
class Neumann:
    """Freezing of a half-space from a wall that jumps to `wall` (K): Neumann's similarity solution.

    Carslaw and Jaeger, section 11.2, for equal densities. `solid` and `liquid` are (conductivity, specific
    heat); the front freezes at `freezing` (K) and gives off `latent_heat` (J/kg).
    """

    wall: float
    freezing: float
    pouring: float
    density: float
    solid: tuple[float, float]
    liquid: tuple[float, float]
    latent_heat: float

    def diffusivity(self, phase: tuple[float, float]) -> float:
        return phase[0] / (phase[1] * self.density)

    @property
    def front(self) -> float:
        """Front over 2 sqrt(solid diffusivity x time)."""
        ratio = np.sqrt(self.diffusivity(self.solid) / self.diffusivity(self.liquid))
        heat = self.solid[1] * (self.freezing - self.wall)
        superheat = (
            self.liquid[0] * (self.pouring - self.freezing) / (self.solid[0] * (self.freezing - self.wall))
        )

        def balance(s: float) -> float:
            to_wall = np.exp(-(s**2)) / erf(s)
            from_liquid = superheat * ratio * np.exp(-((s * ratio) ** 2)) / erfc(s * ratio)
            return float(to_wall - from_liquid - s * np.sqrt(np.pi) * self.latent_heat / heat)

        return float(brentq(balance, 1e-3, 3.0))

    def shell(self, seconds: ArrayLike) -> Floats:
        """Thickness of the solid, m."""
        return 2 * self.front * np.sqrt(self.diffusivity(self.solid) * np.asarray(seconds, float))

    def temperature(self, depth: ArrayLike, seconds: float) -> Floats:
        """At a depth below the wall, K."""
        depth, s = np.asarray(depth, float), self.front
        of_solid, of_liquid = (2 * np.sqrt(self.diffusivity(p) * seconds) for p in (self.solid, self.liquid))
        ratio = of_solid / of_liquid
        solid = self.wall + (self.freezing - self.wall) * erf(depth / of_solid) / erf(s)
        liquid = self.pouring - (self.pouring - self.freezing) * erfc(depth / of_liquid) / erfc(s * ratio)
        return np.where(depth < s * of_solid, solid, liquid)


def scheil_solid_fraction(kelvin: ArrayLike, p: dict[str, Any] = PUBLISHED_STEEL) -> Floats:
    """Energies 2020, 13, 2429, Eq. (4), literally."""
    kelvin = np.asarray(kelvin, float)
    ratio = (p["pure_iron_melting"] - np.clip(kelvin, p["solidus"], p["liquidus"])) / (
        p["pure_iron_melting"] - p["liquidus"]
    )
    mush = 1 - ratio ** (1 / (p["partition"] - 1))
    return np.where(kelvin <= p["solidus"], 1.0, np.where(kelvin >= p["liquidus"], 0.0, mush))


def scheil_capacity(kelvin: ArrayLike, p: dict[str, Any] = PUBLISHED_STEEL) -> Floats:
    """Density times substitute thermal capacity, Eqs. (3) and (5)-(7), J/(m3 K)."""
    kelvin = np.asarray(kelvin, float)
    fs = scheil_solid_fraction(kelvin, p)
    sensible = p["specific_heat"][0] * fs + p["specific_heat"][1] * (1 - fs)
    density = p["density"][0] * fs + p["density"][1] * (1 - fs)
    n = 1 / (p["partition"] - 1)
    span = p["pure_iron_melting"] - p["liquidus"]
    rate = (
        n / span * ((p["pure_iron_melting"] - np.clip(kelvin, p["solidus"], p["liquidus"])) / span) ** (n - 1)
    )
    mushy = (kelvin > p["solidus"]) & (kelvin < p["liquidus"])
    return density * (sensible - p["latent_heat"] * np.where(mushy, rate, 0.0))


def scheil_conductivity(kelvin: ArrayLike, p: dict[str, Any] = PUBLISHED_STEEL) -> Floats:
    """Eqs. (8) and (9), W/(m K)."""
    kelvin = np.asarray(kelvin, float)
    solid = np.polyval(p["conductivity"][::-1], np.minimum(kelvin, p["solidus"]))
    place = np.clip((kelvin - p["solidus"]) / (p["liquidus"] - p["solidus"]), 0, 1)
    return solid * (1 + (p["liquid_conductivity_factor"] - 1) * place**2)


def explicit_enthalpy(strand: Strand, nodes: tuple[int, int], stations: list[float]) -> list[Floats]:
    """Temperatures (ny, nx) at each of `stations` (m), by explicit Euler in the enthalpy on a uniform mesh.

    The steel is the published one, integrated numerically; the same second-order control volumes as the
    package's, in Kirchhoff's potential, so that only the steps differ.
    """
    kelvin = np.linspace(150.0, 2200.0, 400_001)
    mean = 0.5 * (kelvin[1:] + kelvin[:-1])
    heat = np.concatenate(([0.0], np.cumsum(scheil_capacity(mean) * np.diff(kelvin))))
    potential = np.concatenate(([0.0], np.cumsum(scheil_conductivity(mean) * np.diff(kelvin))))
    state_grid = np.linspace(heat[0], heat[-1], 400_001)
    kelvin_of, potential_of = np.interp(state_grid, heat, kelvin), np.interp(state_grid, heat, potential)

    hx, hy = strand.width / 2 / (nodes[0] - 1), strand.thickness / 2 / (nodes[1] - 1)
    wx, wy = np.full(nodes[0], hx), np.full(nodes[1], hy)
    wx[[0, -1]] /= 2
    wy[[0, -1]] /= 2
    fastest = np.max(scheil_conductivity(mean) / scheil_capacity(mean))
    longest = 0.4 / (fastest * (1 / hx**2 + 1 / hy**2))
    state = np.full(nodes[::-1], np.interp(strand.pouring_temperature, kelvin, heat))
    stretches = [(strand.mold.length, strand.mold), *((zone.end, zone) for zone in strand.zones)]
    z, kept = 0.0, []
    for stop in sorted({end for end, _ in stretches} | set(stations)):
        cooling = next(c for end, c in stretches if end > z + 1e-12)
        flux, htc = cooling.heat_flux or (0.0, 0.0), cooling.htc or (0.0, 0.0)
        steps = int(np.ceil((stop - z) / strand.speed / longest))
        dt = (stop - z) / strand.speed / steps
        for _ in range(steps):
            place = (state - state_grid[0]) * ((state_grid.size - 1) / (state_grid[-1] - state_grid[0]))
            cell = place.astype(int)
            here = potential_of[cell] + (place - cell) * (potential_of[cell + 1] - potential_of[cell])
            face_x, face_y = (np.interp(edge, state_grid, kelvin_of) for edge in (state[:, -1], state[-1, :]))
            flow_x = np.diff(here, axis=1) / hx
            flow_y = np.diff(here, axis=0) / hy
            taken_x = flux[0] + htc[0] * (face_x - strand.ambient_temperature)
            taken_y = flux[1] + htc[1] * (face_y - strand.ambient_temperature)
            gain_x = np.diff(flow_x, axis=1, prepend=0.0, append=-taken_x[:, None])
            gain_y = np.diff(flow_y, axis=0, prepend=0.0, append=-taken_y[None, :])
            state = state + dt * (gain_x / wx + gain_y / wy[:, None])
        z = stop
        if z in stations:
            kept.append(np.interp(state, state_grid, kelvin_of))
    return kept


def spline(curve: tuple[float, float, Floats]) -> Curve:
    """Value and slope of one of the curves of Steel._core.tables()."""
    origin, per_cell, rows = curve

    def lookup(x: ArrayLike) -> tuple[Floats, Floats]:
        t = (np.asarray(x, float) - origin) * per_cell
        cell = np.clip(np.floor(t).astype(int), 0, len(rows) - 1)
        f, (c0, c1, c2) = t - cell, np.moveaxis(rows[cell, :3], -1, 0)
        return c0 + f * (c1 + f * c2), (c1 + 2 * f * c2) * per_cell

    return lookup


@dataclasses.dataclass(frozen=True)
class Lagged:
    """Conductivity and density x substitute thermal capacity for the published scheme."""

    conductivity: Callable[[ArrayLike], Floats]
    capacity: Callable[[ArrayLike], Floats]
    mush_at_liquidus: float
    liquid: float  # capacities next to the mush
    solid: float
    shown: Callable[[ArrayLike], Floats] = np.asarray  # the temperature that is reported of a temperature


def tabulated(steel: Steel) -> Lagged:
    """As the march looks them up."""
    curves = [spline(curve) for curve in steel._core.tables()]
    temperature_of_potential, enthalpy, potential = curves[1], curves[2:5], curves[5:8]
    solidus, liquidus = steel.solidus, steel.liquidus

    def branch(of: list[Curve], kelvin: Floats, which: int) -> Floats:
        solid, mush, liquid = (curve(kelvin)[which] for curve in of)
        return np.where(kelvin <= solidus, solid, np.where(kelvin >= liquidus, liquid, mush))

    def shown(kelvin: ArrayLike) -> Floats:
        return temperature_of_potential(branch(potential, np.asarray(kelvin, float), 0))[0]

    def conductivity(kelvin: ArrayLike) -> Floats:
        return branch(potential, np.asarray(kelvin, float), 1)

    def capacity(kelvin: ArrayLike) -> Floats:
        return branch(enthalpy, np.asarray(kelvin, float), 1)

    at = [float(enthalpy[n](kelvin)[1]) for n, kelvin in ((1, liquidus), (2, liquidus), (0, solidus))]
    return Lagged(conductivity, capacity, *at, shown)


def closed_form() -> Lagged:
    """The published steel without tables."""
    solidus, liquidus = PUBLISHED_STEEL["solidus"], PUBLISHED_STEEL["liquidus"]
    at = [float(scheil_capacity(kelvin)) for kelvin in (np.nextafter(liquidus, 0.0), liquidus, solidus)]
    return Lagged(scheil_conductivity, scheil_capacity, *at)


def corrected(before: Floats, after: Floats, capacity: Floats, steel: Steel, lagged: Lagged) -> Floats:
    """Eqs. (18) and (19) of the paper; a node that falls through the mush in one step gets both."""
    freezes = (before >= steel.liquidus) & (after < steel.liquidus)
    mushy = steel.liquidus - lagged.liquid / lagged.mush_at_liquidus * (steel.liquidus - after)
    after = np.where(freezes, mushy, after)
    solidifies = (freezes | ((before > steel.solidus) & (before < steel.liquidus))) & (after < steel.solidus)
    mush = np.where(freezes, lagged.mush_at_liquidus, capacity)
    return np.where(solidifies, steel.solidus - mush / lagged.solid * (steel.solidus - after), after)


def published_march(
    strand: Strand,
    x: Floats,
    y: Floats,
    z: Floats,
    lagged: Lagged,
    relaxation: float = 1.4,
    tolerance: float = 1e-7,
) -> tuple[Floats, list[int]]:
    """Temperatures (nz+1, ny, nx) and sweeps (nz) of the published scheme, node by node.

    Fully implicit with lagged properties and mean conductivities; lexicographic Gauss-Seidel, over-relaxed,
    until no temperature moves by more than the tolerance; then Eqs. (18) and (19).
    """
    nx, ny = x.size, y.size

    def widths(nodes: Floats) -> Floats:
        return np.diff(nodes, prepend=nodes[0]) / 2 + np.diff(nodes, append=nodes[-1]) / 2

    wx, wy = widths(x), widths(y)
    stretches = [(strand.mold.length, strand.mold), *((zone.end, zone) for zone in strand.zones)]
    kelvin = np.full((ny, nx), strand.pouring_temperature)
    history, sweeps = [kelvin], []
    for start, end in itertools.pairwise(z):
        cooling = next(c for stop, c in stretches if stop > start + 1e-9)
        flux, htc = cooling.heat_flux or (0.0, 0.0), cooling.htc or (0.0, 0.0)
        k, capacity = lagged.conductivity(kelvin), lagged.capacity(kelvin)
        between_x = 0.5 * (k[:, 1:] + k[:, :-1]) / np.diff(x)
        between_y = 0.5 * (k[1:, :] + k[:-1, :]) / np.diff(y)[:, None]
        none_x, none_y = np.zeros((ny, 1)), np.zeros((1, nx))
        west, east = np.hstack((none_x, between_x)) / wx, np.hstack((between_x, none_x)) / wx
        south = np.vstack((none_y, between_y)) / wy[:, None]
        north = np.vstack((between_y, none_y)) / wy[:, None]
        taken, surface = np.zeros((ny, nx)), np.zeros((ny, nx))
        edges = ((np.s_[:, -1], wx[-1]), (np.s_[-1, :], wy[-1]))
        for (edge, width), q, h in zip(edges, flux, htc, strict=True):
            taken[edge] += (q - h * strand.ambient_temperature) / width
            surface[edge] += h / width
        storage = capacity * strand.speed / (end - start)
        diagonal = storage + west + east + south + north + surface
        drive = storage * kelvin - taken
        rows = [a.tolist() for a in (west, east, south, north, diagonal, drive)]
        solved, moved, n = np.pad(kelvin, 1).tolist(), np.inf, 0
        while moved > tolerance:
            moved, n = 0.0, n + 1
            for j in range(ny):
                here, below, above = solved[j + 1], solved[j], solved[j + 2]
                w, e, s, t, d, b = (a[j] for a in rows)
                for i in range(nx):
                    settled = (
                        b[i] + w[i] * here[i] + e[i] * here[i + 2] + s[i] * below[i + 1] + t[i] * above[i + 1]
                    ) / d[i]
                    change = relaxation * (settled - here[i + 1])
                    here[i + 1] += change
                    moved = max(moved, abs(change))
        sweeps.append(n)
        kelvin = corrected(kelvin, np.array(solved)[1:-1, 1:-1], capacity, strand.steel, lagged)
        history.append(lagged.shown(kelvin))
    return np.array(history), sweeps
