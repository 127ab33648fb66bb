"""Random strands of four kinds, to try the robustness of the march on; and what is wrong with a solution.

A seed always gives the same strand. "casters" are billets, blooms, slabs and thin slabs with ordinary
cooling. "narrow" has freezing ranges of 1 to 15 K. "peaks" has heat of transformation in the solid, and
liquids that conduct up to six times better. "held" has coefficients of up to 1e9 W/(m2 K), which hold faces
at the ambient temperature.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish.casting import Mold, Solution, Steel, Strand, Zone

Random = np.random.Generator
Columns = dict[str, NDArray[np.float64]]


def property_table(rng: Random, freezing_range: float | None = None) -> tuple[Columns, float]:
    """A steel's table as property programs export it, and its latent heat."""
    liquidus = rng.uniform(1690.0, 1810.0)
    solidus = liquidus - (freezing_range or 10 ** rng.uniform(0.5, 2.1))
    solid, mush = np.arange(298.15, solidus - 1, 25.0), np.linspace(solidus, liquidus, 21)
    t = np.unique(np.concatenate([solid, mush, np.arange(liquidus + 5, 2100, 25.0)]))
    fraction = np.interp(t, [solidus, liquidus], [1.0, 0.0])
    frozen = (solidus < t) & (liquidus > t)
    fraction[frozen] = 1 - ((t[frozen] - solidus) / (liquidus - solidus)) ** rng.uniform(0.4, 2.5)
    cold = t < 1100.0
    conductivity = np.where(cold, 60 - 0.04 * (t - 298), 28 + 0.011 * (t - 1100))
    warm = 0.05 * (t - 1100) * ~cold
    table = {
        "temperature_K": t,
        "solid_fraction": fraction,
        "density": 7850 - 0.42 * (t - 298) - 250 * (1 - fraction),
        "specific_heat": np.where(cold, 450 + 0.35 * (t - 298), 620.0) + warm + 120 * (1 - fraction),
        "conductivity": conductivity * (1 + rng.uniform(0, 4) * (1 - fraction)),
    }
    return table, rng.uniform(200e3, 280e3)


def tabulated_steel(rng: Random, *, freezing_range: float | None = None, pearlite: bool = False) -> Steel:
    """A steel by a table; `pearlite` adds 80 kJ/kg over 1 to 20 K near 1000 K."""
    table, latent_heat = property_table(rng, freezing_range)
    if pearlite:
        table = with_peak(table, rng.uniform(950.0, 1050.0), 10 ** rng.uniform(0, 1.3), 80e3)
    return Steel.from_table(table, latent_heat=latent_heat)


def with_peak(table: Columns, centre: float, width: float, heat: float) -> Columns:
    """The table with `heat`, J/kg, released evenly over `width`, K, about a temperature."""
    t = table["temperature_K"]
    low, high = centre - width / 2, centre + width / 2
    fine = np.unique([*t, low - 1e-3, low, high, high + 1e-3])
    refined = {name: np.interp(fine, t, column) for name, column in table.items()}
    inside = (fine >= low - 1e-9) & (fine <= high + 1e-9)
    refined["specific_heat"] = refined["specific_heat"] + np.where(inside, heat / width, 0.0)
    return refined


def transforming_steel(rng: Random) -> Steel:
    """A steel that gives off 10 to 120 kJ/kg over 2 to 80 K in the solid; its liquid conducts better."""
    liquidus = rng.uniform(1700.0, 1800.0)
    solidus = liquidus - 10 ** rng.uniform(0.3, 2.0)
    factor, latent_heat = rng.uniform(1.0, 6.0), rng.uniform(200e3, 280e3)
    top, width = rng.uniform(900.0, 1400.0), 10 ** rng.uniform(np.log10(2.0), np.log10(80.0))
    capacity = 650.0 + rng.uniform(10e3, 120e3) / width
    rows = [300.0, top - width - 0.01, top - width, top, top + 0.01, solidus, liquidus, 2300.0]
    table = {
        "temperature_K": rows,
        "solid_fraction": [1] * 6 + [0] * 2,
        "density": [7400.0] * 6 + [7000.0] * 2,
        "specific_heat": [650.0, 650.0, capacity, capacity, 650.0, 650.0, 780.0, 780.0],
        "conductivity": [30.0] * 6 + [30.0 * factor] * 2,
    }
    return Steel.from_table(table, latent_heat=latent_heat)


def scheil_steel(rng: Random) -> Steel:
    """A steel by Scheil's equation, whatever share of its latent heat it loses."""
    liquidus = rng.uniform(1690.0, 1803.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return Steel.scheil(
            solidus=liquidus - 10 ** rng.uniform(0.7, 2.1),
            liquidus=liquidus,
            pure_iron_melting=1809.0,
            partition=rng.uniform(0.1, 0.9),
            latent_heat=rng.uniform(180e3, 280e3),
            specific_heat=(rng.uniform(600.0, 750.0), rng.uniform(700.0, 850.0)),
            density=(rng.uniform(7200.0, 7600.0), rng.uniform(6900.0, 7150.0)),
            conductivity=(rng.uniform(10.0, 20.0), rng.uniform(0.006, 0.012)),
            liquid_conductivity_factor=rng.uniform(1.0, 7.0),
            residual=str(rng.choice(["none", "solidus", "rescale"])),
        )


def _square(rng: Random) -> tuple[float, float, float]:
    side = rng.uniform(0.1, 0.18)
    return side, side, rng.uniform(1.5, 6.0)


# Width and thickness, m, and speed, m/min.
_SHAPES: tuple[Callable[[Random], tuple[float, float, float]], ...] = (
    _square,
    lambda rng: (rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.4, 1.5)),
    lambda rng: (rng.uniform(0.8, 2.2), rng.uniform(0.2, 0.3), rng.uniform(0.6, 2.2)),
    lambda rng: (rng.uniform(0.8, 1.6), rng.uniform(0.05, 0.09), rng.uniform(3.0, 6.5)),
)


def caster(rng: Random, steel: Steel | None = None) -> Strand:
    """A billet, bloom, slab or thin slab, cooled in its mould by a flux or coefficients, then by sprays."""
    width, thickness, speed = _SHAPES[rng.integers(4)](rng)
    if steel is None:
        scheil = rng.random() < 0.5
        steel = scheil_steel(rng) if scheil else tabulated_steel(rng, pearlite=rng.random() < 0.4)
    mold_length = rng.uniform(0.6, 1.0)
    flux = (2.68 - 0.184 * np.sqrt(mold_length * 60 / speed)) * 1e6 * rng.uniform(0.7, 1.0)
    flux = max(flux, 0.8e6)
    if rng.random() < 0.5:
        mold = Mold(mold_length, htc=(rng.uniform(800.0, 1600.0), rng.uniform(800.0, 1600.0)))
    else:
        mold = Mold(mold_length, heat_flux=(flux * rng.uniform(0.4, 0.9), flux * rng.uniform(0.6, 0.9)))
    zones = []
    for n, end in enumerate(mold_length + np.cumsum(rng.uniform(0.2, 4.0, rng.integers(2, 8)))):
        htc = float(rng.uniform(150.0, 1000.0) * np.exp(-n / 3))
        zones.append(Zone(float(end), htc=(htc * float(rng.choice([0.0, 0.3, 1.0])), htc)))
    pouring, ambient = steel.liquidus + rng.uniform(3.0, 60.0), rng.uniform(290.0, 320.0)
    return Strand(steel, width, thickness, zones[-1].end, speed / 60, pouring, ambient, mold, zones)


def held(strand: Strand, htc: float, share_of_y: float) -> Strand:
    """The strand with a coefficient in the mould and on both faces of every other zone."""
    zones = [Zone(z.end, htc=htc) if n % 2 == 0 else z for n, z in enumerate(strand.zones)]
    return Strand(
        strand.steel,
        strand.width,
        strand.thickness,
        strand.length,
        strand.speed,
        strand.pouring_temperature,
        strand.ambient_temperature,
        Mold(strand.mold.length, htc=(htc, htc * share_of_y)),
        zones,
    )


def _narrow(rng: Random) -> Strand:
    freezing_range = rng.uniform(1.0, 15.0)
    return caster(rng, tabulated_steel(rng, freezing_range=freezing_range, pearlite=rng.random() < 0.5))


def _held(rng: Random) -> Strand:
    return held(caster(rng), 10 ** rng.uniform(4.0, 9.0), float(rng.choice([1.0, 1.0, 0.1, 1e-3])))


KINDS: dict[str, Callable[[Random], Strand]] = {
    "casters": caster,
    "narrow": _narrow,
    "peaks": lambda rng: caster(rng, transforming_steel(rng)),
    "held": _held,
}


def random_strand(seed: int) -> tuple[str, Strand]:
    """The kind of a seed's strand, and the strand."""
    kind = tuple(KINDS)[seed % len(KINDS)]
    return kind, KINDS[kind](np.random.default_rng(seed))


def strand_with_peak(seed: int) -> Strand:
    """A caster of a tabulated steel with 10 to 120 kJ/kg over 2 to 80 K somewhere in the solid."""
    rng = np.random.default_rng(seed)
    table, latent_heat = property_table(rng)
    width = 10 ** rng.uniform(np.log10(2.0), np.log10(80.0))
    table = with_peak(table, rng.uniform(900.0, 1400.0), width, rng.uniform(10e3, 120e3))
    return caster(rng, Steel.from_table(table, latent_heat=latent_heat))


def faults(solution: Solution, below: float = 5.0) -> list[str]:
    """What is impossible in a solution that has sections at all of its steps, in words; none is right.

    Heat leaves only: no place gets hotter than it was poured. Where coefficients alone cool no place gets
    colder than its surroundings, but for `below`, K. The curves are a few tenths off at kinks, and a step
    overshoots a little.
    """
    strand, found = solution.strand, []
    if not solution.success:
        return [solution.message]
    for name, values in solution.fields.items():
        if name != "metallurgical_length" and not np.all(np.isfinite(values)):
            found.append(f"{name} is not finite")
    sections = solution.section_temperature
    coldest = float(min(sections.min(), solution.corner_temperature.min(), solution.face_temperature.min()))
    over = float(sections.max()) - max(strand.pouring_temperature, strand.ambient_temperature)
    if over > 5.0:
        found.append(f"{over:.1f} K above the pouring temperature")
    if not drains(strand) and strand.ambient_temperature - coldest > below:
        found.append(f"{strand.ambient_temperature - coldest:.1f} K below the ambient temperature")
    if not solution.energy_imbalance < 1e-10:
        found.append(f"energy_imbalance {solution.energy_imbalance:.1e}")
    return found


def drains(strand: Strand) -> bool:
    """Whether a heat flux cools any face."""
    fluxes = (cooling.heat_flux for cooling in (strand.mold, *strand.zones))
    return any(flux is not None and np.any(np.asarray(flux) > 0) for flux in fluxes)


def every_step(z: NDArray[np.float64]) -> list[float]:
    """All steps but the meniscus, as `sections`."""
    return [float(b) for _, b in itertools.pairwise(z)]


def corner_excess(solution: Solution) -> NDArray[np.float64]:
    """By how much the corner is hotter than both of its neighbours on the faces at every section, K."""
    sections: Any = solution.section_temperature
    return np.asarray(sections[:, -1, -1] - np.maximum(sections[:, -1, -2], sections[:, -2, -1]))
