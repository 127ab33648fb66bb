"""The inverse problem: from readings back to the cooling."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, choice, integer, names_of, number, pair
from tundish.casting._fit import Evaluation, Fit, checked, options_of, solver_for
from tundish.casting._grid import Grid
from tundish.casting._identification import COVARIANCES, Identification, Run, _units, covariance_of
from tundish.casting._measurements import Measurements
from tundish.casting._search import (
    LOSSES,
    Colonies,
    LeastSquares,
    Problem,
    Progress,
    Search,
    Stage,
    Track,
    relative_scale,
    watched,
)
from tundish.casting._strand import Strand

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

_METHODS = ("least-squares", "bee-colony")
_FAR_OFF = 1.5  # standard deviations, from which on a robust loss lets readings count less


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
      the readings have it. None is 1.5 standard deviations, which tell themselves by how far readings lie off
      the line through their neighbours. Least squares only.
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
    choice("method", method, _METHODS)
    options = {**options_of(solver), "backend": backend}
    names = names_of("unknowns", unknowns, checked(strand, measurements).parameters())
    if not names:
        raise ValueError("unknowns: at least one name is needed")
    if len(measurements) < len(names):
        raise ValueError(f"measurements: {len(measurements)} readings for {len(names)} unknowns are too few")
    problem = Problem(
        strand=strand,
        measurements=measurements,
        names=names,
        bounds=_checked_bounds(strand, names, bounds, method),
        grid=solver_for(strand, measurements, grid, options).grid,
        options=options,
        scale=_scale(strand, measurements, noise, grid, options),
        relative=noise == "relative",
        loss=_loss(loss, method),
        loss_scale=_loss_scale(measurements, loss, loss_scale),
    )
    known = measurements.sigma is not None and loss == "linear"
    kind = covariance or ("sigma" if known else "sandwich")
    choice("covariance", kind, COVARIANCES)
    if kind == "sigma" and measurements.sigma is None:
        raise ValueError("covariance = 'sigma': the measurements have no sigma")
    if kind == "sigma" and loss != "linear":
        raise ValueError(f"covariance = 'sigma': not with loss = {loss!r}; take 'sandwich'")
    count = _at_least("runs", {"least-squares": 1, "bee-colony": 10}[method] if runs is None else runs, 1)
    plan = _stages(problem, stages)
    if method == "bee-colony":
        search: Search = Colonies(problem, _at_least("popsize", popsize, 2), _at_least("maxiter", maxiter, 1))
    else:
        most = None if max_evaluations is None else _at_least("max_evaluations", max_evaluations, 1)
        search = LeastSquares(problem, _positive("tolerance", tolerance), most)
    with watched(progress) as watch:
        search.watch = watch
        tracks = search.run(plan, _tracks(problem, count, rng, method))
        return _result(problem, tracks, kind, method, search)


def _checked_bounds(
    strand: Strand, names: Sequence[str], bounds: Mapping[str, tuple[float, float]] | None, method: str
) -> dict[str, tuple[float, float]]:
    start = strand.parameters()
    if bounds is None:
        if method == "bee-colony":
            raise ValueError("bounds: must be given for method = 'bee-colony'")
        free = (-math.inf, math.inf)
        return {n: (0.1 * start[n], 10 * start[n]) if start[n] > 0 else free for n in names}
    if not isinstance(bounds, Mapping):
        raise TypeError("bounds: must be a mapping of names to (lower, upper)")
    names_of("bounds", bounds, names)
    for name in names:
        if name not in bounds:
            raise ValueError(f"bounds: {name!r} is missing")
    return {name: _interval(strand, name, bounds[name], method) for name in names}


def _interval(strand: Strand, name: str, bounds: Any, method: str) -> tuple[float, float]:
    if isinstance(bounds, int | float):
        raise TypeError(f"bounds: {name!r} = {bounds!r}: must be (lower, upper)")
    lower, upper = pair(f"bounds: {name!r}", bounds, of="lower and upper")
    start = strand.parameters()[name]
    if not lower < upper:
        raise ValueError(f"bounds: {name!r} = ({lower:g}, {upper:g}): the lower one must be below the upper")
    if method == "bee-colony" and not math.isfinite(upper - lower):
        raise ValueError(f"bounds: {name!r} = ({lower:g}, {upper:g}): must be finite for 'bee-colony'")
    if not lower <= start <= upper:
        raise ValueError(
            f"bounds: {name!r} = ({lower:g}, {upper:g}) excludes the strand's own value, {start:g}"
        )
    for end in (lower, upper):
        if math.isfinite(end):
            try:
                strand.replace({name: end})
            except ValueError as error:
                raise ValueError(f"bounds: {error}") from None
    return lower, upper


def _scale(
    strand: Strand, measurements: Measurements, noise: str, grid: Grid | None, options: Mapping[str, Any]
) -> Floats:
    """(n,) What residuals are multiplied with."""
    if choice("noise", noise, ["constant", "relative"]) == "constant":
        return measurements.scale
    if measurements.sigma is not None or measurements.weight is not None:
        raise ValueError("noise = 'relative': the measurements have a sigma or weight of their own")
    return relative_scale(Fit(strand, measurements, [], grid, options)(np.empty(0)).temperature)


def _loss(loss: str, method: str) -> str:
    choice("loss", loss, list(LOSSES))
    if method == "bee-colony" and loss != "linear":
        raise ValueError(f"loss = {loss!r}: must be 'linear' for method = 'bee-colony'")
    return loss


def _loss_scale(measurements: Measurements, loss: str, given: float | None) -> float:
    if given is not None:
        return _positive("loss_scale", given)
    if loss == "linear" or measurements.sigma is not None:
        return _FAR_OFF
    spread = _spread(measurements)
    if not spread > 0:
        raise ValueError("loss_scale: must be given, the readings do not tell how much they scatter")
    return _FAR_OFF * spread


def _spread(measurements: Measurements) -> float:
    """Standard deviation of weighted readings, from how far they lie off the line through their neighbours.

    By the median, which a few outliers hardly move. 0 for sensors of fewer than three readings.
    """
    order = np.lexsort((measurements.z, measurements.sensor))
    z, reading = measurements.z[order], measurements.temperature[order]
    sensor = measurements.sensor[order]
    inner = np.flatnonzero(sensor[:-2] == sensor[2:]) + 1
    if not inner.size:
        return 0.0
    share = (z[inner] - z[inner - 1]) / (z[inner + 1] - z[inner - 1])
    off = reading[inner] - (1 - share) * reading[inner - 1] - share * reading[inner + 1]
    off /= np.sqrt(1 + (1 - share) ** 2 + share**2)
    return 1.4826 * float(np.median(np.abs(measurements.scale[order][inner] * off)))


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(number(name, value)) and value > 0):
        raise ValueError(f"{name} = {value!r}: must be finite and above 0")
    return float(value)


def _at_least(name: str, value: int, least: int) -> int:
    if integer(name, value) < least:
        raise ValueError(f"{name} = {value}: must be at least {least}")
    return int(value)


def _tracks(problem: Problem, count: int, rng: Any, method: str) -> list[Track]:
    """The starts: the strand's own values, and for least squares random ones after the first."""
    own = problem.strand.parameters()
    start = {name: own[name] for name in problem.names}
    tracks = [Track(dict(start), seed) for seed in _seed(rng).spawn(count)]
    if method == "bee-colony":
        return tracks
    for track in tracks[1:]:
        for name, u in zip(start, np.random.default_rng(track.seed).random(len(start)), strict=True):
            lower, upper = problem.bounds[name]
            if not math.isfinite(upper - lower):
                raise ValueError(f"bounds: {name!r} must be finite for more than one run")
            track.random = True
            # Evenly by the logarithm where that is what is fitted.
            grown = lower * (upper / lower) ** u if lower > 0 else lower + u * (upper - lower)
            track.values[name] = min(max(grown, lower), upper)
    return tracks


def _seed(rng: Any) -> np.random.SeedSequence:
    if isinstance(rng, np.random.Generator):
        return np.random.SeedSequence(rng.integers(2**63, size=2).tolist())
    if isinstance(rng, np.random.SeedSequence):  # a copy: one that has spawned would spawn others
        return np.random.SeedSequence(rng.entropy, spawn_key=rng.spawn_key)
    try:
        return np.random.SeedSequence(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"rng = {rng!r}: must be an integer of at least 0, a SeedSequence, a Generator or None"
        ) from None


def _stages(problem: Problem, stages: Iterable[Iterable[str]] | None) -> list[Stage]:
    if stages is None:
        groups = [problem.names]
    else:
        if isinstance(stages, str | Mapping) or not isinstance(stages, Iterable):
            raise TypeError("stages: must be a list of lists of names")
        groups = [names_of("stages", group, problem.names) for group in stages]
    found = {name for group in groups for name in group}
    for name in problem.names:
        if name not in found:
            raise ValueError(f"stages: {name!r} is unknown, but in no stage")
    if not all(groups):
        raise ValueError("stages: every stage must name at least one unknown")
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
        raise ValueError(
            f"stages[{number}]: {which.sum()} readings above z = {end:g} m, where a later stage begins, are "
            f"too few for {len(names)} unknowns"
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
    """The strand down to `end`, where its mould or a zone ends, with the same steps down to there."""
    assert isinstance(grid.dz_spray, tuple)
    zones = [zone for zone in strand.zones if zone.end <= end]
    if not zones:  # there must be one: a single step of the first
        zones = [dataclasses.replace(strand.zones[0], end=end + grid.dz_spray[0])]
    steps = grid.dz_spray[: len(zones)] if len(grid.dz_spray) > 1 else grid.dz_spray
    short = dataclasses.replace(strand, zones=zones, length=zones[-1].end)
    return short, dataclasses.replace(grid, dz_spray=steps)


def _result(
    problem: Problem, tracks: Sequence[Track], kind: str, method: str, search: Search
) -> Identification:
    best = min(tracks, key=lambda track: track.cost)
    strand = problem.strand.replace(best.values)
    evaluations = sum(track.evaluations for track in tracks)
    found = best.evaluation
    if found is None or found.jacobian.shape[1] < len(
        problem.names
    ):  # stages or bees: the derivatives of all unknowns are still to come
        fit = Fit(strand, problem.measurements, problem.names, problem.grid, problem.options)
        found = fit(np.array([best.values[name] for name in problem.names]))
        evaluations += fit.solves
    residuals = problem.scale * (problem.measurements.temperature - found.temperature)
    influence = problem.influence(residuals)
    weighted = problem.scale[:, None] * found.jacobian
    covariance, free = covariance_of(weighted, residuals, influence, _units(best.values), kind)
    own = problem.strand.parameters()
    return Identification(
        strand=strand,
        measurements=problem.measurements,
        unknowns=tuple(problem.names),
        parameters={name: best.values[name] for name in problem.names},
        covariance=covariance,
        cost=problem.cost(residuals),
        evaluations=evaluations,
        success=best.success and not search.interrupted and found.converged,
        message=_message(problem, best, found, covariance),
        runs=tuple(Run(t.values, t.cost, t.evaluations, t.success, t.message) for t in tracks),
        start={name: own[name] for name in problem.names},
        bounds=problem.bounds,
        method=method,
        grid=problem.grid,
        solver=problem.options,
        scale=problem.scale,
        loss_scale=problem.loss_scale,
        influence=influence[0],
        temperature=found.temperature,
        jacobian=found.jacobian,
        damping=found.damping,
        degrees_of_freedom=free,
    )


def _message(problem: Problem, best: Track, found: Evaluation, covariance: Floats) -> str:
    parts = [best.message]
    if not found.converged:
        parts.append("the sweeps of the march did not converge: raise max_sweeps")
    if found.damping:
        parts.append(f"marched with damping {found.damping} of 8, smaller steps are more accurate")
    unknown = [n for n, v in zip(problem.names, np.diag(covariance), strict=True) if not np.isfinite(v)]
    if unknown:
        parts.append("the readings do not determine " + ", ".join(unknown))
    ends = [
        n for n in problem.names if np.isclose(best.values[n], problem.bounds[n], rtol=1e-6, atol=0).any()
    ]
    if ends:
        parts.append("at a bound: " + ", ".join(ends))
    return "; ".join(parts)
