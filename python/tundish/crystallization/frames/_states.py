"""Which of two states, melt or crystal, parts of the frames are in."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.optional import optional

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MIN_CONTRAST = 3.0  # deviations of the noise between melt and crystal
_MIN_LEVELS = 0.3  # grey levels, likewise
_MIN_PARTED = 4.0  # deviations within a class between the two of a frame; a Gaussian cut in half has 2.6
_SHALLOW = 0.5  # of the lower of two peaks: a valley between them is lower than that
_MIN_CLASS = 0.002  # of the places
_ALWAYS_CRYSTAL = 2 / 3  # of the contrast above the melt about it, a place that never changes is crystal
_ABOUT = 1 / 20  # deviation of the Gaussian by which that melt is found, in shorter sides of the frame
_ROUNDS = 2


class States(NamedTuple):
    """What :func:`by_time` and :func:`by_place` find of a sample (n, h, w).

    - `melt`, `threshold`: (h, w) levels; the threshold is of the flux alone.
    - `contrast`: levels from melt to crystal in the middle.
    - `crystal`: (n, h, w) where there is crystal, in the flux.
    - `spread`: deviation of the levels within a state.
    """

    melt: Image
    threshold: Image
    contrast: float
    crystal: Mask
    spread: float


def by_time(sample: Image, inside: Mask) -> States | None:
    """The states by how the level of each place changes over the frames, None if it shows no two.

    Otsu's threshold of the rise over the lowest level of a place is the first parting. Each place then
    has the means of its two states and a threshold half-way, twice over. Levels that one frame alone
    has are ignored (running median of three), so that noise is no state. A place that never changes
    takes the median contrast: it is crystal if it is far above the melt of the places about it that change.
    """
    if len(sample) < 2:
        return None
    steady = without_spikes(sample[:, inside])  # (n, k) from here on: places of the flux alone
    rise: Image = steady - steady.min(axis=0)
    if np.ptp(rise) == 0:
        return None
    crystal: Mask = rise > float(optional("skimage.filters", "vision").threshold_otsu(rise))
    least: float = max(_MIN_CONTRAST * noise(sample), _MIN_LEVELS)
    levels = sample[:, inside]
    for _ in range(_ROUNDS):
        melt, rises = _means(levels, crystal)
        both = np.isfinite(rises)
        contrast = np.float32(np.median(rises[both])) if both.any() else np.float32(0)
        if contrast < least:
            return None
        # What rises by no more than noise or a little of what is usual stays as it is.
        both &= rises > max(least, float(contrast) / 4)
        melt, rises = _completed(melt, rises, both, levels, inside, contrast)
        crystal = steady > melt + rises / 2
    # A normal deviation is 1.4826 times the median of what is off.
    spread = 1.4826 * float(np.median(np.abs(levels - melt - rises * crystal)))
    found = np.zeros(sample.shape, bool)
    found[:, inside] = crystal
    melts, threshold = sample.mean(axis=0), np.full(inside.shape, np.inf, np.float32)
    melts[inside], threshold[inside] = melt, melt + rises / 2
    return States(melts, threshold, float(contrast), found, spread)


def by_place(sample: Image, inside: Mask) -> States | None:
    """The states by Otsu's threshold of the levels within frames, None if these have no two peaks."""
    values = sample[:, inside]
    if np.ptp(values) == 0:
        return None
    cut = optional("skimage.filters", "vision").threshold_otsu(values)
    above = values > cut
    if not _MIN_CLASS <= above.mean() <= 1 - _MIN_CLASS:
        return None
    low, high = values[~above], values[above]
    melt, contrast = float(low.mean()), float(high.mean() - low.mean())
    spread = math.sqrt((float(low.var()) + float(high.var())) / 2)
    least = max(_MIN_CONTRAST * noise(sample), _MIN_PARTED * spread, _MIN_LEVELS)
    if contrast < least or not _has_valley(values, melt, melt + contrast):
        return None
    melts = np.full(inside.shape, melt, np.float32)
    threshold = melts + np.float32(contrast / 2)
    return States(melts, threshold, contrast, sample > threshold, spread)


def noise(sample: Image) -> float:
    """Standard deviation of the noise, by the differences between frames, or of one frame between places.

    Of each pair of frames the shortest interval that holds a quarter of the differences is taken, and the
    middle one of the pairs: what changes between frames, all of it or parts, is not among the noise.
    """
    some = sample[:, ::3, ::3].reshape(len(sample), -1)
    steps = np.diff(some, axis=0) if len(sample) > 1 else np.diff(sample[:1], axis=2).reshape(1, -1)
    count = steps.shape[1] // 4
    if not count:
        return 0.0
    ordered = np.sort(steps, axis=1)
    widths = (ordered[:, count:] - ordered[:, :-count]).min(axis=1)
    # A quarter of a Gaussian lies within 0.3186 deviations of its middle, and two frames are noisy.
    return float(np.median(widths)) / (2 * 0.3186 * math.sqrt(2))


def without_spikes(sample: Image) -> Image:
    """The running median of three frames; of the first and the last, they themselves."""
    if len(sample) < 3:
        return sample
    a, b, c = sample[:-2], sample[1:-1], sample[2:]
    steady = sample.copy()
    np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c), out=steady[1:-1])
    return steady


def _means(levels: Image, crystal: Mask) -> tuple[Image, Image]:
    """(k,) means of levels (n, k) as melt, and by how much those as crystal are higher: NaN if one lacks."""
    count = crystal.sum(axis=0)
    of_crystal = np.einsum("nk,nk->k", levels, crystal)
    of_melt = np.sum(levels, axis=0) - of_crystal
    with np.errstate(invalid="ignore", divide="ignore"):
        melt = of_melt / (len(levels) - count)
        return melt.astype(np.float32), (of_crystal / count - melt).astype(np.float32)


def _completed(
    melt: Image, rises: Image, both: Mask, levels: Image, inside: Mask, contrast: np.float32
) -> tuple[Image, Image]:
    """(k,) levels as melt and rises of all places, of which some are in `both` states at times.

    Of the others those are crystal that lie far above the melt of places about them (a Gaussian mean).
    """
    if both.all():
        return melt, rises
    ndimage = optional("scipy.ndimage", "vision")
    known, there = (np.zeros(inside.shape, np.float32) for _ in range(2))
    known[inside], there[inside] = np.where(both, melt, 0), both
    deviation = max(_ABOUT * min(inside.shape), 1.0)
    total, weight = (
        ndimage.gaussian_filter(field, deviation, mode="constant", truncate=2.5)[inside]
        for field in (known, there)
    )
    about = np.full(melt.shape, np.median(melt[both]), np.float32)
    np.divide(total, weight, out=about, where=weight > 1e-3)
    level = levels.mean(axis=0)
    always = level > about + np.float32(_ALWAYS_CRYSTAL) * contrast
    return np.where(both, melt, level - contrast * always), np.where(both, rises, contrast)


def _has_valley(values: NDArray[Any], low: float, high: float) -> bool:
    """Whether levels between the two are rarer than levels about either."""
    width = (high - low) / 3
    about = [np.count_nonzero(np.abs(values - level) < width / 2) for level in (low, (low + high) / 2, high)]
    return bool(about[1] < _SHALLOW * min(about[0], about[2]))
