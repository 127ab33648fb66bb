"""How a flux melts and crystallises on a temperature programme: the physics behind the synthetic frames."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish.crystallization.frames._truth import Experiment

_FINE = 0.002  # of the record, or 0.1 s if that is less: the step of integrals over time
_HEATED, _SOAKED = 0.2, 0.34


class Transformation(NamedTuple):
    """Melting and crystallisation on a programme, at the times `time` (s).

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


def transform(
    experiment: Experiment, time: Floats, seconds: float, random: np.random.Generator
) -> Transformation:
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
    return Transformation(time, np.interp(time, *programme.T), programme, np.interp(time, fine, solid),
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
