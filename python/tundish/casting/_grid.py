"""The mesh of the section and the steps down the strand."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from tundish import _core
from tundish._common.arguments import integer, number, pair
from tundish._common.refusals import MISSING, ArgumentError
from tundish.casting._strand import Strand

# A possible grid: what is left out of another is taken from it while what is given is checked.
_POSSIBLE = _core.Grid(9, 9, 1e-2, [1e-2], (1.0, 1.0), 1.0)

_NO_ACCURACY = "or leave out the accuracy (None)"


@dataclasses.dataclass(frozen=True)
class Grid:
    """Nodes of the quarter section and steps down the strand, or the accuracy that they are chosen for.

    `Grid(accuracy=0.5)` marches the strand on two meshes, one of every other node of the other, and
    extrapolates from both (Richardson). Meshes and steps are chosen before the march from section, cooling,
    speed and steel, so that temperatures at probes and mid-faces are off by about `accuracy` (K, root mean
    square along the strand), the corner by twice that, the shell by 2 mm and the metallurgical length by
    20 mm for each kelvin. `error_estimate` of the solution gives by field how far off it may be, and
    `message` where that is more. `Grid()` is `Grid(accuracy=0.5)`.
    `nx`, `ny` (odd numbers from 21 on) and `grading` may be given beside it, of the finer mesh; the steps may
    not. `ny` is `nx` when left out, `grading` is chosen. The published scheme (`method="sor"` or
    `phase_change="correction"`) has no accuracy: it marches the finer mesh alone, with ramped steps.

    `Grid(nx, ...)` is one mesh, as given, and has no estimate:

    - `nx`, `ny`: nodes from the centre plane to the face, both included; `ny` is `nx` when left out.
    - `dz_mold`, `dz_spray`: largest steps in the mould and in the zones, m (one number, or one for each
      zone). Mould and zones always end at a step: one that does not divide them is made smaller.
    - `grading`: spacing of the nodes at the centre over that at the face, in geometric progression in
      between; one number or a pair (x, y). 1 is uniform.
    - `ramp`: every stretch starts with steps this many times smaller, growing by 20 % a step. Where the
      cooling jumps the temperatures change fastest; elsewhere large steps will do.

    What is left out beside `nx` is uniform: `dz_mold=1e-3, dz_spray=1e-2, grading=1, ramp=1`. Without `nx`
    the mesh is the finer one of the default accuracy, and steps are ramped, up to 0.24 s of casting in the
    mould and 1.92 s below.

    Grids compare by value; arrays become tuples, numbers of NumPy those of Python.
    `dataclasses.replace(grid, ...)` keeps the accuracy of a grid that has one: `accuracy=None` beside `nx`
    takes it away; without other numbers it is the default again.

    Raises ValueError for impossible numbers; steps longer than their stretch or below 1e-12 m, more than 1e7
    of them, and an accuracy that takes more, are refused when the grid meets its strand.
    """

    nx: int | None = None
    ny: int | None = None
    dz_mold: float | None = None
    dz_spray: float | tuple[float, ...] | None = None
    grading: float | tuple[float, float] | None = None
    ramp: float | None = None
    accuracy: float | None = None

    def __post_init__(self) -> None:
        if self.nx is None and self.ny is not None:
            raise ArgumentError("nx", MISSING, "must be given with ny")
        if all(getattr(self, field.name) is None for field in dataclasses.fields(self)):
            object.__setattr__(self, "accuracy", _core.default_accuracy)
        if self.accuracy is not None:
            self._check_accuracy()
        if self.nx is not None:
            defaults: dict[str, float] = {"ny": self.nx}
            if self.accuracy is None:
                defaults |= {"dz_mold": 1e-3, "dz_spray": 1e-2, "grading": 1.0, "ramp": 1.0}
            for name, value in defaults.items():
                if getattr(self, name) is None:
                    object.__setattr__(self, name, value)
        self._plain()
        self._filled(_POSSIBLE)  # refuses what no strand allows

    def _plain(self) -> None:
        """Makes plain numbers, and tuples of them, of whatever numbers were given."""
        for name in ("nx", "ny"):
            if (nodes := getattr(self, name)) is not None:
                object.__setattr__(self, name, integer(name, nodes))
        for name in ("dz_mold", "ramp", "accuracy"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, number(name, value))
        if self.dz_spray is not None:
            steps = _steps(self.dz_spray)
            object.__setattr__(self, "dz_spray", tuple(steps) if _is_many(self.dz_spray) else steps[0])
        if self.grading is not None:
            given: Any = self.grading
            both = pair("grading", given[()] if isinstance(given, np.ndarray) and not given.ndim else given)
            object.__setattr__(self, "grading", both if _is_many(self.grading) else both[0])

    def _check_accuracy(self) -> None:
        accuracy = number("accuracy", self.accuracy)
        if not 0 < accuracy < math.inf:
            raise ArgumentError("accuracy", accuracy, "must be finite and above 0 K")
        for name in ("dz_mold", "dz_spray", "ramp"):
            if (value := getattr(self, name)) is not None:
                raise ArgumentError(
                    name,
                    value,
                    f"must be left out beside an accuracy, which chooses the steps; {_NO_ACCURACY}",
                )
        for name in ("nx", "ny"):
            nodes = getattr(self, name)
            if nodes is not None and (integer(name, nodes) % 2 == 0 or nodes < _core.min_nodes):
                allowed = f"must be odd and at least {_core.min_nodes} beside an accuracy; {_NO_ACCURACY}"
                raise ArgumentError(name, nodes, allowed)

    def resolve(self, strand: Strand) -> Grid:
        """The grid with everything left out filled in for this strand; the steps of an accuracy stay out."""
        return self._named(self._core_of(strand))

    def _one_mesh(self, strand: Strand) -> Grid:
        """The finer mesh alone with ramped steps, for schemes that an accuracy is not offered for."""
        core = self._core_of(strand)
        return Grid(core.nx, core.ny, core.dz_mold, tuple(core.dz_spray), core.grading, core.ramp)

    def check(self, strand: Strand) -> None:
        """Raises ValueError naming the step that does not fit the strand, or makes more than 1e7 of them."""
        self._core_of(strand).check(strand._core)

    def _named(self, core: _core.Grid) -> Grid:
        """What the C++ library has made of this grid."""
        if self.accuracy is not None:
            return Grid(core.nx, core.ny, grading=core.grading, accuracy=self.accuracy)
        return Grid(core.nx, core.ny, core.dz_mold, tuple(core.dz_spray), core.grading, core.ramp)

    def _core_of(self, strand: Strand) -> _core.Grid:
        if self.accuracy is None and self.nx is not None:  # nothing is left out
            return self._filled(_POSSIBLE)
        accuracy = _core.default_accuracy if self.accuracy is None else number("accuracy", self.accuracy)
        chosen = _core.grid_for(strand._core, accuracy)
        if self.accuracy is None:
            return self._filled(chosen)
        if self.nx is None and self.grading is None:
            return chosen
        mesh = self._filled(chosen)
        return chosen.on_mesh(mesh.nx, mesh.ny, mesh.grading)

    def _filled(self, default: _core.Grid) -> _core.Grid:
        """One mesh: what is given, and the rest from another."""
        return _core.Grid(
            default.nx if self.nx is None else integer("nx", self.nx),
            default.ny if self.ny is None else integer("ny", self.ny),
            default.dz_mold if self.dz_mold is None else number("dz_mold", self.dz_mold),
            default.dz_spray if self.dz_spray is None else _steps(self.dz_spray),
            default.grading if self.grading is None else pair("grading", self.grading),
            default.ramp if self.ramp is None else number("ramp", self.ramp),
        )


def _is_many(value: object) -> bool:
    """Whether a value is a row of numbers; an array of no dimension is one number."""
    return (
        isinstance(value, Iterable) and not isinstance(value, str | bytes) and getattr(value, "ndim", 1) > 0
    )


def _steps(value: float | Iterable[float]) -> list[float]:
    if not isinstance(value, Iterable) or not _is_many(value):
        return [number("dz_spray", value)]
    return [number(f"dz_spray[{n}]", step) for n, step in enumerate(value)]
