"""Least squares by exact derivatives and scipy's trust-region-reflective algorithm."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tundish._common.arguments import Floats
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish.casting._plan import Plan
from tundish.casting.identification._problem import FitRun, Problem, SearchStatus, Stage, relative_scale
from tundish.casting.identification._readings import Evaluation, ReadingsModel
from tundish.casting.identification._search import INTERRUPTED, Search


class _DivergedError(ArgumentError):
    """The march from the start of a run has no temperatures to fit."""


class LeastSquares(Search):
    """One run after the other, each through all stages."""

    def __init__(self, problem: Problem, tolerance: float, max_evaluations: int | None) -> None:
        super().__init__(problem)
        self.tolerance, self.max_evaluations = tolerance, max_evaluations
        self.minimise = optional("scipy.optimize", "optimize").least_squares

    def run(self, stages: Sequence[Stage], runs: list[FitRun]) -> list[FitRun]:
        plans = [stage.plan(self.problem, self.problem.plan.options) for stage in stages]
        runs = self._fit_all(stages, plans, runs)
        if self.problem.relative and not self.interrupted:  # now by the temperatures that were found
            best = min(runs, key=lambda run: run.cost)
            if best.evaluation is not None:
                self.problem.scale = relative_scale(best.evaluation.temperature)
                runs = self._fit_all(stages[-1:], plans[-1:], runs)
        return runs

    def _fit_all(self, stages: Sequence[Stage], plans: Sequence[Plan], runs: list[FitRun]) -> list[FitRun]:
        for number, run in enumerate(runs):
            for n, (stage, plan) in enumerate(zip(stages, plans, strict=True)):
                if not run.success:
                    break
                self.watch.begin(n, number)
                self._fit(stage, plan, run)
                if self.interrupted:
                    return runs[: number + 1]
        return runs

    def _fit(self, stage: Stage, plan: Plan, run: FitRun) -> None:
        trials = _Trials(self, ReadingsModel(plan, stage.measurements, stage.names), stage, run)
        try:
            # Bounds slow scipy's steps down long before they are reached, so they wait until they are.
            self._minimise(trials, run, trials.variables.wide_bounds())
            if trials.at_bound() and run.success:
                self._minimise(trials, run, trials.variables.bounds())
        except _DivergedError as error:
            if not run.random:
                raise
            run.status, run.message = SearchStatus.FAILED, str(error)
        except KeyboardInterrupt:
            self.interrupted = True
            run.status, run.message = SearchStatus.INTERRUPTED, INTERRUPTED
        if trials.best is None:
            return
        run.values.update(zip(stage.names, trials.best.values.tolist(), strict=True))
        if stage.which.all():  # otherwise its cost compares with no other run's
            run.cost, run.evaluation = trials.cost, trials.best

    def _minimise(self, trials: _Trials, run: FitRun, bounds: tuple[Floats, Floats]) -> None:
        problem, limit = self.problem, self.max_evaluations
        found = self.minimise(
            trials.residuals,
            np.clip(trials.start(), *bounds),
            trials.jacobian,
            bounds=bounds,
            xtol=self.tolerance,
            ftol=1e-2 / trials.scale.size,  # a tenth of a standard error
            gtol=1e-14,
            loss=problem.loss,
            f_scale=problem.loss_scale,
            max_nfev=None if limit is None else max(1, limit // trials.model.solves - trials.count),
        )
        run.status = SearchStatus.FINISHED if found.success else SearchStatus.LIMIT_REACHED
        run.message = "converged" if found.success else f"max_evaluations = {limit} solves are used up"


class _Trials:
    """The strand as scipy asks for it: residuals and Jacobian from one solve, the best kept."""

    def __init__(self, search: LeastSquares, model: ReadingsModel, stage: Stage, run: FitRun) -> None:
        self.problem, self.watch, self.model, self.run = search.problem, search.watch, model, run
        self.scale = search.problem.scale[stage.which]
        self.variables = _Variables(
            [run.values[n] for n in model.names], [self.problem.bounds[n] for n in model.names]
        )
        known = stage.strand.parameters()
        self.others = {name: value for name, value in run.values.items() if name in known}
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
        return np.asarray(self.scale * evaluation.residual)

    def at(self, u: Floats) -> Evaluation:
        values = self.variables.values(u)
        if self.last is None or not np.array_equal(self.last.values, values):
            self.last = self.model(values, self.others)
            self.count += 1
            self.run.evaluations += self.model.solves
            self.consider(self.last)
        return self.last

    def consider(self, evaluation: Evaluation) -> None:
        cost = self.problem.cost(self.weighted(evaluation))
        if cost < self.cost:
            self.best, self.cost = evaluation, cost
        if self.best is None:
            start = "the march from the start of the fit diverges; start from other values"
            raise _DivergedError("strand", MISSING, start)
        found = dict(zip(self.model.names, self.best.values.tolist(), strict=True))
        self.watch.add(self.model.solves, self.cost, {**self.run.values, **found})

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
