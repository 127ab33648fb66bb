"""The inverse problem: from readings back to the cooling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, choice, count, names_of, positive
from tundish._common.random import seed_of
from tundish._common.refusals import MISSING, ArgumentError
from tundish.casting._grid import Grid
from tundish.casting._measurements import Measurements
from tundish.casting._options import Options, keywords_of
from tundish.casting._strand import Strand
from tundish.casting.identification._checks import (
    checked_bounds,
    checked_loss,
    covariance_kind,
    loss_scale_of,
    scale_of,
)
from tundish.casting.identification._colonies import Colonies, fast
from tundish.casting.identification._covariance import covariance_of, units_of
from tundish.casting.identification._identification import Identification, Run
from tundish.casting.identification._least_squares import LeastSquares
from tundish.casting.identification._problem import FitRun, Problem, SearchStatus, stages_of
from tundish.casting.identification._readings import Evaluation, ReadingsModel, check_readings, plan_for
from tundish.casting.identification._search import Progress, Search, watched

# The eight unknowns of Energies 2020, 13, 2429, and how the paper divides them into one, two and four steps.
PUBLISHED_UNKNOWNS = (
    "mold.heat_flux.y", "mold.heat_flux.x", "zones.0.htc.y", "zones.1.htc.y", "zones.2.htc.y",
    "zones.0.htc.x", "zones.1.htc.x", "zones.2.htc.x",
)  # fmt: skip
PUBLISHED_STAGES: Mapping[int, tuple[tuple[str, ...], ...]] = {
    1: (PUBLISHED_UNKNOWNS,),
    2: (PUBLISHED_UNKNOWNS[:2], PUBLISHED_UNKNOWNS[2:]),
    4: (PUBLISHED_UNKNOWNS[:2], *((f"zones.{n}.htc.y", f"zones.{n}.htc.x") for n in range(3))),
}

_METHODS = {"least-squares": 1, "bee-colony": 10}  # and their numbers of runs


def identify(
    strand: Strand,
    measurements: Measurements,
    unknowns: Iterable[str],
    bounds: Mapping[str, tuple[float, float]] | None = None,
    method: str = "least-squares",
    *,
    stages: Iterable[Iterable[str]] | None = None,
    runs: int | None = None,
    rng: Any = 0,
    grid: Grid | None = None,
    backend: str = "cpu",
    progress: bool | Callable[[Progress], object] = True,
    loss: str = "linear",
    loss_scale: float | None = None,
    noise: str = "constant",
    covariance: str | None = None,
    popsize: int = 8,
    maxiter: int = 25,
    tolerance: float = 1e-4,
    max_evaluations: int | None = None,
    solver: Mapping[str, Any] | None = None,
) -> Identification:
    """Parameters of a strand from temperatures measured in it.

    Minimises J = sum of w (T - U)^2 over all readings U, with T the strand's temperature there (Eq. (15) of
    Energies 2020, 13, 2429). The fit begins with the strand's own values.

    **Main arguments:**

    - `strand`: a :class:`Strand`; what is not unknown of it is taken as it is.
    - `measurements`: :class:`Measurements`.
    - `unknowns`: k names of `strand.parameters()`.
    - `bounds`: (lower, upper) by name, in the parameters' units; the start lies within. Parameters that start
      above 0 and may not fall below it are fitted by their logarithm. May be left out for "least-squares":
      a tenth to ten times the start where that is above 0, no bounds elsewhere.
    - `method`: "least-squares", by exact derivatives and scipy's trust-region-reflective algorithm; or
      "bee-colony", the published one, which needs no derivatives: :func:`tundish.optimize.bee_colony` with
      `popsize` sources in `maxiter` cycles.
    - `stages`: lists of names, identified one after the other, each with what was found before;
      None is all at once. A stage takes only readings above the first zone that a later stage has to find,
      and marches no farther: what lies below cannot change them. PUBLISHED_STAGES[1], [2] and [4] are the
      paper's steps.
    - `runs`: number of starts, the best of which is taken. Least squares: the strand's own values, then
      random ones within the bounds (default 1). Bee colony: independent seeds spawned from `rng` (default
      10, as published), all evaluated together, in float32 unless `solver` says otherwise.
    - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None. One seed is one result.
    - `grid`: a :class:`Grid`; None is the default one.

    **Other arguments:**

    - `loss`, `loss_scale`: "linear" is the plain sum of squares; "soft_l1", "huber", "cauchy" and "arctan"
      (scipy's) let readings that are off by more than `loss_scale` count less, K, or multiples of sigma where
      the readings have it. None is 1.5 standard deviations, estimated from how far readings lie off the line
      through their neighbours. Least squares only.
    - `noise`: "constant", squares weigh as the readings say, or "relative": the readings' error is
      proportional to their temperature, so that squares weigh 1/T^2, T being the strand's and not the noisy
      reading's (scaled to a mean of 1): at the start of the fit, and, for least squares, once more at its
      end. Not with readings that have a sigma or weight.
    - `covariance`: how the parameters' errors are estimated. "sigma": from the readings' own (the default
      where they have one); "residuals": one standard deviation for all, from the residuals; "sandwich":
      likewise, but it may differ from reading to reading (the default elsewhere).
    - `tolerance`: least squares end when a step changes no parameter by more than about this share, or J by
      less than a hundredth of what one reading adds to it, a tenth of a standard error at most;
      `max_evaluations`: or when a run and stage has used so many solves.
    - `progress`: True shows a bar on stderr where rich is installed, or call me with a :class:`Progress`.
    - `solver`: further keywords of :func:`solve`, such as {"dtype": "float32", "threads": 1}.
    - `backend`: "cpu".

    **Returns:** an :class:`Identification`. `success` is False, and `message` says why, where a limit was
    reached or Ctrl-C ended the search (KeyboardInterrupt): then the result is the best so far.

    **Raises:** ValueError, TypeError or KeyError naming the argument before any work: unknown names, bounds
    that exclude the start or each other, readings outside the strand, fewer readings than unknowns.
    ValueError also where the march from the start diverges. ImportError where scipy is missing.
    """
    choice("method", method, list(_METHODS))
    check_readings(strand, measurements)
    names = names_of("unknowns", unknowns, strand.parameters())
    if not names:
        raise ArgumentError("unknowns", MISSING, "at least one name is needed")
    if len(measurements) < len(names):
        few = f"{len(measurements)} readings for {len(names)} unknowns are too few"
        raise ArgumentError("measurements", MISSING, few)
    limits = checked_bounds(strand, names, bounds, method)
    keywords = {**keywords_of("solver", solver), "backend": backend}
    plan = plan_for(strand, measurements, grid, Options(**keywords))
    problem = Problem(
        plan=plan,
        measurements=measurements,
        names=names,
        bounds=limits,
        scale=scale_of(plan, measurements, noise),
        relative=noise == "relative",
        loss=checked_loss(loss, method),
        loss_scale=loss_scale_of(measurements, loss, loss_scale),
    )
    kind = covariance_kind(measurements, loss, covariance)
    starts = _starts(problem, count("runs", _METHODS[method] if runs is None else runs, 1), rng, method)
    parts = stages_of(problem, stages)
    if method == "bee-colony":
        search: Search = Colonies(
            problem, count("popsize", popsize, 2), count("maxiter", maxiter, 1), fast(plan.options, keywords)
        )
    else:
        limit = None if max_evaluations is None else count("max_evaluations", max_evaluations, 1)
        search = LeastSquares(problem, positive("tolerance", tolerance), limit)
    with watched(progress) as watch:
        search.watch = watch
        ended = search.run(parts, starts)
        return _result(problem, ended, kind, method, keywords, search)


def _starts(problem: Problem, runs: int, rng: Any, method: str) -> list[FitRun]:
    """The strand's own values, and for least squares random ones after the first."""
    own = problem.strand.parameters()
    start = {name: own[name] for name in problem.names}
    made = [FitRun(dict(start), seed) for seed in seed_of(rng).spawn(runs)]
    if method == "bee-colony":
        return made
    for run in made[1:]:
        for name, u in zip(start, np.random.default_rng(run.seed).random(len(start)), strict=True):
            lower, upper = problem.bounds[name]
            if not math.isfinite(upper - lower):
                raise ArgumentError(f"bounds[{name!r}]", MISSING, "must be finite for more than one run")
            run.random = True
            # Evenly by the logarithm where that is what is fitted.
            grown = lower * (upper / lower) ** u if lower > 0 else lower + u * (upper - lower)
            run.values[name] = min(max(grown, lower), upper)
    return made


def _result(
    problem: Problem,
    runs: Sequence[FitRun],
    kind: str,
    method: str,
    keywords: Mapping[str, Any],
    search: Search,
) -> Identification:
    best = min(runs, key=lambda run: run.cost)
    evaluations = sum(run.evaluations for run in runs)
    found = best.evaluation
    if found is None or found.jacobian.shape[1] < len(problem.names):
        # Stages or bees: the derivatives of all unknowns are still to come.
        model = ReadingsModel(problem.plan, problem.measurements, problem.names)
        found = model(np.array([best.values[name] for name in problem.names]))
        evaluations += model.solves
    residuals = problem.scale * (problem.measurements.temperature - found.temperature)
    influence = problem.influence(residuals)
    weighted = problem.scale[:, None] * found.jacobian
    covariance, free = covariance_of(weighted, residuals, influence, units_of(best.values), kind)
    own = problem.strand.parameters()
    status = _status(best, found, search)
    return Identification(
        strand=problem.strand.replace(best.values),
        measurements=problem.measurements,
        unknowns=tuple(problem.names),
        parameters={name: best.values[name] for name in problem.names},
        covariance=covariance,
        cost=problem.cost(residuals),
        evaluations=evaluations,
        success=status is SearchStatus.FINISHED,
        message=_message(problem, best, found, covariance),
        runs=tuple(Run(t.values, t.cost, t.evaluations, t.success, t.message) for t in runs),
        start={name: own[name] for name in problem.names},
        bounds=problem.bounds,
        method=method,
        grid=problem.grid,
        solver=keywords,
        scale=problem.scale,
        loss_scale=problem.loss_scale,
        influence=influence[0],
        temperature=found.temperature,
        jacobian=found.jacobian,
        damping=0,
        degrees_of_freedom=free,
        status=status,
    )


def _status(best: FitRun, found: Evaluation, search: Search) -> SearchStatus:
    if search.interrupted:
        return SearchStatus.INTERRUPTED
    return best.status if found.converged or not best.success else SearchStatus.FAILED


def _message(problem: Problem, best: FitRun, found: Evaluation, covariance: Floats) -> str:
    parts = [best.message]
    if not found.converged:
        parts.append("the sweeps of the march did not converge: raise max_sweeps")
    unknown = [n for n, v in zip(problem.names, np.diag(covariance), strict=True) if not np.isfinite(v)]
    if unknown:
        parts.append("the readings do not determine " + ", ".join(unknown))
    ends = [
        n for n in problem.names if np.isclose(best.values[n], problem.bounds[n], rtol=1e-6, atol=0).any()
    ]
    if ends:
        parts.append("at a bound: " + ", ".join(ends))
    return "; ".join(parts)
