"""What an etched section shows at each place: carbon, dendrites, and what etching and camera do to them.

Every field is a function of the place alone, in mm from the axis: a patch is a cutting of its section.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.random import uniform
from tundish.segregation.synthetic._dendrites import Dendrites, smooth_step
from tundish.segregation.synthetic._fields import (
    CARBON_NARROW,
    CARBON_WIDE,
    ETCH,
    GRINDING,
    PORE,
    SPOT,
    STAIN,
    Fields,
    Window,
)
from tundish.segregation.synthetic._solidification import Process, Structure

Mask = NDArray[np.bool_]

_HALO = 3  # px beyond a window that blurring needs
_BLUR = (0.06, 0.24, 0.40, 0.24, 0.06)  # of lens and camera, over px

_STEEL, _BACKGROUND = 172.0, 28.0  # grey levels
_REFERENCE = 0.42  # wt%


class Appearance:
    """An etched section of one billet, rendered window by window.

    **Main arguments:** `structure` and `process`; `radius` of the billet, mm; `random`, which is asked for
    seeds and for the billet's scratches, light and exposure.
    """

    def __init__(
        self, structure: Structure, process: Process, radius: float, random: np.random.Generator
    ) -> None:
        self.structure, self.process, self.radius = structure, process, radius
        self.fields = Fields(random)
        self._dendrites = Dendrites(structure, radius, self.fields)
        self._light = random.normal(0, 0.05, 2) * process.illumination
        self._exposure = 1 + 0.03 * random.normal() * process.illumination
        self._grinding = random.uniform(0, math.pi)
        self._scratches = _scratches(random, radius, process.scratches)

    def carbon(self, x: Floats, y: Floats) -> Floats:
        """(len(y), len(x)) wt% on a grid of places, mm; profile and scatter, without microsegregation."""
        smooth = self.fields.smooth
        wide, narrow = smooth(CARBON_WIDE, x, y, 15.0), smooth(CARBON_NARROW, x, y, 6.0)
        return self._carbon(np.hypot(x[None, :], y[:, None]), wide, narrow)

    def _carbon(self, radius: Floats, wide: Floats, narrow: Floats) -> Floats:
        profile = np.interp(radius, self.structure.radius, self.structure.carbon)
        return np.maximum(profile + self.process.scatter * (0.85 * wide + 0.53 * narrow), 0.01)

    def render(self, window: Window) -> tuple[NDArray[np.uint8], Mask]:
        """(height, width) grey levels, and where the steel is interdendritic."""
        outside = window.radius > self.radius
        if outside.all():
            grey = _BACKGROUND + self.fields.camera(window, self.process.noise)
            return np.rint(grey).astype(np.uint8), np.zeros(outside.shape, bool)
        wide = window.grown(_HALO)
        x, y = wide.x, wide.y
        valley, shade, edge = self._dendrites.seen_in(wide)
        carbon = self.carbon(x, y)
        # Carbon widens what freezes last and darkens it; uneven etching darkens alone.
        share = np.clip(0.40 + 2.2 * (carbon - _REFERENCE), 0.1, 0.8)
        dark = smooth_step((valley - (1 - share)) / 0.3 + 0.5)
        etch = np.exp(0.28 * self.process.etching * self.fields.smooth(ETCH, x, y, 22.0))
        depth = 84 * etch * np.exp(2.5 * (carbon - _REFERENCE))
        grey = _STEEL + 9 * shade - depth * dark - 14 * etch * edge
        grey += 12 * self.process.etching * self.fields.smooth(STAIN, x, y, 14.0)
        self._spots(grey, wide)
        self._pores(grey, wide)
        grey = self._ground(grey, wide)
        grey = _blurred(grey * self._illumination(x, y))
        grey[outside] = _BACKGROUND
        grey += self.fields.camera(window, self.process.noise)
        inside = slice(_HALO, -_HALO)
        late = (valley > 1 - share)[inside, inside] & ~outside
        return np.clip(np.rint(grey), 0, 255).astype(np.uint8), late

    def _spots(self, grey: Floats, window: Window) -> None:
        """Dark spots of segregation, in the core, the more of them the more carbon there is."""
        x, y, chance, size = self.fields.sprinkled(SPOT, window, 4.0)
        radius = np.hypot(x, y)
        fields = [self.fields.smooth_at(*n) for n in ((CARBON_WIDE, x, y, 15.0), (CARBON_NARROW, x, y, 6.0))]
        wanted = 0.25 * np.exp((self._carbon(radius, *fields) - _REFERENCE - 0.03) / 0.02)
        seen = (radius < self.structure.transition_radius) & (chance < wanted)
        _darken(grey, window, x[seen], y[seen], 0.35 + 0.5 * size[seen], 38.0)

    def _pores(self, grey: Floats, window: Window) -> None:
        """Shrinkage pores about the axis."""
        x, y, chance, size = self.fields.sprinkled(PORE, window, 3.0)
        seen = chance < 0.35 * np.exp(-0.5 * (np.hypot(x, y) / (0.06 * self.radius)) ** 2)
        _darken(grey, window, x[seen], y[seen], 0.12 + 0.2 * size[seen], 110.0)

    def _ground(self, grey: Floats, window: Window) -> Floats:
        """Fine marks of grinding in one direction, and single scratches."""
        x, y = window.x[None, :], window.y[:, None]
        across = (y * math.cos(self._grinding) - x * math.sin(self._grinding)) / 0.22
        line = np.floor(across).astype(np.int64)
        lines = np.arange(line.min(), line.max() + 2)
        depth = uniform(self.fields.seeds[GRINDING], lines, np.zeros_like(lines))
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
