"""`tundish cast`: the cooling and solidification of a strand."""

from __future__ import annotations

import argparse
import dataclasses
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE
from tundish.cli._run import Command, clock, instruction_set, reading, refused, timed

if TYPE_CHECKING:
    from tundish.casting import Case, Solution


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "cast",
        help="cooling and solidification of a strand",
        description="Solves the cooling and solidification of a continuously cast strand: shell growth, "
        "temperatures, metallurgical length, heat balance.",
        epilog="`tundish cast --example > my.toml` writes the bundled case down as a start for your own.",
    )
    parser.add_argument(
        "case", metavar="CASE.toml", nargs="?", type=Path, help="the case; the bundled one when left out"
    )
    parser.add_argument("--out", metavar="DIR", type=Path, help="write data and pictures to this folder")
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object (SI units) and nothing else"
    )
    parser.add_argument("--example", action="store_true", help="print the bundled case and do nothing else")
    override = parser.add_argument_group("instead of what the case says")
    override.add_argument("--method", choices=["adi", "sor"], help="scheme of the march")
    override.add_argument(
        "--phase-change", choices=["enthalpy", "correction"], help="treatment of latent heat"
    )
    override.add_argument(
        "--accuracy",
        metavar="K",
        type=float,
        help="choose meshes and steps for this error of temperatures; "
        "beside it --nx and --ny are odd, at least 21",
    )
    override.add_argument(
        "--nx", metavar="N", type=int, help="nodes from the centre to face x, of one mesh without --accuracy"
    )
    override.add_argument(
        "--ny", metavar="N", type=int, help="nodes from the centre to face y; nx when left out"
    )
    override.add_argument("--dtype", choices=["float64", "float32"], help="precision")
    return parser


@dataclasses.dataclass(frozen=True, kw_only=True)
class CastCommand(Command):
    """`tundish cast`; None leaves the case as it is."""

    case: Path | None = None
    example: bool = False
    method: str | None = None
    phase_change: str | None = None
    accuracy: float | None = None
    nx: int | None = None
    ny: int | None = None
    dtype: str | None = None


def run(arguments: argparse.Namespace) -> int:
    """Solves the case, writes the files asked for, prints the result; 1 when the march failed."""
    from tundish.casting import PUBLISHED_CASE, read_case, report

    command = CastCommand.parse(arguments)
    if command.example:
        print(PUBLISHED_CASE.read_text("utf-8"), end="")
        return DONE
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    with reading(command.case):
        case = read_case(command.case)
    options = {name: f"--{name}" for name in ("accuracy", "nx", "ny") if _has_grid(command)}
    with refused(options, command.case or "bundled case"):
        case = _overridden(case, command)
    command.make_folder()
    solution, seconds = timed(lambda: _solved(case))
    name = "published" if command.case is None else str(command.case)
    command.show(report(solution, name=name, seconds=seconds), width=22)
    if command.accuracy is not None and solution.grid.accuracy is None:
        command.note(
            f"--accuracy {command.accuracy:g}: {solution.options.method} with "
            f"{solution.options.phase_change} marches one mesh, without an error estimate"
        )
    return DONE if solution.success else command.failed(solution.message)


def _has_grid(command: CastCommand) -> bool:
    """Whether the command line changes the grid."""
    return any(given is not None for given in (command.accuracy, command.nx, command.ny))


def _overridden(case: Case, command: CastCommand) -> Case:
    """The case with the options of the command line."""
    from tundish.casting import Grid

    words = {name: getattr(command, name) for name in ("method", "phase_change", "dtype")}
    changes: dict[str, Any] = {name: word for name, word in words.items() if word is not None}
    if command.accuracy is not None:
        changes["grid"] = Grid(command.nx, command.ny, accuracy=command.accuracy)
    elif command.nx is not None or command.ny is not None:
        nx = case.grid.nx if command.nx is None else command.nx
        ny = nx if command.ny is None else command.ny
        changes["grid"] = dataclasses.replace(case.grid, nx=nx, ny=ny, accuracy=None)
    return dataclasses.replace(case, **changes) if changes else case


def _solved(case: Case) -> Solution:
    with warnings.catch_warnings(), clock("marching down the strand"):
        warnings.simplefilter("ignore", RuntimeWarning)  # the message is shown at the end
        return case.solve()
