"""Reports of results: facts for programs, lines for people, files for both."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 150

Writer = Callable[[Path], None]


@dataclasses.dataclass(frozen=True)
class Report:
    """What is worth knowing of a result; `print(report)` shows it.

    - `facts`: by name, as JSON takes them (SI units unless the name ends in another): None stands for what
      is infinite or unknown.
    - `lines`: the same as a person reads it.
    - `files`: for each file that can be written, its name and the function that writes it to a path.
    """

    facts: Mapping[str, Any]
    lines: tuple[str, ...]
    files: Mapping[str, Writer] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def json(self) -> str:
        """The facts as one JSON object."""
        return json.dumps(dict(self.facts), allow_nan=False)

    def write(self, folder: str | PathLike[str]) -> list[Path]:
        """Writes every file into the folder, which is created if missing; their paths.

        Raises OSError where the folder cannot be written to, and ImportError naming the command that installs
        what a picture or a NetCDF file needs.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        for name, write in self.files.items():
            write(target / name)
        return [target / name for name in self.files]


def picture(plot: Callable[[], Figure]) -> Writer:
    """Draws a figure and saves it."""

    def write(path: Path) -> None:
        plot().savefig(path, dpi=_DPI)

    return write


def text(content: str) -> Writer:
    """Writes a text as UTF-8."""

    def write(path: Path) -> None:
        path.write_text(content, "utf-8")

    return write


def plain(values: Any) -> Any:
    """A number or an array as JSON takes it: None stands for what is infinite or unknown."""
    array = np.asarray(values, object)
    array[~np.isfinite(np.asarray(values, float))] = None
    return array.tolist()
