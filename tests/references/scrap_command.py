"""What several tests of `tundish scrap` do with its output."""

from __future__ import annotations

import json
from typing import Any

import pytest


def json_of(result: tuple[int, str, str]) -> Any:
    """The JSON object that the command printed, and nothing else."""
    status, out, err = result
    assert (status, err) == (0, "")
    return json.loads(out, parse_constant=pytest.fail)
