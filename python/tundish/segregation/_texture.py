"""What an etched section shows at each place: carbon, dendrites, and what etching and camera do to them.

Every field is a function of the place alone, in mm from the axis: a patch is a cutting of its section.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.random import uniform
from tundish.segregation._solidification import Process, Structure

Mask = NDArray[np.bool_]

# Lattices of random numbers, one seed each.
(_CARBON_WIDE, _CARBON_NARROW, _FINE_X, _FINE_Y, _WIDE_X, _WIDE_Y, _ALONG, _ACROSS, _PLACE, _LOOK,
 _TRANSITION, _ETCH, _STAIN, _SPOT, _PORE, _GRINDING, _NOISE) = range(17)  # fmt: skip

_PRIMARY = 3.0  # primary arm spacing over secondary
_BLOCK = 6.0  # mm, side of the blocks within which grains are looked for together
_HALO = 3  # px beyond a window that blurring needs
_REACH = 2.2  # grain sizes beyond which a grain has no place of its own
_BLUR = (0.06, 0.24, 0.40, 0.24, 0.06)  # of lens and camera, over px

_STEEL, _BACKGROUND = 172.0, 28.0  # grey levels
_REFERENCE = 0.42  # wt%


class Window:
    """A rectangle of a photograph: its first pixel, its size, and the scale; pixel (0, 0) is on the axis.

    `x`: (width,) and `y`: (height,) mm, to the right and downwards, of the pixels' centres.
    """

    def __init__(self, row: int, column: int, height: int, width: int, mm_per_px: float) -> None:
        self.rows, self.columns = row + np.arange(height), column + np.arange(width)
        self.mm_per_px = mm_per_px
        self.x: Floats = (self.columns + 0.5) * np.float64(mm_per_px)
        self.y: Floats = (self.rows + 0.5) * np.float64(mm_per_px)

    def grown(self, pixels: int) -> Window:
        """The window with a margin."""
        row, column = int(self.rows[0]) - pixels, int(self.columns[0]) - pixels
        return Window(
            row, column, self.rows.size + 2 * pixels, self.columns.size + 2 * pixels, self.mm_per_px
        )

    @property
    def radius(self) -> Floats:
        """(height, width) mm from the axis."""
        return np.hypot(self.x[None, :], self.y[:, None])

    def near(self, x: Floats, y: Floats, width: Floats, height: Floats) -> NDArray[np.intp]:
        """Which of the boxes about places, of half a width and height, reach into the window."""
        inside_x = (x + width > self.x[0]) & (x - width < self.x[-1])
        return np.flatnonzero(inside_x & (y + height > self.y[0]) & (y - height < self.y[-1]))

    def box(self, x: float, y: float, half_width: float, half_height: float) -> tuple[slice, slice]:
        """The rows and columns about a place that lie in the window, maybe none."""
        rows, columns = (
            slice(*np.searchsorted(axis, (at - half, at + half)).tolist())
            for axis, at, half in ((self.y, y, half_height), (self.x, x, half_width))
        )
        return rows, columns


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


class Texture:
    """An etched section of one billet, rendered window by window.

    **Main arguments:** `structure` and `process`; `radius` of the billet, mm; `random`, which is asked for
    seeds and for the billet's scratches, light and exposure.
    """

    def __init__(
        self, structure: Structure, process: Process, radius: float, random: np.random.Generator
    ) -> None:
        self.structure, self.process, self.radius = structure, process, radius
        self._seeds = random.integers(2**62, size=_NOISE + 1).tolist()
        core = structure.radius < structure.transition_radius
        mean = [float(structure.arm_spacing[part].mean()) if part.any() else 0.3 for part in (core, ~core)]
        self._grain = {True: 5 * mean[0], False: 2 * _PRIMARY * mean[1]}  # mm across
        self._light = random.normal(0, 0.05, 2) * process.illumination
        self._exposure = 1 + 0.03 * random.normal() * process.illumination
        self._grinding = random.uniform(0, math.pi)
        self._scratches = _scratches(random, radius, process.scratches)

    def carbon(self, x: Floats, y: Floats) -> Floats:
        """(len(y), len(x)) wt% on a grid of places, mm; profile and scatter, without microsegregation."""
        wide, narrow = self._noise(_CARBON_WIDE, x, y, 15.0), self._noise(_CARBON_NARROW, x, y, 6.0)
        return self._carbon(np.hypot(x[None, :], y[:, None]), wide, narrow)

    def _carbon(self, radius: Floats, wide: Floats, narrow: Floats) -> Floats:
        profile = np.interp(radius, self.structure.radius, self.structure.carbon)
        return np.maximum(profile + self.process.scatter * (0.85 * wide + 0.53 * narrow), 0.01)

    def render(self, window: Window) -> tuple[NDArray[np.uint8], Mask]:
        """(height, width) grey levels, and where the steel is interdendritic."""
        outside = window.radius > self.radius
        if outside.all():
            grey = _BACKGROUND + self._camera_noise(window)
            return np.rint(grey).astype(np.uint8), np.zeros(outside.shape, bool)
        wide = window.grown(_HALO)
        x, y = wide.x, wide.y
        valley, shade, edge = self._dendrites(wide)
        carbon = self.carbon(x, y)
        # Carbon widens what freezes last and darkens it; uneven etching darkens alone.
        share = np.clip(0.40 + 2.2 * (carbon - _REFERENCE), 0.1, 0.8)
        dark = _step((valley - (1 - share)) / 0.3 + 0.5)
        etch = np.exp(0.28 * self.process.etching * self._noise(_ETCH, x, y, 22.0))
        depth = 84 * etch * np.exp(2.5 * (carbon - _REFERENCE))
        grey = _STEEL + 9 * shade - depth * dark - 14 * etch * edge
        grey += 12 * self.process.etching * self._noise(_STAIN, x, y, 14.0)
        self._spots(grey, wide)
        self._pores(grey, wide)
        grey = self._ground(grey, wide)
        grey = _blurred(grey * self._illumination(x, y))
        grey[outside] = _BACKGROUND
        grey += self._camera_noise(window)
        inside = slice(_HALO, -_HALO)
        late = (valley > 1 - share)[inside, inside] & ~outside
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8), late

    # -- fields of noise

    def _noise(self, lattice: int, x: Floats, y: Floats, scale: float) -> Floats:
        """(len(y), len(x)) smooth noise of zero mean and unit variance on a lattice of `scale` mm."""
        left, weights_x = _splines(x / scale)
        above, weights_y = _splines(y / scale)
        nodes_x, nodes_y = (np.arange(a[0] - 1, a[-1] + 3) for a in (left, above))
        values = math.sqrt(12.0) * (uniform(self._seeds[lattice], nodes_x[None, :], nodes_y[:, None]) - 0.5)
        # Tap by tap rather than as products of matrices: the same sum, to the last bit, in every window.
        rows = sum(w[:, None] * values[above - nodes_y[0] - 1 + k] for k, w in enumerate(weights_y))
        taps = (w * np.take(rows, left - nodes_x[0] - 1 + k, axis=1) for k, w in enumerate(weights_x))
        return np.asarray(sum(taps)) / _SPLINE_VARIANCE

    def _noise_at(self, lattice: int, x: Floats, y: Floats, scale: float) -> Floats:
        """(n,) The same at single places."""
        left, weights_x = _splines(x / scale)
        above, weights_y = _splines(y / scale)
        total = np.zeros(x.size)
        for i, k in itertools.product(range(4), range(4)):
            values = uniform(self._seeds[lattice], left - 1 + k, above - 1 + i) - 0.5
            total += math.sqrt(12.0) * weights_y[i] * weights_x[k] * values
        return total / _SPLINE_VARIANCE

    def _camera_noise(self, window: Window) -> Floats:
        """Grey levels of zero mean, nearly normal."""
        columns, rows = window.columns[None, :], window.rows[:, None]
        two = uniform(self._seeds[_NOISE], columns, rows) + uniform(self._seeds[_NOISE] + 1, columns, rows)
        return 4.5 * math.sqrt(6.0) * self.process.noise * (two - 1)

    # -- dendrites

    def _dendrites(self, window: Window) -> tuple[Floats, Floats, Floats]:
        """How late a place froze in its dendrite (0 to 1), its grain's shade, and the grains' edges."""
        x, y = window.x, window.y
        bent_x = x[None, :] + 0.1 * self._noise(_FINE_X, x, y, 0.9) + 0.3 * self._noise(_WIDE_X, x, y, 3.5)
        bent_y = y[:, None] + 0.1 * self._noise(_FINE_Y, x, y, 0.9) + 0.3 * self._noise(_WIDE_Y, x, y, 3.5)
        grains = self._grains(window)
        owner = _owners(grains, bent_x, bent_y, max(8, round(_BLOCK / window.mm_per_px)))
        dx, dy = bent_x - grains.x[owner], bent_y - grains.y[owner]
        along = dx * grains.cosine[owner] + dy * grains.sine[owner]
        across = dy * grains.cosine[owner] - dx * grains.sine[owner]
        spacing = grains.spacing[owner]
        # Arms that the scale cannot resolve are seen as their mean.
        resolved = np.clip(spacing / window.mm_per_px / 2 - 1, 0, 1)
        # Arms are no ruler's lines: they wander by a part of their spacing.
        along += 0.22 * spacing * self._noise(_ALONG, x, y, 0.6)
        across += 0.18 * spacing * self._noise(_ACROSS, x, y, 0.8)
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
        place = self._seeds[_PLACE] + 16 * equiaxed
        look = self._seeds[_LOOK] + 16 * equiaxed
        x = (column + uniform(place, column, row)) * pitch
        y = (row + uniform(place + 1, column, row)) * pitch
        radius = np.hypot(x, y)
        wander = 0.06 * self.radius * (uniform(self._seeds[_TRANSITION], column, row) - 0.5)
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

    # -- what else is seen

    def _spots(self, grey: Floats, window: Window) -> None:
        """Dark spots of segregation, in the core, the more of them the more carbon there is."""
        x, y, chance, size = self._sprinkled(_SPOT, window, 4.0)
        radius = np.hypot(x, y)
        fields = [self._noise_at(*n) for n in ((_CARBON_WIDE, x, y, 15.0), (_CARBON_NARROW, x, y, 6.0))]
        wanted = 0.25 * np.exp((self._carbon(radius, *fields) - _REFERENCE - 0.03) / 0.02)
        seen = (radius < self.structure.transition_radius) & (chance < wanted)
        _darken(grey, window, x[seen], y[seen], 0.35 + 0.5 * size[seen], 38.0)

    def _pores(self, grey: Floats, window: Window) -> None:
        """Shrinkage pores about the axis."""
        x, y, chance, size = self._sprinkled(_PORE, window, 3.0)
        seen = chance < 0.35 * np.exp(-0.5 * (np.hypot(x, y) / (0.06 * self.radius)) ** 2)
        _darken(grey, window, x[seen], y[seen], 0.12 + 0.2 * size[seen], 110.0)

    def _sprinkled(self, lattice: int, window: Window, pitch: float) -> list[Floats]:
        """Places x and y (mm) near a window, and two random numbers each."""
        columns, rows = (
            np.arange(math.floor(a[0] / pitch) - 1, math.ceil(a[-1] / pitch) + 1)
            for a in (window.x, window.y)
        )
        column, row = (a.reshape(-1) for a in np.meshgrid(columns, rows))
        first, second, chance, size = (uniform(self._seeds[lattice] + n, column, row) for n in range(4))
        return [(column + first) * pitch, (row + second) * pitch, chance, size]

    def _ground(self, grey: Floats, window: Window) -> Floats:
        """Fine marks of grinding in one direction, and single scratches."""
        x, y = window.x[None, :], window.y[:, None]
        across = (y * math.cos(self._grinding) - x * math.sin(self._grinding)) / 0.22
        line = np.floor(across).astype(np.int64)
        lines = np.arange(line.min(), line.max() + 2)
        depth = uniform(self._seeds[_GRINDING], lines, np.zeros_like(lines))
        line -= lines[0]
        between = across - lines[0] - line
        grey = grey + 7 * self.process.scratches * (
            depth[line] * (1 - between) + depth[line + 1] * between - 0.5
        )
        at_x, at_y, cosine, sine, half, breadth, depth = self._scratches
        # No line is narrower than a pixel; one that would be is fainter.
        seen = np.maximum(breadth, 0.5 * window.mm_per_px)
        width, height = half * np.abs(cosine) + 5 * seen, half * np.abs(sine) + 5 * seen
        for n in window.near(at_x, at_y, width, height):
            box = window.box(at_x[n], at_y[n], width[n], height[n])
            dx, dy = x[:, box[1]] - at_x[n], y[box[0]] - at_y[n]
            line = np.exp(-0.5 * ((dy * cosine[n] - dx * sine[n]) / seen[n]) ** 2) * (breadth[n] / seen[n])
            grey[box] += (
                depth[n] * line * np.clip((half[n] - np.abs(dx * cosine[n] + dy * sine[n])) / 2, 0, 1)
            )
        return grey

    def _illumination(self, x: Floats, y: Floats) -> Floats:
        u, v = x[None, :] / self.radius, y[:, None] / self.radius
        vignette = 0.10 * self.process.illumination * (u**2 + v**2)
        return np.asarray(self._exposure * (1 + self._light[0] * u + self._light[1] * v - vignette))


def _scratches(random: np.random.Generator, radius: float, strength: float) -> list[Floats]:
    """Places x and y, cosine and sine of the direction, half length, breadth (mm), depth (grey levels)."""
    count = round(0.9e-3 * strength * (2 * radius) ** 2)
    x, y = random.uniform(-radius, radius, (2, count))
    angle = random.uniform(0, math.pi, count)
    half = np.exp(random.normal(math.log(12), 0.7, count))
    breadth = random.uniform(0.04, 0.12, count)
    depth = random.choice([-34.0, 42.0], count) * random.uniform(0.5, 1.2, count)
    return [x, y, np.cos(angle), np.sin(angle), half, breadth, depth]


def _splines(at: Floats) -> tuple[NDArray[np.int64], Floats]:
    """(n,) The node left of each place, and (4, n) weights of cubic B-splines from one before it on."""
    left = np.floor(at).astype(np.int64)
    t = at - left
    return left, np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6


_SPLINE_VARIANCE = 151 / 315  # mean over a cell of the sum of squared weights, in one dimension


def _step(value: Floats) -> Floats:
    t = np.clip(value, 0, 1)
    return t * t * (3 - 2 * t)


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
    corner = _step((short / np.maximum(long, spacing) - 0.6) / 0.4)
    return 1 - (1 - 0.8 * corner) * (1 - 0.85 * arms * np.minimum(1, short / (0.7 * spacing)))


def _darken(grey: Floats, window: Window, x: Floats, y: Floats, size: Floats, depth: float) -> None:
    """Bells of `size` mm about places, taken off where the window is."""
    for n in window.near(x, y, 3.5 * size, 3.5 * size):
        box = window.box(x[n], y[n], 3.5 * size[n], 3.5 * size[n])
        dx, dy = window.x[box[1]] - x[n], window.y[box[0]] - y[n]
        grey[box] -= depth * np.exp(-0.5 * (dy[:, None] ** 2 + dx[None, :] ** 2) / size[n] ** 2)


def _blurred(grey: Floats) -> Floats:
    """The window without its halo."""
    for axis in (0, 1):
        grey = np.moveaxis(grey, axis, 0)[1:-1]
        n = len(grey) - len(_BLUR) + 1
        taps = (weight * grey[k : k + n] for k, weight in enumerate(_BLUR))
        grey = np.moveaxis(np.asarray(sum(taps)), 0, axis)
    return grey
