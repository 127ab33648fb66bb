"""The record of a melt shop's heats: what was charged, and what was tapped."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, floats
from tundish.scrap._arguments import restore
from tundish.scrap._csv import decimal, rows_of

# Columns beside heat and the scrap's masses.
_COLUMNS = ("steel_t", "steel_ppm", "hot_metal_t", "hot_metal_ppm", "slag_t", "feo_pct")
_EACH_ITS_OWN = ("steel_t", "steel_ppm")  # that one number cannot give for all heats
_MOST = {"t": 1e6, "ppm": 1e6, "%": 100.0}
_SCRAP = re.compile(r"scrap_(.+)_t", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)

# What a message calls a number: (column, row, number of the scrap type) to text.
_Item = Callable[[str, int, int], str]


class HeatLog:
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
        self._fill(_checked_types(types), columns, _item_of_arrays)

    def _fill(self, types: tuple[str, ...], columns: dict[str, Any], item: _Item) -> None:
        ids = _ids(columns["heat"], item)
        if not ids.size:
            raise ValueError("heat: there are no heats")
        scrap = floats("scrap", columns["scrap"])
        if scrap.shape != (ids.size, len(types)):
            wanted = (ids.size, len(types))
            raise ValueError(f"scrap: has shape {scrap.shape}; (heats, types) = {wanted} is needed")
        fields: dict[str, NDArray[Any]] = {"heat": ids, "scrap": scrap}
        for name in _COLUMNS:
            fields[name] = _column(name, columns[name], ids.size)
        for name, values in fields.items():
            if name != "heat":
                _check(name, values, item)
        object.__setattr__(self, "types", types)
        for name, values in fields.items():
            object.__setattr__(self, name, _frozen(values))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name}: a log does not change; make another with replace()")

    def __setstate__(self, state: dict[str, Any]) -> None:
        restore(self, state)

    def __len__(self) -> int:
        return int(self.heat.size)

    def __getitem__(self, which: slice | ArrayLike) -> HeatLog:
        """The log of some heats: a slice, a mask (T,) or their numbers in rising order."""
        if isinstance(which, int | np.integer):
            raise TypeError(f"{which!r}: take a slice, such as log[3:4], or a mask")
        rows: Any = which if isinstance(which, slice) else np.asarray(which)
        columns = {name: getattr(self, name)[rows] for name in ("heat", "scrap", *_COLUMNS)}
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
        own: dict[str, Any] = {name: getattr(self, name) for name in ("heat", "types", "scrap", *_COLUMNS)}
        for name in columns:
            if name not in own:
                raise TypeError(f"{name}: is not a column; columns are " + ", ".join(own))
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
            types, columns, numbers = _read(rows)
            log._fill(types, columns, _item_of_file(types, lambda row: f"line {numbers[row]}"))
        return log

    @classmethod
    def from_dataframe(cls, frame: Any) -> Self:
        """A log from a pandas DataFrame with the columns of :meth:`read_csv`; NaN in `steel_ppm` is missing.

        **Raises:** ValueError or TypeError naming column and row, counted from 0.
        """
        if not (hasattr(frame, "columns") and hasattr(frame, "iloc")):
            raise TypeError(f"frame = {frame!r}: must be a pandas DataFrame")
        header = [str(name) for name in frame.columns]
        types = _types_of(header)
        columns: dict[str, Any] = {name: _numbers(name, frame[name]) for name in _COLUMNS}
        masses = [_numbers(name, frame[name]) for name in (f"scrap_{t}_t" for t in types)]
        columns |= {"heat": frame["heat"].to_numpy(), "scrap": np.stack(masses, axis=1)}
        log = cls.__new__(cls)
        log._fill(types, columns, _item_of_file(types, lambda row: f"row {row}"))
        return log

    def write_csv(self, path: str | PathLike[str]) -> None:
        """Writes what :meth:`read_csv` reads, to the last bit."""
        header = ["heat", *(f"scrap_{t}_t" for t in self.types), *_COLUMNS]
        columns = [self.heat.tolist(), *self.scrap.T.tolist()]
        columns += [getattr(self, name).tolist() for name in _COLUMNS]
        at = header.index("steel_ppm")
        columns[at] = ["" if math.isnan(x) else x for x in columns[at]]
        with Path(path).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header)
            writer.writerows(zip(*columns, strict=True))


def check_log(log: object) -> None:
    """Raises TypeError for anything else, such as the name of a file."""
    if not isinstance(log, HeatLog):
        raise TypeError(f"log = {log!r}: must be a HeatLog, such as HeatLog.read_csv(path)")


def _item_of_arrays(column: str, row: int, type_number: int) -> str:
    return f"scrap[{row}, {type_number}]" if column == "scrap" else f"{column}[{row}]"


def _item_of_file(types: tuple[str, ...], place: Callable[[int], str]) -> _Item:
    def item(column: str, row: int, type_number: int) -> str:
        name = f"scrap_{types[type_number]}_t" if column == "scrap" else column
        return f"{place(row)}, {name}"

    return item


def _checked_types(types: Sequence[str]) -> tuple[str, ...]:
    if isinstance(types, str):
        raise TypeError(f"types = {types!r}: must be a list of names")
    names = tuple(types)
    if not names:
        raise ValueError("types: at least one scrap type is needed")
    for name in names:
        if not isinstance(name, str) or not name:
            raise TypeError(f"types: {name!r} must be a name")
        if names.count(name) > 1:
            raise ValueError(f"types: {name!r} is given twice")
    return names


def _ids(heat: ArrayLike, item: _Item) -> NDArray[Any]:
    """(T,) int64 where all are integers, else text as it was given.

    Refused are gaps, integers among text, integers that do not rise, and text that is given twice.
    """
    if np.ma.is_masked(heat):
        raise TypeError("heat: is masked in places; every heat needs an id")
    try:
        given = np.asarray(heat)
    except ValueError:
        raise ValueError("heat: one dimension is allowed") from None
    if given.ndim != 1:
        raise ValueError(f"heat: has shape {given.shape}; one dimension is allowed")
    if given.dtype.kind not in "iufUTO":
        raise TypeError(f"heat: has type {given.dtype}; must be integers or text")
    names = given.tolist()
    if given.dtype.kind not in "iu":
        names = [_id(name, item("heat", row, 0)) for row, name in enumerate(names)]
    whole = [isinstance(name, int) or _INTEGER.fullmatch(name) is not None for name in names]
    if not any(whole):
        _refuse_repeated(names, item)
        return np.array(names, str)
    if not all(whole):
        row = whole.index(False)
        raise ValueError(
            f"{item('heat', row, 0)} = {names[row]!r}: others are integers; ids must be all integers or all "
            "text"
        )
    numbers = [int(name) for name in names]
    _refuse_disorder(numbers, names, item)
    # Text such as 007 comes back from a file as it was; so it stays text.
    if all(str(number) == str(name) for number, name in zip(numbers, names, strict=True)):
        return np.array(numbers, np.int64)
    return np.array([str(name) for name in names])


def _id(value: object, item: str) -> int | str:
    """One id, integers among floats as integers."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise ValueError(f"{item}: must not be empty")
        if text.casefold() == "nan":
            raise ValueError(f"{item} = {value!r}: must be an integer or text")
        return text
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{item} = {value!r}: must be an integer or text")
    return int(value)


def _refuse_disorder(numbers: list[int], names: list[int | str], item: _Item) -> None:
    for row, number in enumerate(numbers):
        if not -(2**63) <= number < 2**63:
            raise ValueError(f"{item('heat', row, 0)} = {names[row]}: must be an integer below 2**63")
        if row and number <= numbers[row - 1]:
            raise ValueError(
                f"{item('heat', row, 0)} = {names[row]}: must be above {names[row - 1]}, the heat before"
            )


def _refuse_repeated(names: list[str], item: _Item) -> None:
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in first:
            raise ValueError(
                f"{item('heat', row, 0)} = {name!r}: is given already, {item('heat', first[name], 0)}"
            )
        first[name] = row


def _column(name: str, value: ArrayLike, size: int) -> Floats:
    values = floats(name, value)
    if np.ndim(value) == 0 and name not in _EACH_ITS_OWN:
        return np.full(size, values)
    if np.shape(value) != (size,):
        raise ValueError(f"{name}: has shape {np.shape(value)}; ({size},), as heat, is needed")
    return values


def _check(name: str, values: Floats, item: _Item) -> None:
    unit = {"ppm": "ppm", "pct": "%"}.get(name.rpartition("_")[2], "t")
    good = np.isfinite(values) & (values >= 0) & (values <= _MOST[unit])
    if name == "steel_t":
        good &= values > 0
    if name == "steel_ppm":
        good |= np.isnan(values)
    if good.all():
        return
    place = np.argwhere(~good)[0].tolist()
    allowed = "above 0 and at most" if name == "steel_t" else "between 0 and"
    found = f"{item(name, place[0], place[-1])} = {values[tuple(place)]:g}"
    raise ValueError(f"{found}: must be {allowed} {_MOST[unit]:g} {unit}")


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    """A copy that cannot be written to, or the array itself where nobody can."""
    if values.flags.writeable or values.base is not None:
        values = values.copy()
        values.flags.writeable = False
    return values


def _types_of(header: Sequence[str]) -> tuple[str, ...]:
    """The scrap types of a header, in its order; columns missing, unknown or repeated are refused."""
    types = []
    for name in header:
        match = _SCRAP.fullmatch(name)
        if header.count(name) > 1:
            raise ValueError(f"column {name} is given twice")
        if match:
            types.append(match[1])
        elif name != "heat" and name not in _COLUMNS:
            allowed = ", ".join(("heat", "scrap_<type>_t", *_COLUMNS))
            raise ValueError(f"column {name!r} is unknown; allowed are {allowed}")
    missing = [name for name in ("heat", *_COLUMNS) if name not in header]
    if not types:
        missing.append("scrap_<type>_t")
    if missing:
        which = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
        raise ValueError(f"{which} missing; what there is none of is 0, and not left out")
    return tuple(types)


def _read(rows: Any) -> tuple[tuple[str, ...], dict[str, Any], list[int]]:
    """The scrap types, columns by the constructor's names, and the line that each heat ends at."""
    header = [name.strip() for name in next(rows, [])]
    types = _types_of(header)
    at = header.index("heat")
    names = header[:at] + header[at + 1 :]
    heats, values, numbers = [], [], []
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            raise ValueError(f"line {rows.line_num}: has {len(row)} fields; {len(header)} are needed")
        heats.append(row.pop(at).strip())
        values.append(list(_parsed(rows.line_num, names, row)))
        numbers.append(rows.line_num)
    if not values:
        raise ValueError("there are no heats below the first line")
    table = dict(zip(names, np.array(values).T, strict=True))
    scrap = np.stack([table[f"scrap_{t}_t"] for t in types], axis=1)
    columns = {name: table[name] for name in _COLUMNS}
    return types, columns | {"heat": heats, "scrap": scrap}, numbers


def _parsed(line: int, names: Sequence[str], row: Sequence[str]) -> Iterator[float]:
    for name, text in zip(names, row, strict=True):
        try:
            yield decimal(text)
        except ValueError:
            if name == "steel_ppm" and not text.strip():
                yield math.nan
                continue
            raise ValueError(f"line {line}, {name} = {text!r}: must be a number") from None


def _numbers(name: str, series: Any) -> Floats:
    """A column of a DataFrame as numbers; what pandas calls missing is NaN."""
    gone = series.isna().to_numpy()
    given = series.to_numpy(object)
    for row in np.flatnonzero(~gone):
        if isinstance(given[row], bool | str) or not isinstance(given[row], int | float | np.number):
            raise TypeError(f"row {row}, {name} = {given[row]!r}: must be a number")
    return np.where(gone, math.nan, np.where(gone, 0.0, given).astype(float))
