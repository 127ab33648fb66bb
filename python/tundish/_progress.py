"""A bar for long work, or a call into the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tundish._arrays import optional

Callback = Callable[[int, int], object]


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
