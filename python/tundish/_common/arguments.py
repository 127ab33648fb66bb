"""Arguments into plain numbers and arrays, refused by name when they are neither."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape, UnknownNameError, shown

Floats = NDArray[np.float64]


def number(name: str, value: object) -> float:
    """A float, or a TypeError that names the argument. Bools are no numbers."""
    if isinstance(value, bool | np.bool_ | str | bytes):
        raise ArgumentTypeError(name, value, "must be a number")
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise ArgumentTypeError(name, value, "must be a number") from None
    except OverflowError:
        raise ArgumentError(name, MISSING, "must be a number below 1e308") from None


def integer(name: str, value: object) -> int:
    """An int, or a TypeError that names the argument."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise ArgumentTypeError(name, value, "must be an integer")
    number = int(value)
    if abs(number) >= 2**31:
        raise ArgumentError(name, MISSING, "must be an integer below 2**31")
    return number


def count(name: str, value: object, least: int) -> int:
    """An int of at least so much."""
    found = integer(name, value)
    if found < least:
        raise ArgumentError(name, found, f"must be at least {least}")
    return found


def positive(name: str, value: object) -> float:
    """A finite float above 0."""
    found = number(name, value)
    if not (math.isfinite(found) and found > 0):
        raise ArgumentError(name, found, "must be finite and above 0")
    return found


def level_of(value: object) -> float:
    """A level between 0 and 1, or an error that names it."""
    level = number("level", value)
    if not 0 < level < 1:
        raise ArgumentError("level", level, "must lie between 0 and 1")
    return level


def pair(name: str, value: object, of: str = "face x and face y") -> tuple[float, float]:
    """Two floats, or one for both."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool):
        both = number(name, value)
        return both, both
    if not isinstance(value, Iterable) or isinstance(value, str | bytes):
        raise ArgumentTypeError(name, value, "must be a number or a pair of numbers")
    values = tuple(value)
    if len(values) != 2:
        raise ArgumentError(name, value, f"must be a pair of numbers, for {of}")
    return number(f"{name}[0]", values[0]), number(f"{name}[1]", values[1])


def floats(name: str, value: ArrayLike) -> Floats:
    """A float64 array of any shape; text, truth values and what is masked are no numbers."""
    if np.ma.is_masked(value):
        raise ArgumentTypeError(
            name, MISSING, "is masked in places; fill it with numbers, or NaN where that may be"
        )
    try:
        array = np.asarray(value)
        if array.size and array.dtype.kind not in "iuf":
            raise TypeError
        return np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentTypeError(name, MISSING, "must be an array of numbers") from None


def vector(name: str, value: ArrayLike) -> Floats:
    """A one-dimensional float64 array."""
    array = floats(name, value)
    if array.ndim != 1:
        raise ArgumentError(name, Shape(array.shape), "one dimension is allowed")
    return array


def choice(name: str, value: object, allowed: Sequence[str]) -> str:
    """One of a few words."""
    if not isinstance(value, str) or value not in allowed:
        raise ArgumentError(name, value, "must be " + " or ".join(repr(a) for a in allowed))
    return value


def names_of(name: str, value: Any, allowed: Iterable[str]) -> list[str]:
    """Names out of a known set, each at most once."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ArgumentTypeError(name, value, "must be a list of names")
    names = list(value)
    known = list(allowed)
    for n in names:
        if not isinstance(n, str) or n not in known:
            raise UnknownNameError(name, n, "is unknown; known are " + ", ".join(known))
        if names.count(n) > 1:
            raise ArgumentError(name, MISSING, f"{n!r} is given twice")
    return names


def some_names(name: str, value: Any, allowed: Iterable[str]) -> list[str]:
    """One or more names out of a known set, each at most once; an unknown one is a ValueError."""
    try:
        names = names_of(name, value, allowed)
    except UnknownNameError as error:
        text = f"{shown(error.value)} {error.allowed}"
        raise ArgumentError(error.argument, MISSING, text) from None
    if not names:
        raise ArgumentError(name, MISSING, "at least one name is needed")
    return names


def listed(name: str, value: Any, of: str) -> list[Any]:
    """The items of what can be gone through; text is one thing and not many."""
    try:
        if isinstance(value, str | bytes):
            raise TypeError
        items = iter(value)
    except TypeError:
        raise ArgumentTypeError(name, value, f"must be a list of {of}") from None
    return list(items)
