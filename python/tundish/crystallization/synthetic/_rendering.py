"""What a camera sees of a flux in the loop of a hot thermocouple."""

from __future__ import annotations

import functools
import math

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.images import Grey
from tundish.crystallization.frames._truth import Experiment
from tundish.crystallization.synthetic._kinetics import Transformation

Image = NDArray[np.float32]

_RADIUS = 0.36  # of the pool, in heights of the frame
_WIRE = 0.055  # its thickness, likewise
_BACKGROUND, _MELT, _WIRE_LEVEL = 38.0, 52.0, 178.0  # grey levels
_GLOW = 14.0  # grey levels more, of melt and wire at the peak than 300 K below
_LENS = 0.0028  # standard deviation of the blur, in heights of the frame
_LATE = 0.8  # when the last nuclei appear, in times that a lone crystal takes over its share of the pool
_MIN_OVERLAY = 96  # px of height
# Digits of 3 x 5 px, a row an octal figure.
_FONT = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717")


class Scene:
    """One pool of flux, its nuclei and its light; :meth:`frame` draws it at a time of its course."""

    def __init__(self, height: int, width: int, experiment: Experiment, random: np.random.Generator) -> None:
        self._experiment, self._random = experiment, random
        self._shape = height, width
        row, column = np.mgrid[:height, :width].astype(np.float32)
        y = (row + 0.5 - 0.54 * height) / height
        x = (column + 0.5 - 0.5 * width) / height
        angle, distance = np.arctan2(y, x), np.hypot(x, y)
        heights, turns = random.normal(0, 0.012, 3), random.uniform(0, 2 * math.pi, 3)
        wobble = sum(h * np.cos(k * angle + p) for k, h, p in zip((2, 3, 4), heights, turns, strict=True))
        edge = _RADIUS * (1 + wobble)
        inside = distance - edge
        self.pool: NDArray[np.bool_] = inside < 0
        self._order, self._grain, self._starts = self._growth(x, y)
        slow = _field(random, self._shape, 0.02) + np.float32(0.5) * _field(random, self._shape, 0.1)
        self._melting = _ranked(slow, self.pool)
        self._solid = self._as_charged(random)
        self._crystal = self._fibres(x, y, random)
        self._light = self._illumination(x, y, random)
        self._melt = self._meniscus(inside, angle)
        self._around = self._wire(x, y, inside)
        self._glowing = np.where(self._around > _BACKGROUND + 20, 1.0, 0.0).astype(np.float32)

    def started(self, share: float) -> int:
        """Crystals that have begun to grow when this share of the melt is crystallised."""
        return int(np.count_nonzero(self._starts <= share)) if share > 0 else 0

    def frame(self, happened: Transformation, n: int, reading: float) -> Grey:
        """(H, W) of the n-th time of the course, with this reading (degC) written on it."""
        e = self._experiment
        glow = np.float32(_GLOW * (1 - (e.peak - happened.temperature[n]) / 300.0))
        flux = self._melt + glow
        crystal = self._order <= happened.crystallised[n]
        np.copyto(flux, self._crystal, where=crystal)
        np.copyto(flux, self._solid, where=self._melting <= happened.solid[n])
        image = self._around + glow * self._glowing
        np.copyto(image, flux, where=self.pool)
        image = _blurred(image, _LENS * self._shape[0])
        image *= self._light * np.float32(1 + self._random.normal(0.0, e.flicker))
        if e.noise:
            image += np.float32(e.noise) * self._random.standard_normal(self._shape, dtype=np.float32)
        frame = np.clip(np.rint(image), 0, 255).astype(np.uint8)
        if e.overlay >= 0.5 and self._shape[0] >= _MIN_OVERLAY:
            self._write(frame, f"{happened.time[n]:.0f}", 0)
            self._write(frame, f"{reading:.0f}", 1)
        return frame

    def _growth(self, x: Image, y: Image) -> tuple[Image, NDArray[np.intp], Floats]:
        """(H, W) share of the pool crystallised before a place, and its crystal; (n,) when these start."""
        random, count = self._random, round(self._experiment.nuclei)
        places = np.flatnonzero(self.pool)
        nuclei = random.choice(places, count, replace=count > places.size)
        own = _RADIUS / math.sqrt(count)  # radius of a crystal's share of the pool
        births = np.sort(random.uniform(0.0, _LATE * own, count))
        arrival = np.full(self._shape, np.inf, np.float32)
        crystal = np.zeros(self._shape, np.intp)
        for k, (nucleus, birth) in enumerate(zip(nuclei, births, strict=True)):
            dx, dy = x - x.flat[nucleus], y - y.flat[nucleus]
            lobes, turn = random.integers(4, 7), random.uniform(0, 2 * math.pi)
            # Crystals are angular: they grow faster along their arms.
            shape = 1 - 0.14 * np.cos(lobes * np.arctan2(dy, dx) + turn)
            here = np.float32(birth) + np.hypot(dx, dy) * shape
            first = here < arrival
            arrival[first], crystal[first] = here[first], k
        order = _ranked(arrival, self.pool)
        # A nucleus inside a crystal that came first never grows.
        grown = np.unique(crystal[self.pool])
        return order, crystal, np.array([order[(crystal == k) & self.pool].min() for k in grown])

    def _as_charged(self, random: np.random.Generator) -> Image:
        """(H, W) of the flux before it melts: a powder."""
        grains = 12 * _field(random, self._shape, 0.008) + 8 * _field(random, self._shape, 0.05)
        return (_MELT + self._experiment.contrast + 5 + grains).astype(np.float32)

    def _fibres(self, x: Image, y: Image, random: np.random.Generator) -> Image:
        """(H, W) of crystals: each of its own shade, with fibres across its growth and darker seams."""
        shade = random.normal(0.0, 8.0, int(self._grain.max()) + 1)
        turn = random.uniform(0, math.pi, len(shade))[self._grain]
        along = x * np.cos(turn) + y * np.sin(turn) + 0.01 * _field(random, self._shape, 0.04)
        fibres = 6.0 * np.sin(2 * math.pi * along / 0.022)
        seam = np.zeros(self._shape, bool)
        seam[:, 1:] |= self._grain[:, 1:] != self._grain[:, :-1]
        seam[1:] |= self._grain[1:] != self._grain[:-1]
        level = _MELT + self._experiment.contrast + shade[self._grain] + fibres - 12.0 * seam
        return level.astype(np.float32)

    def _illumination(self, x: Image, y: Image, random: np.random.Generator) -> Image:
        """(H, W) factor about 1: brighter on one side, darker in the corners."""
        turn = random.uniform(0, 2 * math.pi)
        uneven = 0.8 * (x * math.cos(turn) + y * math.sin(turn)) - 0.6 * (x**2 + y**2)
        return np.asarray(1 + self._experiment.illumination * uneven, np.float32)

    def _meniscus(self, inside: Image, angle: Image) -> Image:
        """(H, W) of melt: dark, darker where it climbs the wire, with a gleam along one side."""
        gleam = 45.0 * np.exp(-(((inside + 0.03) / 0.008) ** 2)) * np.clip(np.cos(angle + 2.2), 0, 1) ** 2
        climbing = -14.0 * np.exp(inside / 0.02)
        return np.asarray(_MELT + self._experiment.meniscus * (gleam + climbing), np.float32)

    def _wire(self, x: Image, y: Image, inside: Image) -> Image:
        """(H, W) around the pool: the wire's loop and its two legs, aglow, before the dark furnace."""
        off = np.abs(inside - _WIRE / 2)
        for side in (-1, 1):
            leg = np.abs(x - side * (0.07 + 0.25 * np.maximum(y - _RADIUS, 0)))
            off = np.where((y > _RADIUS) & (inside > 0), np.minimum(off, leg), off)
        rounded = np.sqrt(np.clip(1 - (2 * off / _WIRE) ** 2, 0, 1))
        return np.asarray(_BACKGROUND + (_WIRE_LEVEL - _BACKGROUND) * rounded**0.6, np.float32)

    def _write(self, frame: Grey, text: str, line: int) -> None:
        """Digits in the upper left corner, white."""
        size = max(self._shape[0] // 120, 1)
        for k, digit in enumerate(text):
            top, left = size * (2 + 7 * line), size * (2 + 4 * k)
            frame[top : top + 5 * size, left : left + 3 * size][_glyph(int(digit), size)] = 255


@functools.cache
def _glyph(digit: int, size: int) -> NDArray[np.bool_]:
    rows = [[bool(int(row) & bit) for bit in (4, 2, 1)] for row in _FONT[digit]]
    return np.kron(np.array(rows), np.ones((size, size), bool))


def _ranked(values: Image, pool: NDArray[np.bool_]) -> Image:
    """(H, W) share of the pool with less than a place has, above 0; beyond all outside the pool."""
    ranks = np.full(values.shape, np.inf, np.float32)
    inside = values[pool]
    order = np.empty(inside.size)
    order[np.argsort(inside, kind="stable")] = np.arange(1, inside.size + 1)
    ranks[pool] = order / inside.size
    return ranks


def _field(random: np.random.Generator, shape: tuple[int, int], scale: float) -> Image:
    """(H, W) smooth noise of mean 0 and deviation 1 whose details are of this size, in heights."""
    noise = np.fft.rfft2(random.standard_normal(shape))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    noise *= np.exp(-2 * (math.pi * frequency * scale * shape[0]) ** 2)
    field = np.fft.irfft2(noise, shape)
    return np.asarray((field - field.mean()) / field.std(), np.float32)


def _blurred(image: Image, deviation: float) -> Image:
    """Three taps along each axis that have this variance, px, as often as it takes."""
    passes = max(math.ceil(2 * deviation**2), 1)
    side = np.float32(deviation**2 / passes / 2)
    for _ in range(passes):
        for axis in (0, 1):
            padded = np.pad(image, [(1, 1) if k == axis else (0, 0) for k in (0, 1)], mode="edge")
            a, b, c = (
                (padded[:-2], padded[1:-1], padded[2:]) if axis == 0
                else (padded[:, :-2], padded[:, 1:-1], padded[:, 2:])
            )  # fmt: skip
            image = b + side * (a + c - 2 * b)
    return image.astype(np.float32)
