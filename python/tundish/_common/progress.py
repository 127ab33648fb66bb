"""A bar for long work, or a call into the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from tundish._common.optional import optional

Callback = Callable[[int, int], object]
E = TypeVar("E")


@contextmanager
def progress_callback(progress: bool | Callback, unit: str) -> Iterator[Callback | None]:
    """What to call with (done, all): nothing, the user's own function, or a bar on stderr."""
    if callable(progress):
        yield progress
        return
    if not progress:
        yield None
        return
    rich = optional("rich.progress", "progress")
    console = optional("rich.console", "progress").Console(stderr=True)
    columns = (rich.BarColumn(), rich.MofNCompleteColumn(), rich.TextColumn(unit), rich.TimeRemainingColumn())
    with rich.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(unit, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def epochs_callback(
    progress: bool | Callable[[E], object], tell: Callable[[E], tuple[int, int, str]]
) -> Iterator[Callable[[E], object]]:
    """What to call with each epoch: nothing, the user's own function, or a bar on stderr.

    `tell` says of an epoch how many are done, how many there are at most, and a text.
    """
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda epoch: None
        return
    rich = optional("rich.progress", "progress")
    console = optional("rich.console", "progress").Console(stderr=True)
    columns = (rich.BarColumn(), rich.TextColumn("{task.description}"), rich.TimeElapsedColumn())
    with rich.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("preparing", total=None)

        def report(epoch: E) -> None:
            done, total, text = tell(epoch)
            bar.update(task, completed=done, total=total, description=text)

        yield report
