"""What the studies share: records of runs, tables in Markdown, and the report of a page with figures."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from tundish._common.reports import Report, picture, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class AnyRun(Protocol):
    """A named tuple that says which seed it belongs to."""

    @property
    def seed(self) -> int: ...

    def _asdict(self) -> dict[str, Any]: ...


R = TypeVar("R", bound=AnyRun)


class RunRecord(ABC, Generic[R]):
    """All runs so far, in a file of one JSON object a line: what is there is not done again.

    - `file`: is created with the first run. `seed`: runs of other seeds stay in the file and are not used.

    Raises OSError where the file cannot be read, and ValueError, KeyError or TypeError where it is not a
    record.
    """

    def __init__(self, file: Path, seed: int = 0) -> None:
        self.file, self.seed = file, seed
        self._start()
        for line in whole_lines(file):
            self._take(self._read(json.loads(line)))

    @abstractmethod
    def _start(self) -> None:
        """Makes the place for the runs."""

    @abstractmethod
    def _read(self, fields: dict[str, Any]) -> R:
        """The run of a line."""

    @abstractmethod
    def _keep(self, run: R) -> None:
        """Keeps a run of this seed."""

    def _take(self, run: R) -> None:
        if run.seed == self.seed:
            self._keep(run)

    def add(self, runs: Iterable[R]) -> None:
        """Appends runs to the file, and keeps them as they will be read from it."""
        lines = [self._line(run) for run in runs]
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        for line in lines:
            self._take(self._read(json.loads(line)))

    def _line(self, run: R) -> str:
        return json.dumps(run._asdict())


def whole_lines(file: Path) -> list[str]:
    """The lines of a record, none if there is no file.

    The last line of a run that was killed may be half a line: it is taken off the file, so that what is
    added next begins a line.
    """
    if not file.exists():
        return []
    found = file.read_text("utf-8")
    whole = found[: found.rfind("\n") + 1]
    if whole != found:
        file.write_text(whole, "utf-8")
    return whole.splitlines()


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def report_of(
    paper: str,
    record: RunRecord[Any],
    page: str,
    texts: Iterable[str],
    figures: Iterable[tuple[str, Callable[[], Figure]]],
) -> Report:
    """The report of a study: `texts` are its lines; README.md is the page, beside a PNG file a figure."""
    files = {"README.md": text(page)} | {f"{name}.png": picture(draw) for name, draw in figures}
    facts = {"paper": paper, "seed": record.seed}
    return Report(facts, tuple("\n\n".join(texts).splitlines()), files)
