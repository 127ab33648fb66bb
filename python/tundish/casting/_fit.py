"""A strand's temperatures where readings were taken, by some of its parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tundish import _core
from tundish._common.arguments import Floats, names_of
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._solution import Status
from tundish.casting._solve import Solver
from tundish.casting._strand import Strand

_OPTIONS: Mapping[str, Any] = {
    "method": "adi",
    "phase_change": "enthalpy",
    "relaxation": 1.4,
    "tolerance": None,
    "max_sweeps": 10_000,
    "ordering": "lexicographic",
    "dtype": "float64",
    "threads": None,
    "backend": "cpu",
}


class Evaluation(NamedTuple):
    """Temperatures (n,) K at the readings and their derivatives (n, k) by the parameters."""

    values: Floats
    temperature: Floats
    jacobian: Floats
    converged: bool = True  # the sweeps of every step
    damping: int = 0


class Fit:
    """A plan of a strand, and where in its output the readings are; calls cost 1 + k solves."""

    def __init__(
        self,
        strand: Strand,
        measurements: Measurements,
        names: Sequence[str],
        grid: Grid | None,
        options: Mapping[str, Any],
    ) -> None:
        self.names = list(names)
        self.solver = solver_for(strand, measurements, grid, options, self.names)
        self.sensor = measurements.sensor
        z = self.solver.plan.z
        self.above = np.clip(np.searchsorted(z, measurements.z, side="right") - 1, 0, z.size - 2)
        self.share = np.minimum((measurements.z - z[self.above]) / np.diff(z)[self.above], 1.0)

    @property
    def solves(self) -> int:
        """What one call counts as."""
        return 1 + len(self.names)

    def __call__(self, values: Floats) -> Evaluation:
        arrays = self.solver.run(self.names, np.array(values, ndmin=2), None)
        temperature = self._read(arrays["probe_temperature"][0])
        if arrays["status"][0] == Status.DIVERGED:
            temperature = np.full_like(temperature, np.nan)
        no_gradient = np.empty((0, *arrays["probe_temperature"].shape[1:]))
        gradient = arrays["probe_gradient"][0] if self.names else no_gradient
        converged, damping = arrays["status"][0] == Status.CONVERGED, int(arrays["damping"][0])
        return Evaluation(np.array(values), temperature, self._read(gradient).T, bool(converged), damping)

    def _read(self, field: Any) -> Floats:
        """(..., n_sensors, nz+1) at the readings, linear in z between steps: (..., n)."""
        above, below = field[..., self.sensor, self.above], field[..., self.sensor, self.above + 1]
        return np.asarray(above + self.share * (below - above), np.float64)


def checked(strand: Strand, measurements: Measurements) -> Strand:
    """The strand, if the measurements are some of it."""
    if not isinstance(strand, Strand):
        raise TypeError(f"strand = {strand!r}: must be a Strand")
    if not isinstance(measurements, Measurements):
        raise TypeError(f"measurements = {measurements!r}: must be Measurements")
    measurements.check(strand)
    return strand


def options_of(solver: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Keywords of :func:`solve`; which of them may be given is checked where they are used."""
    if solver is not None and not isinstance(solver, Mapping):
        raise TypeError(f"solver = {solver!r}: must be a mapping of keywords to values")
    return solver or {}


def solver_for(
    strand: Strand,
    measurements: Measurements,
    grid: Grid | None,
    options: Mapping[str, Any],
    gradient: Sequence[str] = (),
) -> Solver:
    """A plan with a probe at every sensor."""
    names_of("solver", options, _OPTIONS)
    outputs = ["probe_temperature", *(["probe_gradient"] if gradient else [])]
    return Solver(
        strand,
        grid,
        probes=measurements.sensors,
        sections=(),
        gradient=gradient,
        outputs=outputs,
        **{**_OPTIONS, **options},
    )


def misfit(
    strand: Strand,
    measurements: Measurements,
    unknowns: Iterable[str],
    grid: Grid | None = None,
    *,
    solver: Mapping[str, Any] | None = None,
) -> _core.Objective:
    """The weighted sum of squares of what a strand is off its readings, as a native objective.

    J = sum of w (T - U)^2 over all readings U, Eq. (15) of Energies 2020, 13, 2429, by the parameters named,
    in K2 (without a unit where the measurements have `sigma`: w = 1/sigma2). It is an objective for
    :func:`tundish.optimize.bee_colony`, which then runs without Python; `.evaluate(x)` takes points (n, k)
    and returns (n,), NaN where a march diverged.

    **Main arguments:** `strand`, `measurements`, `unknowns` (k names), `grid` and `solver` as for
    :func:`identify`.

    **Raises:** ValueError, TypeError or KeyError naming the argument.
    """
    checked(strand, measurements)
    names = names_of("unknowns", unknowns, strand.parameters())
    if not names:
        raise ValueError("unknowns: at least one name is needed")
    return native_misfit(strand, measurements, names, grid, options_of(solver), measurements.scale)


def native_misfit(
    strand: Strand,
    measurements: Measurements,
    names: Sequence[str],
    grid: Grid | None,
    options: Mapping[str, Any],
    scale: Floats,
) -> _core.Objective:
    made = solver_for(strand, measurements, grid, options)
    make = _core.Misfit64 if made.dtype == "float64" else _core.Misfit32
    slots = {name: n for n, name in enumerate(strand._core.slot_names)}
    return make(
        strand._core,
        made.grid._core_of(strand),
        made.options,
        [slots[name] for name in names],
        measurements.sensor.astype(np.int32),
        measurements.z,
        measurements.temperature,
        scale**2,
        made.threads,
    )
