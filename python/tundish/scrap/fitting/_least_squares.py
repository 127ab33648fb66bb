"""What melt shops do without a filter: non-negative least squares over the last heats."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, count, vector
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError
from tundish.scrap._log import HeatLog, check_log
from tundish.scrap._state_space import partition_mean_of

_MIN_SHARE = 0.01  # of the mean composition, that a prior mean is at least
_MIN_WEIGHT = 1e-6  # of the mean composition, against readings without scatter


class WindowedEstimate(NamedTuple):
    """`composition` (T, n), ppm, from the heats up to each; `predicted_steel` (T,), ppm, from those before.

    NaN before the first window is full, unless a prior mean was given.
    """

    composition: Floats
    predicted_steel: Floats


def windowed_least_squares(
    log: HeatLog,
    window: int = 500,
    *,
    every: int = 10,
    prior_mean: ArrayLike | None = None,
    partition: tuple[float, float] | None = None,
) -> WindowedEstimate:
    """The composition by non-negative least squares of the last heats, as a yardstick for the filters.

    **Main arguments:**

    - `window`: number of heats that count. Missing readings among them are left out; where fewer are left
      than there are types, the last solution holds on.
    - `every`: number of heats between solutions; each holds until the next.

    **Other arguments:**

    - `prior_mean`: (n,) ppm, what holds until the first window is full; None is NaN.
    - `partition`: c1 and c2 (1/%) of an element that parts between steel and slag, which least squares cannot
      find; None for one that stays in the steel.

    **Returns:** a :class:`WindowedEstimate`. Errors of the steel's ppm weigh the same in all heats.

    **Raises:** ValueError or TypeError naming the argument; ImportError where scipy is missing.
    """
    check_log(log)
    heats, types = log.scrap.shape
    count("window", window, 1)
    count("every", every, 1)
    before = np.full(types, math.nan) if prior_mean is None else _prior(prior_mean, types)
    composition, solution = np.tile(before, (heats, 1)), before
    shares, offset = _linear(log, partition)
    known, scrap_ppm = ~log.missing, log.steel_ppm - offset
    for last in range(window - 1, heats, every):
        rows = np.flatnonzero(known[last - window + 1 : last + 1]) + last - window + 1
        if rows.size >= types:
            solution = _nonnegative(shares[rows], scrap_ppm[rows])
        composition[last : last + every] = solution
    earlier = np.vstack([before, composition[:-1]])
    return WindowedEstimate(composition, np.sum(shares * earlier, axis=1) + offset)


def prior_from(log: HeatLog, *, partition: tuple[float, float] | None = None) -> Floats:
    """(n,) ppm: prior means for a plant that has none, by non-negative least squares of a whole log.

    Every type also counts as known to be the mean composition of all scrap, give or take as much, against
    readings with the scatter that plain least squares leaves: so a type that is hardly used, or never without
    another, has a sensible mean too. None is below 1 % of the mean composition, so that a variance in
    proportion to it is above 0.

    - `partition`: as in :func:`windowed_least_squares`.

    Means from the log that they are used on make its filter look a little better than it is. Raises
    ValueError where the log has no readings or no scrap; ImportError where scipy is missing.
    """
    check_log(log)
    shares, offset = _linear(log, partition)
    known = ~log.missing
    if not known.any():
        raise ArgumentError("steel_ppm", MISSING, "all readings are missing")
    shares, scrap_ppm = shares[known], (log.steel_ppm - offset)[known]
    whole = shares.sum(axis=1)
    if not whole.any():
        raise ArgumentError("scrap", MISSING, "no heat with a reading has any")
    mean = float(whole @ scrap_ppm) / float(whole @ whole)
    if mean <= 0:
        return np.zeros(len(log.types))
    scatter = float(np.std(scrap_ppm - shares @ _nonnegative(shares, scrap_ppm)))
    weight = max(scatter / mean, _MIN_WEIGHT)
    rows = np.vstack([shares, weight * np.eye(len(log.types))])
    found = _nonnegative(rows, np.append(scrap_ppm, np.full(len(log.types), weight * mean)))
    return np.maximum(found, _MIN_SHARE * mean)


def _prior(prior_mean: ArrayLike, types: int) -> Floats:
    prior = vector("prior_mean", prior_mean)
    if prior.size != types:
        raise ArgumentError("prior_mean", MISSING, f"has size {prior.size}; the log has {types} scrap types")
    bad = np.flatnonzero(~(np.isfinite(prior) & (prior >= 0)))
    if bad.size:
        raise ArgumentError(f"prior_mean[{bad[0]}]", float(prior[bad[0]]), "must be finite and not negative")
    return prior


def _linear(log: HeatLog, partition: tuple[float, float] | None) -> tuple[Floats, Floats]:
    """(T, n) and (T,): steel_ppm is the first times the composition plus the second, Eqs. (2) and (4)."""
    weight = log.steel_t
    if partition is not None:
        c1, c2 = partition_mean_of("partition", partition)
        divisor = 1 + (c1 + c2 * log.feo_pct) * log.slag_t / log.steel_t
        if not (divisor > 0).all():
            heat = log.heat[np.argmin(divisor > 0)]
            raise ArgumentError(
                "partition", partition, f"heat {heat} has 1 + (c1 + c2 feo_pct) slag_t / steel_t <= 0"
            )
        weight = weight * divisor
    return log.scrap / weight[:, None], log.hot_metal_t * log.hot_metal_ppm / weight


def _nonnegative(rows: NDArray[np.float64], values: NDArray[np.float64]) -> Floats:
    """Non-negative least squares, of the triangular factor: as many rows as unknowns and one."""
    nnls = optional("scipy.optimize", "optimize").nnls
    factor = np.asarray(np.linalg.qr(np.column_stack([rows, values]), mode="r"))
    return np.asarray(nnls(factor[:, :-1], factor[:, -1])[0])
