"""`tundish reproduce`: the published tables and figures, computed again."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tundish.cli import DONE, FAILED, BadInputError
from tundish.cli._common import make_folder, note, write_files, write_picture, write_text
from tundish.cli.info import instruction_set

# The tables of each paper that can be computed.
_TABLES: dict[str, Sequence[int]] = {
    "energies2020": range(1, 9),
    "scrap2025": range(2, 6),
    "segregation2025": (),
    "flux2023": (),
}
# The options that only one paper has, and what they are when left out.
_OWN: dict[str, dict[str, Any]] = {
    "energies2020": {"method": None, "runs": 10},
    "scrap2025": {"seeds": 5},
    "segregation2025": {"full": False, "splits": None, "study": None, "weights": [], "workers": None},
    "flux2023": {"series": None},
}
_BACKBONES = ("vgg16", "vgg19", "inception-v3")
_STUDIES = (
    "protocol", "models", "transfer", "augmentation", "blocks", "dense", "enhancement", "billets",
)  # fmt: skip


def add_to(commands: Any) -> argparse.ArgumentParser:
    """Adds the command to the parser's subparsers."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "reproduce",
        help="published tables and figures, theirs beside ours",
        description="Computes the tables and figures of a paper again and writes them beside the published "
        "numbers. energies2020: Tables 1 to 8 and Figures 4, 5 and 7 to 11 of Energies 2020, 13, 2429, by "
        "the published bee colony and by least squares; about an hour on two cores, or a table at a time. "
        "scrap2025: Tables 2 to 5 and Figures 1 to 4 of arXiv:2504.11319, over several simulations; about a "
        "minute. segregation2025: Supplementary Tables 1 and 2 and Figures 4 to 8 of "
        "doi:10.20517/jmi.2025.73 on synthetic billets; reduced to about twenty minutes on two cores, or "
        "--full on a GPU. flux2023: the mould-flux paper's comparison of SARIMA, ARIMA and CNN-LSTM, on a "
        "synthetic sequence and a --series of your own; a few minutes.",
        epilog="What has been computed is kept in the folder: the same command goes on where it stopped.",
    )
    parser.add_argument("paper", choices=list(_TABLES), help="which paper")
    parser.add_argument(
        "--table", metavar="N", type=int, help="only what Table N needs (1 to 8; 2 to 5 of scrap2025)"
    )
    parser.add_argument("--seed", metavar="N", type=int, default=0, help="of noise and searches (default 0)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="folder of what is written (default: the paper's name)",
    )
    energies = parser.add_argument_group("energies2020")
    energies.add_argument("--method", choices=["bee-colony", "least-squares"], help="only this search")
    energies.add_argument("--runs", metavar="N", type=int, help="of the colony (default 10)")
    scrap = parser.add_argument_group("scrap2025")
    scrap.add_argument("--seeds", metavar="N", type=int, help="number of simulations (default 5)")
    segregation = parser.add_argument_group("segregation2025")
    segregation.add_argument(
        "--full",
        action="store_const",
        const=True,
        help="patches of 224 px and the published training, for a GPU",
    )
    segregation.add_argument(
        "--splits", metavar="N", type=int, help="into training and test (default: 5 in full)"
    )
    segregation.add_argument(
        "--weights",
        metavar="BACKBONE=FILE",
        action="append",
        help="of vgg16, vgg19 or inception-v3, trained on ImageNet, as torchvision publishes them",
    )
    segregation.add_argument(
        "--workers",
        metavar="N",
        type=int,
        help="processes of one thread each, side by side (default: one a processor; 1 with --full)",
    )
    segregation.add_argument("--study", choices=_STUDIES, help="only this one")
    flux = parser.add_argument_group("flux2023")
    flux.add_argument(
        "--series", metavar="FILE", type=Path, help="CSV file with a column time_s and columns of values"
    )
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Computes what is missing, writes the report, prints it."""
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    _check(arguments)
    if arguments.paper == "scrap2025":
        return _scrap2025(arguments)
    if arguments.paper == "segregation2025":
        return _segregation2025(arguments)
    if arguments.paper == "flux2023":
        return _flux2023(arguments)
    if importlib.util.find_spec("scipy") is None:
        note(arguments.prog, 'scipy is missing: pip install "tundish[optimize]"')
        return FAILED
    return _energies2020(arguments)


def _check(arguments: argparse.Namespace) -> None:
    """Fills in what was left out of the paper's own options; refuses others and numbers that cannot be."""
    for paper, options in _OWN.items():
        for name, value in options.items():
            if getattr(arguments, name) is None:
                setattr(arguments, name, value)
            elif paper != arguments.paper:
                raise BadInputError(f"--{name}: is for {paper} alone")
    tables = _TABLES[arguments.paper]
    if arguments.table is not None and not tables:
        hint = "; see --study" if arguments.paper == "segregation2025" else ""
        raise BadInputError(f"--table: is not for {arguments.paper}{hint}")
    if arguments.table is not None and arguments.table not in tables:
        raise BadInputError(f"--table {arguments.table}: must be {tables[0]} to {tables[-1]}")
    for name in ("runs", "seeds", "splits", "workers"):
        count = getattr(arguments, name)
        if count is not None and count < 1:
            raise BadInputError(f"--{name} {count}: must be at least 1")
    if arguments.seed < 0:
        raise BadInputError(f"--seed {arguments.seed}: must not be negative")


def _energies2020(arguments: argparse.Namespace) -> int:
    from tundish.reproduce import energies2020 as paper
    from tundish.reproduce.energies2020 import report

    folder = arguments.out or Path(arguments.paper)
    make_folder(folder)
    tables = {**paper.PARAMETER_TABLES, **paper.TEMPERATURE_TABLES}
    experiments = paper.EXPERIMENTS if arguments.table is None else (tables[arguments.table],)
    methods = paper.METHODS if arguments.method is None else (arguments.method,)
    record = _record(paper.Record, folder, arguments.seed)
    record.complete(experiments, methods, arguments.runs, partial(note, arguments.prog))

    numbers = sorted(tables) if arguments.table is None else [arguments.table]
    writers: dict[str, Callable[[Path], None]] = {"README.md": partial(write_text, report.page(record))}
    for number, draw in report.figures(record):
        writers[f"figure-{number}.png"] = partial(write_picture, draw)
    files = write_files(arguments.prog, folder, writers)
    texts = [report.table(n, record) for n in numbers]
    texts += [report.two_sensors(record)] if arguments.table is None else []
    print("\n\n".join([*texts, report.effort(record, experiments)]))
    for file in files:
        print(f"wrote {file}")
    return DONE


def _scrap2025(arguments: argparse.Namespace) -> int:
    from tundish.reproduce import scrap2025 as paper
    from tundish.reproduce.scrap2025 import report

    folder = arguments.out or Path(arguments.paper)
    make_folder(folder)
    numbers = paper.TABLES if arguments.table is None else (arguments.table,)
    record = _record(paper.Record, folder, arguments.seed)
    record.complete(numbers, arguments.seeds, partial(note, arguments.prog))

    writers: dict[str, Callable[[Path], None]] = {"README.md": partial(write_text, report.page(record))}
    for number, draw in report.figures(record):
        writers[f"figure-{number}.png"] = partial(write_picture, draw)
    files = write_files(arguments.prog, folder, writers)
    print("\n\n".join(report.table(number, record) for number in numbers))
    for file in files:
        print(f"wrote {file}")
    return DONE


def _segregation2025(arguments: argparse.Namespace) -> int:
    weights = dict(_weights(text) for text in arguments.weights)
    try:
        from tundish.reproduce import _segregation2025_report as report
        from tundish.reproduce import segregation2025 as paper

        chosen = paper.configuration(arguments.full)
        folder = arguments.out or Path(arguments.paper)
        make_folder(folder)
        studies = paper.STUDIES if arguments.study is None else (arguments.study,)
        record = _record(paper.Record, folder, arguments.seed)
        workers = arguments.workers or (1 if arguments.full else os.cpu_count() or 1)
        tell = partial(note, arguments.prog)
        record.complete(studies, chosen, arguments.splits, tell, weights, workers)
    except (ImportError, FloatingPointError) as error:
        note(arguments.prog, error)
        return FAILED
    except ValueError as error:  # of a file of weights
        raise BadInputError(str(error)) from None
    text = report.page(record, chosen)
    writers: dict[str, Callable[[Path], None]] = {"README.md": partial(write_text, text)}
    for number, draw in report.figures(record, chosen):
        writers[f"figure-{number}.png"] = partial(write_picture, draw)
    files = write_files(arguments.prog, folder, writers)
    done = [study for study in studies if record.has(study, chosen)]
    print("\n\n".join(report.table(study, record, chosen) for study in done))
    for file in files:
        print(f"wrote {file}")
    return DONE


def _flux2023(arguments: argparse.Namespace) -> int:
    try:
        from tundish.reproduce import _flux2023_report as report
        from tundish.reproduce import flux2023 as paper

        own = [] if arguments.series is None else [paper.series_data(arguments.series)]
        folder = arguments.out or Path(arguments.paper)
        make_folder(folder)
        record = _record(paper.Record, folder, arguments.seed)
        records = [paper.synthetic_data(arguments.seed), *own]
        record.complete(records, partial(note, arguments.prog))
    except (ImportError, FloatingPointError) as error:
        note(arguments.prog, error)
        return FAILED
    except OSError as error:
        raise BadInputError(f"{error.filename}: {error.strerror}" if error.filename else error) from None
    except ValueError as error:
        raise BadInputError(str(error)) from None
    text = report.page(record, records)
    writers: dict[str, Callable[[Path], None]] = {"README.md": partial(write_text, text)}
    for name, draw in report.figures(record, records):
        writers[f"{name}.png"] = partial(write_picture, draw)
    files = write_files(arguments.prog, folder, writers)
    parts = [report.statements(record, records[0]), *(report.section(record, data) for data in records)]
    print("\n\n".join(parts))
    for file in files:
        print(f"wrote {file}")
    return DONE


def _weights(text: str) -> tuple[str, Path]:
    """Backbone and file."""
    backbone, _, file = text.partition("=")
    if backbone not in _BACKBONES or not file:
        raise BadInputError(f"--weights {text}: must be {', '.join(_BACKBONES)}, then = and a file")
    if not Path(file).is_file():
        raise BadInputError(f"--weights {text}: there is no such file")
    return backbone, Path(file)


def _record(kind: Callable[[Path, int], Any], folder: Path, seed: int) -> Any:
    file = folder / "runs.jsonl"
    try:
        return kind(file, seed)
    except OSError as error:
        raise BadInputError(f"{file}: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise BadInputError(f"{file}: not a record of runs: {error}") from None
