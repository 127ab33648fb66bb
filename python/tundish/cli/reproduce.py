"""`tundish reproduce`: the published tables and figures, computed again."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tundish.cli import DONE, FAILED, BadInputError
from tundish.cli._common import make_folder, note, write_files, write_picture
from tundish.cli.info import instruction_set

_PAPERS = ("energies2020",)
_TABLES = range(1, 9)


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "reproduce",
        help="published tables and figures, theirs beside ours",
        description="Computes the tables and figures of a paper again and writes them beside the published "
        "numbers. energies2020: Tables 1 to 8 and Figures 4, 5 and 7 to 11 of Energies 2020, 13, 2429, by "
        "the published bee colony and by least squares; about an hour on two cores, or a table at a time.",
        epilog="What has been computed is kept in the folder: the same command goes on where it stopped.",
    )
    parser.add_argument("paper", choices=_PAPERS, help="which paper")
    parser.add_argument(
        "--table", metavar="N", type=int, choices=_TABLES, help="only what Table N (1 to 8) needs"
    )
    parser.add_argument("--method", choices=["bee-colony", "least-squares"], help="only this search")
    parser.add_argument("--runs", metavar="N", type=int, default=10, help="of the colony (default 10)")
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of noise and searches (default 0)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="folder of what is written (default: the paper's name)",
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Computes what is missing, writes the report, prints it."""
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    if arguments.runs < 1:
        raise BadInputError(f"--runs {arguments.runs}: must be at least 1")
    if arguments.seed < 0:
        raise BadInputError(f"--seed {arguments.seed}: must not be negative")
    if importlib.util.find_spec("scipy") is None:
        note(arguments.prog, 'scipy is missing: pip install "tundish[optimize]"')
        return FAILED
    return _energies2020(arguments)


def _energies2020(arguments: argparse.Namespace) -> int:
    from tundish.reproduce import _energies2020_report as report
    from tundish.reproduce import energies2020 as paper

    folder = arguments.out or Path(arguments.paper)
    make_folder(folder)
    tables = {**paper.PARAMETER_TABLES, **paper.TEMPERATURE_TABLES}
    experiments = paper.EXPERIMENTS if arguments.table is None else (tables[arguments.table],)
    methods = paper.METHODS if arguments.method is None else (arguments.method,)
    record = _record(folder / "runs.jsonl", arguments.seed)
    record.complete(experiments, methods, arguments.runs, partial(note, arguments.prog))

    numbers = sorted(tables) if arguments.table is None else [arguments.table]
    writers: dict[str, Callable[[Path], None]] = {"README.md": partial(_write, report.page(record))}
    for number, draw in report.figures(record):
        writers[f"figure-{number}.png"] = partial(write_picture, draw)
    files = write_files(arguments.prog, folder, writers)
    texts = [report.table(n, record) for n in numbers]
    texts += [report.two_sensors(record)] if arguments.table is None else []
    print("\n\n".join([*texts, report.effort(record, experiments)]))
    for file in files:
        print(f"wrote {file}")
    return DONE


def _record(file: Path, seed: int) -> Any:
    from tundish.reproduce.energies2020 import Record

    try:
        return Record(file, seed)
    except OSError as error:
        raise BadInputError(f"{file}: {error.strerror}") from None
    except (ValueError, TypeError) as error:
        raise BadInputError(f"{file}: not a record of runs: {error}") from None


def _write(text: str, path: Path) -> None:
    path.write_text(text, "utf-8")
