"""How a record is analysed and followed: the one home of the defaults."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tundish._common.arguments import count, integer, level_of, names_of, number
from tundish._common.refusals import ArgumentError
from tundish.crystallization.baselines import BASELINES
from tundish.crystallization.forecasting._series import checked_horizons

RECOMMENDED = "recommended"  # the name of the forecaster beside those of the baselines

# True shows bars (needs rich); a function is called with the name of each stage, and entered around it.
Progress = bool | Callable[[str], AbstractContextManager[object]]


@dataclass(frozen=True, kw_only=True)
class AnalysisSettings:
    """What :func:`analyse` and :func:`follow` are to do.

    **Main arguments:**

    - `steps`: number of steps to forecast. `level`: of the band of the forecast.
    - `horizons`: steps ahead that the networks learn, and at which forecasts are compared.

    **The networks** (None is the default of :class:`FluxForecaster`): `window`, `ensemble`, `epochs`, `seed`,
    `device` as there; `image_size`: px, None for networks that see the features of frames alone, which is
    faster.

    **The backtest** (of :func:`analyse` alone): `start`: share of the record that is known when it begins.
    `against`: names out of `baselines.BASELINES`.

    **Raises:** ValueError or TypeError naming the argument.
    """

    steps: int = 30
    level: float = 0.9
    horizons: tuple[int, ...] = (1, 10, 30)
    window: int | None = None
    ensemble: int | None = None
    epochs: int | None = None
    image_size: int | None = None
    seed: int = 0
    device: str = "auto"
    start: float = 0.7
    against: tuple[str, ...] = ("persistence", "drift", "autoregression", "ARIMA", "JMAK")

    def __post_init__(self) -> None:
        count("steps", self.steps, 1)
        level_of(self.level)
        if not 0 < number("start", self.start) < 1:
            raise ArgumentError("start", self.start, "must lie between 0 and 1")
        if integer("seed", self.seed) < 0:
            raise ArgumentError("seed", self.seed, "must not be negative")
        object.__setattr__(self, "horizons", checked_horizons(self.horizons))
        object.__setattr__(self, "against", tuple(names_of("against", self.against, BASELINES)))


def stage(progress: Progress, name: str) -> AbstractContextManager[object]:
    """Around a stage of work."""
    return progress(name) if callable(progress) else nullcontext()
