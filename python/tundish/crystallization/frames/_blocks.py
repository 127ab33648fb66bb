"""Frames averaged over blocks and smoothed, as calibrations and features look at them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.optional import optional

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIDE = 240  # px: frames are averaged over blocks until their shorter side is about so long
_SMOOTHING = 1 / 240  # deviation of the Gaussian, in shorter sides of the frame; 1 block at most
_MIN_SMOOTHING = 0.3  # blocks: a smaller deviation changes nothing


def sign_of(crystals: str) -> np.float32:
    """By which levels are multiplied so that crystals lie above melt."""
    return np.float32(-1 if crystals == "dark" else 1)


def smoothing_of(size: tuple[int, ...], step: int) -> float:
    """Deviation of the Gaussian, in blocks, for frames of this size."""
    return min(_SMOOTHING * min(size) / step, 1.0)


def smoothed(image: Image, deviation: float) -> Image:
    """The image after a Gaussian of this deviation, blocks."""
    if deviation < _MIN_SMOOTHING:
        return image
    ndimage = optional("scipy.ndimage", "vision")
    smooth: Image = ndimage.gaussian_filter(image, deviation, mode="nearest", truncate=2.5)
    return smooth


def block_side(size: tuple[int, ...]) -> int:
    """px along each side of the blocks that frames of this size are averaged over."""
    return max(round(min(size) / _SIDE), 1)


def block_means(image: NDArray[Any], step: int) -> Image:
    """(H // step, W // step) means of blocks; what is left over at the ends is left out."""
    if step == 1:
        return image.astype(np.float32)
    height, width = (n // step for n in image.shape)
    cut = image[: height * step, : width * step]
    total = np.zeros((height, width), np.uint32)
    for row in range(step):
        for column in range(step):
            total += cut[row::step, column::step]
    return total.astype(np.float32) / np.float32(step**2)
