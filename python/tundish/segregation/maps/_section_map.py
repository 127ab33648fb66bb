"""Carbon over a whole section, window by window, and errors at the points that were analysed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, number, positive
from tundish._common.images import Grey, grey_photograph
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.segregation.estimators._estimator import evaluating
from tundish.segregation.patches._checks import same_scale
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.patches._photographs import axis_of, read_photograph

Regressor = Any  # any model with `network`, `image_size`, `prepare`, `predict` and `predict_interval`

_MAX_WINDOWS = 256  # a batch, so that progress is seen
_LIVE = 3  # layers' outputs held at a time: what a layer reads, what it writes, and what it works in
_ENHANCEMENT = 64  # bytes a pixel that enhancing and cutting windows take


class SectionMap(NamedTuple):
    """Carbon over a section.

    - `carbon`: (h, w) wt%; NaN where a window is not wholly in the billet.
    - `interval`: (h, w, 2) wt%, lower and upper bound at `level`; None if no level was asked for.
    - `x_mm`, `y_mm`: (w,) and (h,), the windows' middles from the billet's axis, y downwards.
    - `stride_mm`: between neighbouring windows, in whole pixels.
    - `level`: of the interval.
    """

    carbon: Floats
    interval: Floats | None
    x_mm: Floats
    y_mm: Floats
    stride_mm: float
    level: float | None


def section_map(
    reg: Regressor,
    photograph: ArrayLike | str | PathLike[str],
    *,
    mm_per_px: float,
    stride_mm: float | None = None,
    level: float | None = 0.9,
    diameter_mm: float | None = None,
    axis: tuple[float, float] | None = None,
    memory_mb: float = 1024.0,
    progress: bool | Callback = False,
) -> SectionMap:
    """Carbon and its interval over the photograph of a whole section.

    **Main arguments:**

    - `reg`: a fitted `CarbonRegressor`, trained at this scale.
    - `photograph`: (H, W) uint8, colour (H, W, 3) or (H, W, 4), or an image file. A `numpy.memmap` is read as
      it is needed.
    - `mm_per_px`: its scale.
    - `stride_mm`: from window to window, at least one pixel; rounded to whole pixels. Half a window if left
      out.

    **Other arguments:**

    - `level`: of the intervals, between 0 and 1; None leaves them out.
    - `diameter_mm`: of the round billet; windows that are not wholly inside are NaN, and cost nothing.
    - `axis`: (column, row) of the billet's axis, px from the photograph's upper left corner; the default is
      its middle.
    - `memory_mb`: about what may be used at a time beside photograph, networks and result, in 10^6 bytes.
    - `progress`: of the windows: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a :class:`SectionMap`. Cell (i, j) is the prediction of the window of n x n px whose upper
    left pixel is (i, j) times the stride, h = (H - n) // stride + 1. Every window is enhanced by itself and
    goes through the network by itself: contrast enhancement and the zeros about a patch belong to the
    window, and sharing features among windows would change both. So the map equals the predictions of
    patches cut from the photograph, however it is tiled.

    **Raises:** ValueError or TypeError naming the argument; so for a scale other than the training's, and for
    memory that does not hold one window; OSError for a file that cannot be read.
    """
    if isinstance(photograph, str | PathLike):
        grey = read_photograph(photograph)
    else:
        grey = grey_photograph("photograph", photograph)
    side, scale = int(reg.image_size), positive("mm_per_px", mm_per_px)
    refuse_small(grey, side)
    _refuse_other_scale(reg, scale)
    stride = max(1, side // 2) if stride_mm is None else _stride(stride_mm, scale)
    if level is not None and not 0 < number("level", level) < 1:
        raise ArgumentError("level", level, "must lie between 0 and 1")
    column, row = axis_of(axis, (grey.shape[0], grey.shape[1]))
    windows = np.lib.stride_tricks.sliding_window_view(grey, (side, side))[::stride, ::stride]
    height, width = windows.shape[:2]
    x, y = _middles(width, stride, side, column) * scale, _middles(height, stride, side, row) * scale
    cells = _cells(x, y, side * scale, diameter_mm)
    batch = _batch(reg, windows[0, 0], memory_mb)
    carbon = np.full(height * width, np.nan)
    interval = None if level is None else np.full((height * width, 2), np.nan)
    with progress_callback(progress, "windows") as tell:
        for n in range(0, cells.size, batch):
            part = cells[n : n + batch]
            cut = windows[part // width, part % width]
            carbon[part], bounds = _predicted(reg, cut, level)
            if interval is not None:
                interval[part] = bounds
            if tell is not None:
                tell(n + part.size, cells.size)
    bounds = None if interval is None else interval.reshape(height, width, 2)
    return SectionMap(carbon.reshape(height, width), bounds, x, y, stride * scale, level)


def error_map(reg: Regressor, patches: PatchSet) -> NDArray[Any]:
    """Relative errors at the analysed points, as the paper maps them over the section (its Figure 5).

    **Main arguments:** `reg`: a fitted `CarbonRegressor`. `patches`: a :class:`PatchSet` with positions. At
    points that were trained on, errors are smaller than at others.

    **Returns:** a structured array, one row a point: `billet`, `point`, `x_mm`, `y_mm`; `carbon` and
    `predicted`, wt%, means over the point's patches; `spread`, the standard deviation of the predictions over
    its patches, such as turned and mirrored copies, wt%; and `relative_error`, (predicted - carbon) / carbon.

    **Raises:** TypeError for anything but a set; ValueError for one without positions.
    """
    if not isinstance(patches, PatchSet):
        text = f"must be a PatchSet; {type(patches).__name__} is given"
        raise ArgumentTypeError("patches", MISSING, text)
    if patches.position is None:
        raise ArgumentError("patches", MISSING, "have no positions; a map needs them")
    _, first, sizes = np.unique(patches.group, return_index=True, return_counts=True)

    def mean(values: Floats) -> Floats:
        return np.asarray(np.bincount(patches.group, values) / sizes)

    predicted = np.asarray(reg.predict(patches), np.float64)
    table = np.zeros(
        first.size,
        [("billet", patches.billet.dtype), ("point", patches.point.dtype), ("x_mm", float), ("y_mm", float),
         ("carbon", float), ("predicted", float), ("spread", float), ("relative_error", float)],
    )  # fmt: skip
    table["billet"], table["point"] = patches.billet[first], patches.point[first]
    table["x_mm"], table["y_mm"] = mean(patches.position[:, 0]), mean(patches.position[:, 1])
    table["carbon"], table["predicted"] = mean(patches.carbon), mean(predicted)
    table["spread"] = np.sqrt(mean((predicted - table["predicted"][patches.group]) ** 2))
    table["relative_error"] = table["predicted"] / table["carbon"] - 1
    return table


def refuse_small(photograph: Grey, side: int) -> None:
    """A photograph (H, W) holds at least a window."""
    if min(photograph.shape) < side:
        needed = f"at least {side} x {side}, one window of the network, are needed"
        text = f"is {photograph.shape[0]} x {photograph.shape[1]} px; {needed}"
        raise ArgumentError("photograph", MISSING, text)


def _refuse_other_scale(reg: Regressor, scale: float) -> None:
    trained = getattr(reg, "card", {}).get("mm_per_px")
    if trained is not None and not same_scale(scale, trained):
        text = f"the model was trained at {trained:g}; resample the photograph"
        raise ArgumentError("mm_per_px", scale, text)


def _stride(stride_mm: float, scale: float) -> int:
    stride = round(positive("stride_mm", stride_mm) / scale)
    if stride < 1:
        raise ArgumentError("stride_mm", stride_mm, f"must be at least a pixel, {scale:g} mm")
    return stride


def _middles(count: int, stride: int, side: int, origin: float) -> Floats:
    """(count,) px from the axis."""
    return np.arange(count, dtype=np.float64) * stride + (side / 2 - origin)


def _cells(x: Floats, y: Floats, side_mm: float, diameter_mm: float | None) -> NDArray[np.intp]:
    """Numbers, row by row, of the windows that lie in the billet."""
    if diameter_mm is None:
        return np.arange(x.size * y.size)
    radius = positive("diameter_mm", diameter_mm) / 2
    corner = np.hypot((np.abs(x) + side_mm / 2)[None, :], (np.abs(y) + side_mm / 2)[:, None])
    cells = np.flatnonzero(corner <= radius)
    if not cells.size:
        text = f"no window of {side_mm:g} mm lies in the billet; see axis as well"
        raise ArgumentError("diameter_mm", diameter_mm, text)
    return cells


def _predicted(reg: Regressor, cut: Grey, level: float | None) -> tuple[Floats, Floats | None]:
    if level is None:
        return reg.predict(cut), None
    if not hasattr(reg, "predict_members"):
        return reg.predict(cut), reg.predict_interval(cut, level)
    # The networks run once for both.
    members = reg.predict_members(cut)
    return members.mean(axis=0), reg.intervals_of(members, level)


def _batch(reg: Regressor, window: Grey, memory_mb: float) -> int:
    """How many windows the memory holds."""
    limit = positive("memory_mb", memory_mb) * 1e6
    each = window.size * _ENHANCEMENT + _LIVE * _largest_output(reg, window)
    if each > limit:
        raise ArgumentError("memory_mb", memory_mb, f"one window takes {each / 1e6:.3g}")
    return min(int(limit // each), _MAX_WINDOWS)


def _largest_output(reg: Regressor, window: Grey) -> int:
    """Bytes of the largest tensor that a layer makes of one window."""
    torch = optional("torch", "vision")
    network = reg.network
    weights = next(network.parameters())
    prepared = reg.prepare(window[None]).to(weights.device, weights.dtype)
    with torch.no_grad(), evaluating(network), _measured(network) as sizes:
        network(prepared)
    return max(sizes)


@contextmanager
def _measured(network: Any) -> Iterator[list[int]]:
    sizes = [0]

    def note(_module: Any, _inputs: Any, output: Any) -> None:
        sizes.append(output.numel() * output.element_size())

    hooks = [
        module.register_forward_hook(note) for module in network.modules() if not list(module.children())
    ]
    try:
        yield sizes
    finally:
        for hook in hooks:
            hook.remove()
