"""A folder into which frames arrive, in the order of their times."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.images import read_image
from tundish._common.refusals import RefusalError
from tundish.crystallization.frames._folder import FrameNames, image_files

_PATIENCE = 5.0  # s that a file which cannot be read may stand still before it is taken for damaged


class Arrival(NamedTuple):
    """A frame that can be read."""

    file: Path
    time: float
    image: NDArray[np.uint8]


class Arrivals:
    """The frames of a folder in the order of their times, each once, when they are whole.

    A file that cannot be read may be half written: those after it wait, until it can be read or has not
    changed for a while. `left_out`: (file, why) of what is not taken.
    """

    def __init__(self, folder: Path, frames_per_second: float | None, pattern: str | None = None) -> None:
        self._folder, self._names = folder, FrameNames(frames_per_second, pattern)
        self._done: set[str] = set()
        self._waiting: dict[str, tuple[tuple[int, int], float]] = {}
        self._last = float("-inf")
        self.left_out: list[tuple[str, str]] = []

    def skip_to(self, seconds: float) -> None:
        """Leaves out the frames up to this time, which are known already."""
        for file in self._files():
            of_file = self._time(file)
            if of_file is not None and of_file <= seconds:
                self._done.add(file.name)
        self._last = seconds

    def new(self) -> Iterator[Arrival]:
        """Those that have become whole since the last call."""
        timed = [(seconds, file) for file in self._files() if (seconds := self._time(file)) is not None]
        for seconds, file in sorted(timed):
            if seconds <= self._last:
                self._leave(file, f"of {seconds:g} s came after the frame of {self._last:g} s")
                continue
            try:
                image = read_image(file)
            except FileNotFoundError:  # taken away by whoever wrote it
                continue
            except ValueError as error:
                if not self._stands_still(file):
                    return
                self._leave(file, _why(error))
                continue
            self._done.add(file.name)
            self._last = seconds
            yield Arrival(file, seconds, image)

    def _files(self) -> list[Path]:
        return [file for file in image_files(self._folder) if file.name not in self._done]

    def _time(self, file: Path) -> float | None:
        try:
            return self._names.seconds(file)
        except ValueError as error:
            self._leave(file, _why(error))
            return None

    def _stands_still(self, file: Path) -> bool:
        """Whether it has not changed for some seconds."""
        try:
            found = file.stat()
        except FileNotFoundError:
            return False
        state, now = (found.st_size, found.st_mtime_ns), time.monotonic()
        before, since = self._waiting.get(file.name, (None, now))
        self._waiting[file.name] = (state, since if before == state else now)
        return before == state and now - since >= _PATIENCE

    def _leave(self, file: Path, why: str) -> None:
        self._done.add(file.name)
        self.left_out.append((file.name, why))


def _why(error: ValueError) -> str:
    """What is wrong with a file, without its name."""
    return error.allowed if isinstance(error, RefusalError) else str(error)
