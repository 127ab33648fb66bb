"""`tundish segregate`: carbon of an etched section, from its photograph and a few dozen analyses."""

from __future__ import annotations

import argparse
import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, BadInputError
from tundish.cli._run import bar, clock, instruction_set, refused, shown
from tundish.cli.options.segregate import (
    SegregateCommand,
    add_section_to,
    add_training_to,
    flag_of,
)

if TYPE_CHECKING:
    from tundish._common.reports import Report, Writer

_TRAINING = ("size", "estimator", "blocks", "epochs", "ensemble")


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "segregate",
        help="carbon of an etched section, from its photograph",
        description="Trains a network to read carbon from patches of a macro-etched section, judges it and "
        "models without a network on points that none of them was trained on, and maps carbon, its interval "
        "and the errors over the section.",
        epilog="Without a folder: a synthetic billet at reduced size, in some minutes on two cores. With "
        "--out, an interrupted training goes on from where it was when the same command is given again.",
    )
    parser.add_argument(
        "folder",
        metavar="FOLDER",
        nargs="?",
        type=Path,
        help="images of patches and labels.csv: file, carbon_wt, mm_per_px, and if known point, billet, "
        "x_mm, y_mm (from the billet's axis, y downwards)",
    )
    add_section_to(parser)
    add_training_to(parser)
    parser.add_argument(
        "--out", metavar="DIR", type=Path, help="write data, pictures and model to this folder"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Surveys the section, writes the files asked for, prints the report."""
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    command = SegregateCommand.parse(arguments)
    _check(command)
    try:
        with refused(command.renamed, command.place):
            report = _survey(command)
    except OSError as error:
        raise BadInputError(f"{error.filename}: {error.strerror}" if error.filename else error) from None
    except (ImportError, FloatingPointError) as error:
        return command.failed(error)
    for remark in report.facts["remarks"]:
        command.note(remark)
    files = {name: _clocked(write) for name, write in report.files.items()}
    command.show(dataclasses.replace(report, files=files))
    return DONE


def _check(command: SegregateCommand) -> None:
    """Refuses options that do not go together, before any work."""
    for name in ("mm_per_px", "diameter_mm", "stride_mm"):
        value = getattr(command, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadInputError(f"{flag_of(name)} {value:g}: must be finite and above 0")
    if command.photograph is None:
        for name in ("mm_per_px", "diameter_mm"):
            if getattr(command, name) is not None:
                raise BadInputError(f"{flag_of(name)}: is for --photograph alone")
    elif command.mm_per_px is None:
        raise BadInputError(f"--photograph {command.photograph}: needs --mm-per-px, its scale")
    elif command.folder is None and command.model is None:
        raise BadInputError(
            f"--photograph {command.photograph}: needs a FOLDER of patches to train on, or --model"
        )
    if command.model is not None:
        for name in _TRAINING:
            if getattr(command, name) is not None:
                raise BadInputError(
                    f"{flag_of(name)}: is of a training; --model {command.model} has had its own"
                )


def _survey(command: SegregateCommand) -> Report:
    from tundish.segregation import Survey

    mapped = command.out is not None  # of the synthetic billet
    survey = Survey(command.folder, **command.survey, section=mapped, progress=bar(), stage=shown)
    command.make_folder()
    return survey.run(None if command.out is None else command.out / "model")


def _clocked(write: Writer) -> Writer:
    """Shows on a terminal that something is drawn."""

    def written(path: Path) -> None:
        with clock("drawing"):
            write(path)

    return written
