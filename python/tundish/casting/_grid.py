"""The mesh of the section and the steps down the strand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from tundish import _core
from tundish._arrays import integer, number, pair

if TYPE_CHECKING:
    from tundish.casting._strand import Strand

# The default mesh, for any section: spacing at the face and growth from node to node. On the published
# strand this is 48 x 48 nodes, graded 5 to 1, and 286 steps; benchmarks/README.md says what it costs and how
# far off it is.
_FACE_SPACING = 0.681e-3
_GROWTH = 5 ** (1 / 46)
_SECONDS_MOLD = 0.24
_SECONDS_SPRAY = 1.92
_RAMP = 20.0


@dataclasses.dataclass(frozen=True)
class Grid:
    """Nodes of the quarter section and steps down the strand.

    - `nx`, `ny`: nodes from the centre plane to the face, both included; `ny` is `nx` when left out.
    - `dz_mold`, `dz_spray`: largest steps in the mould and in the zones, m (one number, or one for each
      zone). Mould and zones always end at a step: one that does not divide them is made smaller.
    - `grading`: spacing of the nodes at the centre over that at the face, in geometric progression in
      between; one number or a pair (x, y). 1 is uniform.
    - `ramp`: every stretch starts with steps this many times smaller, growing by 20 % a step. Where the
      cooling jumps the temperatures change fastest; elsewhere large steps will do.

    `Grid()` alone is chosen for accuracy per second: graded to 0.7 mm at the faces, as many nodes as the
    section asks for, and ramped steps up to 0.24 s in
    the mould and 1.92 s below. With `nx`, what is left out is uniform:
    `dz_mold=1e-3, dz_spray=1e-2, grading=1, ramp=1`.

    Raises ValueError for impossible numbers; steps longer than their stretch, and more than 1e7 of them, are
    refused when the grid meets its strand.
    """

    nx: int | None = None
    ny: int | None = None
    dz_mold: float | None = None
    dz_spray: float | tuple[float, ...] | None = None
    grading: float | tuple[float, float] | None = None
    ramp: float | None = None

    def __post_init__(self) -> None:
        if self.nx is None and self.ny is not None:
            raise ValueError("nx: must be given with ny")
        if self.nx is not None:
            nx = integer("nx", self.nx)
            defaults = {"ny": nx, "dz_mold": 1e-3, "dz_spray": 1e-2, "grading": 1.0, "ramp": 1.0}
            for name, value in defaults.items():
                if getattr(self, name) is None:
                    object.__setattr__(self, name, value)
        self._core_for(0.1, 0.1, 1e-2, 1e-2)  # refuses what no strand allows

    def resolve(self, strand: Strand) -> Grid:
        """The grid with everything left out filled in for this strand."""
        core = self._core_of(strand)
        return Grid(core.nx, core.ny, core.dz_mold, tuple(core.dz_spray), core.grading, core.ramp)

    def _core_of(self, strand: Strand) -> _core.Grid:
        ends = [strand.mold.length, *(zone.end for zone in strand.zones)]
        shortest = min(b - a for a, b in pairwise(ends))
        dz_mold = min(_SECONDS_MOLD * strand.speed, strand.mold.length)
        dz_spray = min(_SECONDS_SPRAY * strand.speed, shortest)
        return self._core_for(strand.width / 2, strand.thickness / 2, dz_mold, dz_spray)

    def _core_for(
        self, half_x: float, half_y: float, default_mold: float, default_spray: float
    ) -> _core.Grid:
        nodes_x, grading_x = _default_nodes(half_x)
        nodes_y, grading_y = _default_nodes(half_y)
        dz_mold = default_mold if self.dz_mold is None else number("dz_mold", self.dz_mold)
        dz_spray = default_spray if self.dz_spray is None else self.dz_spray
        steps = dz_spray if isinstance(dz_spray, Iterable) else (dz_spray,)
        return _core.Grid(
            nodes_x if self.nx is None else integer("nx", self.nx),
            nodes_y if self.ny is None else integer("ny", self.ny),
            dz_mold,
            [number("dz_spray", step) for step in steps],
            (grading_x, grading_y) if self.grading is None else pair("grading", self.grading),
            _RAMP if self.ramp is None else number("ramp", self.ramp),
        )


def _default_nodes(half_length: float) -> tuple[int, float]:
    """Nodes and grading that give the default spacing at the face and growth."""
    spacings = math.log1p(half_length * (_GROWTH - 1) / _FACE_SPACING) / math.log(_GROWTH)
    nodes = max(8, 4 * math.ceil((spacings + 1) / 4 - 0.25))
    return nodes, round(_GROWTH ** (nodes - 2), 6)
