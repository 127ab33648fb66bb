"""Where the flux is on frames, how it is lit, and which level parts melt from crystals."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike

from tundish._common.arguments import Floats
from tundish._common.images import Grey
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish.crystallization.frames._blocks import (
    Image,
    Mask,
    block_means,
    block_side,
    sign_of,
    smoothed,
    smoothing_of,
)
from tundish.crystallization.frames._checks import checked_crystals, checked_mask
from tundish.crystallization.frames._region import Region, find
from tundish.crystallization.frames._states import by_place, by_time

_SAMPLED = 60  # frames, evenly spaced, that a calibration looks at
_CLEAR = 4.0  # deviations within a state between the two, of which 2 % are then taken for the other
_WHITE, _STROKE = 235, 100  # levels of writing, and how much it stands out


class Frames(Protocol):
    """What calibrations and features need of a `FrameSequence`."""

    @property
    def images(self) -> Grey: ...
    @property
    def time(self) -> Floats: ...
    @property
    def temperature(self) -> Floats | None: ...
    @property
    def mask(self) -> Mask | None: ...
    @property
    def crystals(self) -> str: ...
    @property
    def levels(self) -> Floats: ...
    @property
    def channels(self) -> tuple[str, ...]: ...
    @property
    def size(self) -> tuple[int, int]: ...
    def __len__(self) -> int: ...


class CalibrationWarning(UserWarning):
    """A calibration is in doubt, so that shares found by it are not to be relied on.

    `doubt`: what is in doubt. `remedy`: what would help, "" if nothing is known.
    """

    def __init__(self, doubt: str, remedy: str = "") -> None:
        super().__init__(f"calibrate: {doubt}" + (f"; {remedy}" if remedy else ""))
        self.doubt, self.remedy = doubt, remedy

    def __reduce__(self) -> tuple[type[CalibrationWarning], tuple[str, str]]:
        return type(self), (self.doubt, self.remedy)


@contextlib.contextmanager
def collect_doubts() -> Iterator[list[str]]:
    """The doubts of the calibrations made within, each once, filled in at the end.

    Their warnings are not shown; all others are shown at the end.
    """
    doubts: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield doubts
    for each in caught:
        if not isinstance(each.message, CalibrationWarning):
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        elif each.message.doubt not in doubts:
            doubts.append(each.message.doubt)


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


def calibrate(sequence: Frames, *, mask: ArrayLike | None = None, crystals: str | None = None) -> Calibration:
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

    **Warns:** :class:`CalibrationWarning`, a UserWarning, if there are no two states, if they are less than 4
    deviations of their levels apart, or if the flux does not stand out from its surroundings; the share is
    then not to be relied on, and a `mask` or another record's calibration is needed.

    **Raises:** ValueError naming the argument; ImportError without scikit-image (`tundish[vision]`).
    """
    given = sequence.mask if mask is None else checked_mask(mask, sequence.size)
    looks = sequence.crystals if crystals is None else checked_crystals(crystals)
    sign = sign_of(looks)
    step = block_side(sequence.size)
    rows = np.unique(np.linspace(0, len(sequence) - 1, min(_SAMPLED, len(sequence))).round().astype(int))
    overlay = _written(sequence.images[rows[:: max(len(rows) // 12, 1)]])
    ignored = block_means(overlay, step) > 0
    smoothing = smoothing_of(sequence.size, step)
    sample = sign * np.stack([smoothed(block_means(sequence.images[n], step), smoothing) for n in rows])
    region = find(sample, ignored) if given is None else Region(_given(given, step), "given", "")
    inside = region.mask & ~ignored if (region.mask & ~ignored).any() else region.mask
    states = by_time(sample, inside)
    # A region that was found by its changes, and does not change between two states, is of one state.
    if states is None and region.how in ("given", "frame"):
        states = by_place(sample, inside)
    if states is None:
        _warn(
            "the frames show no two states, so nothing counts as crystallised",
            "give mask=, or the calibration of frames that show both melt and crystals",
        )
        melt = sample.mean(axis=0)
        nowhere = np.full(melt.shape, sign * np.inf, np.float32)
        return Calibration(step, inside, region.how, overlay, sign * melt, nowhere, 0.0, looks)
    if states.contrast < _CLEAR * states.spread:
        _warn(
            f"melt and crystals are {states.contrast:.0f} levels apart, and either is spread by "
            f"{states.spread:.0f}; the share is rough"
        )
    if region.doubtful:
        _warn(region.doubtful, "give mask=")
    melt, threshold = sign * states.melt, sign * states.threshold
    return Calibration(step, inside, region.how, overlay, melt, threshold, states.contrast, looks)


def _warn(doubt: str, remedy: str = "") -> None:
    """Warns where :func:`calibrate` is called."""
    warnings.warn(CalibrationWarning(doubt, remedy), stacklevel=3)


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
    blocks = block_means(mask, step) >= 0.5
    if not blocks.any():
        allowed = f"is smaller than a block of {step} x {step} px everywhere"
        raise ArgumentError("mask", MISSING, allowed)
    return blocks
