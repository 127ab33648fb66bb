"""What is seen on frames: the crystallised share, crystals, levels and texture."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import count, positive
from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish._common.refusals import MISSING, ArgumentError
from tundish.crystallization.frames._blocks import (
    Image,
    Mask,
    block_means,
    sign_of,
    smoothed,
    smoothing_of,
)
from tundish.crystallization.frames._calibration import Calibration, Frames, calibrate

_MARGIN = 4  # blocks about the flux that are looked at as well, for the smoothing
_MIN_CRYSTAL = 3  # blocks
_MAX_GROWTH = 25  # blocks that a crystal may grow between frames


def features(
    sequence: Frames,
    calibration: Calibration | None = None,
    *,
    mm_per_px: float | None = None,
    crystals: str | None = None,
    threads: int | None = None,
    progress: bool | Callback = False,
) -> NDArray[Any]:
    """What is seen on each frame.

    **Main arguments:** `sequence`: of frames. `calibration`: of :func:`calibrate`; left out, that of this
    sequence. It looks at all frames, so give that of the training part where the future must not be known.

    **Other arguments:**

    - `mm_per_px`: scale, for areas in mm2 rather than px of the frame.
    - `crystals`: "bright" or "dark", as for :func:`calibrate`; a calibration that is given has it already.
    - `threads`: number of threads; None is one a processor. They do not change the result.
    - `progress`: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a structured array (T,), all float64 but the count, with the fields

    - `time`: s. `temperature`: degC of the first thermocouple, NaN without readings.
    - `share`: of the flux that is crystallised, 0 to 1: blocks beyond their threshold after the median change
      of the melt (its glow) was taken off.
    - `count`: crystals (int64), `mean_area` and `largest_area` of them, NaN if there are none. A crystal is
      what appeared apart from others; it keeps its name as it grows into its neighbours.
    - `level`: mean grey level of the flux. `deviation`: its standard deviation. `entropy`: Shannon's, bits,
      of its histogram of 64 levels. `gradient`: its mean size, levels a px of the frame.
    - `mean_grey`, or `mean_red`, `mean_green` and `mean_blue`: over the whole frame.

    Frames are averaged over blocks until their shorter side is about 240 px, and smoothed by a Gaussian of
    1/240 of it. **Warns:** as :func:`calibrate`, if no calibration is given. **Raises:** ValueError naming
    the argument, as for a calibration of another size of frame; ImportError without scikit-image
    (`tundish[vision]`).
    """
    used = calibrate(sequence, crystals=crystals) if calibration is None else calibration
    if crystals not in (None, used.crystals):
        raise ArgumentError("crystals", crystals, f"calibration is of {used.crystals} ones")
    if used.overlay.shape != sequence.size:
        raise ArgumentError(
            "calibration",
            MISSING,
            f"is of frames of {used.overlay.shape[0]} x {used.overlay.shape[1]} px; these have "
            f"{sequence.size[0]} x {sequence.size[1]}",
        )
    scale = 1.0 if mm_per_px is None else positive("mm_per_px", mm_per_px)
    workers = (os.cpu_count() or 1) if threads is None else count("threads", threads, 1)
    measured = [("time", float), ("temperature", float), ("share", float), ("count", np.int64)]
    names = ["mean_area", "largest_area", "level", "deviation", "entropy", "gradient"]
    names += [f"mean_{channel}" for channel in sequence.channels]
    table = np.zeros(len(sequence), [*measured, *((name, float) for name in names)])
    table["time"] = sequence.time
    table["temperature"] = (
        np.nan if sequence.temperature is None else sequence.temperature.reshape(len(table), -1)[:, 0]
    )
    for k, channel in enumerate(sequence.channels):
        table[f"mean_{channel}"] = sequence.levels[:, k]
    with progress_callback(progress, "frames") as callback:
        tracked = _TrackedCrystals((used.step * scale) ** 2)
        for n, (figures, crystal) in enumerate(_measured(sequence.images, _view(used), workers)):
            if n and sequence.time[n] <= sequence.time[n - 1]:
                tracked = _TrackedCrystals((used.step * scale) ** 2)  # noisy copies begin anew
            row = table[n]
            row["share"], row["level"], row["deviation"], row["entropy"], row["gradient"] = figures
            row["count"], row["mean_area"], row["largest_area"] = tracked.follow(crystal)
            if callback is not None:
                callback(n + 1, len(table))
    return table


def crystallised(images: Grey, calibration: Calibration) -> Mask:
    """(T, H, W) where the frames (T, H, W) show crystal, as :func:`features` sees it."""
    view, found = _view(calibration), np.zeros(images.shape, bool)
    smoothing = smoothing_of(images.shape[1:], view.step)
    for image, crystal in zip(images, found, strict=True):
        averaged = block_means(image[view.rows, view.columns], view.step)
        there = _crystal(smoothed(averaged, smoothing), view)
        whole = np.kron(there, np.ones((view.step, view.step), bool))
        crystal[view.rows, view.columns][: whole.shape[0], : whole.shape[1]] = whole
    return found


# Share, level, deviation, entropy and gradient of the flux.
_Figures = tuple[float, float, float, float, float]


class _View(NamedTuple):
    """The part of a calibration about the flux, and where in the frames that is."""

    rows: slice
    columns: slice
    step: int
    mask: Mask
    melt: Image
    threshold: Image
    contrast: float
    sign: np.float32


def _view(calibration: Calibration) -> _View:
    boxes = []
    for axis, length in enumerate(calibration.mask.shape):
        used = np.flatnonzero(calibration.mask.any(axis=1 - axis))
        boxes.append((max(int(used[0]) - _MARGIN, 0), min(int(used[-1]) + 1 + _MARGIN, length)))
    here = tuple(slice(*box) for box in boxes)
    rows, columns = (slice(a * calibration.step, b * calibration.step) for a, b in boxes)
    fields = (calibration.mask[here], calibration.melt[here], calibration.threshold[here])
    return _View(
        rows, columns, calibration.step, *fields, calibration.contrast, sign_of(calibration.crystals)
    )


def _measured(images: Grey, view: _View, workers: int) -> Iterator[tuple[_Figures, Mask]]:
    smoothing = smoothing_of(images.shape[1:], view.step)
    if workers == 1:
        yield from (_measure(image, view, smoothing) for image in images)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda image: _measure(image, view, smoothing), images)


def _measure(image: Grey, view: _View, smoothing: float) -> tuple[_Figures, Mask]:
    """The figures of a frame, and where in the view there is crystal."""
    averaged = block_means(image[view.rows, view.columns], view.step)
    smooth = smoothed(averaged, smoothing)
    crystal = _crystal(smooth, view)
    inside = averaged[view.mask]
    share = np.count_nonzero(crystal) / inside.size
    counts = np.bincount((inside / 4).astype(np.uint8))
    shares = counts[counts > 0] / inside.size
    entropy = abs(float(-np.sum(shares * np.log2(shares))))
    level, deviation = (float(f(inside, dtype=np.float64)) for f in (np.mean, np.std))
    return (share, level, deviation, entropy, _gradient(smooth, view)), crystal


def _crystal(smooth: Image, view: _View) -> Mask:
    """(h, w) where there is crystal, after the common change of what is melt was taken off."""
    if not view.contrast:
        return np.zeros(smooth.shape, bool)
    above = smooth - view.threshold
    if view.sign < 0:
        np.negative(above, out=above)
    melt = (above < 0) & view.mask
    # Where next to nothing is clearly melt, its change is not known: what is below may be noise on crystals.
    clearly = np.count_nonzero((above < -view.contrast / 4) & view.mask)
    if clearly > 0.02 * np.count_nonzero(view.mask):
        above -= view.sign * np.median((smooth - view.melt)[melt])
    crystal: Mask = (above > 0) & view.mask
    return crystal


def _gradient(smooth: Image, view: _View) -> float:
    if min(smooth.shape) < 3:
        return 0.0
    down = (smooth[2:, 1:-1] - smooth[:-2, 1:-1]) / 2
    right = (smooth[1:-1, 2:] - smooth[1:-1, :-2]) / 2
    size = np.sqrt(down * down + right * right)[view.mask[1:-1, 1:-1]]
    return float(size.mean(dtype=np.float64)) / view.step if size.size else 0.0


class _TrackedCrystals:
    """Crystals with their labels (integers from 1), from frame to frame."""

    def __init__(self, area: float) -> None:
        self._area = area  # of a block
        self._labels: NDArray[np.int32] | None = None
        self._last = 0

    def follow(self, crystal: Mask) -> tuple[int, float, float]:
        """Count, mean and largest area after the next frame."""
        present = np.pad(crystal, 1)  # so that every place has eight neighbours
        labels = np.zeros(present.shape, np.int32) if self._labels is None else self._labels * present
        _spread_labels(labels, present)
        self._last += _label_new(labels, present, self._last)
        self._labels = labels
        blocks = np.bincount(labels.reshape(-1))[1:]
        areas = blocks[blocks > 0] * self._area
        if not areas.size:
            return 0, math.nan, math.nan
        return areas.size, float(areas.mean()), float(areas.max())


def _spread_labels(labels: NDArray[np.int32], present: Mask) -> None:
    """Labels what is present and touches something labelled, again and again."""
    flat, width = labels.reshape(-1), labels.shape[1]
    neighbours = np.array([down + right for down in (-width, 0, width) for right in (-1, 0, 1)])
    unlabelled = np.flatnonzero(present.reshape(-1) & (flat == 0))
    for _ in range(_MAX_GROWTH):
        if not unlabelled.size:
            return
        reached = flat[unlabelled[:, None] + neighbours].max(axis=1)
        if not reached.any():
            return
        flat[unlabelled] = reached
        unlabelled = unlabelled[reached == 0]


def _label_new(labels: NDArray[np.int32], present: Mask, last: int) -> int:
    """Labels the pieces that have no label with the numbers after the last one; how many there are."""
    unlabelled = present & (labels == 0)
    if not unlabelled.any():
        return 0
    pieces, count = optional("scipy.ndimage", "vision").label(unlabelled)
    sizes = np.bincount(pieces.reshape(-1))[1:]
    large = np.flatnonzero(sizes >= _MIN_CRYSTAL)
    new = np.zeros(count + 1, np.int32)
    new[large + 1] = last + 1 + np.arange(large.size)
    labels += new[pieces]
    return large.size
