"""Frames of noise, and a sequence of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tundish.crystallization import FrameSequence


def frames(count: int = 6, height: int = 8, width: int = 10) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (count, height, width), np.uint8)


def sequence(count: int = 6) -> FrameSequence:
    return FrameSequence(frames(count), 110 + np.arange(count), temperature=900.0 + 4 * np.arange(count))
