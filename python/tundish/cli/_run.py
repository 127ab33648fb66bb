"""What every command does alike: options with types, refusals in its own words, a report shown and written.

A command parses the command line into a :class:`Command` of its own, calls the package, and hands the report
to :meth:`Command.show`:

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class CastCommand(Command):
        case: Path | None

    def run(arguments: argparse.Namespace) -> int:
        command = CastCommand.parse(arguments)
        ...
        command.show(report)
        return DONE
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from tundish.cli import FAILED, BadInputError

if TYPE_CHECKING:
    from tundish._common.refusals import RefusalError
    from tundish._common.reports import Report, Writer

T = TypeVar("T")

_TICK = 1.0  # s between two updates of the clock on a terminal


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """The command line with a type for every option; each command adds its own fields.

    - `prog`: "tundish cast", which begins every line on stderr.
    - `out`: the folder of --out. `json`: whether --json was given.
    """

    prog: str
    out: Path | None = None
    json: bool = False

    @classmethod
    def parse(cls, arguments: argparse.Namespace) -> Self:
        """The fields' values by their names, those that the parser has not left at their defaults."""
        given = vars(arguments)
        return cls(**{f.name: given[f.name] for f in dataclasses.fields(cls) if f.name in given})

    def note(self, message: object) -> None:
        """One line on stderr."""
        note(self.prog, message)

    def make_folder(self) -> None:
        """Makes the folder of --out, if it was given; before any long work."""
        if self.out is not None:
            make_folder(self.out)

    def show(self, report: Report, width: int = 17) -> None:
        """Writes the report's files to --out and prints it: its lines, or its facts as one JSON object.

        The files written become the fact "files" and a line each, whose first column is `width` wide.
        """
        files = [] if self.out is None else write_files(self.prog, self.out, report.files)
        if self.json:
            print(json.dumps(dict(report.facts) | {"files": files}, allow_nan=False))
        else:
            print("\n".join([*report.lines, *(f"{'wrote':<{width}}{file}" for file in files)]))

    def failed(self, message: object, status: int = FAILED) -> int:
        """The reason on stderr, after all that was printed; the exit status."""
        sys.stdout.flush()
        self.note(message)
        return status


def instruction_set() -> str:
    """The build of the kernels in use; BadInputError when `TUNDISH_ISA` asks for one that cannot be had."""
    from tundish import _core

    try:
        return str(_core.instruction_set())
    except RuntimeError as error:
        raise BadInputError(str(error)) from None


def note(prog: str, message: object) -> None:
    """One line on stderr."""
    print(f"{prog}: {message}", file=sys.stderr)


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Around the reading of a file: what is wrong with it is bad input."""
    try:
        yield
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror or error}") from None
    except (KeyError, ValueError) as error:  # of a reader, which names the file
        raise BadInputError(message_of(error)) from None


@contextmanager
def refused(
    options: Mapping[str, str], place: object, files: Mapping[str, object] | None = None
) -> Iterator[None]:
    """Around calls of the package: what they refuse is bad input, presented by :func:`renamed`."""
    from tundish._common.refusals import RefusalError

    try:
        yield
    except RefusalError as error:
        raise BadInputError(str(renamed(error, options, place, files))) from None
    except ValueError as error:
        raise BadInputError(f"{place}: {error}") from None


def renamed(
    error: RefusalError,
    options: Mapping[str, str],
    place: object,
    files: Mapping[str, object] | None = None,
) -> RefusalError:
    """The refusal in the words of the command line, unless it names a file itself.

    - `options`: the options that arguments came from: {"runs": "--runs"}.
    - `files`: the files that arguments were read from: {"measurements": "readings.csv"}.
    - `place`: where everything else stands.
    """
    if error.file is not None:
        return error
    for argument, option in options.items():
        if (rest := error.rest_of(argument)) is not None:
            return error.named(option + rest)
    for argument, file in (files or {}).items():
        if (rest := error.rest_of(argument)) is not None:
            return error.named(rest.lstrip(".")).at(file) if rest else error.named(str(file))
    return error.at(place)


def message_of(error: BaseException) -> str:
    """The message of an error; that of a KeyError without its quotes."""
    return str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)


def make_folder(folder: Path) -> None:
    """Makes the folder of --out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInputError(f"--out {folder}: is a file; a folder is needed") from None
    except OSError as error:
        raise BadInputError(f"--out {folder}: {error.strerror}") from None


def write_files(prog: str, folder: Path, writers: Mapping[str, Writer]) -> list[str]:
    """Writes the files that this installation can write into the folder; their paths."""
    files = []
    for name, write in writers.items():
        try:
            write(folder / name)
        except ImportError as error:
            note(prog, f"{name} is not written: {error}")
        except OSError as error:
            raise BadInputError(f"--out {folder / name}: {error.strerror or error}") from None
        else:
            files.append(str(folder / name))
    return files


@contextmanager
def clock(work: str) -> Iterator[None]:
    """Shows on a terminal, every second, how long the work has been going on."""
    done = threading.Event()
    started = time.monotonic()

    def tick() -> None:
        while not done.wait(_TICK):
            print(f"\r{work}, {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)

    thread = threading.Thread(target=tick, daemon=True)
    if sys.stderr.isatty():
        thread.start()
    try:
        yield
    finally:
        done.set()
        if thread.ident is not None:
            thread.join()
            print("\r\033[K", end="", file=sys.stderr, flush=True)


def bar() -> bool:
    """Whether a progress bar can be shown."""
    return sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


def shown(work: str) -> Any:
    """Around work that shows a bar where it can: a clock, where it cannot."""
    return nullcontext() if bar() else clock(work)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """The result of some work, and the seconds it took."""
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started
