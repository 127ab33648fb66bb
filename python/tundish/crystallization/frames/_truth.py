"""How a synthetic sequence was made, and what is true of its frames."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, number
from tundish._common.refusals import ArgumentError
from tundish.crystallization.frames._checks import Quantity

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


@dataclass(frozen=True)
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
                allowed = f"must lie between {low:g} and {high:g} {unit}".rstrip()
                raise ArgumentError(name, number(name, value), allowed)
        if not self.solidus < self.liquidus < self.peak:
            temperatures = (self.solidus, self.liquidus, self.peak)
            raise ArgumentError("solidus, liquidus, peak", temperatures, "must rise")
        if self.hold >= self.peak:
            raise ArgumentError(
                "hold", Quantity(self.hold, "degC"), f"must be below peak = {self.peak:g} degC"
            )

    def lasting(self, seconds: float) -> Experiment:
        """The experiment with what depends on the length of its record filled in."""
        filled: dict[str, float] = {
            "rate": 6.75 / seconds,
            "cooling": (self.peak - self.hold) / (0.03 * seconds),
        }
        filled |= {name: share * seconds for name, share in _TIMES.items()}
        return replace(self, **{n: v for n, v in filled.items() if getattr(self, n) is None})


@dataclass(frozen=True, eq=False)
class Truth:
    """What is true of the frames of a synthetic sequence.

    - `share`: (T,) crystallised share of the flux: solid as charged, or crystallised from the melt.
    - `crystals`: (T,) crystals that have started to grow from the melt.
    - `temperature`: (T,) degC of the flux, without lag, misreading or noise. `programme`: (n, 2) s and degC.
    - `rate` (1/s), `exponent`, `onset` (s) of X = 1 - exp(-(rate (t - onset))^exponent), which the share
      follows but for the scatter; `rate` is NaN if the temperature is not constant from the onset on.
    - `mask`: (H, W) bool, where the flux is.
    - `experiment`: all knobs.

    As an array, and to `len` and in square brackets, it is the share.
    """

    share: Floats
    crystals: NDArray[np.intp]
    temperature: Floats
    programme: Floats
    rate: float
    exponent: float
    onset: float
    mask: NDArray[np.bool_]
    experiment: Experiment

    def __len__(self) -> int:
        return len(self.share)

    def __getitem__(self, which: Any) -> Any:
        return self.share[which]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Floats:
        return np.array(self.share, dtype=dtype, copy=copy)

    def rows(self, which: NDArray[np.intp]) -> Truth:
        """The truth of some frames."""
        return replace(
            self, share=self.share[which], crystals=self.crystals[which], temperature=self.temperature[which]
        )
