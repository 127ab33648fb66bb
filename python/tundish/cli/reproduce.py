"""`tundish reproduce`: the published tables and figures, computed again."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE, BadInputError
from tundish.cli._run import Command, instruction_set, make_folder, reading, write_files
from tundish.cli.options.reproduce import add_to, completed

if TYPE_CHECKING:
    from tundish._common.reports import Report

__all__ = ["add_to", "run"]

_BACKBONES = ("vgg16", "vgg19", "inception-v3")


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReproduceCommand(Command):
    """`tundish reproduce`; what is left out has the paper's defaults, None is all."""

    paper: str
    table: int | None
    seed: int
    method: str | None
    runs: int
    seeds: int
    full: bool
    splits: int | None
    study: str | None
    weights: list[str]
    workers: int | None
    series: Path | None

    def __post_init__(self) -> None:
        for name, value in completed(vars(self)).items():
            object.__setattr__(self, name, value)

    @property
    def folder(self) -> Path:
        """The folder of the results."""
        return self.out or Path(self.paper)

    def record(self, kind: Callable[[Path, int], Any]) -> Any:
        """The runs in the folder, which is made."""
        make_folder(self.folder)
        file = self.folder / "runs.jsonl"
        try:
            return kind(file, self.seed)
        except OSError as error:
            raise BadInputError(f"{file}: {error.strerror}") from None
        except (KeyError, TypeError, ValueError) as error:
            raise BadInputError(f"{file}: not a record of runs: {error}") from None


def run(arguments: argparse.Namespace) -> int:
    """Computes what is missing, writes the report, prints it."""
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    command = ReproduceCommand.parse(arguments)
    if command.paper == "energies2020" and importlib.util.find_spec("scipy") is None:
        return command.failed('scipy is missing: pip install "tundish[optimize]"')
    try:
        report = _PAPERS[command.paper](command)
    except (ImportError, FloatingPointError) as error:
        return command.failed(error)
    files = write_files(command.prog, command.folder, report.files)
    print("\n".join([*report.lines, *(f"wrote {file}" for file in files)]))
    return DONE


def _energies2020(command: ReproduceCommand) -> Report:
    from tundish.reproduce import energies2020 as paper
    from tundish.reproduce.energies2020.report import reproduction

    tables = {**paper.PARAMETER_TABLES, **paper.TEMPERATURE_TABLES}
    experiments = paper.EXPERIMENTS if command.table is None else (tables[command.table],)
    methods = paper.METHODS if command.method is None else (command.method,)
    record = command.record(paper.Record)
    record.complete(experiments, methods, command.runs, command.note)
    return reproduction(record, command.table)


def _scrap2025(command: ReproduceCommand) -> Report:
    from tundish.reproduce import scrap2025 as paper
    from tundish.reproduce.scrap2025.report import reproduction

    record = command.record(paper.Record)
    record.complete(paper.TABLES if command.table is None else (command.table,), command.seeds, command.note)
    return reproduction(record, command.table)


def _segregation2025(command: ReproduceCommand) -> Report:
    weights = dict(_weights(text) for text in command.weights)
    from tundish.reproduce import segregation2025 as paper
    from tundish.reproduce.segregation2025.report import reproduction

    chosen = paper.configuration(command.full)
    studies = paper.STUDIES if command.study is None else (command.study,)
    record = command.record(paper.Record)
    workers = command.workers or (1 if command.full else os.cpu_count() or 1)
    try:
        record.complete(studies, chosen, command.splits, command.note, weights, workers)
    except ValueError as error:  # of a file of weights
        raise BadInputError(str(error)) from None
    return reproduction(record, chosen, studies)


def _flux2023(command: ReproduceCommand) -> Report:
    from tundish.reproduce import flux2023 as paper
    from tundish.reproduce.flux2023.report import reproduction

    own = []
    if command.series is not None:
        with reading(command.series):
            own = [paper.series_data(command.series)]
    record = command.record(paper.Record)
    records = [paper.synthetic_data(command.seed), *own]
    record.complete(records, command.note)
    return reproduction(record, records)


def _weights(text: str) -> tuple[str, Path]:
    """Backbone and file."""
    backbone, _, file = text.partition("=")
    if backbone not in _BACKBONES or not file:
        raise BadInputError(f"--weights {text}: must be {', '.join(_BACKBONES)}, then = and a file")
    if not Path(file).is_file():
        raise BadInputError(f"--weights {text}: there is no such file")
    return backbone, Path(file)


_PAPERS = {
    "energies2020": _energies2020,
    "scrap2025": _scrap2025,
    "segregation2025": _segregation2025,
    "flux2023": _flux2023,
}
