"""Checks of what comes with frames: times, masks, and what crystals look like."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, floats, vector
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape

LOOKS = ("bright", "dark")  # of crystals beside the melt


class Quantity(float):
    """A number that messages show with its unit."""

    unit: str

    def __new__(cls, value: float, unit: str) -> Self:
        found = super().__new__(cls, value)
        found.unit = unit
        return found

    def __reduce__(self) -> tuple[type[Quantity], tuple[float, str]]:
        return type(self), (float(self), self.unit)

    def __format__(self, how: str) -> str:
        return f"{float(self):{how}} {self.unit}"


def rising(name: str, value: ArrayLike, *, twice: bool = False) -> Floats:
    """(T,) s, finite and rising, or also the same `twice`; ValueError naming the first index that is not."""
    seconds = vector(name, value)
    bad = np.flatnonzero(~np.isfinite(seconds))
    if bad.size:
        raise ArgumentError(f"{name}[{bad[0]}]", float(seconds[bad[0]]), "must be finite")
    bad = np.flatnonzero(np.diff(seconds) < 0 if twice else np.diff(seconds) <= 0)
    if bad.size:
        n = int(bad[0]) + 1
        what = "is given twice" if seconds[n] == seconds[n - 1] else "runs backwards"
        raise ArgumentError(
            f"{name}[{n}]", Quantity(seconds[n], "s"), f"{what} after {seconds[n - 1]:g} s; must rise"
        )
    return seconds


def checked_mask(value: ArrayLike, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """(H, W) bool of this size that is True somewhere, or an error that names `mask`."""
    mask = np.asarray(value)
    if mask.dtype != bool:
        raise ArgumentTypeError("mask", MISSING, f"is {mask.dtype}; bool is needed")
    if mask.shape != size:
        raise ArgumentError("mask", Shape(mask.shape), f"{size}, that of a frame, is needed")
    if not mask.any():
        raise ArgumentError("mask", MISSING, "leaves nothing of the frames")
    return mask


def checked_crystals(value: str) -> str:
    """ "bright" or "dark", or an error that names `crystals`."""
    return choice("crystals", value, LOOKS)


def checked_images(images: ArrayLike) -> NDArray[np.uint8]:
    """(T, H, W), or (T, H, W, 3) in colour, levels of 0 to 255."""
    try:
        array = np.asarray(images)
    except ValueError:
        raise ArgumentError("images", MISSING, "frames differ in size; one size is needed") from None
    if array.dtype.kind not in "iuf":
        raise ArgumentTypeError("images", MISSING, f"are {array.dtype}; levels of 0 to 255 are needed")
    if array.ndim == 4 and array.shape[-1] in (3, 4):
        array = array[..., :3]
    elif array.ndim != 3:
        needed = "(T, H, W), or (T, H, W, 3) in colour, is needed"
        raise ArgumentError("images", Shape(array.shape), needed)
    if 0 in array.shape:
        raise ArgumentError("images", Shape(array.shape), "no axis may be empty")
    if array.dtype == np.uint8:
        return array
    bad = ~((array >= 0) & (array <= 255)).reshape(len(array), -1).all(axis=1)
    if bad.any():
        raise ArgumentError(
            f"images[{np.argmax(bad)}]", MISSING, "has levels that are NaN or not from 0 to 255"
        )
    if array.dtype.kind == "f" and 0 < array.max() <= 1:
        allowed = "have levels of 0 to 1; 0 to 255 are needed, so multiply by 255"
        raise ArgumentError("images", MISSING, allowed)
    return np.asarray(np.rint(array), np.uint8)


def checked_readings(value: ArrayLike, count: int) -> Floats:
    """(T,) or (T, k) degC, NaN where there is no reading."""
    readings = floats("temperature", value)
    if readings.ndim not in (1, 2) or len(readings) != count or not readings.size:
        raise ArgumentError("temperature", Shape(readings.shape), f"({count},) or ({count}, k) is needed")
    bad = np.argwhere(np.isinf(readings))
    if bad.size:
        raise ArgumentError(
            f"temperature{bad[0].tolist()}", MISSING, "is infinite; NaN means that there is no reading"
        )
    return readings


def within(argument: str, error: ValueError | TypeError) -> ArgumentError | ArgumentTypeError:
    """A refusal of what an argument contains as one of the argument, such as "records[1].share"."""
    if isinstance(error, ArgumentError | ArgumentTypeError):
        return error.named(f"{argument}.{error.argument}" if error.argument else argument)
    kind = ArgumentTypeError if isinstance(error, TypeError) else ArgumentError
    return kind(argument, MISSING, str(error))
