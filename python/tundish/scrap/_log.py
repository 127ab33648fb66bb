"""The record of a melt shop's heats: what was charged, and what was tapped."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, floats
from tundish._common.columns import FrozenColumns
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish._common.tables import rows_of
from tundish.scrap._log_columns import (
    COLUMNS,
    Item,
    check_column,
    checked_types,
    column_of,
    header_problem,
    ids_of,
    item_of_arrays,
    item_of_file,
    item_of_frame,
    numbers_of,
    read_columns,
    types_of,
)


class HeatLog(FrozenColumns):
    """Heats in time order: masses in t, fractions in ppm, iron oxide in %.

    **Main arguments:**

    - `heat`: (T,) ids, all integers or all text. Integers increase strictly; texts differ.
    - `types`: (n,) names of the scrap types.
    - `scrap`: (T, n) mass of every type charged, t.
    - `steel_t`: (T,) mass of steel tapped, t, above 0. `steel_ppm`: (T,) the element's fraction measured in
      it, ppm; NaN where that is missing.

    **Other arguments,** (T,) or one number for all heats:

    - `hot_metal_t`, `hot_metal_ppm`: mass of hot metal, t, and the element's fraction in it, ppm.
    - `slag_t`, `feo_pct`: mass of slag, t, and its iron oxide, %.

    All are attributes: arrays that do not change. `len(log)` is the number of heats, `log[:500]` the log of
    the first 500, `log[mask]` that of some.

    **Raises:** ValueError or TypeError naming column and row: shapes that differ, no heats, masses outside 0
    to 1e6 t, no steel, fractions outside 0 to 1e6 ppm or 0 to 100 %, ids that are missing, mixed, in disorder
    or given twice.
    """

    heat: NDArray[Any]
    types: tuple[str, ...]
    scrap: Floats
    steel_t: Floats
    steel_ppm: Floats
    hot_metal_t: Floats
    hot_metal_ppm: Floats
    slag_t: Floats
    feo_pct: Floats

    def __init__(
        self,
        heat: ArrayLike,
        types: Sequence[str],
        scrap: ArrayLike,
        steel_t: ArrayLike,
        steel_ppm: ArrayLike,
        *,
        hot_metal_t: ArrayLike = 0.0,
        hot_metal_ppm: ArrayLike = 0.0,
        slag_t: ArrayLike = 0.0,
        feo_pct: ArrayLike = 0.0,
    ) -> None:
        columns = {"heat": heat, "scrap": scrap, "steel_t": steel_t, "steel_ppm": steel_ppm,
                   "hot_metal_t": hot_metal_t, "hot_metal_ppm": hot_metal_ppm, "slag_t": slag_t,
                   "feo_pct": feo_pct}  # fmt: skip
        self._fill(checked_types(types), columns, item_of_arrays)

    def _fill(self, types: tuple[str, ...], columns: dict[str, Any], item: Item) -> None:
        ids = ids_of(columns["heat"], item)
        if not ids.size:
            raise ArgumentError("heat", MISSING, "there are no heats")
        scrap = floats("scrap", columns["scrap"])
        if scrap.shape != (ids.size, len(types)):
            wanted = (ids.size, len(types))
            raise ArgumentError("scrap", Shape(scrap.shape), f"(heats, types) = {wanted} is needed")
        fields: dict[str, NDArray[Any]] = {"scrap": scrap}
        for name in COLUMNS:
            fields[name] = column_of(name, columns[name], ids.size)
        for name, values in fields.items():
            check_column(name, values, item)
        self._set(types=types, heat=ids, **fields)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: a log does not change; make another with replace()")

    def __len__(self) -> int:
        return int(self.heat.size)

    def __getitem__(self, which: slice | ArrayLike) -> HeatLog:
        """The log of some heats: a slice, a mask (T,) or their numbers in rising order."""
        if isinstance(which, int | np.integer):
            raise ArgumentTypeError(f"log[{which}]", MISSING, "take a slice, such as log[3:4], or a mask")
        rows: Any = which if isinstance(which, slice) else np.asarray(which)
        columns = {name: getattr(self, name)[rows] for name in ("heat", "scrap", *COLUMNS)}
        return HeatLog(types=self.types, **columns)

    def __repr__(self) -> str:
        gone = int(np.isnan(self.steel_ppm).sum())
        return (
            f"<HeatLog: {len(self)} heats, {self.heat[0]} to {self.heat[-1]}, {len(self.types)} scrap types, "
            f"{gone} readings missing>"
        )

    @property
    def missing(self) -> NDArray[np.bool_]:
        """(T,) Where steel_ppm is missing."""
        return np.isnan(self.steel_ppm)

    def replace(self, **columns: Any) -> HeatLog:
        """A log with other values in some columns, by the constructor's names."""
        own: dict[str, Any] = {name: getattr(self, name) for name in ("heat", "types", "scrap", *COLUMNS)}
        for name in columns:
            if name not in own:
                raise ArgumentTypeError(name, MISSING, "is not a column; columns are " + ", ".join(own))
        return HeatLog(**{**own, **columns})

    @classmethod
    def read_csv(cls, path: str | PathLike[str]) -> Self:
        """A log from a CSV file with a header and one row a heat, in time order.

        Columns, in any order: `heat`, `scrap_<type>_t` for every type, `steel_t`, `steel_ppm`, `hot_metal_t`,
        `hot_metal_ppm`, `slag_t` and `feo_pct`. None may be left out: a furnace without hot metal has 0 in
        its columns. An empty `steel_ppm` is missing.

        **Raises:** ValueError that begins with the file's name and names line and column; OSError.
        """
        log = cls.__new__(cls)
        with rows_of(Path(path)) as rows:
            types, columns, lines = read_columns(rows)
            log._fill(types, columns, item_of_file(types, lines))
        return log

    @classmethod
    def from_dataframe(cls, frame: Any) -> Self:
        """A log from a pandas DataFrame with the columns of :meth:`read_csv`; NaN in `steel_ppm` is missing.

        **Raises:** ValueError or TypeError naming column and row, counted from 0: "steel_t[3]".
        """
        if not (hasattr(frame, "columns") and hasattr(frame, "iloc")):
            raise ArgumentTypeError("frame", frame, "must be a pandas DataFrame")
        header = [str(name) for name in frame.columns]
        problem = header_problem(header)
        if problem is not None:
            raise ArgumentError("frame", MISSING, problem)
        types = types_of(header)
        columns: dict[str, Any] = {name: numbers_of(name, frame[name]) for name in COLUMNS}
        masses = [numbers_of(name, frame[name]) for name in (f"scrap_{t}_t" for t in types)]
        columns |= {"heat": frame["heat"].to_numpy(), "scrap": np.stack(masses, axis=1)}
        log = cls.__new__(cls)
        log._fill(types, columns, item_of_frame(types))
        return log

    def write_csv(self, path: str | PathLike[str]) -> None:
        """Writes what :meth:`read_csv` reads, to the last bit."""
        header = ["heat", *(f"scrap_{t}_t" for t in self.types), *COLUMNS]
        columns = [self.heat.tolist(), *self.scrap.T.tolist()]
        columns += [getattr(self, name).tolist() for name in COLUMNS]
        at = header.index("steel_ppm")
        columns[at] = ["" if math.isnan(x) else x for x in columns[at]]
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(zip(*columns, strict=True))


class Truth(NamedTuple):
    """What a simulation has and a melt shop has not.

    - `prior_mean`: (n,) ppm, the long-term mean q of every scrap type.
    - `composition`: (T, n) ppm. `steel_ppm`: (T,) ppm, without the sensor's noise.
    - `partition`: (T, 2), c1 and c2 (1/%) of Eq. (4); None for an element that stays in the steel.
    """

    prior_mean: Floats
    composition: Floats
    partition: Floats | None
    steel_ppm: Floats


def check_log(log: object) -> None:
    """Raises TypeError for anything else, such as the name of a file."""
    if not isinstance(log, HeatLog):
        raise ArgumentTypeError("log", log, "must be a HeatLog, such as HeatLog.read_csv(path)")
