"""The published search: artificial bee colonies, which need no derivatives."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence

import numpy as np

from tundish._common.optional import optional
from tundish.casting._options import Options
from tundish.casting.identification._problem import FitRun, Problem, SearchStatus, Stage
from tundish.casting.identification._readings import misfit_of
from tundish.casting.identification._search import INTERRUPTED, Search
from tundish.optimize import BeeColony


class Colonies(Search):
    """Colonies of all runs in step: their bees fill lanes and threads together."""

    def __init__(self, problem: Problem, popsize: int, maxiter: int, options: Options) -> None:
        super().__init__(problem)
        self.popsize, self.maxiter, self.options = popsize, maxiter, options
        optional("scipy.special", "optimize")  # of the result

    def run(self, stages: Sequence[Stage], runs: list[FitRun]) -> list[FitRun]:
        seeds = [run.seed.spawn(len(stages)) for run in runs]
        sizes = [self.popsize + 2 * self.maxiter * self.popsize**2 * len(stage.names) for stage in stages]
        self.watch.total = len(runs) * sum(sizes)
        for n, stage in enumerate(stages):
            self.watch.begin(n, 0)
            self._search(stage, runs, [seed[n] for seed in seeds])
            if self.interrupted:
                break
        return runs

    def _search(self, stage: Stage, runs: list[FitRun], seeds: Sequence[np.random.SeedSequence]) -> None:
        box = [self.problem.bounds[name] for name in stage.names]
        colonies = [BeeColony(box, popsize=self.popsize, rng=seed) for seed in seeds]
        names = self._varied(stage)
        own = np.array([[run.values[name] for name in names] for run in runs])
        fixed = np.repeat(own, self.popsize, axis=0)
        moved = [names.index(name) for name in stage.names]
        plan = stage.plan(self.problem, self.options)
        misfit = misfit_of(plan, stage.measurements, names, self.problem.scale[stage.which])
        try:
            while colonies[0].nit < self.maxiter:
                fixed[:, moved] = np.concatenate([colony.ask() for colony in colonies])
                values = misfit.evaluate(fixed).reshape(len(colonies), -1)
                for colony, run, f in zip(colonies, runs, values, strict=True):
                    colony.tell(colony.ask(), f)
                    run.evaluations += self.popsize
                self._report(stage, colonies, runs)
        except KeyboardInterrupt:
            self.interrupted = True
        for colony, run in zip(colonies, runs, strict=True):
            self._settle(stage, colony, run)

    def _varied(self, stage: Stage) -> list[str]:
        """The stage's names, and those that differ from run to run: what earlier stages found."""
        known = stage.strand.parameters()
        return [name for name in self.problem.names if name in known]

    def _report(self, stage: Stage, colonies: Sequence[BeeColony], runs: Sequence[FitRun]) -> None:
        best = min(range(len(colonies)), key=lambda n: colonies[n].fun)
        found = dict(zip(stage.names, colonies[best].x.tolist(), strict=True))
        solves = self.popsize * len(colonies)
        self.watch.add(solves, colonies[best].fun, {**runs[best].values, **found}, run=best)

    def _settle(self, stage: Stage, colony: BeeColony, run: FitRun) -> None:
        found = colony.fun < math.inf
        if found:
            run.values.update(zip(stage.names, colony.x.tolist(), strict=True))
        run.cost = colony.fun
        run.message = "all cycles are done" if found else "no march of any bee converged"
        if self.interrupted:
            run.status, run.message = SearchStatus.INTERRUPTED, INTERRUPTED
        elif not found:
            run.status = SearchStatus.FAILED


def fast(options: Options, given: Iterable[str]) -> Options:
    """The options of the colonies: float32 by ADI, unless a dtype was given.

    Bees compare sums of squares: 1e-3 K is nothing to them, and takes half the time.
    """
    if options.method != "adi" or "dtype" in given:
        return options
    return dataclasses.replace(options, dtype="float32")
