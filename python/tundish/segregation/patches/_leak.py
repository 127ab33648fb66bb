"""Whether what is tested was seen in training: copies of patches on both sides of a split."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.images import Grey

_BANDS = 24  # of the spectrum
_LEVELS = 19  # quantiles of the grey levels
_COPY = 0.3  # of the usual distance between patches of different points
_ROUNDING = 1e-6  # of distances between copies
_CHUNK = 32  # images at a time
_PRODUCTS = 4_000_000  # numbers held while neighbours are looked for


class Leak(NamedTuple):
    """What a nearest neighbour knows of the test.

    - `r2`: 1 - SSE/SST of the carbon of each test patch's nearest neighbour in training; NaN where all tested
      carbon is the same. Copies make it 1.
    - `copies`: share of the test patches that have a copy in training.
    - `shared`: number of points (of a billet) on both sides.
    - `flag`: whether there is a leak: any copy or shared point.
    """

    r2: float
    copies: float
    shared: int
    flag: bool


class Neighbours(NamedTuple):
    """Of each test patch the nearest training patch, and whether that is a copy of it."""

    nearest: NDArray[np.intp]
    copy: NDArray[np.bool_]


def nearest_in(train: Grey, group: NDArray[np.intp], test: Grey) -> Neighbours:
    """The nearest training patches of test patches; `group`: (N,) the points of the training patches."""
    known, asked = _invariants(train), _invariants(test)
    scale = np.maximum(known.std(axis=0), 1e-9)
    known, asked = known / scale, asked / scale
    nearest, distance = _nearest(known, asked)
    _, usual = _nearest(known, known, group)
    usual = usual[np.isfinite(usual)]
    return Neighbours(nearest, distance < max(_COPY * np.median(usual) if usual.size else 0.0, _ROUNDING))


def copies_in(neighbours: Neighbours, train: Floats, test: Floats, shared: int) -> Leak:
    """What neighbours amount to; `train`, `test`: carbon, wt%; `shared`: number of points on both sides."""
    copies = float(np.mean(neighbours.copy))
    error = float(np.sum((train[neighbours.nearest] - test) ** 2))
    total = float(np.sum((test - test.mean()) ** 2))
    return Leak(1 - error / total if total else float("nan"), copies, shared, copies > 0 or shared > 0)


def _invariants(images: Grey) -> Floats:
    """(N, k) numbers that turns by 90 degrees and mirrors leave as they are, but for rounding."""
    return np.concatenate([_invariants_of(images[n : n + _CHUNK]) for n in range(0, len(images), _CHUNK)])


def _invariants_of(images: Grey) -> Floats:
    grey = images.astype(float)
    deviation = grey.std(axis=(1, 2), keepdims=True)
    grey = (grey - grey.mean(axis=(1, 2), keepdims=True)) / np.maximum(deviation, 1e-9)
    quantiles = np.quantile(grey.reshape(len(grey), -1), np.linspace(0, 1, _LEVELS), axis=1).T
    power = np.abs(np.fft.fft2(grey)) ** 2
    height, width = images.shape[1:]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    # Rounded, or a turn would move what lies on a ring's edge to another ring.
    ring = np.minimum(np.round(frequency * 2 * _BANDS, 9).astype(int), _BANDS - 1).reshape(-1)
    counts = np.bincount(ring, minlength=_BANDS)
    sums = np.array([np.bincount(ring, p, minlength=_BANDS) for p in power.reshape(len(power), -1)])
    filled = counts > 0
    spectrum = np.log(sums[:, filled] / counts[filled] + 1.0)
    return np.concatenate([quantiles, spectrum], axis=1)


def _nearest(
    known: Floats, asked: Floats, group: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.intp], Floats]:
    """(n,) the nearest row of `known` to each row of `asked`, and its distance.

    With `group` both are the same rows, and only those of other groups count; inf where there are none.
    """
    places, distances = [], []
    chunk = max(1, _PRODUCTS // known.size)
    for n in range(0, len(asked), chunk):
        part = asked[n : n + chunk]
        square = np.sum((part[:, None, :] - known[None, :, :]) ** 2, axis=2)
        if group is not None:
            square[group[n : n + chunk, None] == group[None, :]] = np.inf
        place = np.argmin(square, axis=1)
        places.append(place)
        distances.append(np.sqrt(square[np.arange(len(part)), place]))
    return np.concatenate(places), np.concatenate(distances)
