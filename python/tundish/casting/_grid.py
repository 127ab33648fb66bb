"""The mesh of the section and the steps down the strand."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from tundish import _core
from tundish._common.arguments import integer, number, pair
from tundish._common.refusals import MISSING, ArgumentError
from tundish.casting._strand import Strand

# A possible grid: what is left out of another is taken from it while what is given is checked.
_POSSIBLE = _core.Grid(8, 8, 1e-2, [1e-2], (1.0, 1.0), 1.0)


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
    section asks for, and ramped steps up to 0.24 s of casting in the mould and 1.92 s below. With `nx`, what
    is left out is uniform: `dz_mold=1e-3, dz_spray=1e-2, grading=1, ramp=1`.

    Raises ValueError for impossible numbers; steps longer than their stretch or below 1e-12 m, and more than
    1e7 of them, are refused when the grid meets its strand.
    """

    nx: int | None = None
    ny: int | None = None
    dz_mold: float | None = None
    dz_spray: float | tuple[float, ...] | None = None
    grading: float | tuple[float, float] | None = None
    ramp: float | None = None

    def __post_init__(self) -> None:
        if self.nx is None and self.ny is not None:
            raise ArgumentError("nx", MISSING, "must be given with ny")
        if self.nx is not None:
            nx = integer("nx", self.nx)
            defaults = {"ny": nx, "dz_mold": 1e-3, "dz_spray": 1e-2, "grading": 1.0, "ramp": 1.0}
            for name, value in defaults.items():
                if getattr(self, name) is None:
                    object.__setattr__(self, name, value)
        for name in ("dz_spray", "grading"):
            if isinstance(value := getattr(self, name), list):
                object.__setattr__(self, name, tuple(value))
        self._filled(_POSSIBLE)  # refuses what no strand allows

    def resolve(self, strand: Strand) -> Grid:
        """The grid with everything left out filled in for this strand."""
        core = self._core_of(strand)
        return Grid(core.nx, core.ny, core.dz_mold, tuple(core.dz_spray), core.grading, core.ramp)

    def check(self, strand: Strand) -> None:
        """Raises ValueError naming the step that does not fit the strand, or makes more than 1e7 of them."""
        self._core_of(strand).check(strand._core)

    def _core_of(self, strand: Strand) -> _core.Grid:
        return self._filled(_core.default_grid(strand._core))

    def _filled(self, default: _core.Grid) -> _core.Grid:
        return _core.Grid(
            default.nx if self.nx is None else integer("nx", self.nx),
            default.ny if self.ny is None else integer("ny", self.ny),
            default.dz_mold if self.dz_mold is None else number("dz_mold", self.dz_mold),
            default.dz_spray if self.dz_spray is None else _steps(self.dz_spray),
            default.grading if self.grading is None else pair("grading", self.grading),
            default.ramp if self.ramp is None else number("ramp", self.ramp),
        )


def _steps(value: float | Iterable[float]) -> list[float]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return [number("dz_spray", value)]
    return [number(f"dz_spray[{n}]", step) for n, step in enumerate(value)]
