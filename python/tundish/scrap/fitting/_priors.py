"""What is known of the scrap before the first heat: from a file, or from the heats themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.refusals import MISSING, ArgumentError
from tundish._common.tables import decimal, rows_of
from tundish.scrap._log import HeatLog
from tundish.scrap._state_space import SPREAD, check_mean
from tundish.scrap.fitting._least_squares import prior_from

FROM_HEATS = "non-negative least squares of these heats"
_COLUMNS = ("type", "mean_ppm", "var_ppm2")
_NEEDED = _COLUMNS[:2]


class Prior(NamedTuple):
    """Long-term means of the scrap types, and how widely they scatter.

    - `mean`: (n,) ppm. `var`: (n,) ppm2, variances of the driving noise.
    - `source`: where they come from, in words or as the name of a file.
    """

    mean: Floats
    var: Floats
    source: str


def estimate_prior(log: HeatLog, *, partition: tuple[float, float] | None = None) -> Prior:
    """A prior for a plant that has none: means by :func:`prior_from`, variances 5 mean2.

    Arguments and errors are those of :func:`prior_from`.
    """
    mean = prior_from(log, partition=partition)
    return Prior(mean, SPREAD * mean**2, FROM_HEATS)


def read_prior(path: str | PathLike[str], types: Sequence[str]) -> Prior:
    """The prior of some scrap types from a CSV file with one line a type.

    Columns, in any order: `type`, `mean_ppm`, and `var_ppm2` where variances are known; where there is none
    it is 5 mean2. The file may have lines of other types too.

    - `types`: names of the types, in the order of the result, such as `log.types`.

    **Returns:** a :class:`Prior`, whose `source` is the file's name.

    **Raises:** ValueError that begins with the file's name and names line and column, or the type that is
    missing; OSError.
    """
    file = Path(path)
    with rows_of(file) as rows:
        lines = dict(_lines(rows))
        for name in types:
            if name not in lines:
                raise ArgumentError("", MISSING, f"type {name} is missing")
        mean, var = np.array([lines[name] for name in types]).T
        check_mean("prior_mean", mean)
    return Prior(mean, var, str(path))


def _lines(rows: Any) -> Iterator[tuple[str, tuple[float, float]]]:
    """Type, and its mean and variance."""
    header = [name.strip() for name in next(rows, [])]
    if len(set(header)) < len(header) or not set(_NEEDED) <= set(header) <= set(_COLUMNS):
        text = f"columns must be {', '.join(_NEEDED)} and, if known, {_COLUMNS[2]}"
        raise ArgumentError("", MISSING, text)
    given = set()
    for row in rows:
        if not row:
            continue
        line = rows.line_num
        if len(row) != len(header):
            text = f"has {len(row)} fields; {len(header)} are needed"
            raise ArgumentError("", MISSING, text, line=line)
        fields = dict(zip(header, (text.strip() for text in row), strict=True))
        name = fields["type"]
        if name in given:
            raise ArgumentError("type", name, "is given already", line=line)
        given.add(name)
        mean = _number("mean_ppm", fields["mean_ppm"], line)
        var = fields.get("var_ppm2")
        yield name, (mean, _number("var_ppm2", var, line) if var else SPREAD * mean**2)


def _number(column: str, text: str, line: int) -> float:
    try:
        value = decimal(text)
    except ValueError:
        raise ArgumentError(column, text, "must be a number", line=line) from None
    if not (math.isfinite(value) and value >= 0):
        raise ArgumentError(column, value, "must be finite and not negative", line=line)
    return value
