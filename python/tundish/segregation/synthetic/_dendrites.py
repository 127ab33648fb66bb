"""Dendrites of an etched section: grains, columnar and equiaxed, and what froze last between their arms."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.random import uniform
from tundish.segregation.synthetic._fields import (
    ACROSS,
    ALONG,
    FINE_X,
    FINE_Y,
    LOOK,
    PLACE,
    TRANSITION,
    WIDE_X,
    WIDE_Y,
    Fields,
    Window,
)
from tundish.segregation.synthetic._solidification import Structure

Mask = NDArray[np.bool_]

_PRIMARY = 3.0  # primary arm spacing over secondary
_BLOCK = 6.0  # mm, side of the blocks within which grains are looked for together
_REACH = 2.2  # grain sizes beyond which a grain has no place of its own


class Grains(NamedTuple):
    """Grains about a window: places in mm, the direction of their trunks, half axes in mm, and looks."""

    x: Floats
    y: Floats
    cosine: Floats
    sine: Floats
    length: Floats
    breadth: Floats
    crossed: Mask
    spacing: Floats
    shade: Floats


class Dendrites:
    """The dendrites of a section of this structure; `radius` of the billet, mm."""

    def __init__(self, structure: Structure, radius: float, fields: Fields) -> None:
        self.structure, self.radius, self.fields = structure, radius, fields
        core = structure.radius < structure.transition_radius
        mean = [float(structure.arm_spacing[part].mean()) if part.any() else 0.3 for part in (core, ~core)]
        self._grain = {True: 5 * mean[0], False: 2 * _PRIMARY * mean[1]}  # mm across

    def seen_in(self, window: Window) -> tuple[Floats, Floats, Floats]:
        """How late a place froze in its dendrite (0 to 1), its grain's shade, and the grains' edges."""
        x, y, smooth = window.x, window.y, self.fields.smooth
        bent_x = x[None, :] + 0.1 * smooth(FINE_X, x, y, 0.9) + 0.3 * smooth(WIDE_X, x, y, 3.5)
        bent_y = y[:, None] + 0.1 * smooth(FINE_Y, x, y, 0.9) + 0.3 * smooth(WIDE_Y, x, y, 3.5)
        grains = self._grains(window)
        owner = _owners(grains, bent_x, bent_y, max(8, round(_BLOCK / window.mm_per_px)))
        dx, dy = bent_x - grains.x[owner], bent_y - grains.y[owner]
        along = dx * grains.cosine[owner] + dy * grains.sine[owner]
        across = dy * grains.cosine[owner] - dx * grains.sine[owner]
        spacing = grains.spacing[owner]
        # Arms that the scale cannot resolve are seen as their mean.
        resolved = np.clip(spacing / window.mm_per_px / 2 - 1, 0, 1)
        # Arms are no ruler's lines: they wander by a part of their spacing.
        along += 0.22 * spacing * smooth(ALONG, x, y, 0.6)
        across += 0.18 * spacing * smooth(ACROSS, x, y, 0.8)
        valley = _rowed(along, across, spacing, resolved)
        crossed = grains.crossed[owner]
        valley[crossed] = _crossed(*(a[crossed] for a in (along, across, spacing, resolved)))
        edge = np.zeros(owner.shape)
        edge[:, 1:] = owner[:, 1:] != owner[:, :-1]
        edge[1:] = np.maximum(edge[1:], owner[1:] != owner[:-1])
        return np.maximum(valley, 0.9 * edge), grains.shade[owner], edge

    def _grains(self, window: Window) -> Grains:
        kinds = [self._grains_of(equiaxed, window) for equiaxed in (True, False)]
        return Grains(*(np.concatenate(pair) for pair in zip(*kinds, strict=True)))

    def _grains_of(self, equiaxed: bool, window: Window) -> Grains:
        """The equiaxed or the columnar grains about a window: nodes of a lattice, moved about their cells."""
        breadth = self._grain[equiaxed]
        length = breadth * (1.0 if equiaxed else 5.0)
        pitch = math.sqrt(breadth * length)
        reach = _REACH * length
        columns, rows = (
            np.arange(math.floor((a[0] - reach) / pitch), math.ceil((a[-1] + reach) / pitch))
            for a in (window.x, window.y)
        )
        column, row = (a.reshape(-1) for a in np.meshgrid(columns, rows))
        place = self.fields.seeds[PLACE] + 16 * equiaxed
        look = self.fields.seeds[LOOK] + 16 * equiaxed
        x = (column + uniform(place, column, row)) * pitch
        y = (row + uniform(place + 1, column, row)) * pitch
        radius = np.hypot(x, y)
        wander = 0.06 * self.radius * (uniform(self.fields.seeds[TRANSITION], column, row) - 0.5)
        here = ((radius + wander < self.structure.transition_radius) == equiaxed) & (
            radius < self.radius + reach
        )
        column, row, x, y, radius = (a[here] for a in (column, row, x, y, radius))
        turn = uniform(look, column, row) - 0.5
        angle = 2 * math.pi * turn if equiaxed else np.arctan2(y, x) + 0.35 * turn
        spacing = np.interp(radius, self.structure.radius, self.structure.arm_spacing)
        spacing *= 0.8 + 0.4 * uniform(look + 1, column, row)
        shade = 2 * uniform(look + 2, column, row) - 1
        # The section cuts most equiaxed dendrites aslant, and shows one row of arms.
        crossed = equiaxed & (uniform(look + 3, column, row) < 0.4)
        full = np.ones(x.size)
        return Grains(x, y, np.cos(angle), np.sin(angle), length * full, breadth * full, crossed, spacing,
                      shade)  # fmt: skip


def _owners(grains: Grains, x: Floats, y: Floats, side: int) -> NDArray[np.intp]:
    """The grain each place belongs to: the nearest, by distances in the grains' own half axes."""
    owner = np.empty(x.shape, np.intp)
    for i in range(0, x.shape[0], side):
        for j in range(0, x.shape[1], side):
            block = np.s_[i : i + side, j : j + side]
            owner[block] = _owners_of_block(grains, x[block], y[block])
    return owner


def _owners_of_block(grains: Grains, x: Floats, y: Floats) -> NDArray[np.intp]:
    middle_x, middle_y = x.mean(), y.mean()
    extent = math.hypot(np.ptp(x), np.ptp(y)) / 2
    dx, dy = grains.x - middle_x, grains.y - middle_y
    along = np.maximum(np.abs(dx * grains.cosine + dy * grains.sine) - extent, 0) / grains.length
    across = np.maximum(np.abs(dy * grains.cosine - dx * grains.sine) - extent, 0) / grains.breadth
    least = np.hypot(along, across)
    near = np.flatnonzero(least <= max(_REACH, least.min()))
    c, s = grains.cosine[near], grains.sine[near]
    a, b = 1 / grains.length[near] ** 2, 1 / grains.breadth[near] ** 2
    # The squared distance, a quadratic in the place: (xx, xy, yy, x, y, 1) times six numbers a grain.
    xx, xy, yy = a * c * c + b * s * s, 2 * c * s * (a - b), a * s * s + b * c * c
    gx, gy = dx[near], dy[near]
    numbers = np.stack([xx, xy, yy, -2 * xx * gx - xy * gy, -2 * yy * gy - xy * gx,
                        xx * gx * gx + xy * gx * gy + yy * gy * gy])  # fmt: skip
    u, v = (x - middle_x).reshape(-1), (y - middle_y).reshape(-1)
    distance = np.stack([u * u, u * v, v * v, u, v, np.ones(u.size)], axis=1) @ numbers
    owner: NDArray[np.intp] = near[np.argmin(distance, axis=1)].reshape(x.shape)
    return owner


def _rowed(along: Floats, across: Floats, spacing: Floats, resolved: Floats) -> Floats:
    """Trunks side by side with arms on both sides."""
    primary = _PRIMARY * spacing
    off = np.abs(across / primary - np.rint(across / primary)) * 2
    wave = 0.5 - 0.5 * np.cos(2 * math.pi * (along + 0.3 * off * primary) / spacing)
    arms = 0.5 + resolved * (wave - 0.5)
    return 1 - (1 - off**3) * (1 - 0.85 * arms * np.minimum(1, 2.5 * off))


def _crossed(along: Floats, across: Floats, spacing: Floats, resolved: Floats) -> Floats:
    """A cross of trunks with arms on each."""
    long, short = np.abs(along), np.abs(across)
    long, short = np.maximum(long, short), np.minimum(long, short)
    wave = 0.5 - 0.5 * np.cos(2 * math.pi * (long + 0.3 * short) / spacing)
    arms = 0.5 + resolved * (wave - 0.5)
    corner = smooth_step((short / np.maximum(long, spacing) - 0.6) / 0.4)
    return 1 - (1 - 0.8 * corner) * (1 - 0.85 * arms * np.minimum(1, short / (0.7 * spacing)))


def smooth_step(value: Floats) -> Floats:
    """0 up to 0, 1 from 1 on, and smooth between."""
    t = np.clip(value, 0, 1)
    return t * t * (3 - 2 * t)
