"""Ways to minimise what a strand is off its readings."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish.casting._fit import Evaluation, Fit, native_misfit
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._strand import Strand
from tundish.optimize import BeeColony

INTERRUPTED = "interrupted: the best so far"


class Loss(NamedTuple):
    """A loss with its first and second slope, by z: the square of a residual over loss_scale."""

    value: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]
    bend: Callable[[Floats], Floats]


# scipy.optimize.least_squares' own.
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


class Progress(NamedTuple):
    """What a `progress` function is called with.

    `stage` and `run` count from 0; `evaluations` are single solves of the strand so far, of `total` (None
    where that is not known); `cost` is the least of the stage, `parameters` are those it was found with.
    """

    stage: int
    run: int
    evaluations: int
    total: int | None
    cost: float
    parameters: dict[str, float]


@dataclasses.dataclass
class Problem:
    """What is fitted to what."""

    strand: Strand
    measurements: Measurements
    names: list[str]
    bounds: dict[str, tuple[float, float]]
    grid: Grid  # resolved
    options: dict[str, Any]
    scale: Floats
    relative: bool
    loss: str
    loss_scale: float

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


@dataclasses.dataclass
class Track:
    """One run on its way through the stages."""

    values: dict[str, float]
    seed: np.random.SeedSequence
    random: bool = False
    cost: float = math.inf
    evaluations: int = 0
    success: bool = True
    message: str = ""
    evaluation: Evaluation | None = None  # of the last stage's names at `values`


def relative_scale(temperature: Floats) -> Floats:
    """(n,) Factors of residuals whose size is a share of the temperature; 1 on average."""
    return np.asarray(np.mean(temperature) / temperature)


class _DivergedError(ValueError):
    pass


class Search:
    """A way to minimise; stage by stage, for all runs."""

    watch: _Watch

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.interrupted = False

    def run(self, stages: Sequence[Stage], tracks: list[Track]) -> list[Track]:
        raise NotImplementedError

    def _strand(self, stage: Stage, track: Track) -> Strand:
        """The stage's strand with what the run has found so far."""
        known = stage.strand.parameters()
        return stage.strand.replace({n: v for n, v in track.values.items() if n in known})


class LeastSquares(Search):
    def __init__(self, problem: Problem, tolerance: float, most: int | None) -> None:
        super().__init__(problem)
        self.tolerance, self.most = tolerance, most
        self.minimise = optional("scipy.optimize", "optimize").least_squares

    def run(self, stages: Sequence[Stage], tracks: list[Track]) -> list[Track]:
        tracks = self._fit_all(stages, tracks)
        if self.problem.relative and not self.interrupted:  # now by the temperatures that were found
            best = min(tracks, key=lambda track: track.cost)
            if best.evaluation is not None:
                self.problem.scale = relative_scale(best.evaluation.temperature)
                tracks = self._fit_all(stages[-1:], tracks)
        return tracks

    def _fit_all(self, stages: Sequence[Stage], tracks: list[Track]) -> list[Track]:
        for run, track in enumerate(tracks):
            for n, stage in enumerate(stages):
                if not track.success:
                    break
                self.watch.begin(n, run)
                self._fit(stage, track)
                if self.interrupted:
                    return tracks[: run + 1]
        return tracks

    def _fit(self, stage: Stage, track: Track) -> None:
        strand = self._strand(stage, track)
        fit = Fit(strand, stage.measurements, stage.names, stage.grid, self.problem.options)
        trials = _Trials(self, fit, stage, track)
        try:
            # Bounds slow scipy's steps down long before they are reached, so they wait until they are.
            self._minimise(trials, track, trials.variables.wide_bounds())
            if trials.at_bound() and track.success:
                self._minimise(trials, track, trials.variables.bounds())
        except _DivergedError as error:
            if not track.random:
                raise
            track.success, track.message = False, str(error)
        except KeyboardInterrupt:
            self.interrupted = True
            track.success, track.message = False, INTERRUPTED
        if trials.best is None:
            return
        track.values.update(zip(stage.names, trials.best.values.tolist(), strict=True))
        if stage.which.all():  # otherwise its cost compares with no other run's
            track.cost, track.evaluation = trials.cost, trials.best

    def _minimise(self, trials: _Trials, track: Track, bounds: tuple[Floats, Floats]) -> None:
        problem, most = self.problem, self.most
        found = self.minimise(
            trials.residuals,
            np.clip(trials.start(), *bounds),
            trials.jacobian,
            bounds=bounds,
            xtol=self.tolerance,
            ftol=1e-2 / trials.measured.size,  # a tenth of a standard error
            gtol=1e-14,
            loss=problem.loss,
            f_scale=problem.loss_scale,
            max_nfev=None if most is None else max(1, most // trials.fit.solves - trials.count),
        )
        track.success = bool(found.success)
        track.message = "converged" if found.success else f"max_evaluations = {most} solves are used up"


class _Trials:
    """The strand as scipy asks for it: residuals and Jacobian from one solve, the best kept."""

    def __init__(self, search: LeastSquares, fit: Fit, stage: Stage, track: Track) -> None:
        self.problem, self.watch, self.fit, self.track = search.problem, search.watch, fit, track
        self.measured, self.scale = stage.measurements.temperature, search.problem.scale[stage.which]
        self.variables = _Variables(
            [track.values[n] for n in fit.names], [self.problem.bounds[n] for n in fit.names]
        )
        self.count = 0  # of evaluations
        self.last: Evaluation | None = None
        self.best: Evaluation | None = None
        self.cost = math.inf

    def start(self) -> Floats:
        return self.variables.of(self.variables.origin if self.best is None else self.best.values)

    def at_bound(self) -> bool:
        assert self.best is not None
        values = self.best.values
        return bool(np.any((values <= self.variables.lower) | (values >= self.variables.upper)))

    def weighted(self, evaluation: Evaluation) -> Floats:
        return np.asarray(self.scale * (evaluation.temperature - self.measured))

    def at(self, u: Floats) -> Evaluation:
        values = self.variables.values(u)
        if self.last is None or not np.array_equal(self.last.values, values):
            self.last = self.fit(values)
            self.count += 1
            self.track.evaluations += self.fit.solves
            self.consider(self.last)
        return self.last

    def consider(self, evaluation: Evaluation) -> None:
        cost = self.problem.cost(self.weighted(evaluation))
        if cost < self.cost:
            self.best, self.cost = evaluation, cost
        if self.best is None:
            raise _DivergedError(
                "strand: the march from the start of the fit diverges; start from other values"
            )
        found = dict(zip(self.fit.names, self.best.values.tolist(), strict=True))
        self.watch.add(self.fit.solves, self.cost, {**self.track.values, **found})

    def residuals(self, u: Floats) -> Floats:
        return self.weighted(self.at(u))

    def jacobian(self, u: Floats) -> Floats:
        return np.asarray(self.scale[:, None] * self.at(u).jacobian * self.variables.slope(u))


class _Variables:
    """Parameters as variables that start at 1: logarithms of those that stay above 0, the others scaled."""

    def __init__(self, start: Sequence[float], bounds: Sequence[tuple[float, float]]) -> None:
        self.origin = np.array(start)
        self.lower, self.upper = np.array(bounds).T
        self.by_log = (self.lower >= 0) & (self.origin > 0)
        width = np.where(np.isfinite(self.upper - self.lower), self.upper - self.lower, 0.0)
        size = np.maximum(np.abs(self.origin), width)
        self.size = np.where(self.by_log, self.origin, np.where(size > 0, size, 1.0))

    def values(self, u: Floats) -> Floats:
        grown = np.exp(np.where(self.by_log, u - 1, 0.0)) * self.origin
        moved = self.origin + self.size * (u - 1)
        return np.asarray(np.clip(np.where(self.by_log, grown, moved), self.lower, self.upper))

    def slope(self, u: Floats) -> Floats:
        """Derivative of the values by their variables."""
        return np.where(self.by_log, self.values(u), self.size)

    def of(self, values: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            grown = np.log(values / self.origin)
            return np.asarray(1 + np.where(self.by_log, grown, (values - self.origin) / self.size))

    def bounds(self) -> tuple[Floats, Floats]:
        return self.of(self.lower), self.of(self.upper)

    def wide_bounds(self) -> tuple[Floats, Floats]:
        """At least a tenth and ten times the start, for logarithms; values stay within their own bounds."""
        lower, upper = self.bounds()
        far = np.where(self.by_log, np.log(10), 0.0)
        return np.minimum(lower, 1 - far), np.maximum(upper, 1 + far)


class Colonies(Search):
    """Colonies of all runs in step: their bees fill lanes and threads together."""

    def __init__(self, problem: Problem, popsize: int, maxiter: int) -> None:
        super().__init__(problem)
        self.popsize, self.maxiter = popsize, maxiter
        # Bees compare sums of squares: 1e-3 K is nothing to them, and takes half the time.
        fast = {"dtype": "float32"} if problem.options.get("method", "adi") == "adi" else {}
        self.options = {**fast, **problem.options}
        optional("scipy.special", "optimize")  # of the result

    def run(self, stages: Sequence[Stage], tracks: list[Track]) -> list[Track]:
        seeds = [track.seed.spawn(len(stages)) for track in tracks]
        sizes = [self.popsize + 2 * self.maxiter * self.popsize**2 * len(stage.names) for stage in stages]
        self.watch.total = len(tracks) * sum(sizes)
        for n, stage in enumerate(stages):
            self.watch.begin(n, 0)
            self._search(stage, tracks, [seed[n] for seed in seeds])
            if self.interrupted:
                break
        return tracks

    def _search(self, stage: Stage, tracks: list[Track], seeds: Sequence[np.random.SeedSequence]) -> None:
        box = [self.problem.bounds[name] for name in stage.names]
        colonies = [BeeColony(box, popsize=self.popsize, rng=seed) for seed in seeds]
        names = self._varied(stage)
        own = np.array([[track.values[name] for name in names] for track in tracks])
        fixed = np.repeat(own, self.popsize, axis=0)
        moved = [names.index(name) for name in stage.names]
        misfit = native_misfit(
            stage.strand,
            stage.measurements,
            names,
            stage.grid,
            self.options,
            self.problem.scale[stage.which],
        )
        try:
            while colonies[0].nit < self.maxiter:
                fixed[:, moved] = np.concatenate([colony.ask() for colony in colonies])
                values = misfit.evaluate(fixed).reshape(len(colonies), -1)
                for colony, track, f in zip(colonies, tracks, values, strict=True):
                    colony.tell(colony.ask(), f)
                    track.evaluations += self.popsize
                self._report(stage, colonies, tracks)
        except KeyboardInterrupt:
            self.interrupted = True
        for colony, track in zip(colonies, tracks, strict=True):
            self._settle(stage, colony, track)

    def _varied(self, stage: Stage) -> list[str]:
        """The stage's names, and those that differ from run to run: what earlier stages found."""
        known = stage.strand.parameters()
        return [name for name in self.problem.names if name in known]

    def _report(self, stage: Stage, colonies: Sequence[BeeColony], tracks: Sequence[Track]) -> None:
        best = min(range(len(colonies)), key=lambda n: colonies[n].fun)
        found = dict(zip(stage.names, colonies[best].x.tolist(), strict=True))
        solves = self.popsize * len(colonies)
        self.watch.add(solves, colonies[best].fun, {**tracks[best].values, **found}, run=best)

    def _settle(self, stage: Stage, colony: BeeColony, track: Track) -> None:
        if colony.fun < math.inf:
            track.values.update(zip(stage.names, colony.x.tolist(), strict=True))
        track.cost = colony.fun
        found = "all cycles are done" if colony.fun < math.inf else "no march of any bee converged"
        track.message = INTERRUPTED if self.interrupted else found
        track.success = track.success and not self.interrupted and colony.fun < math.inf


class _Watch:
    """Counts solves and passes them on."""

    total: int | None = None

    def __init__(self, report: Callable[[Progress], object] | None) -> None:
        self.report = report
        self.evaluations = self.stage = self.run = 0

    def begin(self, stage: int, run: int) -> None:
        self.stage, self.run = stage, run

    def add(self, solves: int, cost: float, parameters: dict[str, float], run: int | None = None) -> None:
        self.evaluations += solves
        if self.report:
            run = self.run if run is None else run
            self.report(Progress(self.stage, run, self.evaluations, self.total, cost, parameters))


@contextmanager
def watched(progress: bool | Callable[[Progress], object]) -> Iterator[_Watch]:
    if callable(progress):
        yield _Watch(progress)
        return
    try:
        rich = optional("rich.progress", "progress") if progress else None
    except ImportError:
        rich = None
    if rich is None:
        yield _Watch(None)
        return
    console, live, text = (optional(f"rich.{name}", "progress") for name in ("console", "live", "text"))
    columns = (rich.BarColumn(), rich.TextColumn("{task.completed} solves, {task.description}"),
               rich.TimeElapsedColumn())  # fmt: skip
    bar = rich.Progress(*columns)
    task = bar.add_task("", total=None)
    with live.Live(bar, console=console.Console(stderr=True), transient=True) as shown:

        def report(p: Progress) -> None:
            bar.update(task, completed=p.evaluations, total=p.total, description=f"cost {p.cost:.6g}")
            best = "   ".join(f"{name} = {value:.4g}" for name, value in p.parameters.items())
            shown.update(console.Group(bar, text.Text(best)))

        yield _Watch(report)
