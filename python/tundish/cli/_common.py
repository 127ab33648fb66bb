"""What several commands need: the case, files to write, signs of life, plain numbers."""

from __future__ import annotations

import importlib.util
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tundish.cli import BadInputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tundish.casting import Case

_DPI = 150
_TICK = 1.0  # s between signs of life on a terminal


def note(prog: str, message: object) -> None:
    """One line on stderr."""
    print(f"{prog}: {message}", file=sys.stderr)


def case_of(path: Path | None) -> Case:
    """The case in a file, the bundled one for None."""
    from tundish.casting import read_case

    try:
        return read_case(path)
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise BadInputError(str(error)) from None


def make_folder(folder: Path) -> None:
    """Makes the folder of --out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise BadInputError(f"--out {folder}: is a file; a folder is needed") from None
    except OSError as error:
        raise BadInputError(f"--out {folder}: {error.strerror}") from None


def write_files(prog: str, folder: Path, writers: Mapping[str, Callable[[Path], None]]) -> list[str]:
    """Writes what this installation can into the folder; the files' names."""
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


def write_picture(plot: Callable[[], Figure], path: Path) -> None:
    """Draws and saves."""
    plot().savefig(path, dpi=_DPI)


def write_text(text: str, path: Path) -> None:
    """Writes it as UTF-8."""
    path.write_text(text, "utf-8")


def plain(values: Any) -> Any:
    """A number or an array as JSON takes it: None stands for what is infinite or unknown."""
    import numpy as np

    array = np.asarray(values, object)
    array[~np.isfinite(np.asarray(values, float))] = None
    return array.tolist()


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
    """Whether a bar can be shown."""
    return sys.stderr.isatty() and importlib.util.find_spec("rich") is not None


def shown(work: str) -> Any:
    """Around work that shows a bar where it can: a clock, where it cannot."""
    return nullcontext() if bar() else clock(work)
