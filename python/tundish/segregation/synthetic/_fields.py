"""Random fields over a section: functions of the place alone, in mm from the axis, whatever window asks."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.random import uniform

# Lattices of random numbers, one seed each.
(CARBON_WIDE, CARBON_NARROW, FINE_X, FINE_Y, WIDE_X, WIDE_Y, ALONG, ACROSS, PLACE, LOOK,
 TRANSITION, ETCH, STAIN, SPOT, PORE, GRINDING, NOISE) = range(17)  # fmt: skip

_SPLINE_VARIANCE = 151 / 315  # mean over a cell of the sum of squared weights, in one dimension


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


class Fields:
    """The random fields of one section; `random` is asked for their seeds alone."""

    def __init__(self, random: np.random.Generator) -> None:
        self.seeds: list[int] = random.integers(2**62, size=NOISE + 1).tolist()

    def smooth(self, lattice: int, x: Floats, y: Floats, scale: float) -> Floats:
        """(len(y), len(x)) smooth noise of zero mean and unit variance on a lattice of `scale` mm."""
        left, weights_x = _splines(x / scale)
        above, weights_y = _splines(y / scale)
        nodes_x, nodes_y = (np.arange(a[0] - 1, a[-1] + 3) for a in (left, above))
        values = math.sqrt(12.0) * (uniform(self.seeds[lattice], nodes_x[None, :], nodes_y[:, None]) - 0.5)
        # Tap by tap rather than as products of matrices: the same sum, to the last bit, in every window.
        rows = sum(w[:, None] * values[above - nodes_y[0] - 1 + k] for k, w in enumerate(weights_y))
        taps = (w * np.take(rows, left - nodes_x[0] - 1 + k, axis=1) for k, w in enumerate(weights_x))
        return np.asarray(sum(taps)) / _SPLINE_VARIANCE

    def smooth_at(self, lattice: int, x: Floats, y: Floats, scale: float) -> Floats:
        """(n,) The same at single places."""
        left, weights_x = _splines(x / scale)
        above, weights_y = _splines(y / scale)
        total = np.zeros(x.size)
        for i, k in itertools.product(range(4), range(4)):
            values = uniform(self.seeds[lattice], left - 1 + k, above - 1 + i) - 0.5
            total += math.sqrt(12.0) * weights_y[i] * weights_x[k] * values
        return total / _SPLINE_VARIANCE

    def camera(self, window: Window, strength: float) -> Floats:
        """Grey levels of zero mean, nearly normal."""
        columns, rows = window.columns[None, :], window.rows[:, None]
        two = uniform(self.seeds[NOISE], columns, rows) + uniform(self.seeds[NOISE] + 1, columns, rows)
        return 4.5 * math.sqrt(6.0) * strength * (two - 1)

    def sprinkled(self, lattice: int, window: Window, pitch: float) -> list[Floats]:
        """Places x and y (mm) near a window, and two random numbers each."""
        columns, rows = (
            np.arange(math.floor(a[0] / pitch) - 1, math.ceil(a[-1] / pitch) + 1)
            for a in (window.x, window.y)
        )
        column, row = (a.reshape(-1) for a in np.meshgrid(columns, rows))
        first, second, chance, size = (uniform(self.seeds[lattice] + n, column, row) for n in range(4))
        return [(column + first) * pitch, (row + second) * pitch, chance, size]


def _splines(at: Floats) -> tuple[NDArray[np.int64], Floats]:
    """(n,) The node left of each place, and (4, n) weights of cubic B-splines from one before it on."""
    left = np.floor(at).astype(np.int64)
    t = at - left
    return left, np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3]) / 6
