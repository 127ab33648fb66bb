"""A strand's temperatures where readings were taken, by some of its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tundish import _core
from tundish._common.arguments import Floats, names_of
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._options import Options
from tundish.casting._plan import Plan, Readings, check_strand, misfit_core
from tundish.casting._status import Status
from tundish.casting._strand import Strand


class Evaluation(NamedTuple):
    """With the parameters' values (k,): temperatures (n,) K at the readings, and their derivatives (n, k).

    `residual` is temperature - reading. Temperatures and residuals are NaN where the march diverged.
    """

    values: Floats
    temperature: Floats
    residual: Floats
    jacobian: Floats
    converged: bool  # the sweeps of every step


class ReadingsModel:
    """The temperatures at the readings, and their derivatives by the parameters named.

    The plan has a probe at every sensor, as :func:`plan_for` makes it. A call costs `solves` single solves.
    """

    def __init__(self, plan: Plan, measurements: Measurements, names: Sequence[str]) -> None:
        self.names = list(names)
        self._readings = Readings(
            plan, measurements.sensor.astype(np.int32), measurements.z, measurements.temperature
        )

    @property
    def solves(self) -> int:
        """What one call counts as."""
        return 1 + len(self.names)

    def __call__(self, values: Floats, others: Mapping[str, float] | None = None) -> Evaluation:
        """With these values of the parameters named, and `others` that differ from the plan's strand."""
        own = dict(zip(self.names, np.asarray(values).tolist(), strict=True))
        found = self._readings.run({**(others or {}), **own}, self.names)
        return Evaluation(
            np.array(values),
            found["temperature"],
            found["residual"],
            np.ascontiguousarray(found["jacobian"].T),
            bool(found["status"] == Status.CONVERGED),
        )


def plan_for(strand: Strand, measurements: Measurements, grid: Grid | None, options: Options) -> Plan:
    """A plan with a probe at every sensor."""
    return Plan(
        strand,
        grid,
        probes=measurements.sensors,
        outputs=["probe_temperature"],
        **dataclasses.asdict(options),
    )


def check_readings(strand: Any, measurements: Any) -> None:
    """Refuses what is no strand, or no measurements of it."""
    check_strand(strand)
    if not isinstance(measurements, Measurements):
        raise ArgumentTypeError("measurements", measurements, "must be Measurements")
    measurements.check(strand)


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
    check_readings(strand, measurements)
    names = names_of("unknowns", unknowns, strand.parameters())
    if not names:
        raise ArgumentError("unknowns", MISSING, "at least one name is needed")
    plan = plan_for(strand, measurements, grid, Options.of("solver", solver))
    return misfit_of(plan, measurements, names, measurements.scale)


def misfit_of(plan: Plan, measurements: Measurements, names: Sequence[str], scale: Floats) -> _core.Objective:
    """The sum of the squares of residuals times `scale` (n,), by the parameters named."""
    return misfit_core(
        plan,
        names,
        measurements.sensor.astype(np.int32),
        measurements.z,
        measurements.temperature,
        scale**2,
    )
