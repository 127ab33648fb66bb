"""`tundish identify`: from thermocouples back to the cooling."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import importlib.util
import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, FAILED, INTERRUPTED, BadInputError
from tundish.cli._common import case_of, clock, make_folder, note, plain, write_files, write_picture
from tundish.cli.info import instruction_set

if TYPE_CHECKING:
    from tundish.casting import Case, Identification, Measurements, Strand

_LEVEL = 0.95
_BUNDLED_START = 0.65  # of the bundled case's cooling
_WITHIN = 2.0  # bees need bounds
# The options that the arguments of `identify` come from.
_OPTIONS = {
    "unknowns": "--stages",
    "stages": "--stages",
    "bounds": "--within",
    "runs": "--runs",
}
_HEADER = ("parameter", "value", "std. error", "95 % interval", "start", "unit")
_CSV_HEADER = ("parameter", "value_SI", "standard_error_SI", "low_SI", "high_SI", "start_SI")


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "identify",
        help="from thermocouples back to the cooling",
        description="Identifies heat fluxes of the mould and heat-transfer coefficients of the zones from "
        "temperatures measured in the strand, with their errors.",
        epilog="Without arguments: synthetic readings of the bundled case with 1 % noise. Without --case "
        "the search starts from the bundled case with its cooling 35 % too weak; with it, from the case's "
        "own values.",
    )
    parser.add_argument(
        "measurements",
        metavar="MEASUREMENTS.csv",
        nargs="?",
        type=Path,
        help="readings: columns z_m, x_m, y_m, temperature_K, and sigma_K or weight if known",
    )
    parser.add_argument("--case", metavar="CASE.toml", type=Path, help="the strand, and where to start from")
    parser.add_argument(
        "--missing", action="store_true", help="leave out readings whose temperature is empty or nan"
    )
    search = parser.add_argument_group("the search")
    search.add_argument(
        "--method",
        choices=["least-squares", "bee-colony"],
        default="least-squares",
        help="exact derivatives (default), or the published bee colony, some 25 000 solves a run",
    )
    search.add_argument(
        "--stages",
        metavar="LIST",
        default="one",
        help="one: all cooling of the case at once (default); two, four: the published steps; or names to "
        "find, with commas between names and semicolons between stages",
    )
    search.add_argument("--runs", metavar="N", type=int, help="starts: 1, or 10 bee colonies, when left out")
    search.add_argument("--seed", metavar="N", type=int, default=0, help="of the random numbers (default 0)")
    search.add_argument(
        "--within",
        metavar="FACTOR",
        type=float,
        help="search from start/FACTOR to start*FACTOR: 10, or 2 for bee colonies, when left out",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write data and a picture to this folder")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object (SI units) and nothing else"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Identifies, writes the files asked for, prints the result; 1 when it failed, 130 after Ctrl-C."""
    from tundish.casting import _search

    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    if arguments.seed < 0:
        raise BadInputError(f"--seed {arguments.seed}: must not be negative")
    case, measurements = case_of(arguments.case), _measurements(arguments)
    if arguments.out is not None:
        make_folder(arguments.out)
    try:
        found, seconds = _identify(arguments, case, measurements)
    except ImportError as error:
        note(arguments.prog, error)
        return FAILED
    facts = _facts(arguments, found, seconds)
    facts |= {"files": [] if arguments.out is None else _write(found, facts, arguments)}
    print(json.dumps(facts, allow_nan=False) if arguments.json else _text(found, facts))
    if found.success:
        return DONE
    sys.stdout.flush()
    note(arguments.prog, found.message)
    return INTERRUPTED if _search.INTERRUPTED in found.message else FAILED


def _measurements(arguments: argparse.Namespace) -> Measurements:
    from tundish.casting import Measurements
    from tundish.casting._case import PUBLISHED_READINGS

    path = arguments.measurements or PUBLISHED_READINGS
    try:
        return Measurements.read_csv(path, missing=arguments.missing)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadInputError(str(error).replace("missing=True", "--missing")) from None


def _identify(
    arguments: argparse.Namespace, case: Case, measurements: Measurements
) -> tuple[Identification, float]:
    """What was found, and the seconds it took."""
    from tundish.casting import identify

    strand = case.strand if arguments.case else _weakened(case.strand)
    unknowns, stages = _plan(arguments.stages, strand)
    has_bar = importlib.util.find_spec("rich") is not None
    with nullcontext() if has_bar else clock("identifying"):
        started = time.perf_counter()
        try:
            found = identify(
                strand,
                measurements,
                unknowns,
                _bounds(arguments, strand, unknowns),
                arguments.method,
                stages=stages,
                runs=arguments.runs,
                rng=arguments.seed,
                grid=case.grid,
                progress=sys.stderr.isatty(),
                solver=_solver(case),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadInputError(_blamed(str(error.args[0]), arguments)) from None
        return found, time.perf_counter() - started


def _cooling(strand: Strand) -> dict[str, float]:
    """The strand's cooling by name, without what is zero."""
    values = strand.parameters().items()
    return {name: value for name, value in values if name.startswith(("mold.", "zones.")) and value > 0}


def _weakened(strand: Strand) -> Strand:
    return strand.replace({name: _BUNDLED_START * value for name, value in _cooling(strand).items()})


def _plan(text: str, strand: Strand) -> tuple[list[str], Sequence[Sequence[str]] | None]:
    """The unknowns, and the stages that find them."""
    from tundish.casting import PUBLISHED_STAGES

    if text == "one":
        return list(_cooling(strand)), None
    published = {"two": PUBLISHED_STAGES[2], "four": PUBLISHED_STAGES[4]}
    listed = [[name.strip() for name in group.split(",")] for group in text.split(";")]
    groups: Sequence[Sequence[str]] = published.get(text, listed)
    return list(dict.fromkeys(name for group in groups for name in group)), groups


def _bounds(
    arguments: argparse.Namespace, strand: Strand, unknowns: Sequence[str]
) -> dict[str, tuple[float, float]] | None:
    factor = arguments.within
    if factor is None:
        if arguments.method == "least-squares":
            return None
        factor = _WITHIN
    if not (math.isfinite(factor) and factor > 1):
        raise BadInputError(f"--within {factor:g}: must be finite and above 1")
    start = strand.parameters()
    return {name: (start[name] / factor, start[name] * factor) for name in unknowns if name in start}


def _solver(case: Case) -> dict[str, Any]:
    """What the case says of the scheme beyond the defaults, which depend on the method of the search."""
    fields = {field.name: field.default for field in dataclasses.fields(case)}
    names = ("method", "phase_change", "relaxation", "tolerance", "max_sweeps", "ordering", "dtype")
    return {name: getattr(case, name) for name in names if getattr(case, name) != fields[name]}


def _blamed(message: str, arguments: argparse.Namespace) -> str:
    """A message of `identify` that begins with the option or file it is about, not with the argument."""
    argument = re.split(r"\W", message, maxsplit=1)[0]
    rest = message.removeprefix(argument)
    if argument in _OPTIONS:
        return _OPTIONS[argument] + rest
    if argument == "measurements":
        return f"{arguments.measurements or 'bundled readings'}{rest}"
    return f"{arguments.case or 'bundled case'}: {message}"


def _facts(arguments: argparse.Namespace, found: Identification, seconds: float) -> dict[str, Any]:
    """In SI units, as JSON takes it."""
    errors, intervals, seen = found.standard_error, found.confidence_interval(_LEVEL), found.identifiability
    return {
        "measurements": str(arguments.measurements or "published"),
        "case": str(arguments.case or "published"),
        "method": found.method,
        "stages": arguments.stages,
        "seed": arguments.seed,
        "success": found.success,
        "message": found.message,
        "readings": len(found.measurements),
        "sensors": len(found.measurements.sensors),
        "parameters": {
            name: {
                "value": value,
                "standard_error": plain(errors[name]),
                "interval": plain(intervals[name]),
                "start": found.start[name],
            }
            for name, value in found.parameters.items()
        },
        "level": _LEVEL,
        "identifiability": seen._asdict() | {"condition_number": plain(seen.condition_number)},
        "cost": plain(found.cost),
        "noise": plain(found.noise),
        "evaluations": found.evaluations,
        "damping": found.damping,
        "runs": [run._asdict() | {"cost": plain(run.cost)} for run in found.runs],
        "seconds": seconds,
    }


def _write(found: Identification, facts: dict[str, Any], arguments: argparse.Namespace) -> list[str]:
    writers: dict[str, Callable[[Path], None]] = {
        "identification.json": partial(_write_json, facts),
        "parameters.csv": partial(_write_parameters, found),
        "readings.csv": partial(_write_readings, found),
        "identification.png": partial(write_picture, found.plot),
    }
    return write_files(arguments.prog, arguments.out, writers)


def _write_json(facts: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(facts, indent=2, allow_nan=False) + "\n", "utf-8")


def _write_parameters(found: Identification, path: Path) -> None:
    errors, intervals = found.standard_error, found.confidence_interval(_LEVEL)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_CSV_HEADER)
        for name, value in found.parameters.items():
            writer.writerow([name, value, errors[name], *intervals[name], found.start[name]])


def _write_readings(found: Identification, path: Path) -> None:
    """The readings with the identified strand's temperatures beside them."""
    import numpy as np

    m = found.measurements
    columns = {"z_m": m.z, "x_m": m.x, "y_m": m.y, "temperature_K": m.temperature}
    columns |= {"strand_temperature_K": found.temperature, "residual_K": found.residuals}
    table = np.stack(list(columns.values()), axis=1)
    np.savetxt(path, table, "%.10g", ",", header=",".join(columns), comments="")


def _text(found: Identification, facts: dict[str, Any]) -> str:
    z = found.measurements.z
    title = (
        f"{facts['measurements']}: {facts['readings']} readings of {facts['sensors']} sensors, "
        f"z = {z.min():g} to {z.max():g} m"
    )
    own = facts["case"] != "published"
    start = facts["case"] if own else "the bundled case with its cooling 35 % too weak"
    return "\n".join([title, f"start: {start}", "", *_table(found), "", *_summary(found, facts)])


def _table(found: Identification) -> Iterator[str]:
    rows = list(_rows(found))
    width = max(len(end) for row in rows for end in row[3:5])
    merged = ((*row[:3], f"{row[3]:>{width}}  {row[4]:>{width}}", *row[5:]) for row in rows)
    lines = [_HEADER, *merged]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *numbers, unit in lines:
        cells = "  ".join(f"{text:>{width}}" for text, width in zip(numbers, widths[1:-1], strict=True))
        yield f"{name:<{widths[0]}}  {cells}  {unit}"


def _rows(found: Identification) -> Iterator[tuple[str, ...]]:
    """Numbers with two digits of the standard error."""
    from tundish.casting._plots import _unit

    errors, intervals = found.standard_error, found.confidence_interval(_LEVEL)
    for name, value in found.parameters.items():
        unit, size = _unit(name)
        error = errors[name] / size
        known = math.isfinite(error) and error > 0
        form = f".{max(0, 1 - math.floor(math.log10(error)))}f" if known else ".5g"
        numbers = (value / size, error, *(end / size for end in intervals[name]), found.start[name] / size)
        yield (name, *(format(x, form) if math.isfinite(x) else "-" for x in numbers), unit)


def _summary(found: Identification, facts: dict[str, Any]) -> Iterator[str]:
    for n, remark in enumerate(str(found.identifiability).splitlines()):
        yield f"{'' if n else 'identifiability':<17}{remark}"
    yield f"result           {found.message}"
    unit = " K²" if found.measurements.sigma is None else ""
    noise = f", residuals of {found.noise:.3g} K" if math.isfinite(found.noise) else ""
    yield f"cost             {found.cost:.6g}{unit}{noise}"
    runs = f" in {len(found.runs)} runs" if len(found.runs) > 1 else ""
    yield f"search           {found.method}, stages: {facts['stages']}{runs}"
    yield f"evaluations      {found.evaluations} solves; a value with k derivatives counts as 1 + k"
    yield f"time             {facts['seconds']:.3g} s"
    yield from (f"wrote            {file}" for file in facts["files"])
