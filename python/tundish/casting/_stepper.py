"""A march that its host drives."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from tundish._common.arguments import Floats, number
from tundish._common.refusals import ArgumentTypeError, UnknownNameError
from tundish.casting._grid import Grid
from tundish.casting._options import Options
from tundish.casting._plan import stepper_core
from tundish.casting._status import LOWEST, SUPERHEAT, Status, describe
from tundish.casting._strand import Strand


class Stepper:
    """Marches a strand step by step, for hosts that drive the march themselves.

    **Main arguments:** `strand`, `grid` as for :func:`solve`. With an accuracy (`Grid()` has one) it marches
    the finer of the two meshes alone, with the same steps. Nothing is extrapolated, and there is no error
    estimate: temperatures are further off than those of :func:`solve`, and a smaller accuracy brings them
    closer. Where nothing changes on the way, :func:`solve` gives the accuracy asked for, and its estimate.

    **Other arguments:** `method`, `phase_change`, `relaxation`, `tolerance`, `max_sweeps`, `ordering` as for
    :func:`solve`.

    Between steps the cooling, the speed and the ambient temperature may be changed with :meth:`set`; the step
    after a change starts anew, as at the start of a zone.

    A step that leaves the steel's range, or whose sweeps run out, warns (RuntimeWarning), once; `status` and
    `message` keep it. Behind a step that left the range temperature and heat are NaN. A march on its way can
    be neither copied nor pickled.
    """

    def __init__(
        self,
        strand: Strand,
        grid: Grid | None = None,
        *,
        method: str = Options.method,
        phase_change: str = Options.phase_change,
        relaxation: float = Options.relaxation,
        tolerance: float | None = Options.tolerance,
        max_sweeps: int = Options.max_sweeps,
        ordering: str = Options.ordering,
    ) -> None:
        self._strand = strand
        self._options = Options(method, phase_change, relaxation, tolerance, max_sweeps, ordering)
        self._core, self._accuracy = stepper_core(strand, grid, self._options)
        self._status, self._message = Status.CONVERGED, "converged"
        self._steady = True

    def step(self) -> bool:
        """Takes the next step; False, and nothing is done, at the end of the strand."""
        moved = self._core.step()
        if moved and not self._core.converged and self._status != Status.DIVERGED:
            self._fail()
        return moved

    def _fail(self) -> None:
        """Keeps how the last step failed, and warns where none has failed so before."""
        field, hottest = self._core.temperature, self._strand.steel.liquidus + SUPERHEAT
        slow = self._options.method == "sor" and self._core.iterations >= self._options.max_sweeps
        in_range = bool(np.all((field >= LOWEST) & (field <= hottest)))
        status = Status.NOT_CONVERGED if slow and in_range else Status.DIVERGED
        if status == self._status:
            return
        cooling = {name: self._core.get(name) for name in self._strand.parameters() if "steel" not in name}
        surface = {"corner": field[-1, -1], "face x": field[0, -1], "face y": field[-1, 0]}
        surface = {name: float(t) for name, t in surface.items() if np.isfinite(t)}
        strand = self._strand.replace(cooling)
        self._status = status
        method, z = self._options.method, self._core.z
        self._message = describe(status, z, strand, method, surface, self._accuracy, steady=self._steady)
        warnings.warn(self._message, RuntimeWarning, stacklevel=3)

    @property
    def z(self) -> float:
        """Distance from the meniscus, m."""
        return self._core.z

    @property
    def at_end(self) -> bool:
        """Whether the strand has been marched to its end."""
        return self._core.at_end

    @property
    def temperature(self) -> Floats:
        """(ny, nx) K, from the centre outwards; NaN behind a step that left the steel's range."""
        temperature = self._core.temperature
        return np.full_like(temperature, np.nan) if self._status == Status.DIVERGED else temperature

    @property
    def heat(self) -> float:
        """Heat given off by the quarter section so far, W; NaN behind a step that left the steel's range."""
        return np.nan if self._status == Status.DIVERGED else self._core.heat

    @property
    def zone(self) -> int:
        """Number of the zone that the next step lies in; -1 is the mould."""
        return self._core.stretch - 1

    @property
    def iterations(self) -> int:
        """Sweeps of the last step; 1 for ADI."""
        return self._core.iterations

    @property
    def converged(self) -> bool:
        """Whether the last step reached the tolerance, and all so far stayed within the steel's range."""
        return self._core.converged and self._status != Status.DIVERGED

    @property
    def status(self) -> Status:
        """The worst :class:`Status` of all steps so far."""
        return self._status

    @property
    def message(self) -> str:
        """What the status means, where it came up first, and what to do."""
        return self._message

    def set(self, changes: Mapping[str, float]) -> None:
        """Changes parameters of the steps to come: speed, ambient_temperature, and the cooling by name.

        Raises KeyError for an unknown name, ValueError for an impossible value or a parameter that cannot
        change on the way down.
        """
        if not isinstance(changes, Mapping):
            raise ArgumentTypeError("changes", changes, "must be a mapping of names to values")
        values = {_name("changes", name): number(name, value) for name, value in changes.items()}
        try:
            self._core.set(values)
        except UnknownNameError as error:
            raise error.named("changes") from None
        self._steady = False

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Stepper can be neither copied nor pickled: march another one to the same place")

    def get(self, name: str) -> float:
        """A parameter as it is now."""
        return self._core.get(_name("name", name))


def _name(argument: str, name: Any) -> str:
    if not isinstance(name, str):
        raise ArgumentTypeError(argument, name, "must be the name of a parameter")
    return name
