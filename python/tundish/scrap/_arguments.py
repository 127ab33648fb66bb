"""Arguments of this room, refused by name, and arrays that stay immutable."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tundish._common.arguments import names_of, pair


def listed(name: str, value: Any, of: str) -> list[Any]:
    """A list of what can be gone through; text is one thing and not many."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        things = iter(value)
    except TypeError:
        raise TypeError(f"{name} = {value!r}: must be a list of {of}") from None
    return list(things)


def names_among(name: str, value: Any, allowed: Iterable[str]) -> list[str]:
    """One or more names out of a known set, each at most once."""
    try:
        names = names_of(name, listed(name, value, "names"), allowed)
    except KeyError as error:
        raise ValueError(*error.args) from None
    if not names:
        raise ValueError(f"{name}: at least one name is needed")
    return names


def partition_pair(name: str, value: Any) -> tuple[float, float]:
    """c1 and c2, or what belongs to them: one number is not meant for both."""
    numbers = pair(name, listed(name, value, "two numbers, for c1 and c2"), "c1 and c2")
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"{name} = {numbers}: must be finite")
    return numbers


def restore(instance: object, state: dict[str, Any]) -> None:
    """Gives an instance what it was pickled with. NumPy forgets that its arrays were immutable."""
    for value in state.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    instance.__dict__.update(state)
