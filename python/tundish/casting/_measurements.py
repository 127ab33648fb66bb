"""Readings of thermocouples along a strand."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, floats, number, positive, vector
from tundish._common.columns import FrozenColumns
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish._common.tables import rows_of
from tundish.casting._solution import Solution
from tundish.casting._strand import Strand

_REQUIRED = ("z_m", "x_m", "y_m", "temperature_K")
_OPTIONAL = ("sigma_K", "weight")


# What refuses the number n of a column: the allowed values, after its own value or with none to show.
Refuse = Callable[[str, int, Any, str], ArgumentError]


class Measurements(FrozenColumns):
    """Readings: temperatures (K) at places (x, y) of the quarter section and at z, all in m.

    **Main arguments:**

    - `z`, `x`, `y`: (n,) m, any order; `x` and `y` from the centre planes. Sensors may lie anywhere in the
      quarter section, readings at any z; between the steps of a march its temperatures are linear in z.
    - `temperature`: (n,) K.
    - `sigma`: (n,) or one number, standard deviation of every reading, K; squares weigh 1/sigma2.
    - `weight`: (n,) or one number, of the squares, where only the ratios are known. Not together with
      `sigma`.
    - `missing`: True where NaN in `temperature` means that a reading is missing: it is left out. Otherwise
      NaN is refused.

    `sensors` is (n_sensors, 2), the different places; `sensor` (n,) numbers them by reading.

    **Raises:** ValueError or TypeError naming the argument and the first bad index: shapes that differ,
    numbers that are not finite, negative places, no readings, or two of one sensor at one z. Places outside
    the strand are refused by :meth:`check`.
    """

    _noun: ClassVar[str] = "measurements do"

    z: Floats
    x: Floats
    y: Floats
    temperature: Floats
    sigma: Floats | None
    weight: Floats | None
    sensors: Floats
    sensor: NDArray[np.intp]

    def __init__(
        self,
        z: ArrayLike,
        x: ArrayLike,
        y: ArrayLike,
        temperature: ArrayLike,
        *,
        sigma: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        missing: bool = False,
    ) -> None:
        columns = {"z": z, "x": x, "y": y, "temperature": temperature, "sigma": sigma, "weight": weight}
        self._fill(columns, missing, _refusal_of_item)

    def _fill(self, given: dict[str, Any], missing: bool, refuse: Refuse) -> None:
        """Checks and keeps the columns; `refuse` makes the refusal of one of their numbers."""
        if given["sigma"] is not None and given["weight"] is not None:
            raise ArgumentError("weight", MISSING, "must not be given together with sigma")
        size = vector("temperature", given["temperature"]).size
        columns = {name: _column(name, v, size) for name, v in given.items() if v is not None}
        known = ~np.isnan(columns["temperature"]) if missing else np.ones(size, bool)
        for name, values in columns.items():
            _check(name, values, known, refuse)
        if not known.any():
            raise ArgumentError("temperature", MISSING, "no readings are given, or all are missing")
        self._set(**{name: columns[name][known] if name in columns else None for name in given})
        sensors, sensor = np.unique(np.stack([self.x, self.y], axis=1), axis=0, return_inverse=True)
        self._set(sensors=sensors, sensor=sensor.reshape(-1))
        self._refuse_duplicates(np.flatnonzero(known), refuse)

    def _refuse_duplicates(self, number_of: NDArray[np.intp], refuse: Refuse) -> None:
        order = np.lexsort((self.z, self.sensor))
        same = (np.diff(self.sensor[order]) == 0) & (np.diff(self.z[order]) == 0)
        if not same.any():
            return
        first, second = sorted(number_of[order[np.argmax(same) + np.arange(2)]])
        earlier = refuse("z", first, MISSING, "")
        where = earlier.argument if earlier.line is None else f"line {earlier.line}, {earlier.argument}"
        raise refuse("z", second, MISSING, f"the sensor has a reading at this z already, {where}")

    def __len__(self) -> int:
        return int(self.z.size)

    def __repr__(self) -> str:
        return (
            f"<Measurements: {len(self)} readings of {len(self.sensors)} sensors, "
            f"z = {self.z.min():g} to {self.z.max():g} m, {self.temperature.min():.1f} to "
            f"{self.temperature.max():.1f} K>"
        )

    @property
    def scale(self) -> Floats:
        """(n,) Factors of residuals before they are squared: 1/sigma, the root of the weight, or 1."""
        if self.sigma is not None:
            return 1 / self.sigma
        return np.ones(len(self)) if self.weight is None else np.sqrt(self.weight)

    def check(self, strand: Strand) -> None:
        """Raises ValueError naming the first reading outside the strand's quarter or below its end."""
        for name, values, limit, what in (
            ("x", self.x, strand.width / 2, "width/2"),
            ("y", self.y, strand.thickness / 2, "thickness/2"),
            ("z", self.z, strand.length, "the strand's length"),
        ):
            bad = np.flatnonzero(values > limit * (1 + 1e-9))
            if bad.size:
                item = f"measurements.{name}[{bad[0]}]"
                raise ArgumentError(item, float(values[bad[0]]), f"must not exceed {what}, {limit:g} m")

    def select(self, which: ArrayLike) -> Measurements:
        """Some of the readings: a mask (n,) or their numbers, such as `m.select(m.z < 3)`."""
        which = np.asarray(which)
        sigma = None if self.sigma is None else self.sigma[which]
        weight = None if self.weight is None else self.weight[which]
        columns = (values[which] for values in (self.z, self.x, self.y, self.temperature))
        return Measurements(*columns, sigma=sigma, weight=weight)

    @classmethod
    def from_arrays(
        cls,
        sensors: ArrayLike,
        z: ArrayLike,
        temperature: ArrayLike,
        *,
        sigma: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        missing: bool = False,
    ) -> Self:
        """Sensors that are all read at the same z, as a logger writes them.

        - `sensors`: (n_sensors, 2) places (x, y), m. `z`: (n_z,) m.
        - `temperature`: (n_sensors, n_z) K. `sigma`, K, or `weight`: of the same shape, or one number.
        - `missing`: True where NaN means that a reading is missing.

        Raises as :class:`Measurements` does.
        """
        places, at = floats("sensors", sensors), vector("z", z)
        if places.ndim != 2 or places.shape[1] != 2:
            raise ArgumentError("sensors", Shape(places.shape), "(n_sensors, 2) is needed")
        shape = (len(places), at.size)
        table = floats("temperature", temperature)
        if table.shape != shape:
            needed = f"(n_sensors, n_z) = {shape} is needed"
            raise ArgumentError("temperature", Shape(table.shape), needed)
        known: dict[str, Any] = {"sigma": sigma, "weight": weight}
        for name, values in known.items():
            if values is not None:
                if np.shape(values) not in ((), shape):
                    raise ArgumentError(name, Shape(np.shape(values)), f"{shape} is needed")
                known[name] = np.broadcast_to(floats(name, values), shape).reshape(-1)
        x, y = np.repeat(places, at.size, axis=0).T
        return cls(np.tile(at, len(places)), x, y, table.reshape(-1), **known, missing=missing)

    @classmethod
    def from_solution(
        cls,
        solution: Solution,
        *,
        every: float = 0.01,
        start: float = 0.21,
        noise: float = 0.0,
        distribution: str = "uniform",
        rng: Any = None,
    ) -> Self:
        """What thermocouples at a solution's probes would have read, at z = start, start + every, ... m.

        - `solution`: a :class:`Solution` with `probe_temperature`; linear in z between its steps.
        - `noise`: relative to the temperature in K: half the width of a "uniform" distribution, or the
          standard deviation of a "normal" one. 0.02 is 2 %.
        - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None.

        The readings carry no `sigma`: as published, all squares weigh the same. Solve on a finer grid than
        the one that is fitted, or its errors vanish from the result. Raises ValueError or TypeError naming
        the argument.
        """
        if np.ndim(solution.status) or "probe_temperature" not in solution.fields or not len(solution.probes):
            raise ArgumentError("solution", MISSING, "must be one strand's, solved with probes")
        step, first, share = positive("every", every), number("start", start), number("noise", noise)
        end = float(solution.z[-1])
        if not 0 <= first <= end:
            raise ArgumentError("start", start, f"must lie between 0 and the strand's length, {end:g} m")
        if not (math.isfinite(share) and share >= 0):
            raise ArgumentError("noise", noise, "must be finite and not negative")
        choice("distribution", distribution, ["uniform", "normal"])
        # Decimals as written, 0.23 and not 0.22999999999999998.
        z = np.round(first + step * np.arange(math.floor((end - first) / step + 1e-9) + 1), 12)
        exact = np.stack([np.interp(z, solution.z, t) for t in np.asarray(solution.probe_temperature, float)])
        random = np.random.default_rng(rng)
        draw = (
            random.uniform(-1, 1, exact.shape)
            if distribution == "uniform"
            else random.normal(size=exact.shape)
        )
        return cls.from_arrays(solution.probes, np.minimum(z, end), exact * (1 + share * draw))

    @classmethod
    def read_csv(cls, path: str | PathLike[str], *, missing: bool = False) -> Self:
        """Readings from a CSV file with a header and one row each.

        Columns, in any order: `z_m`, `x_m`, `y_m`, `temperature_K`, and if wanted `sigma_K` (standard
        deviation, K) or `weight` (of the square).

        - `missing`: True where an empty temperature or "nan" means that a reading is missing; otherwise it is
          refused.

        **Raises:** ValueError that begins with the file's name and names line and column; OSError.
        """
        measurements = cls.__new__(cls)
        with rows_of(Path(path)) as rows:
            columns, lines = _read(rows)

            def refuse(column: str, n: int, value: Any, allowed: str) -> ArgumentError:
                return ArgumentError(_NAMES[column], value, allowed, line=lines[n])

            measurements._fill(columns, missing, refuse)
        return measurements

    def write_csv(self, path: str | PathLike[str]) -> None:
        """Writes what :meth:`read_csv` reads, to the last bit."""
        columns = {_NAMES[name]: getattr(self, name) for name in _NAMES}
        present = {name: values.tolist() for name, values in columns.items() if values is not None}
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(present)
            writer.writerows(zip(*present.values(), strict=True))


_NAMES = {"z": "z_m", "x": "x_m", "y": "y_m", "temperature": "temperature_K", "sigma": "sigma_K",
          "weight": "weight"}  # fmt: skip


def _column(name: str, value: Any, size: int) -> Floats:
    values = floats(name, value)
    if name in ("sigma", "weight") and np.ndim(value) == 0:
        return np.full(size, values)
    if values.shape != (size,):
        raise ArgumentError(name, Shape(values.shape), f"({size},), as temperature, is needed")
    return values


def _refusal_of_item(column: str, n: int, value: Any, allowed: str) -> ArgumentError:
    return ArgumentError(f"{column}[{n}]", value, allowed)


def _check(name: str, values: Floats, known: NDArray[np.bool_], refuse: Refuse) -> None:
    above_zero = name in ("temperature", "sigma", "weight")
    good = np.isfinite(values) & ((values > 0) if above_zero else (values >= 0))
    bad = np.flatnonzero(known & ~good)
    if not bad.size:
        return
    value = float(values[bad[0]])
    allowed = "must be finite and above 0" if above_zero else "must be finite and not negative"
    if name == "temperature" and math.isnan(value):
        allowed += "; missing=True leaves missing readings out"
    raise refuse(name, int(bad[0]), value, allowed)


def _read(rows: Any) -> tuple[dict[str, Any], list[int]]:
    """Columns by the constructor's names, and the line that each reading ends at."""
    header = [name.strip() for name in next(rows, [])]
    for name in header:
        if name not in _REQUIRED + _OPTIONAL:
            known = ", ".join(_REQUIRED + _OPTIONAL)
            raise ArgumentError("", MISSING, f"column {name!r} is unknown; allowed are {known}")
        if header.count(name) > 1:
            raise ArgumentError("", MISSING, f"column {name} is given twice")
    for name in _REQUIRED:
        if name not in header:
            text = f"column {name} is missing; the first line must name the columns"
            raise ArgumentError("", MISSING, text)
    values: list[list[float]] = []
    lines: list[int] = []
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            text = f"has {len(row)} fields; {len(header)} are needed"
            raise ArgumentError("", MISSING, text, line=rows.line_num)
        values.append([_number(rows.line_num, *pair) for pair in zip(header, row, strict=True)])
        lines.append(rows.line_num)
    if not values:
        raise ArgumentError("", MISSING, "there are no readings below the first line")
    table = dict(zip(header, np.array(values).T, strict=True))
    return {name: table.get(column) for name, column in _NAMES.items()}, lines


def _number(line: int, column: str, text: str) -> float:
    if column == "temperature_K" and not text.strip():
        return math.nan
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(column, text, "must be a number", line=line) from None
