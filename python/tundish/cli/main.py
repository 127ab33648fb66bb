"""The command line's entry: reads the arguments, runs the command, and turns errors into one line each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from tundish import __version__
from tundish.cli import (
    BAD_INPUT,
    BROKEN_PIPE,
    DONE,
    FAILED,
    INTERRUPTED,
    BadInputError,
    cast,
    crystallize,
    identify,
    info,
    reproduce,
    scrap,
    segregate,
)


class _Parser(argparse.ArgumentParser):
    """Refuses in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `tundish` with arguments (those of the process when None) and returns the exit status.

    0: done; 1: failed, such as a march that diverged; 2: bad input, one line on stderr; 130:
    interrupted; 141: nobody reads the output.
    """
    try:
        arguments = _parser().parse_args(argv)
    except SystemExit as end:
        return int(end.code or DONE)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except BadInputError as error:
        return _refused(arguments.prog, error, BAD_INPUT)
    except KeyboardInterrupt:
        return _refused(arguments.prog, "interrupted", INTERRUPTED)
    except BrokenPipeError:
        _leave_stdout()
        return BROKEN_PIPE
    except ImportError as error:  # of an optional package; the message has the command that installs it
        return _refused(arguments.prog, error, FAILED)
    except OSError as error:
        _leave_stdout()
        return _refused(arguments.prog, error, FAILED)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="tundish", description="Solvers for steelmaking and continuous casting.")
    parser.add_argument("--version", action="version", version=f"tundish {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (cast, crystallize, identify, info, reproduce, scrap, segregate):
        sub = command.add_to(commands)
        sub.set_defaults(run=command.run, prog=sub.prog)
    return parser


def _refused(prog: str, message: object, status: int) -> int:
    print(f"{prog}: {' '.join(str(message).split())}", file=sys.stderr)
    return status


def _leave_stdout() -> None:
    """Keeps the interpreter from writing what is left to a stream that takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
