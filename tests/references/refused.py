"""What no argument that is one number may be, and a check that all of it is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

REFUSALS = (ValueError, TypeError, KeyError)
nan, inf = float("nan"), float("inf")

NO_NUMBERS: list[Any] = [
    nan, inf, -inf, "", "1.0", "fast", b"1", None, True, False, np.True_, 1j, object(), [], [0.1], {}, (1, 2),
    np.array([0.1]), np.array([[0.1, 0.2]]), 10**400, -(10**400), int, "\x00",
]  # fmt: skip
NOT_POSITIVE: list[Any] = [0.0, -1.0, -1e-300, -0.0, np.float32(-2.0)]


def refuses(call: Callable[[Any], Any], values: list[Any], name: str) -> None:
    """Every one of `values`, naming the argument."""
    misses = []
    for value in values:
        try:
            call(value)
        except REFUSALS as error:
            if name not in str(error):
                misses.append(f"{value!r}: {type(error).__name__} that does not name {name}: {error}")
        except Exception as error:
            misses.append(f"{value!r}: {type(error).__name__}: {error}")
        else:
            misses.append(f"{value!r} is taken")
    assert not misses, f"{name}:\n" + "\n".join(misses)
