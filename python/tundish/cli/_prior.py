"""What is known of the scrap before the first heat: from a file, or from the heats themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tundish.cli import BadInputError

if TYPE_CHECKING:
    from tundish._common.arguments import Floats
    from tundish.scrap import HeatLog

SPREAD = 5.0  # variance of the driving noise over the square of its mean, where a file gives none
FROM_HEATS = "non-negative least squares of these heats"
_COLUMNS = ("type", "mean_ppm", "var_ppm2")
_NEEDED = _COLUMNS[:2]


class Prior(NamedTuple):
    """Long-term means, ppm, variances of the driving noise, ppm2, and where they come from."""

    mean: Floats
    var: Floats
    source: str


def prior_of(log: HeatLog, partition: tuple[float, float] | None) -> Prior:
    """That of a plant that has none. Raises ValueError as :func:`tundish.scrap.prior_from`."""
    from tundish.scrap import prior_from

    mean = prior_from(log, partition=partition)
    return Prior(mean, SPREAD * mean**2, FROM_HEATS)


def read_prior(path: Path, types: Sequence[str]) -> Prior:
    """The lines of these types; a file may have others too. Raises BadInputError naming file and line."""
    import numpy as np

    from tundish.scrap._csv import rows_of

    try:
        with rows_of(path) as rows:
            lines = dict(_lines(rows))
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadInputError(str(error)) from None
    for name in types:
        if name not in lines:
            raise BadInputError(f"{path}: type {name} is missing")
    mean, var = np.array([lines[name] for name in types]).T
    return Prior(mean, var, str(path))


def _lines(rows: Any) -> Iterator[tuple[str, tuple[float, float]]]:
    """Type, and its mean and variance. Raises ValueError naming line and column."""
    header = [name.strip() for name in next(rows, [])]
    if len(set(header)) < len(header) or not set(_NEEDED) <= set(header) <= set(_COLUMNS):
        raise ValueError(f"columns must be {', '.join(_NEEDED)} and, if known, {_COLUMNS[2]}")
    given = set()
    for row in rows:
        if not row:
            continue
        line = f"line {rows.line_num}"
        if len(row) != len(header):
            raise ValueError(f"{line}: has {len(row)} fields; {len(header)} are needed")
        fields = dict(zip(header, (text.strip() for text in row), strict=True))
        name = fields["type"]
        if name in given:
            raise ValueError(f"{line}, type = {name}: is given already")
        given.add(name)
        mean = _number(f"{line}, mean_ppm", fields["mean_ppm"])
        var = fields.get("var_ppm2")
        yield name, (mean, _number(f"{line}, var_ppm2", var) if var else SPREAD * mean**2)


def _number(item: str, text: str) -> float:
    from tundish.scrap._csv import decimal

    try:
        value = decimal(text)
    except ValueError:
        raise ValueError(f"{item} = {text!r}: must be a number") from None
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{item} = {text}: must be finite and not negative")
    return value
