"""`tundish identify`: from thermocouples back to the cooling."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, FAILED, INTERRUPTED, BadInputError
from tundish.cli._run import Command, instruction_set, reading, refused, shown, timed

if TYPE_CHECKING:
    from tundish.casting import Case, Identification, Measurements, Strand

Bounds = dict[str, tuple[float, float]]

_BUNDLED_START, _WITHIN = 0.65, 2.0  # of the bundled case's cooling; bees need bounds
# The options that the arguments of `identify` come from.
_OPTIONS = {"unknowns": "--stages", "stages": "--stages", "bounds": "--within", "runs": "--runs"}


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
    columns = "readings: columns z_m, x_m, y_m, temperature_K, and sigma_K or weight if known"
    parser.add_argument("measurements", metavar="MEASUREMENTS.csv", nargs="?", type=Path, help=columns)
    parser.add_argument("--case", metavar="CASE.toml", type=Path, help="the strand, and where to start from")
    missing = "leave out readings whose temperature is empty or nan"
    parser.add_argument("--missing", action="store_true", help=missing)
    search = parser.add_argument_group("the search")
    methods = "exact derivatives (default), or the published bee colony, some 25 000 solves a run"
    names = ["least-squares", "bee-colony"]
    search.add_argument("--method", choices=names, default=names[0], help=methods)
    stages = "one: all cooling of the case at once (default); two, four: the published steps; or names to "
    stages += "find, with commas between names and semicolons between stages"
    search.add_argument("--stages", metavar="LIST", default="one", help=stages)
    search.add_argument("--runs", metavar="N", type=int, help="starts: 1, or 10 bee colonies, when left out")
    search.add_argument("--seed", metavar="N", type=int, default=0, help="of the random numbers (default 0)")
    within = "search from start/FACTOR to start*FACTOR: 10, or 2 for bee colonies, when left out"
    search.add_argument("--within", metavar="FACTOR", type=float, help=within)
    parser.add_argument("--out", metavar="DIR", type=Path, help="write data and a picture to this folder")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object (SI units) and nothing else"
    )
    return parser


@dataclasses.dataclass(frozen=True, kw_only=True)
class IdentifyCommand(Command):
    """`tundish identify`; None is the default of the package, or the bundled file."""

    measurements: Path | None
    case: Path | None
    missing: bool
    method: str
    stages: str
    runs: int | None
    seed: int
    within: float | None


def run(arguments: argparse.Namespace) -> int:
    """Identifies, writes the files asked for, prints the result; 1 when it failed, 130 after Ctrl-C."""
    from tundish.casting import SearchStatus, identification_report, read_case

    command = IdentifyCommand.parse(arguments)
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    if command.seed < 0:
        raise BadInputError(f"--seed {command.seed}: must not be negative")
    with reading(command.case):
        case = read_case(command.case)
    measurements = _measurements(command)
    command.make_folder()
    found, seconds = timed(lambda: _identified(command, case, measurements))
    report = identification_report(
        found,
        measurements=str(command.measurements or "published"),
        case=str(command.case or "published"),
        start=None if command.case else "the bundled case with its cooling 35 % too weak",
        stages=command.stages,
        seed=command.seed,
        seconds=seconds,
    )
    command.show(report)
    status = {SearchStatus.FINISHED: DONE, SearchStatus.INTERRUPTED: INTERRUPTED}.get(found.status, FAILED)
    return DONE if found.success else command.failed(found.message, status)


def _measurements(command: IdentifyCommand) -> Measurements:
    from tundish import ArgumentError
    from tundish.casting import PUBLISHED_READINGS, Measurements

    path = command.measurements or PUBLISHED_READINGS
    with reading(path):
        try:
            return Measurements.read_csv(path, missing=command.missing)
        except ArgumentError as error:
            if error.argument != "temperature_K" or error.value == error.value:  # not NaN
                raise
            allowed = "must be finite and above 0; --missing leaves missing readings out"
            raise ArgumentError("temperature_K", error.value, allowed).at(path, error.line) from None


def _identified(command: IdentifyCommand, case: Case, measurements: Measurements) -> Identification:
    from tundish.casting import identify

    strand = case.strand
    if command.case is None:
        strand = strand.replace({name: _BUNDLED_START * value for name, value in strand.cooling().items()})
    unknowns, stages = _stages(command.stages, strand)
    files = {"measurements": command.measurements or "bundled readings"}
    with shown("identifying"), refused(_OPTIONS, command.case or "bundled case", files):
        return identify(strand, measurements, unknowns, _bounds(command, strand, unknowns), command.method,
                        stages=stages, runs=command.runs, rng=command.seed, grid=case.grid,
                        progress=sys.stderr.isatty(), solver=case.options.changes())  # fmt: skip


def _stages(text: str, strand: Strand) -> tuple[list[str], Sequence[Sequence[str]] | None]:
    """The unknowns, and the stages that find them."""
    from tundish.casting import PUBLISHED_STAGES

    if text == "one":
        return list(strand.cooling()), None
    published = {"two": PUBLISHED_STAGES[2], "four": PUBLISHED_STAGES[4]}
    listed = [[name.strip() for name in group.split(",")] for group in text.split(";")]
    groups: Sequence[Sequence[str]] = published.get(text, listed)
    return list(dict.fromkeys(name for group in groups for name in group)), groups


def _bounds(command: IdentifyCommand, strand: Strand, names: Sequence[str]) -> Bounds | None:
    if command.within is None and command.method == "least-squares":
        return None
    factor = _WITHIN if command.within is None else command.within
    if not (math.isfinite(factor) and factor > 1):
        raise BadInputError(f"--within {factor:g}: must be finite and above 1")
    start = strand.parameters()
    return {name: (start[name] / factor, start[name] * factor) for name in names if name in start}
