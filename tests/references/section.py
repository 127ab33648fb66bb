"""A small section, and what a run of `tundish segregate` gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

SIDE, SCALE = 16, 0.2
SMALL = ("--blocks", "2", "--epochs", "1", "--ensemble", "1")
PICTURES = {"predictions.png", "grad-cam.png", "errors.png", "map.png", "interval.png"}

Result = tuple[int, str, str]
Run = Callable[..., Result]


def json_of(result: Result) -> dict[str, Any]:
    """The object that a run without a word on stderr prints."""
    status, out, err = result
    assert (status, err) == (0, "")
    found: dict[str, Any] = json.loads(out, parse_constant=pytest.fail)
    return found
