"""Columns of a set of patches, checked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, floats, number
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape

MAX_CARBON = 2.14  # wt%, the limit of steel


def checked_carbon(value: ArrayLike, count: int) -> Floats:
    """(count,) wt%."""
    carbon = floats("carbon", value)
    if carbon.shape != (count,):
        raise ArgumentError("carbon", Shape(carbon.shape), f"({count},), one a patch, is needed")
    bad = np.flatnonzero(~((carbon > 0) & (carbon <= MAX_CARBON)))
    if bad.size:
        raise ArgumentError(
            f"carbon[{bad[0]}]", carbon[bad[0]], f"must be above 0 and at most {MAX_CARBON} wt%"
        )
    return carbon


def checked_ids(name: str, value: ArrayLike, count: int) -> NDArray[Any]:
    """(count,) int64 or text."""
    ids = np.asarray(value)
    if ids.dtype == object and all(isinstance(each, str) for each in ids.reshape(-1)):
        # As pandas has text.
        ids = ids.astype(str)
    if ids.dtype.kind not in "iuU":
        raise ArgumentTypeError(name, MISSING, "must be integers or text")
    if ids.ndim == 0:
        ids = np.full(count, ids)
    if ids.shape != (count,):
        raise ArgumentError(name, Shape(ids.shape), f"({count},), one a patch, is needed")
    return ids if ids.dtype.kind == "U" else ids.astype(np.int64)


def checked_positions(name: str, value: ArrayLike, count: int) -> Floats:
    """(count, 2) mm."""
    positions = floats(name, value)
    if positions.shape != (count, 2):
        raise ArgumentError(name, Shape(positions.shape), f"({count}, 2), x and y a patch, is needed")
    bad = np.flatnonzero(~np.isfinite(positions).all(axis=1))
    if bad.size:
        raise ArgumentError(f"{name}[{bad[0]}]", MISSING, "must be finite")
    return positions


def checked_scale(value: Any) -> float:
    """One scale, mm a pixel; an array must hold one value."""
    if np.ndim(value):
        scales = floats("mm_per_px", value).reshape(-1)
        if not scales.size:
            raise ArgumentError("mm_per_px", MISSING, "is empty; a number is needed")
        other = np.flatnonzero(scales != scales[0])
        if other.size:
            raise ArgumentError(
                f"mm_per_px[{other[0]}]",
                scales[other[0]],
                "all patches of a set need one scale; resample the others",
            )
        value = scales[0]
    scale = number("mm_per_px", value)
    if not (math.isfinite(scale) and scale > 0):
        raise ArgumentError("mm_per_px", scale, "must be finite and above 0")
    return scale


def same_scale(first: float, second: float) -> bool:
    """Whether mm a pixel (or mm a patch) are the same, within 1 %: scales are measured with a ruler."""
    return math.isclose(first, second, rel_tol=0.01)
