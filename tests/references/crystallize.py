"""Options, records and results of `tundish crystallize`."""

from __future__ import annotations

import contextlib
import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tundish.crystallization import FrameSequence

SMALL = ("--window", "5", "--epochs", "1", "--horizons", "1,4", "--steps", "6", "--against", "persistence")
FEW = ("--horizons", "1,4", "--steps", "6", "--against", "persistence")
SETTINGS: dict[str, Any] = dict(window=5, epochs=1, horizons=(1, 4), image_size=None)
PICTURES = {"frames.png", "transformation.png", "forecast.png", "backtest.png", "training.png"}
COUNT = 60
FOLLOW = ("--follow", "--poll", "0.02", "--after", "40", "--window", "5", "--epochs", "1", "--steps", "4")

# The command line in a process of its own, whose pictures are files without content: to draw them takes
# seconds. It waits for half a file until a byte comes in, and must leave the handler of Ctrl-C as it was.
COMMAND = """
import math, os, signal, sys, threading
from tundish.cli.main import main
from tundish.crystallization import _arrivals, _follow, _report

def end_patience():
    os.read(0, 1)
    _arrivals._PATIENCE = 0.1

for module in (_report, _follow):
    module.picture = lambda plot: lambda path: path.touch()
_arrivals._PATIENCE = math.inf
threading.Thread(target=end_patience, daemon=True).start()
before = signal.getsignal(signal.SIGINT)
status = main(["crystallize", *sys.argv[1:]])
assert signal.getsignal(signal.SIGINT) is before
sys.exit(status)
"""

Result = tuple[int, str, str]
Run = Callable[..., Result]


def growing(count: int = COUNT, rng: int = 0) -> FrameSequence:
    """A disc that grows on a pool of dark melt as the law says; a reading that doubles a digit."""
    y, x = np.mgrid[:24, :24] - 11.5
    share = 1 - np.exp(-((np.clip(np.arange(count) - 5, 0, None) / (0.5 * count)) ** 2))
    inside = np.hypot(x, y) < 11
    radius = 11 * np.sqrt(share)
    grey = np.where(inside, 50, 20) + 120 * (np.hypot(x, y)[None] < radius[:, None, None])
    noisy = grey + np.random.default_rng(rng).normal(0, 3, (count, 24, 24))
    readings = 1200.0 + np.arange(count) % 3
    readings[20] = 12000
    return FrameSequence(
        np.clip(noisy, 0, 255).astype(np.uint8), np.arange(count, dtype=float), temperature=readings,
        mask=inside,
    )  # fmt: skip


@contextlib.contextmanager
def process(*argv: object) -> Iterator[subprocess.Popen[str]]:
    """COMMAND with these words, which is ended with the block. A signal to it reaches no test."""
    words = [sys.executable, "-c", COMMAND, *(str(word) for word in argv)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def series_text(count: int = COUNT, **changes: Any) -> list[list[str]]:
    """Rows of a series: two waves and a thermocouple."""
    n = np.arange(count)
    columns = [100 + n, 50 + np.sin(n / 5), 80 + np.cos(n / 7), 1100 + n]
    rows = [[f"{value:.6g}" for value in row] for row in zip(*columns, strict=True)]
    return [["time_s", "blue", "green", "thermocouple1_c"], *rows]


def write(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def json_of(result: Result) -> dict[str, Any]:
    status, out, err = result
    assert (status, err) == (0, "")
    found: dict[str, Any] = json.loads(out, parse_constant=pytest.fail)
    return found


def refused(result: Result, *words: object) -> None:
    status, out, err = result
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("tundish crystallize: ")
    for word in words:
        assert str(word) in err
