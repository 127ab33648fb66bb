"""The former names of what `tundish.cli._run` holds, until all commands have moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli._run import bar, clock, make_folder, note, reading, shown, write_files

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tundish.casting import Case

__all__ = [
    "bar",
    "case_of",
    "clock",
    "make_folder",
    "note",
    "plain",
    "shown",
    "write_files",
    "write_picture",
    "write_text",
]


def case_of(path: Path | None) -> Case:
    """The case in a file, the bundled one for None."""
    from tundish.casting import read_case

    with reading(path):
        return read_case(path)


def write_picture(plot: Callable[[], Figure], path: Path) -> None:
    """Draws and saves."""
    from tundish._common.reports import picture

    picture(plot)(path)


def write_text(content: str, path: Path) -> None:
    """Writes it as UTF-8."""
    from tundish._common.reports import text

    text(content)(path)


def plain(values: Any) -> Any:
    """A number or an array as JSON takes it."""
    from tundish._common.reports import plain as plain_values

    return plain_values(values)
