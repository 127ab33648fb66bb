"""What is fitted to what: a problem, its stages, and how far a run of the fit has come."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, names_of
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._options import Options
from tundish.casting._plan import Plan
from tundish.casting._strand import Strand
from tundish.casting.identification._readings import Evaluation, plan_for


class SearchStatus(enum.StrEnum):
    """How an identification ended.

    FINISHED: converged, or all cycles of the colonies are done. LIMIT_REACHED: `max_evaluations` or
    `max_iterations` came first. FAILED: a march did not converge. INTERRUPTED: by Ctrl-C.
    """

    FINISHED = "finished"
    LIMIT_REACHED = "limit reached"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class Loss(NamedTuple):
    """A loss with its first and second slope, by z: the square of a residual over loss_scale."""

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    bend: Callable[[Floats], Floats]


# Those of scipy.optimize.least_squares.
LOSSES: Mapping[str, Loss] = {
    "linear": Loss(lambda z: z, np.ones_like, np.zeros_like),
    "soft_l1": Loss(
        lambda z: 2 * (np.sqrt(1 + z) - 1), lambda z: (1 + z) ** -0.5, lambda z: -0.5 * (1 + z) ** -1.5
    ),
    "huber": Loss(
        lambda z: np.where(z <= 1, z, 2 * np.sqrt(z) - 1),
        lambda z: np.maximum(z, 1) ** -0.5,
        lambda z: np.where(z <= 1, 0.0, -0.5 * np.maximum(z, 1) ** -1.5),
    ),
    "cauchy": Loss(np.log1p, lambda z: 1 / (1 + z), lambda z: -((1 + z) ** -2)),
    "arctan": Loss(np.arctan, lambda z: 1 / (1 + z**2), lambda z: -2 * z / (1 + z**2) ** 2),
}


@dataclasses.dataclass
class Problem:
    """What is fitted to what.

    - `plan`: of the whole strand, with a probe at every sensor; `options`: what it was made with.
    - `names`: of the unknowns; `bounds`: (lower, upper) of each.
    - `scale`: (n,) what residuals are multiplied with; `relative`: whether it follows the temperature.
    """

    plan: Plan
    measurements: Measurements
    names: list[str]
    bounds: dict[str, tuple[float, float]]
    scale: Floats
    relative: bool
    loss: str
    loss_scale: float

    @property
    def strand(self) -> Strand:
        """Where the fit starts."""
        return self.plan.strand

    @property
    def grid(self) -> Grid:
        """With everything left out filled in."""
        return self.plan.grid

    def cost(self, residuals: Floats) -> float:
        """Of weighted residuals; inf where one is no number."""
        if not np.isfinite(residuals).all():
            return math.inf
        rho = LOSSES[self.loss].value((residuals / self.loss_scale) ** 2)
        return float(self.loss_scale**2 * np.sum(rho))

    def influence(self, residuals: Floats) -> tuple[Floats, Floats]:
        """Of weighted residuals r, with psi half the slope of the cost: psi / r, and the slope of psi."""
        loss, z = LOSSES[self.loss], (residuals / self.loss_scale) ** 2
        return loss.slope(z), loss.slope(z) + 2 * z * loss.bend(z)


class Stage(NamedTuple):
    """Unknowns that are identified together, and what they are identified from."""

    names: list[str]
    strand: Strand  # no longer than its readings need
    grid: Grid
    measurements: Measurements
    which: NDArray[np.bool_]  # of all readings

    def plan(self, problem: Problem, options: Options) -> Plan:
        """The plan that this stage is solved by: that of the problem, where it will do."""
        if self.strand is problem.strand and options == problem.plan.options:
            return problem.plan
        return plan_for(self.strand, self.measurements, self.grid, options)


@dataclasses.dataclass
class FitRun:
    """One run on its way through the stages."""

    values: dict[str, float]
    seed: np.random.SeedSequence
    random: bool = False
    cost: float = math.inf
    evaluations: int = 0
    status: SearchStatus = SearchStatus.FINISHED
    message: str = ""
    evaluation: Evaluation | None = None  # of the last stage's names at `values`

    @property
    def success(self) -> bool:
        """Whether it has ended as it should, so far."""
        return self.status is SearchStatus.FINISHED


def relative_scale(temperature: Floats) -> Floats:
    """(n,) Factors of residuals whose size is a share of the temperature; 1 on average."""
    return np.asarray(np.mean(temperature) / temperature)


def stages_of(problem: Problem, stages: Iterable[Iterable[str]] | None) -> list[Stage]:
    if stages is None:
        groups = [problem.names]
    else:
        if isinstance(stages, str | Mapping) or not isinstance(stages, Iterable):
            raise ArgumentTypeError("stages", MISSING, "must be a list of lists of names")
        groups = [names_of("stages", group, problem.names) for group in stages]
    found = {name for group in groups for name in group}
    for name in problem.names:
        if name not in found:
            raise ArgumentError("stages", MISSING, f"{name!r} is unknown, but in no stage")
    if not all(groups):
        raise ArgumentError("stages", MISSING, "every stage must name at least one unknown")
    made = []
    for n, group in enumerate(groups):
        settled = {name for earlier in groups[: n + 1] for name in earlier}
        later = [name for name in problem.names if name not in settled]
        made.append(_stage(problem, n, [name for name in problem.names if name in group], later))
    return made


def _stage(problem: Problem, number: int, names: list[str], later: list[str]) -> Stage:
    whole = problem.measurements
    everything = Stage(names, problem.strand, problem.grid, whole, np.ones(len(whole), bool))
    end = min((_begins(problem.strand, name) for name in later), default=problem.strand.length)
    which = whole.z <= end * (1 + 1e-12)
    if which.all():
        return everything
    if which.sum() < len(names):
        raise ArgumentError(
            f"stages[{number}]",
            MISSING,
            f"{which.sum()} readings above z = {end:g} m, where a later stage begins, are "
            f"too few for {len(names)} unknowns",
        )
    strand, grid = _shortened(problem.strand, problem.grid, end)
    return Stage(names, strand, grid, whole.select(which), which)


def _begins(strand: Strand, name: str) -> float:
    """z from which on a parameter changes the strand, m."""
    part, *rest = name.split(".")
    if part != "zones":
        return 0.0
    n = int(rest[0])
    return strand.zones[n - 1].end if n else strand.mold.length


def _shortened(strand: Strand, grid: Grid, end: float) -> tuple[Strand, Grid]:
    """The strand down to `end`, where its mould or a zone ends, with the same steps down to there.

    Mesh and steps of an accuracy are chosen anew: steps differ where the last liquid freezes, and both may
    where the coldest zone is cut off.
    """
    zones = [zone for zone in strand.zones if zone.end <= end]
    if not zones:  # there must be one: a single step of the first
        step = grid.dz_spray[0] if isinstance(grid.dz_spray, tuple) else 0.01 * end
        zones = [dataclasses.replace(strand.zones[0], end=end + step)]
    if grid.accuracy is not None:
        return dataclasses.replace(strand, zones=zones, length=zones[-1].end), grid
    assert isinstance(grid.dz_spray, tuple)
    steps = grid.dz_spray[: len(zones)] if len(grid.dz_spray) > 1 else grid.dz_spray
    short = dataclasses.replace(strand, zones=zones, length=zones[-1].end)
    return short, dataclasses.replace(grid, dz_spray=steps)
