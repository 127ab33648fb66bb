"""What is worth knowing of an identification: facts, a table, and files."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tundish._common.arguments import level_of
from tundish._common.reports import Report, Writer, picture, plain, text
from tundish.casting._strand import display_unit
from tundish.casting.identification._identification import Identification

_HEADER = ("parameter", "value", "std. error", "{level:g} % interval", "start", "unit")
_CSV_HEADER = ("parameter", "value_SI", "standard_error_SI", "low_SI", "high_SI", "start_SI")


def identification_report(
    found: Identification,
    *,
    measurements: str = "readings",
    case: str = "strand",
    start: str | None = None,
    stages: str = "one",
    seed: int | None = None,
    level: float = 0.95,
    seconds: float | None = None,
) -> Report:
    """What is worth knowing of an identification.

    **Main arguments:**

    - `found`: an :class:`Identification`.

    **Other arguments:**

    - `measurements`, `case`, `stages`, `seed`: what the reader calls the input.
    - `start`: where the fit began; the case when left out.
    - `level`: of the intervals. `seconds`: that the search took, if known.

    **Returns:** a report with `facts` (SI units), `lines` (a table of the parameters and a summary) and
    `files`: `identification.json`, `parameters.csv`, `readings.csv` and `identification.png`.

    **Raises:** ValueError for a level outside 0 to 1.
    """
    own = found.identifiability
    known: dict[str, Any] = {"measurements": measurements, "case": case, "method": found.method,
                             "stages": stages, "seed": seed}  # fmt: skip
    facts = known | {
        "success": found.success,
        "message": found.message,
        "readings": len(found.measurements),
        "sensors": len(found.measurements.sensors),
        "parameters": _parameters(found, level_of(level)),
        "level": level,
        "identifiability": own._asdict() | {"condition_number": plain(own.condition_number)},
        "cost": plain(found.cost),
        "noise": plain(found.noise),
        "evaluations": found.evaluations,
        "damping": found.damping,
        "runs": [run._asdict() | {"cost": plain(run.cost)} for run in found.runs],
    }
    if seconds is not None:
        facts["seconds"] = seconds
    files: dict[str, Writer] = {
        "identification.json": text(json.dumps(facts, indent=2, allow_nan=False) + "\n"),
        "parameters.csv": partial(_write_parameters, found, level),
        "readings.csv": partial(_write_readings, found),
        "identification.png": picture(found.plot),
    }
    return Report(facts, tuple(_lines(found, facts, start or case)), files)


def _parameters(found: Identification, level: float) -> dict[str, Any]:
    errors, intervals = found.standard_error, found.confidence_interval(level)
    return {
        name: {
            "value": value,
            "standard_error": plain(errors[name]),
            "interval": plain(intervals[name]),
            "start": found.start[name],
        }
        for name, value in found.parameters.items()
    }


def _write_parameters(found: Identification, level: float, path: Path) -> None:
    errors, intervals = found.standard_error, found.confidence_interval(level)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_CSV_HEADER)
        for name, value in found.parameters.items():
            writer.writerow([name, value, errors[name], *intervals[name], found.start[name]])


def _write_readings(found: Identification, path: Path) -> None:
    """The readings with the identified strand's temperatures beside them."""
    m = found.measurements
    columns = {"z_m": m.z, "x_m": m.x, "y_m": m.y, "temperature_K": m.temperature}
    columns |= {"strand_temperature_K": found.temperature, "residual_K": found.residuals}
    table = np.stack(list(columns.values()), axis=1)
    np.savetxt(path, table, "%.10g", ",", header=",".join(columns), comments="")


def _lines(found: Identification, facts: Mapping[str, Any], start: str) -> Iterator[str]:
    z = found.measurements.z
    yield (
        f"{facts['measurements']}: {facts['readings']} readings of {facts['sensors']} sensors, "
        f"z = {z.min():g} to {z.max():g} m"
    )
    yield f"start: {start}"
    yield ""
    yield from _table(found, facts["level"])
    yield ""
    yield from _summary(found, facts)


def _table(found: Identification, level: float) -> Iterator[str]:
    rows = list(_rows(found, level))
    width = max(len(end) for row in rows for end in row[3:5])
    merged = ((*row[:3], f"{row[3]:>{width}}  {row[4]:>{width}}", *row[5:]) for row in rows)
    lines = [tuple(word.format(level=100 * level) for word in _HEADER), *merged]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *numbers, unit in lines:
        cells = "  ".join(f"{cell:>{width}}" for cell, width in zip(numbers, widths[1:-1], strict=True))
        yield f"{name:<{widths[0]}}  {cells}  {unit}"


def _rows(found: Identification, level: float) -> Iterator[tuple[str, ...]]:
    """Numbers with two digits of the standard error."""
    errors, intervals = found.standard_error, found.confidence_interval(level)
    for name, value in found.parameters.items():
        unit, size = display_unit(name)
        error = errors[name] / size
        known = math.isfinite(error) and error > 0
        form = f".{max(0, 1 - math.floor(math.log10(error)))}f" if known else ".5g"
        numbers = (value / size, error, *(end / size for end in intervals[name]), found.start[name] / size)
        yield (name, *(format(x, form) if math.isfinite(x) else "-" for x in numbers), unit)


def _summary(found: Identification, facts: Mapping[str, Any]) -> Iterator[str]:
    for n, remark in enumerate(str(found.identifiability).splitlines()):
        yield f"{'' if n else 'identifiability':<17}{remark}"
    yield f"result           {found.message}"
    unit = " K²" if found.measurements.sigma is None else ""
    noise = f", residuals of {found.noise:.3g} K" if math.isfinite(found.noise) else ""
    yield f"cost             {found.cost:.6g}{unit}{noise}"
    runs = f" in {len(found.runs)} runs" if len(found.runs) > 1 else ""
    yield f"search           {found.method}, stages: {facts['stages']}{runs}"
    yield f"evaluations      {found.evaluations} solves; a value with k derivatives counts as 1 + k"
    if "seconds" in facts:
        yield f"time             {facts['seconds']:.3g} s"
