"""Where the flux is on the frames of a record."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.optional import optional
from tundish.crystallization.frames._states import States, by_time, noise, without_spikes

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_MIN_RANGE = 6.0  # deviations of the noise that the level of a place changes by; by noise alone it is 4
_MIN_PIECE = 5e-4  # of the frame
_MIN_REGION = 1e-3  # of the frame
_ALL = 0.97  # of the frame: as good as all of it
_SAME = 0.99  # of the pool, likewise
_MOLTEN, _SOLID = 0.05, 0.95  # shares
_AGAIN = 0.5  # share that crystallises after a flux melted, and shows that all of it did
_FEW = 5  # frames at least that show the melt, if there are so many
_EDGE = 4.0  # times the gradient within the flux: an edge of the pool
_MIN_EDGE = 0.01  # of the contrast a block, likewise
_ENCLOSED = 0.8  # of the outline of a pool is such an edge
_BRIGHT = 0.3  # of what surrounds a pool may be crystals
_ROUND = 0.9  # of its convex hull, what a pool covers
_RESTS = 0.1  # of the frames at the end, in which
_LITTLE = 0.03  # of what crystallised does so, if the crystals have stopped growing

_WHOLE = "the whole frame is taken for the flux"
_BITTEN = "parts of the flux may be crystal on all frames, so the convex hull of the others is taken for it"
_UNSEEN = "melt that never changes does not stand out from what is around it"


class Region(NamedTuple):
    """`mask` (h, w), where the flux is; `how` it was found: "changing", "pool" or "frame"; and what makes
    that `doubtful`, "" if nothing does."""

    mask: Mask
    how: str
    doubtful: str


def find(sample: Image, ignored: Mask) -> Region:
    """Where the flux is on a sample (n, h, w) of frames, without the places (h, w) `ignored`.

    It is where levels change, if the record shows that all of the flux did: it was solid, molten, and solid
    again. Otherwise melt that has not changed belongs to it, out to the edges of the pool.
    """
    whole = np.full(ignored.shape, True)
    changing = _changing(sample, ignored)
    if changing is None:
        return Region(whole, "frame", f"nothing on the frames changes, so {_WHOLE}")
    if np.count_nonzero(changing | ignored) >= _ALL * changing.size:
        return Region(whole, "frame", "")
    states = by_time(sample, changing)
    if states is None:
        return Region(whole, "frame", f"no part of the frames is in two states, so {_WHOLE}")
    share = states.crystal[:, changing].mean(axis=1)
    if _melted_and_came_back(share):
        return Region(changing, "changing", "")
    molten = _molten(sample, states, changing, share)
    outside = molten > np.median(molten[changing]) + states.contrast / 2
    pool = _pool(molten, changing, outside, states.contrast)
    if pool is None and _rests(share):
        return Region(changing, "changing", f"{_UNSEEN}, so what crystallised is taken for the flux")
    if pool is None:
        return Region(whole, "frame", f"{_UNSEEN}, so {_WHOLE}")
    hull = _hull(pool, outside)
    if hull is not None:
        return Region(hull, "pool", _BITTEN)
    if np.count_nonzero(changing) >= _SAME * np.count_nonzero(pool):
        return Region(changing, "changing", "")
    return Region(pool, "pool", "")


def _changing(sample: Image, ignored: Mask) -> Mask | None:
    """Where levels change by more than they do around, holes filled; None if that is nowhere."""
    if len(sample) < 2:
        return None
    change = np.where(ignored, np.float32(0), np.ptp(without_spikes(sample), axis=0))
    least = _MIN_RANGE * noise(sample) + 1e-6
    strongly = change > max(_parting(change[~ignored]), least)
    if not strongly.any():
        return None
    ndimage = optional("scipy.ndimage", "vision")
    pieces, count = ndimage.label(ndimage.binary_fill_holes(strongly))
    sizes = np.bincount(pieces.reshape(-1), minlength=count + 1)
    sizes[0] = 0
    large = sizes >= max(_MIN_PIECE * change.size, 3)
    mask = np.asarray(large[pieces], bool)
    return mask if np.count_nonzero(mask) >= _MIN_REGION * mask.size else None


def _parting(change: NDArray[Any]) -> float:
    """The change between that of the flux and that of what is around it, if there are two sorts."""
    if np.ptp(change) == 0:
        return 0.0
    cut = float(optional("skimage.filters", "vision").threshold_otsu(change))
    much = float(np.median(change[change > cut]))
    # Where all of the frame is flux, Otsu's threshold only parts what is lit more from what is lit less.
    return min(cut, 0.5 * much)


def _melted_and_came_back(share: NDArray[Any]) -> bool:
    molten = int(np.argmin(share))
    return bool(
        share[molten] < _MOLTEN and share[:molten].max(initial=0.0) > _SOLID and share[molten:].max() > _AGAIN
    )


def _rests(share: NDArray[Any]) -> bool:
    """Whether crystals have stopped growing, or melting, when the record ends."""
    few = max(round(_RESTS * len(share)), 1)
    return len(share) > 2 * few and abs(share[-1] - share[-1 - few]) < _LITTLE * np.ptp(share)


def _molten(sample: Image, states: States, changing: Mask, share: NDArray[Any]) -> Image:
    """(h, w) the flux and its surroundings as when the flux is molten."""
    order = np.argsort(share, kind="stable")
    count = max(np.count_nonzero(share <= share[order[0]] + 0.5 * _MOLTEN), min(_FEW, len(share)))
    picture = sample[order[:count]].mean(axis=0)
    np.copyto(picture, states.melt, where=changing & states.crystal[order[:count]].any(axis=0))
    return np.asarray(picture)


def _pool(molten: Image, changing: Mask, outside: Mask, contrast: float) -> Mask | None:
    """What lies within the edges about the parts that change; None if there are none, or not all around.

    A watershed of the gradient of the molten picture, from what changes and from the border of the frame and
    what is `outside`, as bright as crystals; holes are filled.
    """
    ndimage = optional("scipy.ndimage", "vision")
    segmentation = optional("skimage.segmentation", "vision")
    smooth = ndimage.gaussian_filter(molten, 1.0, mode="nearest")
    gradient = np.hypot(*(ndimage.sobel(smooth, axis, mode="nearest") for axis in (0, 1))) / 8
    border = outside.copy()
    border[[0, -1]] = border[:, [0, -1]] = True
    markers = np.where(changing, 1, np.where(border, 2, 0))
    pool = ndimage.binary_fill_holes(segmentation.watershed(gradient, markers) == 1)
    outline, inner = pool & ndimage.binary_dilation(~pool), ndimage.binary_erosion(pool, iterations=2)
    if not outline.any() or not inner.any():
        return None
    steep = ndimage.maximum_filter(gradient, 3)[outline]
    least = max(_EDGE * float(np.median(gradient[inner])), _MIN_EDGE * contrast)
    return np.asarray(pool, bool) if np.mean(steep > least) >= _ENCLOSED else None


def _hull(pool: Mask, bright: Mask) -> Mask | None:
    """The convex hull of a pool that has bites out of it where it borders on what may be crystals."""
    ndimage = optional("scipy.ndimage", "vision")
    about = ndimage.binary_dilation(pool, np.ones((3, 3)), iterations=2) & ~pool
    if np.mean(bright[about]) < _BRIGHT:
        return None
    hull = np.asarray(optional("skimage.morphology", "vision").convex_hull_image(pool), bool)
    return hull if np.count_nonzero(pool) < _ROUND * np.count_nonzero(hull) else None
