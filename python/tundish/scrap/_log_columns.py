"""The columns of a record of heats: what is allowed in them, from arrays, CSV files and data frames."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, floats
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish._common.tables import decimal

# Columns beside heat and the scrap's masses.
COLUMNS = ("steel_t", "steel_ppm", "hot_metal_t", "hot_metal_ppm", "slag_t", "feo_pct")
_EACH_ITS_OWN = ("steel_t", "steel_ppm")  # that one number cannot give for all heats
_MAX = {"t": 1e6, "ppm": 1e6, "%": 100.0}
_SCRAP = re.compile(r"scrap_(.+)_t", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d+", re.ASCII)

# Where a number stands: (column, row, number of the scrap type) to (name, line of the file or None).
Item = Callable[[str, int, int], tuple[str, int | None]]


def item_of_arrays(column: str, row: int, type_number: int) -> tuple[str, int | None]:
    """As the constructor's arguments are indexed."""
    return (f"scrap[{row}, {type_number}]" if column == "scrap" else f"{column}[{row}]"), None


def item_of_file(types: tuple[str, ...], lines: Sequence[int]) -> Item:
    """By the file's columns and lines."""
    return lambda column, row, type_number: (_column_name(types, column, type_number), lines[row])


def item_of_frame(types: tuple[str, ...]) -> Item:
    """By the data frame's columns and rows."""
    return lambda column, row, type_number: (f"{_column_name(types, column, type_number)}[{row}]", None)


def _column_name(types: tuple[str, ...], column: str, type_number: int) -> str:
    return f"scrap_{types[type_number]}_t" if column == "scrap" else column


def checked_types(types: Sequence[str]) -> tuple[str, ...]:
    if isinstance(types, str):
        raise ArgumentTypeError("types", types, "must be a list of names")
    names = tuple(types)
    if not names:
        raise ArgumentError("types", MISSING, "at least one scrap type is needed")
    for name in names:
        if not isinstance(name, str) or not name:
            raise ArgumentTypeError("types", MISSING, f"{name!r} must be a name")
        if names.count(name) > 1:
            raise ArgumentError("types", MISSING, f"{name!r} is given twice")
    return names


def ids_of(heat: ArrayLike, item: Item) -> NDArray[Any]:
    """(T,) int64 where all are integers, else text as it was given.

    Refused are gaps, integers among text, integers that do not rise, and text that is given twice.
    """
    if np.ma.is_masked(heat):
        raise ArgumentTypeError("heat", MISSING, "is masked in places; every heat needs an id")
    try:
        given = np.asarray(heat)
    except ValueError:
        raise ArgumentError("heat", MISSING, "one dimension is allowed") from None
    if given.ndim != 1:
        raise ArgumentError("heat", Shape(given.shape), "one dimension is allowed")
    if given.dtype.kind not in "iufUTO":
        raise ArgumentTypeError("heat", MISSING, f"has type {given.dtype}; must be integers or text")
    names = given.tolist()
    if given.dtype.kind not in "iu":
        names = [_id(name, row, item) for row, name in enumerate(names)]
    whole = [isinstance(name, int) or _INTEGER.fullmatch(name) is not None for name in names]
    if not any(whole):
        _refuse_repeated(names, item)
        return np.array(names, str)
    if not all(whole):
        row = whole.index(False)
        allowed = "others are integers; ids must be all integers or all text"
        raise _refusal(ArgumentError, item, row, names[row], allowed)
    numbers = [int(name) for name in names]
    _refuse_disorder(numbers, names, item)
    # Text such as 007 comes back from a file as it was; so it stays text.
    if all(str(number) == str(name) for number, name in zip(numbers, names, strict=True)):
        return np.array(numbers, np.int64)
    return np.array([str(name) for name in names])


def _id(value: object, row: int, item: Item) -> int | str:
    """One id, integers among floats as integers."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            raise _refusal(ArgumentError, item, row, MISSING, "must not be empty")
        if text.casefold() == "nan":
            raise _refusal(ArgumentError, item, row, value, "must be an integer or text")
        return text
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise _refusal(ArgumentTypeError, item, row, value, "must be an integer or text")
    return int(value)


def _refuse_disorder(numbers: list[int], names: list[int | str], item: Item) -> None:
    for row, number in enumerate(numbers):
        # Text that is not how the integer is written, such as 010, is shown as text.
        value = number if str(number) == str(names[row]) else names[row]
        if not -(2**63) <= number < 2**63:
            raise _refusal(ArgumentError, item, row, value, "must be an integer below 2**63")
        if row and number <= numbers[row - 1]:
            allowed = f"must be above {names[row - 1]}, the heat before"
            raise _refusal(ArgumentError, item, row, value, allowed)


def _refuse_repeated(names: list[str], item: Item) -> None:
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in first:
            argument, line = item("heat", first[name], 0)
            place = argument if line is None else f"line {line}, {argument}"
            raise _refusal(ArgumentError, item, row, name, f"is given already, {place}")
        first[name] = row


Refusal = TypeVar("Refusal", ArgumentError, ArgumentTypeError)


def _refusal(kind: type[Refusal], item: Item, row: int, value: object, allowed: str) -> Refusal:
    """Of the id of a heat."""
    argument, line = item("heat", row, 0)
    return kind(argument, value, allowed, line=line)


def column_of(name: str, value: ArrayLike, size: int) -> Floats:
    """(T,) numbers, of one for all heats too where the column may have that."""
    values = floats(name, value)
    if np.ndim(value) == 0 and name not in _EACH_ITS_OWN:
        return np.full(size, values)
    if np.shape(value) != (size,):
        shape = np.shape(value)
        raise ArgumentError(name, Shape(shape), f"({size},), as heat, is needed")
    return values


def check_column(name: str, values: Floats, item: Item) -> None:
    """Refuses numbers outside the limits of their unit."""
    unit = {"ppm": "ppm", "pct": "%"}.get(name.rpartition("_")[2], "t")
    good = np.isfinite(values) & (values >= 0) & (values <= _MAX[unit])
    if name == "steel_t":
        good &= values > 0
    if name == "steel_ppm":
        good |= np.isnan(values)
    if good.all():
        return
    place = np.argwhere(~good)[0].tolist()
    argument, line = item(name, place[0], place[-1])
    limits = "above 0 and at most" if name == "steel_t" else "between 0 and"
    allowed = f"must be {limits} {_MAX[unit]:g} {unit}"
    raise ArgumentError(argument, float(values[tuple(place)]), allowed, line=line)


def header_problem(header: Sequence[str]) -> str | None:
    """What is wrong with a header: columns missing, unknown or repeated; None if nothing is."""
    for name in header:
        if header.count(name) > 1:
            return f"column {name} is given twice"
        if not _SCRAP.fullmatch(name) and name != "heat" and name not in COLUMNS:
            allowed = ", ".join(("heat", "scrap_<type>_t", *COLUMNS))
            return f"column {name!r} is unknown; allowed are {allowed}"
    missing = [name for name in ("heat", *COLUMNS) if name not in header]
    if not types_of(header):
        missing.append("scrap_<type>_t")
    if missing:
        which = f"column {missing[0]} is" if len(missing) == 1 else f"columns {', '.join(missing)} are"
        return f"{which} missing; what there is none of is 0, and not left out"
    return None


def types_of(header: Sequence[str]) -> tuple[str, ...]:
    """The scrap types of a header, in its order."""
    return tuple(match[1] for match in map(_SCRAP.fullmatch, header) if match)


def read_columns(rows: Any) -> tuple[tuple[str, ...], dict[str, Any], list[int]]:
    """The scrap types, columns by the constructor's names, and the line that each heat ends at."""
    header = [name.strip() for name in next(rows, [])]
    problem = header_problem(header)
    if problem is not None:
        raise ArgumentError("", MISSING, problem)
    types = types_of(header)
    at = header.index("heat")
    names = header[:at] + header[at + 1 :]
    heats, values, numbers = [], [], []
    for row in rows:
        if not row:
            continue
        if len(row) != len(header):
            text = f"has {len(row)} fields; {len(header)} are needed"
            raise ArgumentError("", MISSING, text, line=rows.line_num)
        heats.append(row.pop(at).strip())
        values.append(list(_parsed(rows.line_num, names, row)))
        numbers.append(rows.line_num)
    if not values:
        raise ArgumentError("", MISSING, "there are no heats below the first line")
    table = dict(zip(names, np.array(values).T, strict=True))
    scrap = np.stack([table[f"scrap_{t}_t"] for t in types], axis=1)
    columns = {name: table[name] for name in COLUMNS}
    return types, columns | {"heat": heats, "scrap": scrap}, numbers


def _parsed(line: int, names: Sequence[str], row: Sequence[str]) -> Iterator[float]:
    for name, text in zip(names, row, strict=True):
        try:
            yield decimal(text)
        except ValueError:
            if name == "steel_ppm" and not text.strip():
                yield math.nan
                continue
            raise ArgumentError(name, text, "must be a number", line=line) from None


def numbers_of(name: str, series: Any) -> Floats:
    """A column of a DataFrame as numbers; what pandas calls missing is NaN."""
    gone = series.isna().to_numpy()
    given = series.to_numpy(object)
    for row in np.flatnonzero(~gone):
        if isinstance(given[row], bool | str) or not isinstance(given[row], int | float | np.number):
            raise ArgumentTypeError(f"{name}[{row}]", given[row], "must be a number")
    return np.where(gone, math.nan, np.where(gone, 0.0, given).astype(float))
