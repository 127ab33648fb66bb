"""A march that its host drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tundish._common.arguments import Floats, number
from tundish._common.refusals import ArgumentTypeError, UnknownNameError
from tundish.casting._grid import Grid
from tundish.casting._options import Options
from tundish.casting._plan import stepper_core
from tundish.casting._strand import Strand


class Stepper:
    """Marches a strand step by step, for hosts that drive the march themselves.

    **Main arguments:** `strand`, `grid` as for :func:`solve`.

    **Other arguments:** `method`, `phase_change`, `relaxation`, `tolerance`, `max_sweeps`, `ordering` as for
    :func:`solve`.

    Between steps the cooling, the speed and the ambient temperature may be changed with :meth:`set`; the step
    after a change is a backward Euler step, as at the start of a zone.
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
        self._core = stepper_core(
            strand, grid, Options(method, phase_change, relaxation, tolerance, max_sweeps, ordering)
        )

    def step(self) -> bool:
        """Takes the next step; False, and nothing is done, at the end of the strand."""
        return self._core.step()

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
        """(ny, nx) K, from the centre outwards."""
        return self._core.temperature

    @property
    def heat(self) -> float:
        """Heat given off by the quarter section so far, W."""
        return self._core.heat

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
        """Whether the last step reached the tolerance and stayed within the steel's range."""
        return self._core.converged

    def set(self, changes: Mapping[str, float]) -> None:
        """Changes parameters of the steps to come: speed, ambient_temperature, and the cooling by name.

        Raises KeyError for an unknown name, ValueError for an impossible value or a parameter that cannot
        change on the way down.
        """
        values = {_name("changes", name): number(name, value) for name, value in changes.items()}
        try:
            self._core.set(values)
        except UnknownNameError as error:
            raise error.named("changes") from None

    def get(self, name: str) -> float:
        """A parameter as it is now."""
        return self._core.get(_name("name", name))


def _name(argument: str, name: Any) -> str:
    if not isinstance(name, str):
        raise ArgumentTypeError(argument, name, "must be the name of a parameter")
    return name
