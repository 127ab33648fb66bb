"""What is seen on frames: the crystallised share, crystals, levels and texture."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import integer, number
from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish.crystallization.frames._region import Region, find
from tundish.crystallization.frames._states import by_place, by_time

if TYPE_CHECKING:
    from tundish.crystallization.frames._sequence import FrameSequence

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SIDE = 240  # px: frames are averaged over blocks until their shorter side is about so long
_SAMPLED = 60  # frames, evenly spaced, that a calibration looks at
_SMOOTHING = 1 / 240  # deviation of the Gaussian, in shorter sides of the frame; 1 block at most
_LEAST_SMOOTHING = 0.3  # blocks: below, it does nothing
_CLEAR = 4.0  # deviations within a state between the two, of which 2 % are then taken for the other
_MARGIN = 4  # blocks about the flux that are looked at as well, for the smoothing
_WHITE, _STROKE = 235, 100  # levels of writing, and how much it stands out
_LEAST_CRYSTAL = 3  # blocks
_MOST_STEPS = 25  # blocks that a crystal may grow between frames


class Calibration(NamedTuple):
    """What is the same on all frames of a camera: :func:`calibrate`.

    - `step`: px of a frame along each side of the blocks that are averaged. The fields are of blocks, (h, w).
    - `mask`: bool, where the flux is. `region`: how it was found: "given", "changing", "pool" or "frame".
    - `overlay`: bool, (H, W), where readings are written on the frames.
    - `melt`: level of the melt. `threshold`: level beyond which there is crystal.
    - `contrast`: levels between the two in the middle, 0 if the frames show no two states; nothing counts as
      crystallised then.
    - `crystals`: "bright" or "dark", what they are beside the melt.
    """

    step: int
    mask: Mask
    region: str
    overlay: Mask
    melt: Image
    threshold: Image
    contrast: float
    crystals: str = "bright"


def calibrate(
    sequence: FrameSequence, *, mask: ArrayLike | None = None, crystals: str | None = None
) -> Calibration:
    """Where the flux is, how it is lit, and which level parts melt from crystals.

    **Main arguments:** `sequence`: in which the flux is seen molten and crystallised. Of a part of a record
    that shows one of them, take the calibration from another record of the same camera.

    **Other arguments:**

    - `mask`: (H, W) bool, where the flux is; the sequence's own is the default.
    - `crystals`: "bright" or "dark", what they are beside the melt; the sequence's own is the default.

    **Returns:** a :class:`Calibration`.

    The flux, if no mask is given, is looked for on 60 frames without what is written on them. Where the level
    changes (Otsu's threshold of the range of each block, holes filled), it is. That is all of it if the
    record shows it solid, then molten, then crystallised. Otherwise melt that has not changed belongs to it
    as well: a watershed of the gradient of the molten picture, from what changes out to the edges of the
    pool. If there are no such edges, it is the whole frame, or, where crystals have stopped growing, what
    changed.

    Each block has a level as melt and one as crystal, the means over the frames in which it is one or the
    other, and the threshold is half-way: uneven light and the meniscus cancel. The first parting is Otsu's
    threshold (N. Otsu, IEEE Trans. SMC 9 (1979) 62, doi:10.1109/TSMC.1979.4310076) of the rise over the
    lowest level, then two rounds follow. A block seen in one state only takes the median contrast; it
    is crystal if it is far above the melt of blocks about it. Where no block changes its state, as on one
    frame, Otsu's threshold of the levels within frames parts them, if there are two peaks.

    **Warns:** UserWarning if there are no two states, if they are less than 4 deviations of their levels
    apart, or if the flux cannot be told from its surroundings; the share is then not to be relied on, and a
    `mask` or another record's calibration is needed.

    **Raises:** ValueError naming the argument; ImportError without scikit-image (`tundish[vision]`).
    """
    from tundish.crystallization.frames._sequence import checked_crystals, checked_mask

    given = sequence.mask if mask is None else checked_mask(mask, sequence.size)
    looks = sequence.crystals if crystals is None else checked_crystals(crystals)
    sign = _sign(looks)
    step = _step(sequence.size, _SIDE)
    rows = np.unique(np.linspace(0, len(sequence) - 1, min(_SAMPLED, len(sequence))).round().astype(int))
    overlay = _written(sequence.images[rows[:: max(len(rows) // 12, 1)]])
    ignored = _blocks(overlay, step) > 0
    smoothing = _smoothing(sequence.size, step)
    sample = sign * np.stack([_smoothed(_blocks(sequence.images[n], step), smoothing) for n in rows])
    region = find(sample, ignored) if given is None else Region(_given(given, step), "given", "")
    inside = region.mask & ~ignored if (region.mask & ~ignored).any() else region.mask
    states = by_time(sample, inside)
    # A region that was found by its changes, and does not change between two states, is of one state.
    if states is None and region.how in ("given", "frame"):
        states = by_place(sample, inside)
    if states is None:
        warnings.warn(
            "calibrate: the frames show no two states, so nothing counts as crystallised; give mask=, or the "
            "calibration of frames that show both melt and crystals",
            stacklevel=2,
        )
        melt = sample.mean(axis=0)
        nowhere = np.full(melt.shape, sign * np.inf, np.float32)
        return Calibration(step, inside, region.how, overlay, sign * melt, nowhere, 0.0, looks)
    if states.contrast < _CLEAR * states.spread:
        warnings.warn(
            f"calibrate: melt and crystals are {states.contrast:.0f} levels apart, and either is spread by "
            f"{states.spread:.0f}; the share is rough",
            stacklevel=2,
        )
    if region.doubtful:
        warnings.warn(f"calibrate: {region.doubtful}; give mask=", stacklevel=2)
    melt, threshold = sign * states.melt, sign * states.threshold
    return Calibration(step, inside, region.how, overlay, melt, threshold, states.contrast, looks)


def features(
    sequence: FrameSequence,
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
    - `crystals`: "bright" or "dark", as for :func:`calibrate`; a calibration that is given knows it already.
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
        raise ValueError(f"crystals = {crystals!r}: calibration is of {used.crystals} ones")
    if used.overlay.shape != sequence.size:
        raise ValueError(
            f"calibration: is of frames of {used.overlay.shape[0]} x {used.overlay.shape[1]} px; these have "
            f"{sequence.size[0]} x {sequence.size[1]}"
        )
    scale = 1.0 if mm_per_px is None else number("mm_per_px", mm_per_px)
    if not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"mm_per_px = {scale:g}: must be finite and above 0")
    workers = (os.cpu_count() or 1) if threads is None else integer("threads", threads)
    if workers < 1:
        raise ValueError(f"threads = {threads}: must be at least 1")
    looked_at = [("time", float), ("temperature", float), ("share", float), ("count", np.int64)]
    names = ["mean_area", "largest_area", "level", "deviation", "entropy", "gradient"]
    names += [f"mean_{channel}" for channel in sequence.channels]
    table = np.zeros(len(sequence), [*looked_at, *((name, float) for name in names)])
    table["time"] = sequence.time
    table["temperature"] = (
        np.nan if sequence.temperature is None else sequence.temperature.reshape(len(table), -1)[:, 0]
    )
    for k, channel in enumerate(sequence.channels):
        table[f"mean_{channel}"] = sequence.levels[:, k]
    with progress_callback(progress, "frames") as callback:
        named = _Crystals((used.step * scale) ** 2)
        for n, (figures, crystal) in enumerate(_seen(sequence.images, _view(used), workers)):
            if n and sequence.time[n] <= sequence.time[n - 1]:
                named = _Crystals((used.step * scale) ** 2)  # noisy copies begin anew
            row = table[n]
            row["share"], row["level"], row["deviation"], row["entropy"], row["gradient"] = figures
            row["count"], row["mean_area"], row["largest_area"] = named.follow(crystal)
            if callback is not None:
                callback(n + 1, len(table))
    return table


def crystallised(images: Grey, calibration: Calibration) -> Mask:
    """(T, H, W) where the frames (T, H, W) show crystal, as :func:`features` sees it."""
    view, found = _view(calibration), np.zeros(images.shape, bool)
    smoothing = _smoothing(images.shape[1:], view.step)
    for image, crystal in zip(images, found, strict=True):
        averaged = _blocks(image[view.rows, view.columns], view.step)
        there = _crystal(_smoothed(averaged, smoothing), view)
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
    for axis, count in enumerate(calibration.mask.shape):
        used = np.flatnonzero(calibration.mask.any(axis=1 - axis))
        boxes.append((max(int(used[0]) - _MARGIN, 0), min(int(used[-1]) + 1 + _MARGIN, count)))
    here = tuple(slice(*box) for box in boxes)
    rows, columns = (slice(a * calibration.step, b * calibration.step) for a, b in boxes)
    fields = (calibration.mask[here], calibration.melt[here], calibration.threshold[here])
    return _View(rows, columns, calibration.step, *fields, calibration.contrast, _sign(calibration.crystals))


def _seen(images: Grey, view: _View, workers: int) -> Iterator[tuple[_Figures, Mask]]:
    smoothing = _smoothing(images.shape[1:], view.step)
    if workers == 1:
        yield from (_look(image, view, smoothing) for image in images)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda image: _look(image, view, smoothing), images)


def _look(image: Grey, view: _View, smoothing: float) -> tuple[_Figures, Mask]:
    """The figures of a frame, and where in the view there is crystal."""
    averaged = _blocks(image[view.rows, view.columns], view.step)
    smooth = _smoothed(averaged, smoothing)
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


class _Crystals:
    """Crystals with their names (integers from 1), from frame to frame."""

    def __init__(self, area: float) -> None:
        self._area = area  # of a block
        self._names: NDArray[np.int32] | None = None
        self._last = 0

    def follow(self, crystal: Mask) -> tuple[int, float, float]:
        """Count, mean and largest area after the next frame."""
        present = np.pad(crystal, 1)  # so that every place has eight neighbours
        names = np.zeros(present.shape, np.int32) if self._names is None else self._names * present
        _spread(names, present)
        self._last += _christen(names, present, self._last)
        self._names = names
        blocks = np.bincount(names.reshape(-1))[1:]
        areas = blocks[blocks > 0] * self._area
        if not areas.size:
            return 0, math.nan, math.nan
        return areas.size, float(areas.mean()), float(areas.max())


def _spread(names: NDArray[np.int32], present: Mask) -> None:
    """Names what is present and touches something with a name, again and again."""
    flat, width = names.reshape(-1), names.shape[1]
    neighbours = np.array([down + right for down in (-width, 0, width) for right in (-1, 0, 1)])
    unnamed = np.flatnonzero(present.reshape(-1) & (flat == 0))
    for _ in range(_MOST_STEPS):
        if not unnamed.size:
            return
        reached = flat[unnamed[:, None] + neighbours].max(axis=1)
        if not reached.any():
            return
        flat[unnamed] = reached
        unnamed = unnamed[reached == 0]


def _christen(names: NDArray[np.int32], present: Mask, last: int) -> int:
    """Gives names after the last one to pieces that have none, and says how many."""
    unnamed = present & (names == 0)
    if not unnamed.any():
        return 0
    pieces, count = optional("scipy.ndimage", "vision").label(unnamed)
    sizes = np.bincount(pieces.reshape(-1))[1:]
    large = np.flatnonzero(sizes >= _LEAST_CRYSTAL)
    new = np.zeros(count + 1, np.int32)
    new[large + 1] = last + 1 + np.arange(large.size)
    names += new[pieces]
    return large.size


def _written(images: Grey) -> Mask:
    """(H, W) where white strokes come and go: readings written on the frames, with their surroundings."""
    ndimage = optional("scipy.ndimage", "vision")
    side = max(images.shape[1] // 30, 5)
    strokes = np.zeros(images.shape[1:], np.int64)
    for image in images:
        white = image >= _WHITE
        if not white.any():
            continue
        here = tuple(
            slice(max(int(used[0]) - side, 0), int(used[-1]) + 1 + side)
            for used in (np.flatnonzero(white.any(axis=axis)) for axis in (1, 0))
        )
        stands_out = image[here] - ndimage.grey_opening(image[here], (side, side))
        strokes[here] += white[here] & (stands_out >= _STROKE)
    pieces, count = ndimage.label(ndimage.binary_dilation(strokes > 0, np.ones((3, 3)), iterations=side // 2))
    if not count:
        return np.zeros(images.shape[1:], bool)
    # Writing covers most of its surroundings with strokes at one time or another, and is seen on all frames.
    return np.asarray(pieces > 0, bool)


def _given(mask: Mask, step: int) -> Mask:
    """(h, w) the blocks of a mask of px."""
    blocks = _blocks(mask, step) >= 0.5
    if not blocks.any():
        raise ValueError(f"mask: is smaller than a block of {step} x {step} px everywhere")
    return blocks


def _sign(crystals: str) -> np.float32:
    """By which levels are multiplied so that crystals lie above melt."""
    return np.float32(-1 if crystals == "dark" else 1)


def _smoothing(size: tuple[int, ...], step: int) -> float:
    """Blocks."""
    return min(_SMOOTHING * min(size) / step, 1.0)


def _smoothed(image: Image, deviation: float) -> Image:
    if deviation < _LEAST_SMOOTHING:
        return image
    ndimage = optional("scipy.ndimage", "vision")
    smooth: Image = ndimage.gaussian_filter(image, deviation, mode="nearest", truncate=2.5)
    return smooth


def _step(size: tuple[int, ...], side: int) -> int:
    return max(round(min(size) / side), 1)


def _blocks(image: NDArray[Any], step: int) -> Image:
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
