"""How a flux melts and crystallises on a temperature programme: the physics behind the synthetic frames."""

from __future__ import annotations

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from tundish._common.arguments import Floats, number

_FINE = 0.002  # of the record, or 0.1 s if that is less: the step of integrals over time
_RANGES = {
    "rate": (1e-5, 10.0, "1/s"),
    "exponent": (1.0, 5.0, ""),
    "incubation": (0.0, 1e5, "s"),
    "nose": (700.0, 1500.0, "degC"),
    "spread": (20.0, 500.0, "K"),
    "scatter": (0.0, 100.0, "s"),
    "start": (20.0, 1600.0, "degC"),
    "peak": (900.0, 1700.0, "degC"),
    "hold": (700.0, 1700.0, "degC"),
    "cooling": (0.01, 500.0, "K/s"),
    "solidus": (600.0, 1500.0, "degC"),
    "liquidus": (700.0, 1600.0, "degC"),
    "lag": (0.0, 100.0, "s"),
    "nuclei": (1.0, 2000.0, ""),
    "contrast": (10.0, 150.0, "grey levels"),
    "illumination": (0.0, 1.0, ""),
    "meniscus": (0.0, 2.0, ""),
    "flicker": (0.0, 0.2, ""),
    "noise": (0.0, 40.0, "grey levels"),
    "overlay": (0.0, 1.0, ""),
    "misread": (0.0, 0.3, ""),
}
# Shares of the record's length.
_TIMES = {"incubation": 0.06, "scatter": 0.0015, "lag": 0.002}
_HEATED, _SOAKED = 0.2, 0.34


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A flux, what is done to it, and how it is filmed: the knobs of :func:`synthetic.sequence`.

    **Main arguments,** kinetics:

    - `rate`: K of X = 1 - exp(-(K t)^n) at the nose, 1/s; None is 6.75 over the length of the record.
    - `exponent`: n, 1 to 5. `incubation`: s at the nose before it starts; None is 6 % of the record.
    - `nose`, `spread`: degC of fastest crystallisation, and K off it at which the rate is lower by
      exp(-1/2): K(T) = rate exp(-((T - nose) / spread)^2 / 2), the C of the TTT diagram.
    - `scatter`: s, standard deviation of a random shift of the clock, correlated over 4.7 times as long:
      real curves leave the law, and stay off it for a while. None is 0.15 % of the record.
    - `nuclei`: number of places where crystals start.

    **Temperature programme:** heated linearly from `start` to `peak` (degC) over 20 % of the record, held
    to 34 %, cooled at `cooling` K/s (None: within 3 % of the record) to `hold`, and held. `solidus`,
    `liquidus`: degC between which the solid flux melts. `lag`: s, time constant of the thermocouple.

    **Camera:** `contrast` of crystals to melt, grey levels; `illumination`, unevenness of the light (0
    even); `meniscus`, its brightness (1 usual); `flicker`, relative, of the light; `noise`, grey levels;
    `overlay`, 1 for readings written on the frames, 0 for none; `misread`, share of readings that are read
    off wrongly.

    **Raises:** ValueError or TypeError naming the knob.
    """

    rate: float | None = None
    exponent: float = 2.5
    incubation: float | None = None
    nose: float = 1200.0
    spread: float = 120.0
    scatter: float | None = None
    nuclei: float = 40.0
    start: float = 900.0
    peak: float = 1500.0
    hold: float = 1200.0
    cooling: float | None = None
    solidus: float = 1050.0
    liquidus: float = 1250.0
    lag: float | None = None
    contrast: float = 85.0
    illumination: float = 0.5
    meniscus: float = 1.0
    flicker: float = 0.01
    noise: float = 5.0
    overlay: float = 1.0
    misread: float = 0.01

    def __post_init__(self) -> None:
        for name, (low, high, unit) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= number(name, value) <= high:
                raise ValueError(f"{name} = {value:g}: must lie between {low:g} and {high:g} {unit}".rstrip())
        if not self.solidus < self.liquidus < self.peak:
            raise ValueError(
                f"solidus, liquidus, peak = {self.solidus:g}, {self.liquidus:g}, {self.peak:g} degC: "
                "must rise"
            )
        if self.hold >= self.peak:
            raise ValueError(f"hold = {self.hold:g} degC: must be below peak = {self.peak:g} degC")

    def lasting(self, seconds: float) -> Experiment:
        """The experiment with what depends on the length of its record filled in."""
        filled: dict[str, float] = {
            "rate": 6.75 / seconds,
            "cooling": (self.peak - self.hold) / (0.03 * seconds),
        }
        filled |= {name: share * seconds for name, share in _TIMES.items()}
        return dataclasses.replace(self, **{n: v for n, v in filled.items() if getattr(self, n) is None})


class Course(NamedTuple):
    """What happens on a programme, at the times `time` (s).

    - `temperature`: (T,) degC of the flux. `programme`: (n, 2) s and degC.
    - `solid`: (T,) share of the flux as charged that has not melted. `crystallised`: (T,) share of the melt.
    - `rate` (1/s), `exponent`, `onset` (s) of the law it follows; `rate` is NaN where the temperature changes
      after the onset, `onset` is NaN if nothing starts.
    """

    time: Floats
    temperature: Floats
    programme: Floats
    solid: Floats
    crystallised: Floats
    rate: float
    exponent: float
    onset: float


def course(experiment: Experiment, time: Floats, seconds: float, random: np.random.Generator) -> Course:
    """Melting and crystallisation of a filled-in experiment over a record of this length.

    - Melting: solid share 1 - s^2 (3 - 2 s) with s = (T - solidus) / (liquidus - solidus), by the highest
      temperature so far.
    - Incubation is used up additively (E. Scheil, Arch. Eisenhuettenwes. 8 (1935) 565): crystallisation
      starts when the integral of dt / t_i(T) is 1, t_i = incubation rate / K(T).
    - Then X = 1 - exp(-(integral of K(T) dt)^n) (K. Nakamura et al., J. Appl. Polym. Sci. 16 (1972) 1077,
      doi:10.1002/app.1972.070160503), which at a constant temperature is the law of Johnson, Mehl, Avrami
      and Kolmogorov (M. Avrami, J. Chem. Phys. 7 (1939) 1103, doi:10.1063/1.1750380).
    """
    e = experiment
    programme = _programme(e, seconds)
    fine = np.linspace(0.0, seconds, round(seconds / min(0.1, _FINE * seconds)) + 1)
    temperature = np.interp(fine, *programme.T)
    step = np.diff(fine, prepend=0.0)
    melting = np.clip((np.maximum.accumulate(temperature) - e.solidus) / (e.liquidus - e.solidus), 0.0, 1.0)
    solid = 1 - melting**2 * (3 - 2 * melting)
    # Only what has been molten crystallises, and only below the liquidus.
    undercooled = (fine > _SOAKED * seconds) & (temperature < e.liquidus)
    relative = np.where(undercooled, np.exp(-(((temperature - e.nose) / e.spread) ** 2) / 2), 0.0)
    assert e.rate is not None
    assert e.incubation is not None
    started = np.cumsum(relative * step) > e.incubation
    onset = float(fine[np.argmax(started)]) if started.any() else math.nan
    # Nothing has happened yet at the onset itself.
    growing = np.concatenate([[False], started[:-1]])
    extended = np.cumsum(np.where(growing, e.rate * relative * step, 0.0))
    shifted = np.clip(time + _shift(e, time, random), 0.0, seconds)
    crystallised = 1 - np.exp(-(np.interp(shifted, fine, extended) ** e.exponent))
    after = temperature[fine >= onset]
    isothermal = after.size > 0 and np.ptp(after) < 1.0
    rate = e.rate * float(relative[np.argmax(started)]) if isothermal else math.nan
    return Course(time, np.interp(time, *programme.T), programme, np.interp(time, fine, solid),
                  np.maximum.accumulate(crystallised), rate, e.exponent, onset)  # fmt: skip


def _programme(e: Experiment, seconds: float) -> Floats:
    assert e.cooling is not None
    heated, soaked = _HEATED * seconds, _SOAKED * seconds
    cooled = soaked + (e.peak - e.hold) / e.cooling
    points = [(0.0, e.start), (heated, e.peak), (soaked, e.peak), (cooled, e.hold)]
    if cooled < seconds:
        points.append((seconds, e.hold))
    return np.array(points)


def _shift(e: Experiment, time: Floats, random: np.random.Generator) -> Floats:
    """(T,) s, a Gaussian process with the covariance scatter^2 (1 + d) exp(-d), d = 3^0.5 dt / (4.7 scatter).

    Its frequencies are drawn from the spectrum of that covariance, which is Student's with 3 degrees.
    """
    assert e.scatter is not None
    waves = random.normal(size=(2, 64))
    frequency = random.standard_t(3, size=64) / (4.7 * max(e.scatter, 1e-12))
    phase = frequency * time[:, None]
    shift: Floats = e.scatter / 8.0 * (np.cos(phase) @ waves[0] + np.sin(phase) @ waves[1])
    return shift
