"""How a round billet solidifies: cooling, arm spacing, structure and mean carbon over its radius."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import NamedTuple

import numpy as np

from tundish._common.arguments import Floats, number
from tundish._common.refusals import ArgumentError
from tundish.casting import Grid, Mold, Solution, Steel, Strand, Zone, solve

# Of 42CrMo, rounded: K, and K a wt% of carbon. What the other elements take off the melting point is in them.
_PURE_IRON = 1809.0
_LIQUIDUS = (1802.0, -78.0)
_SOLIDUS = (1791.0, -240.0)
# Equivalent partition of all solutes together in Scheil's equation.
_STEEL = {"pure_iron_melting": _PURE_IRON, "partition": 0.6, "latent_heat": 260e3,
          "liquid_conductivity_factor": 3.0}  # fmt: skip
_SPECIFIC_HEAT, _DENSITY = (680.0, 820.0), (7300.0, 7000.0)
_CONDUCTIVITY = (12.3167, 0.0107534, 7.7098e-7)  # of Energies 2020, 13, 2429

_AMBIENT = 303.0
_MOLD_LENGTH, _MOLD_FLUX = 0.7, 0.65e6  # m, W/m2
_SPRAYS = ((1.5, 300.0), (5.0, 180.0))  # end in m, W/(m2 K); then radiation to the end
_RADIATION = 110.0
_LONGEST = 36_000.0  # s of casting, after which a billet must be solid

_SIDE = math.pi / (math.sqrt(2) * 2.404826)  # of the square that stands for a round, in diameters
_NODES, _RADII, _SECTIONS = 40, 48, 600
_CRITICAL_GRADIENT = 700.0  # K/m, without stirring

_RANGES = {
    "carbon": (0.17, 0.8, "wt%"),
    "stirring": (0.0, 2.0, ""),
    "speed": (1e-3, 0.05, "m/s"),
    "superheat": (1.0, 80.0, "K"),
    "cooling": (0.2, 5.0, ""),
    "rejection": (0.0, 0.2, ""),
    "scatter": (0.0, 0.1, "wt%"),
    "measurement": (0.0, 0.05, "wt%"),
    "etching": (0.0, 3.0, ""),
    "illumination": (0.0, 3.0, ""),
    "noise": (0.0, 5.0, ""),
    "scratches": (0.0, 10.0, ""),
}


@dataclasses.dataclass(frozen=True)
class Process:
    """How a billet was cast, etched and photographed: the knobs of :func:`billet`.

    **Main arguments,** of casting:

    - `carbon`: of the heat, wt%, 0.17 to 0.8.
    - `stirring`: 0 is none, 1 strong. It widens the equiaxed core, the critical gradient being
      700 (1 + stirring) K/m, and weakens the peak of carbon in the centre.
    - `speed`: of casting, m/s. `superheat`: of the melt, K. `cooling`: factor of all heat fluxes and
      coefficients below the mould.
    - `rejection`: 1 - k of the carbon profile, k the effective partition ratio over the section.
    - `scatter`: standard deviation of carbon about its profile, over distances of 8 to 30 mm, wt%.
    - `measurement`: standard deviation of the analyser, wt%.

    **Other arguments,** 1 as a rule and 0 for none of it: `etching` (uneven), `illumination` (uneven),
    `noise` (of the camera), `scratches`.

    **Raises:** ValueError or TypeError naming the argument and its range.
    """

    carbon: float = 0.42
    stirring: float = 0.5
    speed: float = 0.25 / 60
    superheat: float = 25.0
    cooling: float = 1.0
    rejection: float = 0.05
    scatter: float = 0.017
    measurement: float = 0.003
    etching: float = 1.0
    illumination: float = 1.0
    noise: float = 1.0
    scratches: float = 1.0

    def __post_init__(self) -> None:
        for name, (least, most, unit) in _RANGES.items():
            value = number(name, getattr(self, name))
            if not least <= value <= most:
                text = f"must lie between {least:g} and {most:g} {unit}".strip()
                raise ArgumentError(name, value, text)
            object.__setattr__(self, name, value)


class Structure(NamedTuple):
    """What solidification leaves at each radius of a round billet.

    - `radius`: (n,) mm, rising.
    - `cooling_rate`: (n,) K/s, freezing range over the local solidification time. `solidification_time`:
      (n,) s.
    - `gradient`: (n,) K/m at the front, cooling rate over the front's speed.
    - `arm_spacing`: (n,) mm, of secondary dendrite arms.
    - `carbon`: (n,) wt%, the mean at this radius.
    - `transition_radius`: mm, within which the billet is equiaxed.
    - `metallurgical_length`: m.
    """

    radius: Floats
    cooling_rate: Floats
    solidification_time: Floats
    gradient: Floats
    arm_spacing: Floats
    carbon: Floats
    transition_radius: float
    metallurgical_length: float


def structure(diameter: float = 0.6, process: Process | None = None) -> Structure:
    """The solidification of a round billet of this diameter (m).

    The strand that is solved is the square of side 0.924 diameters under the same cooling: its slowest mode
    of conduction decays as fast as the round's (2 pi^2 / side^2 = j^2 / radius^2, j = 2.4048 the first zero
    of the Bessel function J0). The temperature at radius r of the round is the one that the share (r / R)^2
    of the square exceeds: isotherms become circles around the same share of the section (a symmetric
    decreasing rearrangement). Against a march on rings of the round itself, from 0.3 to 0.9 m, it is solid 3
    to 4 % later, and cooling rates differ by 5 to 8 % (rms over the radius), 2 to 3 % of the arm spacing.

    - Cooling rate: (liquidus - solidus) over the time between the two.
    - Secondary arm spacing: 143.9 C^(0.5501 - 1.996 C) rate^-0.3616 um, C in wt%, rate in K/s (Y. Won
      and B. G. Thomas, 2001, above 0.15 wt%).
    - Equiaxed where the gradient at the front is below 700 (1 + stirring) K/m. A threshold in the gradient
      stands in for nucleation and growth; its size puts the change at about half the radius.
    - Carbon: C (1 - rejection) (1 - f)^-rejection with f = 1 - (r / R)^2, the frozen share: Scheil's equation
      over the whole section, whose mean is C. Within 5 % of the radius the last liquid is mixed, and
      the shrinking core sucks enriched liquid in: 4 (1 - stirring / 2) % more, as a bell of that width.

    **Raises:** ValueError or TypeError naming the argument.
    """
    size = number("diameter", diameter)
    if not 0.1 <= size <= 1.2:
        raise ArgumentError("diameter", diameter, "must lie between 0.1 and 1.2 m")
    return _structure(size, Process() if process is None else process)


@functools.lru_cache(maxsize=32)
def _structure(diameter: float, process: Process) -> Structure:
    solution = _solved(diameter, process)
    strand = solution.strand
    share = np.linspace(0.03, 0.99, _RADII)
    temperature = _rearranged(solution, share)
    time = solution.sections / strand.speed
    steel = strand.steel
    start, middle, end = (
        _passing(temperature, time, level)
        for level in (steel.liquidus, (steel.liquidus + steel.solidus) / 2, steel.solidus)
    )
    radius = share * diameter / 2
    rate = (steel.liquidus - steel.solidus) / (end - start)
    gradient = rate * -np.gradient(_smooth(middle), radius)
    spacing = 1e-3 * 143.9 * process.carbon ** (0.5501 - 1.996 * process.carbon) * rate**-0.3616
    critical = _CRITICAL_GRADIENT * (1 + process.stirring)
    # Outwards the gradient rises; what is rough in it counts for nothing.
    transition = np.interp(critical, np.maximum.accumulate(gradient), radius)
    return Structure(1e3 * radius, rate, end - start, gradient, spacing, _profile(share, process),
                     1e3 * float(transition), float(solution.metallurgical_length))  # fmt: skip


def _solved(diameter: float, process: Process) -> Solution:
    """The square strand, long enough to be solid at its end."""
    liquidus, solidus = (a + b * process.carbon for a, b in (_LIQUIDUS, _SOLIDUS))
    steel = Steel.scheil(liquidus=liquidus, solidus=solidus, specific_heat=_SPECIFIC_HEAT, density=_DENSITY,
                         conductivity=_CONDUCTIVITY, residual="rescale", **_STEEL)  # fmt: skip
    # The mean heat flux of a mould grows with the root of the casting speed.
    flux = _MOLD_FLUX * math.sqrt(process.speed / (0.25 / 60))
    seconds = 8000 * diameter / 0.6
    while seconds < _LONGEST:
        length = max(process.speed * seconds, 2 * _SPRAYS[-1][0])
        zones = [Zone(end, htc=(process.cooling * htc,) * 2) for end, htc in (*_SPRAYS, (length, _RADIATION))]
        side, pouring = _SIDE * diameter, liquidus + process.superheat
        mold = Mold(_MOLD_LENGTH, heat_flux=(flux, flux))
        strand = Strand(steel, side, side, length, process.speed, pouring, _AMBIENT, mold, zones)
        step = min(process.speed * 5, 0.1)
        grid = Grid(_NODES, _NODES, dz_mold=step, dz_spray=2 * step, grading=4.0, ramp=10.0)
        sections = np.linspace(0, 1, _SECTIONS) ** 1.5 * length  # the surface freezes fast
        solution = solve(strand, grid, sections=sections, threads=1,
                         outputs=["section_temperature", "metallurgical_length"])  # fmt: skip
        if math.isfinite(solution.metallurgical_length):
            return solution
        seconds *= 1.6
    text = f"the billet of {diameter:g} m is still liquid inside after {_LONGEST:g} s; cool it harder"
    raise ArgumentError("diameter", diameter, text)


def _rearranged(solution: Solution, share: Floats) -> Floats:
    """(sections, radii) K: what the share^2 of each section exceeds."""
    x, y = (np.diff(np.concatenate([a[:1], (a[1:] + a[:-1]) / 2, a[-1:]])) for a in (solution.x, solution.y))
    area = np.outer(y, x).reshape(-1) / (x.sum() * y.sum())
    flat = solution.section_temperature.reshape(len(solution.sections), -1)
    hottest = np.argsort(-flat, axis=1)
    outside = np.cumsum(area[hottest], axis=1) - area[hottest] / 2
    ordered = np.take_along_axis(flat, hottest, axis=1)
    return np.array([np.interp(share**2, *pair) for pair in zip(outside, ordered, strict=True)])


def _passing(temperature: Floats, time: Floats, level: float) -> Floats:
    """(radii,) s at which the temperature falls through a level, for the last time."""
    falling = np.maximum.accumulate(temperature[::-1])[::-1]
    return np.array([np.interp(-level, -column, time) for column in falling.T])


def _smooth(values: Floats) -> Floats:
    """A quintic over the radius: differences of sorted nodes would be rough."""
    at = np.linspace(-1, 1, values.size)
    return np.polynomial.Polynomial.fit(at, values, 7)(at)


def _profile(share: Floats, process: Process) -> Floats:
    k = 1 - process.rejection
    mixed = np.hypot(share, 0.05)
    bell = 0.04 * (1 - process.stirring / 2) * np.exp(-0.5 * (share / 0.05) ** 2)
    return process.carbon * (k * mixed ** (2 * (k - 1)) + bell)
