"""Photographs of whole sections: from files, at coarser scales, and where the billet's axis is in them."""

from __future__ import annotations

import math
import warnings
from os import PathLike
from pathlib import Path

import numpy as np

from tundish._common.arguments import pair
from tundish._common.images import Grey, luma, read_image
from tundish._common.optional import optional
from tundish._common.refusals import ArgumentError


def read_photograph(path: str | PathLike[str]) -> Grey:
    """(H, W) uint8 of one image file: PNG, TIFF, BMP or JPEG of 8 bits; colour is converted with a warning.

    **Raises:** ValueError that begins with the file's name; FileNotFoundError.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: there is no such file")
    image, colour = read_grey(file)
    if colour:
        warn_of_colour(file, 1)
    return image


def read_grey(file: Path) -> tuple[Grey, bool]:
    """A file as grey levels, and whether it was in colour."""
    levels = read_image(file)
    return (luma(levels), True) if levels.ndim == 3 else (levels, False)


def warn_of_colour(first: Path, count: int) -> None:
    """A warning that names the first of some files in colour."""
    others = f" and {count - 1} more" if count > 1 else ""
    warnings.warn(f"{first}{others}: in colour; converted to grey", UserWarning, stacklevel=4)


def resampled_photograph(photograph: Grey, mm_per_px: float, wanted: float) -> Grey:
    """A photograph at a coarser scale; its sides are rounded to whole pixels."""
    if wanted < mm_per_px:
        raise ArgumentError("mm_per_px", mm_per_px, f"is coarser than {wanted:g}, at which patches are seen")
    height, width = (max(1, round(side * mm_per_px / wanted)) for side in photograph.shape)
    return reduced(photograph, height, width)


def reduced(image: Grey, height: int, width: int) -> Grey:
    """An image with fewer pixels, each the mean of the area that it covers."""
    pillow = optional("PIL.Image", "vision")
    whole = pillow.fromarray(image).resize((width, height), pillow.Resampling.BOX)
    return np.asarray(whole, np.uint8)


def axis_of(axis: tuple[float, float] | None, shape: tuple[int, int]) -> tuple[float, float]:
    """(column, row) px of the billet's axis in a photograph of this shape; its middle for None."""
    if axis is None:
        return shape[1] / 2, shape[0] / 2
    column, row = pair("axis", axis, "column and row")
    if not (math.isfinite(column) and math.isfinite(row)):
        raise ArgumentError("axis", axis, "must be finite")
    return column, row
