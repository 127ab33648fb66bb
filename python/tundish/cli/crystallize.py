"""`tundish crystallize`: what a mould flux does under the camera, and what it will do next."""

from __future__ import annotations

import _thread
import argparse
import contextlib
import json
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tundish.cli import DONE
from tundish.cli._crystallize_command import CrystallizeCommand
from tundish.cli._run import bar, clock, instruction_set, timed
from tundish.cli.options.crystallize import add_to

if TYPE_CHECKING:
    from tundish.crystallization import Analysis, AnalysisSettings, FluxForecaster

__all__ = ["add_to", "run"]


def run(arguments: argparse.Namespace) -> int:
    """Reads, fits, backtests, forecasts, writes the files asked for, prints the result."""
    instruction_set()  # refuses a TUNDISH_ISA that cannot be had
    command = CrystallizeCommand.parse(arguments)
    with command.refusing():
        settings = command.settings()
    command.check()
    try:
        return _follow(command, settings) if command.follow else _analyse(command, settings)
    except FloatingPointError as error:
        return command.failed(error)


def _analyse(command: CrystallizeCommand, settings: AnalysisSettings) -> int:
    from tundish.crystallization import report

    analysis, seconds = timed(lambda: _analysis(command, settings))
    for remark in analysis.remarks:
        command.note(remark)
    source = None if command.model is None else str(command.model)
    found = report(analysis, source=source, seconds=seconds)
    with contextlib.nullcontext() if command.out is None else clock("drawing"):
        command.show(found, width=16)
    return DONE


def _analysis(command: CrystallizeCommand, settings: AnalysisSettings) -> Analysis:
    from tundish.crystallization import analyse, model_columns, read_record

    progress = bar() or clock
    with command.refusing():
        model = _model(command, settings)
        columns = command.column if model is None else model_columns(model, command.record)
        record = read_record(
            command.record, columns=columns, programme=command.programme, pattern=command.pattern,
            frames_per_second=command.frames_per_second, crystals=command.crystals, skip=command.skip,
            seed=settings.seed, progress=progress,
        )  # fmt: skip
    command.make_folder()
    with command.refusing(record.name):
        return analyse(record, settings, model=model, progress=progress)


def _model(command: CrystallizeCommand, settings: AnalysisSettings) -> FluxForecaster | None:
    from tundish.crystallization import FluxForecaster

    return None if command.model is None else FluxForecaster.load(command.model, settings.device)


def _follow(command: CrystallizeCommand, settings: AnalysisSettings) -> int:
    from tundish.crystallization import Notice, follow

    after: dict[str, Any] = {} if command.after is None else {"after": command.after}
    poll: dict[str, Any] = {} if command.poll is None else {"poll": command.poll}
    with command.refusing():
        following = follow(
            command.record or "", settings, columns=command.column, model=_model(command, settings),
            frames_per_second=command.frames_per_second, pattern=command.pattern,
            crystals=command.crystals or "bright", out=command.out, **after,
        )  # fmt: skip
    with _until_interrupted() as ended:
        with command.refusing():
            events = following.watch(seconds=command.follow_seconds, ended=ended, **poll)
        command.make_folder()
        for event in events:
            if isinstance(event, Notice):
                command.note(event.text)
            else:
                line = json.dumps(event.facts(), allow_nan=False) if command.json else str(event)
                print(line, flush=True)
    command.show(following.report(), width=len("wrote "))
    return DONE


@contextlib.contextmanager
def _until_interrupted() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; what is under way is ended in order. A second one interrupts."""
    ended = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield ended
        return

    def end(*_: object) -> None:
        # In another thread: this one may be within `ended.wait`, and hold the lock that `set` takes.
        _thread.start_new_thread(ended.set, ())
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGINT, before)
