"""Options, records and results of `tundish crystallize`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
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
