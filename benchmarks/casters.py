"""Casters whose accuracy is measured: six that are named, and random ones.

All are made with the public interface of tundish.casting. SI units and K.
"""

from collections.abc import Callable, Mapping

import numpy as np

from tundish.casting import Mold, Steel, Strand, Zone, published_strand

RESIDUALS = ("none", "solidus", "rescale")
RANDOM_KINDS = ("ordinary", "narrow freezing range", "heat in the solid", "faces held cold")


def low_alloy_steel() -> Steel:
    """A low-alloy steel that freezes within 30 K."""
    return Steel.scheil(
        solidus=1755.0,
        liquidus=1785.0,
        pure_iron_melting=1809.0,
        partition=0.3,
        latent_heat=260e3,
        specific_heat=(690.0, 800.0),
        density=(7400.0, 7020.0),
        conductivity=(14.0, 0.0105),
        liquid_conductivity_factor=2.0,
    )


def low_alloy_billet() -> Strand:
    """A billet 160 of the steel that freezes within 30 K, at 2.5 m/min."""
    return Strand(
        low_alloy_steel(),
        width=0.16,
        thickness=0.16,
        length=22.0,
        speed=2.5 / 60,
        pouring_temperature=1815.0,
        ambient_temperature=303.0,
        mold=Mold(0.8, heat_flux=(1.9e6, 1.9e6)),
        zones=[
            Zone(1.3, htc=(1000.0, 900.0)),
            Zone(5.0, htc=(500.0, 450.0)),
            Zone(22.0, htc=(220.0, 200.0)),
        ],
    )


def bloom() -> Strand:
    """A bloom 250 x 320 of the published steel, at 0.8 m/min."""
    return Strand(
        published_strand().steel,
        width=0.25,
        thickness=0.32,
        length=28.0,
        speed=0.8 / 60,
        pouring_temperature=1760.0,
        ambient_temperature=303.0,
        mold=Mold(0.7, htc=(900.0, 900.0)),
        zones=[
            Zone(1.1, htc=(400.0, 380.0)),
            Zone(4.0, htc=(200.0, 190.0)),
            Zone(10.0, htc=(120.0, 115.0)),
            Zone(28.0, htc=(80.0, 80.0)),
        ],
    )


def slab() -> Strand:
    """A slab 1600 x 220 of the low-alloy steel, at 1.2 m/min."""
    return Strand(
        low_alloy_steel(),
        width=1.6,
        thickness=0.22,
        length=25.0,
        speed=1.2 / 60,
        pouring_temperature=1812.0,
        ambient_temperature=303.0,
        mold=Mold(0.9, htc=(1100.0, 1100.0)),
        zones=[
            Zone(1.5, htc=(600.0, 600.0)),
            Zone(5.0, htc=(400.0, 350.0)),
            Zone(25.0, htc=(200.0, 160.0)),
        ],
    )


def eutectoid_billet(width: float = 10.0, heat: float = 80e3) -> Strand:
    """A billet 150 of a steel that gives off `heat` (J/kg) within `width` K below 1000 K, as a solid."""
    return Strand(
        solid_peak_steel(1690.0, 1770.0, 1000.0, width, heat, 35.0 / 30.0, 260e3),
        width=0.15,
        thickness=0.15,
        length=12.0,
        speed=2.0 / 60,
        pouring_temperature=1800.0,
        ambient_temperature=300.0,
        mold=Mold(0.8, htc=1200.0),
        zones=[Zone(3.0, htc=900.0), Zone(6.0, htc=350.0), Zone(12.0, htc=150.0)],
    )


def cold_faces(htc: float = 1e6) -> Strand:
    """A billet 160 whose faces are held at the ambient temperature by a huge coefficient."""
    steel = Steel.from_table(
        {
            "temperature_K": [300.0, 1650.0, 1700.0, 2000.0],
            "solid_fraction": [1, 1, 0, 0],
            "density": [7200.0, 7200.0, 7000.0, 7000.0],
            "specific_heat": [700.0, 700.0, 800.0, 800.0],
            "conductivity": [30.0, 30.0, 60.0, 60.0],
        },
        latent_heat=250e3,
    )
    return Strand(steel, 0.16, 0.16, 4.0, 0.03, 1730.0, 303.0, Mold(0.7, htc=htc), [Zone(4.0, htc=htc)])


CASTERS: Mapping[str, Callable[[], Strand]] = {
    "published": published_strand,
    "low-alloy billet": low_alloy_billet,
    "bloom": bloom,
    "slab": slab,
    "eutectoid": eutectoid_billet,
    "cold faces": cold_faces,
}


def random_strand(seed: int) -> Strand:
    """A strand drawn at random, of kind `RANDOM_KINDS[seed % 4]`.

    Billets, blooms, slabs and thin slabs of steels by Scheil's equation and of tables. Raises ValueError for
    a draw that `Strand` refuses, which is rare.
    """
    rng = np.random.default_rng(seed)
    kind = seed % 4
    if kind == 1:
        width = float(rng.uniform(1, 15))
        return _random_caster(rng, _random_table(rng, width, bool(rng.random() < 0.5)))
    if kind == 2:
        return _random_caster(rng, _random_peak(rng))
    strand = _random_caster(rng, None)
    return strand if kind == 0 else _held_cold(rng, strand)


def random_slab(seed: int) -> Strand:
    """A bloom or a slab of the published steel or the low-alloy one, that solidifies on most seeds."""
    rng = np.random.default_rng(seed)
    steel = published_strand().steel if rng.random() < 0.5 else low_alloy_steel()
    thickness = rng.uniform(0.1, 0.3)
    speed = rng.uniform(0.6, 2.0) / 60 * (0.22 / thickness)
    # About 1.35 times the length of a shell that grows by 26.5 mm in the root of a minute.
    length = max(3.0, 1.35 * (thickness / 2 / 0.0265) ** 2 * 60 * speed)
    mold, first, second, last = 1200.0, *rng.uniform((300, 150, 150), (1000, 500, 500))
    return Strand(
        steel,
        width=thickness * rng.uniform(1.5, 6.0),
        thickness=thickness,
        length=length,
        speed=speed,
        pouring_temperature=steel.liquidus + rng.uniform(10, 40),
        ambient_temperature=303.0,
        mold=Mold(0.9, htc=(mold, mold)),
        zones=[
            Zone(1.5, htc=(first, first)),
            Zone(max(2.0, 0.3 * length), htc=(second, second)),
            Zone(length, htc=(last, last)),
        ],
    )


def solid_peak_steel(
    solidus: float, liquidus: float, top: float, width: float, heat: float, factor: float, latent: float
) -> Steel:
    """A steel that gives off `heat` (J/kg) within `width` K below `top`.

    Its liquid conducts `factor` times as well as the solid.
    """
    return Steel.from_table(
        {
            "temperature_K": [300, top - width - 0.01, top - width, top, top + 0.01, solidus, liquidus, 2300],
            "solid_fraction": [1] * 6 + [0, 0],
            "density": [7400] * 6 + [7000] * 2,
            "specific_heat": [650, 650, 650 + heat / width, 650 + heat / width, 650, 650, 780, 780],
            "conductivity": [30.0] * 6 + [30.0 * factor] * 2,
        },
        latent_heat=latent,
    )


def _random_peak(rng: np.random.Generator) -> Steel:
    liquidus = rng.uniform(1700, 1800)
    solidus = liquidus - 10 ** rng.uniform(0.3, 2)
    factor, latent = rng.uniform(1, 6), rng.uniform(200e3, 280e3)
    top, width = rng.uniform(900, 1400), 10 ** rng.uniform(np.log10(2), np.log10(80))
    return solid_peak_steel(solidus, liquidus, top, width, rng.uniform(10e3, 120e3), factor, latent)


def _random_table(rng: np.random.Generator, freezing_range: float | None, eutectoid: bool) -> Steel:
    """A table as a property program writes it: rows 25 K apart, finer in the freezing range."""
    liquidus = rng.uniform(1690, 1810)
    solidus = liquidus - (freezing_range or 10 ** rng.uniform(0.5, 2.1))
    mush = np.linspace(solidus, liquidus, 21)
    kelvin = np.unique(
        np.concatenate([np.arange(298.15, solidus - 1, 25.0), mush, np.arange(liquidus + 5, 2100, 25.0)])
    )
    fraction, exponent = np.interp(kelvin, [solidus, liquidus], [1, 0]), rng.uniform(0.4, 2.5)
    inside = (kelvin > solidus) & (kelvin < liquidus)
    fraction[inside] = 1 - ((kelvin[inside] - solidus) / (liquidus - solidus)) ** exponent
    heat = np.where(kelvin < 1100, 450 + 0.35 * (kelvin - 298), 620.0) + 0.05 * (kelvin - 1100) * (
        kelvin > 1100
    )
    conductivity = np.where(kelvin < 1100, 60 - 0.04 * (kelvin - 298), 28 + 0.011 * (kelvin - 1100))
    columns = {
        "temperature_K": kelvin,
        "solid_fraction": fraction,
        "density": 7850 - 0.42 * (kelvin - 298) - 250 * (1 - fraction),
        "specific_heat": heat + 120 * (1 - fraction),
        "conductivity": conductivity * (1 + rng.uniform(0, 4) * (1 - fraction)),
    }
    latent = rng.uniform(200e3, 280e3)
    if eutectoid:
        middle, width = rng.uniform(950, 1050), 10 ** rng.uniform(0, 1.3)
        low, high = middle - width / 2, middle + width / 2
        more = np.unique(np.concatenate([kelvin, [low - 1e-3, low, high, high + 1e-3]]))
        columns = {name: np.interp(more, kelvin, values) for name, values in columns.items()}
        columns["temperature_K"] = more
        within = (more >= low - 1e-9) & (more <= high + 1e-9)
        columns["specific_heat"] = columns["specific_heat"] + np.where(within, 80e3 / width, 0)
    return Steel.from_table(columns, latent_heat=latent)


def _random_scheil(rng: np.random.Generator) -> Steel:
    liquidus = rng.uniform(1690, 1803)
    solidus = liquidus - 10 ** rng.uniform(0.7, 2.1)
    return Steel.scheil(
        solidus=solidus,
        liquidus=liquidus,
        pure_iron_melting=1809.0,
        partition=rng.uniform(0.1, 0.9),
        latent_heat=rng.uniform(180e3, 280e3),
        specific_heat=(rng.uniform(600, 750), rng.uniform(700, 850)),
        density=(rng.uniform(7200, 7600), rng.uniform(6900, 7150)),
        conductivity=(rng.uniform(10, 20), rng.uniform(0.006, 0.012)),
        liquid_conductivity_factor=rng.uniform(1, 7),
        residual=RESIDUALS[rng.integers(3)],
    )


def _random_section(rng: np.random.Generator) -> tuple[float, float, float]:
    """Width and thickness, m, and speed, m/min."""
    kind = rng.integers(4)
    if kind == 0:  # a billet
        side = rng.uniform(0.1, 0.18)
        return side, side, rng.uniform(1.5, 6)
    if kind == 1:  # a bloom
        return rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.4), rng.uniform(0.4, 1.5)
    if kind == 2:  # a slab
        return rng.uniform(0.8, 2.2), rng.uniform(0.2, 0.3), rng.uniform(0.6, 2.2)
    return rng.uniform(0.8, 1.6), rng.uniform(0.05, 0.09), rng.uniform(3, 6.5)  # a thin slab


def _random_caster(rng: np.random.Generator, steel: Steel | None) -> Strand:
    width, thickness, speed = _random_section(rng)
    if steel is None:
        scheil = rng.random() < 0.5
        steel = _random_scheil(rng) if scheil else _random_table(rng, None, bool(rng.random() < 0.4))
    length = rng.uniform(0.6, 1.0)
    seconds = 60 * length / speed
    flux = max((2.68 - 0.276 * np.sqrt(seconds) / 1.5) * 1e6 * rng.uniform(0.7, 1), 0.8e6)
    if rng.random() < 0.5:
        mold = Mold(length, htc=(rng.uniform(800, 1600), rng.uniform(800, 1600)))
    else:
        mold = Mold(length, heat_flux=(flux * rng.uniform(0.4, 0.9), flux * rng.uniform(0.6, 0.9)))
    ends = length + np.cumsum(rng.uniform(0.2, 4, rng.integers(2, 8)))
    zones = []
    for n, end in enumerate(ends):
        htc = rng.uniform(150, 1000) * np.exp(-n / 3)
        zones.append(Zone(float(end), htc=(htc * float(rng.choice([0, 0.3, 1])), htc)))
    pouring = steel.liquidus + rng.uniform(3, 60)
    return Strand(
        steel, width, thickness, float(ends[-1]), speed / 60, pouring, rng.uniform(290, 320), mold, zones
    )


def _held_cold(rng: np.random.Generator, strand: Strand) -> Strand:
    """The strand with coefficients of 1e4 to 1e9 in the mould and in every other zone."""
    htc = 10 ** rng.uniform(4, 9)
    share = float(rng.choice([1, 1, 0.1, 0.001]))
    zones = [Zone(zone.end, htc=(htc, htc)) if n % 2 == 0 else zone for n, zone in enumerate(strand.zones)]
    return Strand(
        strand.steel,
        strand.width,
        strand.thickness,
        strand.length,
        strand.speed,
        strand.pouring_temperature,
        strand.ambient_temperature,
        Mold(strand.mold.length, htc=(htc, htc * share)),
        zones,
    )
