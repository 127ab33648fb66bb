"""Estimates from runs of the filters: several elements together, without negative fractions, smoothed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from tundish._common.arguments import Floats, listed
from tundish._common.refusals import ArgumentTypeError
from tundish.scrap._estimate import Estimate
from tundish.scrap._log import HeatLog
from tundish.scrap._nonnegative import nonnegative
from tundish.scrap._run import Filtered, in_blocks, joined, run, smoothed
from tundish.scrap._state_space import StateSpace


def filter_elements(pairs: Iterable[tuple[StateSpace, HeatLog]]) -> list[Estimate]:
    """Several models, each over a log: `[model.filter(log) for model, log in pairs]`, to the last bit.

    Models of one kind whose logs have one shape run as one batch, on all processors. It takes less memory
    where the logs share their array of masses, as those of `log.replace(steel_ppm=...)` do.

    **Returns:** an :class:`Estimate` for each. **Raises:** as :meth:`RetainedElement.filter`.
    """
    given = _checked(pairs)
    free = iter(run([(model, log) for model, log in given if model.nonnegative is None]))
    return [
        _constrained(model, log) if model.nonnegative is not None else _estimate(model, log, next(free))
        for model, log in given
    ]


def _checked(pairs: Iterable[tuple[StateSpace, HeatLog]]) -> list[tuple[StateSpace, HeatLog]]:
    given = listed("pairs", pairs, "(model, log)")
    for number, pair in enumerate(given):
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], StateSpace)):
            raise ArgumentTypeError(f"pairs[{number}]", pair, "must be (model, log)")
        pair[0].check(pair[1])
    return given


def smooth_element(model: StateSpace, log: HeatLog) -> Estimate:
    """The estimate that :meth:`RetainedElement.smooth` returns."""
    model.check(log)
    found = run([(model, log)])[0]
    if model.nonnegative is None:
        mean, std, _ = smoothed(model, log)
    else:
        mean, _, cov = smoothed(model, log, store="full")
        mean, std = nonnegative(model.nonnegative, mean, cov, len(log.types))
    return dataclasses.replace(_estimate(model, log, found, (mean, std)), smoothed=True)


def _constrained(model: StateSpace, log: HeatLog) -> Estimate:
    """A filtered estimate without negative fractions."""
    assert model.nonnegative is not None
    found, moments = [], []
    for _, _, block in in_blocks(model, log):
        moments.append(nonnegative(model.nonnegative, block.mean, block.cov, len(log.types)))
        found.append(block.without_states())
    mean, std = (np.concatenate(parts) for parts in zip(*moments, strict=True))
    return _estimate(model, log, joined(found), (mean, std))


def _estimate(
    model: StateSpace, log: HeatLog, found: Filtered, moments: tuple[Floats, Floats] | None = None
) -> Estimate:
    """`moments`: mean and standard deviation (T, k) to report instead of the filtered ones."""
    mean, std = moments or (found.mean, found.std)
    n = len(log.types)
    brought = 0.0 if model.partitioned else log.hot_metal_t * log.hot_metal_ppm
    return Estimate(
        model=model,
        log=log,
        composition=mean[:, :n],
        composition_std=std[:, :n],
        partition=mean[:, n:] if model.partitioned else None,
        partition_std=std[:, n:] if model.partitioned else None,
        predicted_steel=(found.forecast + brought) / log.steel_t,
        predicted_std=np.sqrt(found.forecast_var) / log.steel_t,
        innovation=found.innovation / log.steel_t,
        loglik=found.loglik,
        following=found.following,
    )
