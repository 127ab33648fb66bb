"""Patches, and whole sections, of billets that were never cast."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, count, integer, number
from tundish._common.progress import Callback, progress_callback
from tundish._common.random import generator
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.segregation.patches._patch_set import PatchSet
from tundish.segregation.synthetic._appearance import Appearance
from tundish.segregation.synthetic._fields import Window
from tundish.segregation.synthetic._solidification import Process, Structure, structure

_MARGIN = 4.0  # mm of background about the section
_DRILL = 8.0  # mm, diameter of the sample that is analysed
_TILE = 512  # px
_MAP_STEP = 1.0  # mm
_MAX_PIXELS = 400_000_000
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


class Section(NamedTuple):
    """A whole section, photographed, with what a billet knows and a photograph does not.

    - `photograph`: (H, W) uint8; the billet's axis is in its middle.
    - `interdendritic`: (H, W) bool, what froze last.
    - `carbon`: (h, w) wt% at the places (`y_mm`, `x_mm`), 1 mm apart, from the axis and y downwards; NaN
      outside. It is smooth over a few mm: profile and scatter, without microsegregation.
    - `mm_per_px`: of the photograph.
    - `structure`: what solidification left over the radius.
    """

    photograph: NDArray[np.uint8]
    interdendritic: NDArray[np.bool_]
    carbon: Floats
    x_mm: Floats
    y_mm: Floats
    mm_per_px: float
    structure: Structure


@overload
def billet(
    points: int = 85, diameter: float = 0.6, image_size: int = 224, rng: Any = 0, *, mm_per_px: float = 0.1,
    name: int | str = 0, section: Literal[False] = False, progress: bool | Callback = False, **process: float,
) -> PatchSet: ...  # fmt: skip
@overload
def billet(
    points: int = 85, diameter: float = 0.6, image_size: int = 224, rng: Any = 0, *, mm_per_px: float = 0.1,
    name: int | str = 0, section: Literal[True], progress: bool | Callback = False, **process: float,
) -> tuple[PatchSet, Section]: ...  # fmt: skip
def billet(
    points: int = 85,
    diameter: float = 0.6,
    image_size: int = 224,
    rng: Any = 0,
    *,
    mm_per_px: float = 0.1,
    name: int | str = 0,
    section: bool = False,
    progress: bool | Callback = False,
    **process: float,
) -> PatchSet | tuple[PatchSet, Section]:
    """Patches of the etched section of a round billet that was never cast.

    **Main arguments:**

    - `points`: number of sampling points, spread evenly over the section (a sunflower's spiral).
    - `diameter`: of the billet, m, 0.1 to 1.2.
    - `image_size`: side of the patches, px.
    - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None. One seed is one billet.
    - `**process`: the knobs of :class:`Process`, such as `stirring=1.0, carbon=0.40`.

    **Other arguments:**

    - `mm_per_px`: scale of the photograph, 0.02 to 2. Arms of less than two pixels are seen as their mean.
    - `name`: the billet's id. The points' ids are their numbers.
    - `section`: True for the whole section as well: a photograph of (1000 diameter + 8) / mm_per_px pixels a
      side, of which the patches are cuttings.
    - `progress`: of the section's tiles: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a :class:`PatchSet`; with `section=True` that and a :class:`Section`.

    The physics: :func:`structure` solves the strand, which gives arm spacing, columnar-to-equiaxed change and
    mean carbon over the radius. To the mean comes a smooth random field, the scatter. Dendrites fill grains,
    columnar ones along the radius and equiaxed ones any way; what froze last between their arms is etched
    dark, wider and darker where there is more carbon. Spots of segregation sit in the core, pores about the
    axis. Uneven etching (with and without a change of contrast), grinding marks, scratches, uneven light, a
    lens and noise do the rest. The carbon analysed at a point is the mean over a drill of 8 mm, with the
    analyser's error. Of all this only the temperatures are solved; the rest is made to look and to vary as
    sections do, and no figure reached on these images says what is reached on real ones.

    **Raises:** ValueError or TypeError naming the argument.
    """
    number_of_points, side = count("points", points, 1), integer("image_size", image_size)
    scale = number("mm_per_px", mm_per_px)
    if not 0.02 <= scale <= 2:
        raise ArgumentError("mm_per_px", mm_per_px, "must lie between 0.02 and 2 mm")
    if side < 8:
        raise ArgumentError("image_size", image_size, "must be at least 8 px")
    knobs = _process(process)
    solidified = structure(diameter, knobs)
    radius = 500 * float(diameter)
    # Patches lie wholly in the steel.
    reach = radius - side * scale / math.sqrt(2)
    if reach <= 0:
        text = f"patches of {side * scale:g} mm do not fit into {2 * radius:g} mm of billet"
        raise ArgumentError("image_size", side, text)
    height = 2 * math.ceil((radius + _MARGIN) / scale)
    if section and height**2 > _MAX_PIXELS:
        text = f"a section of {height} x {height} px is too large; take more"
        raise ArgumentError("mm_per_px", scale, text)
    random = generator(rng)
    appearance = Appearance(solidified, knobs, radius, random)
    place = _spiral(number_of_points, reach)
    analysed = np.array([_analysed(appearance, *xy) for xy in place])
    analysed = np.maximum(analysed + random.normal(0, knobs.measurement, number_of_points), 0.01)
    with progress_callback(progress, "tiles") as callback:
        corners = np.rint(place / scale - side / 2).astype(int)
        images = np.stack(
            [appearance.render(Window(row, column, side, side, scale))[0] for column, row in corners]
        )
        patches = PatchSet(images, analysed, billet=name, position=place, mm_per_px=scale)
        if not section:
            return patches
        return patches, _section(appearance, height, scale, callback)


def _process(knobs: dict[str, float]) -> Process:
    try:
        return Process(**knobs)
    except TypeError:
        known = Process.__dataclass_fields__
        for knob in knobs:
            if knob not in known:
                text = "is no knob of the process; they are " + ", ".join(known)
                raise ArgumentTypeError(knob, MISSING, text) from None
        raise


def _spiral(points: int, reach: float) -> Floats:
    """(points, 2) mm, as a sunflower sets its seeds: every one has the same share of the area."""
    number_of = np.arange(points)
    radius = reach * np.sqrt((number_of + 0.5) / points)
    angle = number_of * _GOLDEN_ANGLE
    return np.round(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), 3)


def _analysed(appearance: Appearance, x: float, y: float) -> float:
    """wt% of carbon in a drill's turnings."""
    offset = np.linspace(-0.5, 0.5, 9) * _DRILL
    inside = np.hypot(offset[None, :], offset[:, None]) <= _DRILL / 2
    return float(appearance.carbon(x + offset, y + offset)[inside].mean())


def _section(appearance: Appearance, height: int, scale: float, callback: Callback | None) -> Section:
    photograph = np.empty((height, height), np.uint8)
    interdendritic = np.empty((height, height), bool)
    starts = [(i, j) for i in range(0, height, _TILE) for j in range(0, height, _TILE)]
    for done, (i, j) in enumerate(starts):
        tile = np.s_[i : i + _TILE, j : j + _TILE]
        rows, columns = photograph[tile].shape
        window = Window(i - height // 2, j - height // 2, rows, columns, scale)
        photograph[tile], interdendritic[tile] = appearance.render(window)
        if callback is not None:
            callback(done + 1, len(starts))
    steps = math.floor(appearance.radius / _MAP_STEP)
    axis: Floats = np.float64(_MAP_STEP) * np.arange(-steps, steps + 1)
    carbon = appearance.carbon(axis, axis)
    carbon[np.hypot(axis[None, :], axis[:, None]) > appearance.radius] = np.nan
    return Section(photograph, interdendritic, carbon, axis, axis.copy(), scale, appearance.structure)
