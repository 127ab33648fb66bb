"""Estimates of the scrap, the predictions of the steel that follow from them, and statistics of both."""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats, integer, level_of, number, vector
from tundish._common.late import late
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish.scrap._log import HeatLog, Truth
from tundish.scrap._run import run
from tundish.scrap._state_space import State, StateSpace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEVEL = 0.9
_SURE = 0.95
_MAX_LAGS = 20


class Forecast(NamedTuple):
    """The steel of a planned heat, ppm: as it will be measured, noise included."""

    mean: float
    std: float
    lower: float
    upper: float


class Diagnostics(NamedTuple):
    """Whether the innovations are as the model has them: independent, of mean 0 and of the predicted size.

    - `readings`: how many were compared.
    - `nis`: mean of the squared innovations over their variances; the model's is 1. `nis_interval`: where it
      lies with probability 0.95 if the model is right. Above it, the model is too sure of itself.
    - `coverage`: share of the readings inside the 90 % interval.
    - `bias`, `rms`: of predicted - measured, ppm.
    - `ljung_box`, `p_value`, `lags`: Ljung and Box's statistic of the standardised innovations'
      autocorrelations up to `lags`, and the probability of a larger one if they are white. Missing readings
      are skipped over.
    """

    readings: int
    nis: float
    nis_interval: tuple[float, float]
    coverage: float
    bias: float
    rms: float
    ljung_box: float
    p_value: float
    lags: int

    def __repr__(self) -> str:
        low, high = self.nis_interval
        return "\n".join(
            [
                f"readings          {self.readings}",
                f"error             {self.bias:+.3g} ppm mean (predicted - measured), {self.rms:.4g} ppm rms",
                f"NIS               {self.nis:.3f}, expected 1, 95 % within {low:.3f} to {high:.3f}",
                f"90 % interval     holds {100 * self.coverage:.1f} % of the readings",
                f"whiteness         Ljung-Box p = {self.p_value:.3g} over {self.lags} lags",
            ]
        )


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Estimate:
    """The scrap's composition heat by heat. T heats, n scrap types.

    - `composition`, `composition_std`: (T, n) ppm, filtered (after each heat) or smoothed (after all).
    - `partition`, `partition_std`: (T, 2), c1 and c2; None for an element that stays in the steel.
    - `predicted_steel`, `predicted_std`: (T,) ppm, what each heat's steel_ppm was expected to be from the
      heats before, and the standard deviation of that, the measurement's noise included.
    - `innovation`: (T,) ppm, measured - predicted; NaN where the reading is missing.
    - `loglik`: of all readings, as masses of the element in ppm t.
    - `following`: mean and covariance of the fractions, c1 and c2 before the heat after the log's last.
    - `model`, `log`: whose they are. `smoothed`: whether every heat is estimated from all heats.
    """

    model: StateSpace
    log: HeatLog
    composition: Floats
    composition_std: Floats
    partition: Floats | None
    partition_std: Floats | None
    predicted_steel: Floats
    predicted_std: Floats
    innovation: Floats
    loglik: float
    following: State
    smoothed: bool = False

    def interval(self, level: float = _LEVEL) -> tuple[Floats, Floats]:
        """Lower and upper ends (T,), ppm, one heat ahead: each reading lies between with this probability."""
        half = _quantile(level) * self.predicted_std
        return self.predicted_steel - half, self.predicted_steel + half

    def forecast(
        self,
        masses: Mapping[str, float] | ArrayLike,
        *,
        hot_metal_t: float = 0.0,
        hot_metal_ppm: float = 0.0,
        slag_t: float | None = None,
        feo_pct: float | None = None,
        steel_t: float | None = None,
        level: float = _LEVEL,
    ) -> Forecast:
        """The steel of the heat after the log's last, were it charged like this.

        **Main arguments:**

        - `masses`: {type: t} of the scrap, 0 t of what is not named; or (n,) t in the order of the log's
          types.
        - `hot_metal_t`, `hot_metal_ppm`: mass, t, and the element's fraction in it, ppm.
        - `slag_t`, `feo_pct`, `steel_t`: masses of slag and steel, t, and the slag's iron oxide, %; None is
          the median of the log.
        - `level`: probability that the interval holds the measured steel_ppm.

        **Returns:** a :class:`Forecast`: `mean`, `std`, `lower`, `upper`, ppm.

        **Raises:** ValueError or TypeError naming the argument.
        """
        quantile, log = _quantile(level), self.log
        given = {"slag_t": slag_t, "feo_pct": feo_pct, "steel_t": steel_t}
        columns = {
            name: float(np.median(getattr(log, name))) if value is None else number(name, value)
            for name, value in given.items()
        }
        planned = HeatLog(
            ["planned"],
            log.types,
            [_masses(masses, log.types)],
            [columns.pop("steel_t")],
            [math.nan],
            hot_metal_t=number("hot_metal_t", hot_metal_t),
            hot_metal_ppm=number("hot_metal_ppm", hot_metal_ppm),
            **columns,
        )
        found = run([(self.model, planned)], store="final", starts=[self.following])[0]
        brought = 0.0 if self.model.partitioned else float(planned.hot_metal_t[0] * planned.hot_metal_ppm[0])
        mean = (float(found.forecast[0]) + brought) / float(planned.steel_t[0])
        std = math.sqrt(float(found.forecast_var[0])) / float(planned.steel_t[0])
        return Forecast(mean, std, mean - quantile * std, mean + quantile * std)

    def diagnostics(self, *, skip: int = 0) -> Diagnostics:
        """Statistics of the innovations, the log's first `skip` heats left out.

        **Returns:** :class:`Diagnostics`, which print as a table. **Raises:** ValueError where fewer than two
        readings are left; ImportError where scipy is missing.
        """
        if integer("skip", skip) < 0:
            raise ArgumentError("skip", skip, "must not be negative")
        error, std = self.innovation[skip:], self.predicted_std[skip:]
        known = ~np.isnan(error)
        error, z = error[known], (error / std)[known]
        if self.log.missing.all():
            raise ArgumentError(
                "steel_ppm", MISSING, "all readings of the log are missing; two are needed at least"
            )
        if z.size < 2:
            raise ArgumentError(
                "skip", skip, f"leaves {z.size} of the log's readings; two are needed at least"
            )
        special = optional("scipy.special", "optimize")
        # The inverse of the chi-square distribution's upper tail.
        low, high = (float(special.chdtri(z.size, p)) / z.size for p in ((1 + _SURE) / 2, (1 - _SURE) / 2))
        lags = max(1, min(_MAX_LAGS, z.size // 5))
        ljung_box = _ljung_box(z, lags)
        return Diagnostics(
            readings=int(z.size),
            nis=float(np.mean(z**2)),
            nis_interval=(low, high),
            coverage=float(np.mean(np.abs(z) <= _quantile(_LEVEL))),
            bias=-float(np.mean(error)),
            rms=float(np.sqrt(np.mean(error**2))),
            ljung_box=ljung_box,
            p_value=float(special.chdtrc(lags, ljung_box)),
            lags=lags,
        )

    def plot(self, types: Sequence[str] | None = None, truth: Truth | None = None) -> Figure:
        """The composition of some types with bands of two standard deviations, and their use.

        - `types`: names; None is the six types most used.
        - `truth`: of a simulated log, drawn beside the estimate.
        """
        figure: Figure = late("tundish.scrap.plots:plot_composition")(self, types, truth)
        return figure

    def plot_partition(self, truth: Truth | None = None) -> Figure:
        """The partition coefficients with bands of two standard deviations.

        Raises ValueError for an element that stays in the steel.
        """
        figure: Figure = late("tundish.scrap.plots:plot_partition")(self, truth)
        return figure

    def plot_innovations(self) -> Figure:
        """Standardised innovations along the heats, their distribution and autocorrelations."""
        figure: Figure = late("tundish.scrap.plots:plot_innovations")(self)
        return figure

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Writes one line a heat.

        Columns: `heat`; `scrap_<type>_ppm` and `std_<type>_ppm` of every type; `c1`, `std_c1`, `c2` and
        `std_c2` of an element that parts between steel and slag; `steel_ppm`, empty where missing;
        `predicted_ppm`, `std_predicted_ppm`, `innovation_ppm`.
        """
        columns = {"heat": self.log.heat.tolist()}
        for n, name in enumerate(self.log.types):
            columns[f"scrap_{name}_ppm"] = self.composition[:, n].tolist()
            columns[f"std_{name}_ppm"] = self.composition_std[:, n].tolist()
        if self.partition is not None and self.partition_std is not None:
            for n, name in enumerate(("c1", "c2")):
                columns[name] = self.partition[:, n].tolist()
                columns[f"std_{name}"] = self.partition_std[:, n].tolist()
        columns["steel_ppm"] = _empty_where_missing(self.log.steel_ppm)
        columns["predicted_ppm"] = self.predicted_steel.tolist()
        columns["std_predicted_ppm"] = self.predicted_std.tolist()
        columns["innovation_ppm"] = _empty_where_missing(self.innovation)
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(zip(*columns.values(), strict=True))

    def __repr__(self) -> str:
        rms = (
            float(np.sqrt(np.nanmean(self.innovation**2))) if not np.isnan(self.innovation).all() else np.nan
        )
        return (
            f"<Estimate: {len(self.log)} heats, {len(self.log.types)} scrap types, error {rms:.4g} ppm rms, "
            f"loglik {self.loglik:.6g}>"
        )


def _quantile(level: float) -> float:
    """Half the width, in standard deviations, of what holds a normal variable with probability `level`."""
    return NormalDist().inv_cdf(0.5 + level_of(level) / 2)


def _masses(masses: Mapping[str, float] | ArrayLike, types: Sequence[str]) -> Floats:
    if not isinstance(masses, Mapping):
        row = vector("masses", masses)
        if row.size != len(types):
            raise ArgumentError(
                "masses", MISSING, f"has size {row.size}; the log has {len(types)} scrap types"
            )
        named = dict(zip(types, row.tolist(), strict=True))
    else:
        for name in masses:
            if name not in types:
                raise ArgumentError("masses", MISSING, f"{name!r} is unknown; known are " + ", ".join(types))
        named = {name: number(f"masses[{name!r}]", value) for name, value in masses.items()}
    for name, value in named.items():
        if not (math.isfinite(value) and value >= 0):
            raise ArgumentError(f"masses[{name!r}]", value, "must be finite and not negative")
    return np.array([named.get(name, 0.0) for name in types])


def _ljung_box(z: Floats, lags: int) -> float:
    """Ljung and Box, Biometrika 65 (1978) 297, of the autocorrelations up to `lags`."""
    rho = autocorrelation(z, lags)
    return float(z.size * (z.size + 2) * np.sum(rho**2 / (z.size - np.arange(1, lags + 1))))


def autocorrelation(values: Floats, lags: int) -> Floats:
    """(lags,) from lag 1 on; zeros for values that are all the same."""
    off = values - values.mean()
    power = float(np.sum(off**2))
    if power == 0:
        return np.zeros(lags)
    return np.array([np.sum(off[lag:] * off[:-lag]) for lag in range(1, lags + 1)]) / power


def _empty_where_missing(values: Floats) -> list[float | str]:
    return ["" if math.isnan(value) else value for value in values.tolist()]
