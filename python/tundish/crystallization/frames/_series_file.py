"""Series in CSV files: what was measured at each time, and the readings of thermocouples beside it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.refusals import MISSING, ArgumentError, RefusalError
from tundish.crystallization.frames._repair import Repair, repair_columns

TIMES = ("time_s", "time", "t_s", "t")
SHARE = "share"
# Columns by these names hold readings of thermocouples, degC.
_READINGS = re.compile(r"(thermocouple|temperature|reading)_?\d*(_c|_degc)?", re.IGNORECASE)


class SeriesFile(NamedTuple):
    """What a file holds.

    - `path`. `time`: (T,) s, rising. `lines`: (T,) of the file.
    - `values`: (T,) of each column that may be forecast, NaN where a cell is empty.
    - `readings`: (T,) degC of each column of a thermocouple, mis-read and missing ones repaired.
    - `repairs`: each reading that was replaced; its column counts those of `readings`.
    """

    path: Path
    time: Floats
    lines: NDArray[np.intp]
    values: dict[str, Floats]
    readings: dict[str, Floats]
    repairs: tuple[Repair, ...]

    def chosen(self, names: Sequence[str]) -> tuple[Floats, Floats, tuple[tuple[str, str], ...]]:
        """Time (n,), values (n, k) of some columns, and the lines left out because a cell of theirs is empty,
        each with the reason.

        **Raises:** ValueError naming the file and the column.
        """
        for name in names:
            if name not in self.values:
                allowed = f"has no column {name!r}; there are " + ", ".join(self.values)
                raise ArgumentError("", MISSING, allowed).at(self.path)
        table = np.stack([self.values[name] for name in names], axis=1)
        whole = np.isfinite(table).all(axis=1)
        left_out = tuple(
            (f"line {self.lines[n]}", f"{names[int(np.argmax(~np.isfinite(table[n])))]} is empty")
            for n in np.flatnonzero(~whole)
        )
        return self.time[whole], table[whole], left_out

    def usual(self) -> list[str]:
        """The columns that are forecast unless others are asked for: the share, or else all."""
        return [SHARE] if SHARE in self.values else list(self.values)


def read_series(path: str | PathLike[str], programme: Floats | None = None) -> SeriesFile:
    """Reads a CSV file with a header line, a column of times (s), and a column for each thing measured.

    **Main arguments:** `path`: of UTF-8 text; the times' column is named time_s, time, t_s or t. Cells are
    numbers; those of values and readings may be empty or nan where there is none. Columns named thermocouple
    or temperature, with a number and _c after it if need be, hold readings in degC.

    **Other arguments:** `programme`: (n, 2) s and degC, for the repair of readings.

    **Returns:** a :class:`SeriesFile`.

    **Raises:** ValueError that begins with the file and names the line: of cells that are no numbers or
    infinite, of times that are missing, come twice or run backwards; FileNotFoundError.
    """
    file = Path(path)
    header, rows, lines = _table(file)
    times = [n for n, name in enumerate(header) if name in TIMES]
    if len(times) != 1:
        raise ArgumentError("", MISSING, "must name one column of times, " + " or ".join(TIMES)).at(file, 1)
    time = rows[:, times[0]]
    _refuse_times(file, time, lines)
    columns = {name: rows[:, n] for n, name in enumerate(header) if n != times[0]}
    known = {name: column for name, column in columns.items() if np.isfinite(column).any()}
    values = {name: column for name, column in known.items() if not _READINGS.fullmatch(name)}
    if not values:
        allowed = f"has no column of values to forecast beside {header[times[0]]}"
        raise ArgumentError("", MISSING, allowed).at(file)
    readings = {name: column for name, column in known.items() if name not in values}
    repairs: tuple[Repair, ...] = ()
    if readings:
        try:
            found = repair_columns(list(readings), time, np.stack(list(readings.values()), axis=1), programme)
        except ArgumentError as error:
            raise error.at(file) from None
        readings = dict(zip(readings, found.values.T, strict=True))
        repairs = found.repairs
    return SeriesFile(file, time, lines, values, readings, repairs)


def read_programme(path: str | PathLike[str]) -> Floats:
    """(n, 2) s and degC of a heating programme: a CSV file with a column of times and one more.

    Two lines of one time are a step. **Raises:** as :func:`read_series`.
    """
    file = Path(path)
    header, rows, lines = _table(file)
    if len(header) != 2 or header[0] not in TIMES:
        allowed = "must be time_s and a name for the temperatures, degC"
        raise ArgumentError("", MISSING, allowed).at(file, 1)
    _refuse_times(file, rows[:, 0], lines, twice=True)
    bad = np.flatnonzero(~np.isfinite(rows[:, 1]))
    if bad.size:
        raise ArgumentError(header[1], MISSING, "is empty").at(file, int(lines[bad[0]]))
    return rows


def _table(file: Path) -> tuple[list[str], Floats, NDArray[np.intp]]:
    """The header, (T, k) numbers, and the lines they are on."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            rows = csv.reader(text, strict=True)
            header = [name.strip() for name in next(rows, [])]
            _refuse_header(header)
            found = [(rows.line_num, _numbers(rows.line_num, row, header)) for row in _written(rows)]
    except UnicodeDecodeError:
        raise ArgumentError("", MISSING, "is no text in UTF-8").at(file) from None
    except RefusalError as error:
        raise error.at(file, error.line) from None
    except csv.Error as error:
        raise ArgumentError("", MISSING, str(error)).at(file) from None
    if not found:
        raise ArgumentError("", MISSING, "has no line of numbers").at(file)
    return header, np.array([row for _, row in found]), np.array([line for line, _ in found])


def _written(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """Rows that are not empty."""
    return (row for row in rows if any(cell.strip() for cell in row))


def _refuse_header(header: list[str]) -> None:
    if not any(header):
        raise ArgumentError("", MISSING, "is empty; a line of names and lines of numbers are needed")
    if len(header) == 1 and ";" in header[0]:
        allowed = "cells are separated by semicolons; commas, and points in numbers, are needed"
        raise ArgumentError("", MISSING, allowed, line=1)
    for n, name in enumerate(header):
        if not name:
            raise ArgumentError("", MISSING, f"column {n + 1} has no name", line=1)
        if name in header[:n]:
            raise ArgumentError("", MISSING, f"{name} is there twice", line=1)


def _numbers(line: int, row: list[str], header: list[str]) -> list[float]:
    if len(row) != len(header):
        allowed = f"has {len(row)} cells; {len(header)}, one a name, are needed"
        raise ArgumentError("", MISSING, allowed, line=line)
    found = []
    for name, cell in zip(header, row, strict=True):
        text = cell.strip()
        try:
            value = float(text) if text else math.nan
        except ValueError:
            raise ArgumentError(name, MISSING, f"{text[:30]!r} is no number", line=line) from None
        if math.isinf(value):
            allowed = "is infinite; leave the cell empty where nothing is known"
            raise ArgumentError(name, MISSING, allowed, line=line)
        found.append(value)
    return found


def _refuse_times(file: Path, time: Floats, lines: NDArray[np.intp], *, twice: bool = False) -> None:
    bad = np.flatnonzero(~np.isfinite(time))
    if bad.size:
        raise ArgumentError("", MISSING, "has no time").at(file, int(lines[bad[0]]))
    bad = np.flatnonzero(np.diff(time) < 0 if twice else np.diff(time) <= 0)
    if bad.size:
        n = int(bad[0]) + 1
        before = f"{time[n - 1]:g} s of line {lines[n - 1]}"
        what = "is there twice, as" if time[n] == time[n - 1] else "runs backwards, after"
        allowed = f"{time[n]:g} s {what} {before}; times must rise"
        raise ArgumentError("", MISSING, allowed).at(file, int(lines[n]))
