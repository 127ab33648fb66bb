"""Elements and logs into batched runs of the filters, and what comes back for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish.filtering import (
    Diagonal,
    NotPositiveDefiniteError,
    PoleError,
    kalman_filter,
    kalman_smoother,
    partition_filter,
)
from tundish.scrap._log import HeatLog
from tundish.scrap._state_space import State, StateSpace

Pair = tuple[StateSpace, HeatLog]

_NOT_KEPT = np.empty(0)
_BATCH_BYTES = 2**26  # that a batch's arrays may take, unless a single run needs more
_BLOCK_BYTES = 2**24  # that the covariances of a block of heats may take


class BreakdownError(ValueError):
    """A filter that could not go on; the message names the heat."""


class Filtered(NamedTuple):
    """A filter's run over one log.

    - `forecast`, `forecast_var`, `innovation`: (T,), ppm t, of the element's mass in the steel; for a
      retained element less what the hot metal brings.
    - `following`: the state before the heat after the last.
    - `mean`, `std`, `slopes` (T, k), `cov` (T, k, k): filtered, where they were kept.
    """

    forecast: Floats
    forecast_var: Floats
    innovation: Floats
    loglik: float
    following: State
    mean: Floats = _NOT_KEPT
    std: Floats = _NOT_KEPT
    cov: Floats = _NOT_KEPT
    slopes: Floats = _NOT_KEPT

    def without_states(self) -> Filtered:
        """What is left when the heats' states, of which the covariances fill the memory, are forgotten."""
        return self._replace(mean=_NOT_KEPT, std=_NOT_KEPT, cov=_NOT_KEPT, slopes=_NOT_KEPT)


def run(
    pairs: Sequence[Pair],
    *,
    store: str = "diagonal",
    slopes: bool = False,
    starts: Sequence[State] | None = None,
) -> list[Filtered]:
    """Every model over its log, in as few batches as models of one kind, equal shapes and memory allow.

    `starts`: states before the first heats; None is the models' own. Raises :class:`BreakdownError`.
    """
    before = [model.initial_state for model, _ in pairs] if starts is None else starts
    results: list[Filtered | None] = [None] * len(pairs)
    for numbers in _batches(pairs, store):
        batch = [pairs[n] for n in numbers]
        found = _run_batch(batch, [before[n] for n in numbers], store, slopes)
        for row, number in enumerate(numbers):
            results[number] = _row(found, row)
    return [result for result in results if result is not None]


def in_blocks(
    model: StateSpace, log: HeatLog, *, slopes: bool = False
) -> Iterator[tuple[HeatLog, State, Filtered]]:
    """A run with whole covariances, block of heats by block, each with its log and the state before it."""
    state = model.initial_state
    size = max(1, _BLOCK_BYTES // (8 * state.mean.size**2))
    for first in range(0, len(log), size):
        part = log[first : first + size]
        found = run([(model, part)], store="full", slopes=slopes, starts=[state])[0]
        yield part, state, found
        state = found.following


def joined(blocks: Sequence[Filtered]) -> Filtered:
    """One run of its blocks, without the states that each of them kept."""
    rows = {
        name: np.concatenate([getattr(block, name) for block in blocks])
        for name in ("forecast", "forecast_var", "innovation")
    }
    loglik = sum(block.loglik for block in blocks)
    return Filtered(**rows, loglik=loglik, following=blocks[-1].following)


def smoothed(model: StateSpace, log: HeatLog, *, store: str = "diagonal") -> tuple[Any, Any, Any]:
    """Mean and standard deviation (T, k) given all heats and, with store = "full", covariance (T, k, k)."""
    batch = [(model, log)]
    measured = _linearised(model, log) if model.partitioned else {**_linear(batch), **model.update}
    with _naming_the_heat(batch):
        found = kalman_smoother(**_dynamics([model], [model.initial_state]), **measured, store=store)
    mean, std, cov = (None if x is None else x[0] for x in (found.mean, found.std, found.cov))
    return mean, std, cov


def _linearised(model: StateSpace, log: HeatLog) -> dict[str, Any]:
    """The linear model that the sigma-point filter is, in the smoother's names.

    With the slopes b of Cov(x, y) = P b, a Kalman filter of design b and measurement variance S - b' P b
    takes the same gains. It sees the same innovations where the reading is moved as far as the forecast is,
    to b' a.
    """
    readings, design, noise = [], [], []
    carried = (1 - model.decay) ** 2
    for part, before, found in in_blocks(model, log, slopes=True):
        known = ~part.missing
        cov = np.concatenate([before.cov[None], carried * found.cov[:-1]])
        cov[1:] += np.diag(model.driving_var)
        mean = np.concatenate([before.mean[None], (1 - model.decay) * found.mean[:-1]])
        mean[1:] += model.decay * model.state_mean
        slopes = np.where(known[:, None], found.slopes, 0.0)
        inflated = found.forecast_var * _inflation(model, found)
        explained = np.einsum("ti,ti->t", slopes, (cov @ slopes[:, :, None])[:, :, 0])
        left = np.where(known, inflated - explained, found.forecast_var)
        if not (left > 0).all():
            heat = part.heat[np.argmin(left > 0)]
            raise BreakdownError(
                f"heat {heat}: the sigma points leave no measurement variance to smooth with; take "
                "method = 'projected'"
            )
        readings.append(np.sum(slopes * mean, axis=1) + found.innovation)
        design.append(slopes)
        noise.append(left)
    return {
        "y": np.concatenate(readings)[None],
        "design": np.concatenate(design),
        "obs_cov": np.concatenate(noise),
    }


def _inflation(model: StateSpace, found: Filtered) -> Floats:
    """(T,) What the robust update multiplies the innovation's variance with."""
    if model.robust is None:
        return np.ones_like(found.forecast_var)
    size = np.abs(found.innovation) / np.sqrt(found.forecast_var)
    return np.asarray(np.fmax(size / model.robust, 1.0))


def _batches(pairs: Sequence[Pair], store: str) -> list[list[int]]:
    """Numbers of the pairs that run together; those of one matrix of scrap stand side by side."""
    groups: dict[Any, list[int]] = {}
    for number, (model, log) in enumerate(pairs):
        alike = (type(model), *model.update.values(), log.scrap.shape)
        groups.setdefault(alike, []).append(number)
    batches = []
    for numbers in groups.values():
        numbers.sort(key=lambda n: id(pairs[n][1].scrap))
        batch: list[int] = []
        for number in numbers:
            if batch and _bytes([pairs[n] for n in (*batch, number)], store) > _BATCH_BYTES:
                batches.append(batch)
                batch = []
            batch.append(number)
        batches.append(batch)
    return batches


def _bytes(batch: Sequence[Pair], store: str) -> int:
    model, log = batch[0]
    width = model.state_mean.size
    columns = 10 + {"final": 0, "diagonal": 2 * width, "full": 2 * width + width**2}[store]
    if not _one_scrap(batch):
        columns += width
    return 8 * len(batch) * len(log) * columns


def _one_scrap(batch: Sequence[Pair]) -> bool:
    return all(log.scrap is batch[0][1].scrap for _, log in batch)


def _run_batch(batch: Sequence[Pair], starts: Sequence[State], store: str, slopes: bool) -> Any:
    models = [model for model, _ in batch]
    given = {**_dynamics(models, starts), **models[0].update, "store": store}
    with _naming_the_heat(batch):
        if models[0].partitioned:
            return partition_filter(**_mass_balance(batch), **given, slopes=slopes)
        return kalman_filter(**_linear(batch), **given)


def _dynamics(models: Sequence[StateSpace], starts: Sequence[State]) -> dict[str, Any]:
    """Eqs. (1) and (3) in the filters' names, with a leading axis for the models."""
    return {
        "transition": Diagonal(np.stack([np.full(m.state_mean.size, 1 - m.decay) for m in models])),
        "state_cov": Diagonal(np.stack([m.driving_var for m in models])),
        "state_intercept": np.stack([m.decay * m.state_mean for m in models]),
        "initial_mean": np.stack([start.mean for start in starts]),
        "initial_cov": np.stack([start.cov for start in starts]),
    }


def _linear(batch: Sequence[Pair]) -> dict[str, Any]:
    """Eq. (2) in the filter's names."""
    steel = np.stack([log.steel_t for _, log in batch])
    readings = steel * np.stack([log.steel_ppm for _, log in batch]) - _addition(batch)
    return {"y": readings, "design": _scrap(batch), "obs_cov": (_stds(batch) * steel) ** 2}


def _mass_balance(batch: Sequence[Pair]) -> dict[str, Any]:
    """Eq. (4) in the filter's names."""
    steel = np.stack([log.steel_t for _, log in batch])
    return {
        "y": steel * np.stack([log.steel_ppm for _, log in batch]),
        "design": _scrap(batch),
        "addition": _addition(batch),
        "slag_ratio": np.stack([log.slag_t for _, log in batch]) / steel,
        "feo_pct": np.stack([log.feo_pct for _, log in batch]),
        "obs_cov": (_stds(batch) * steel) ** 2,
    }


def _addition(batch: Sequence[Pair]) -> Floats:
    """(B, T) ppm t that the hot metal brings."""
    return np.stack([log.hot_metal_t * log.hot_metal_ppm for _, log in batch])


def _stds(batch: Sequence[Pair]) -> Floats:
    return np.array([[model.measurement_std] for model, _ in batch])


def _scrap(batch: Sequence[Pair]) -> Floats:
    """(T, n) masses, or (B, T, n) where the logs differ in them."""
    return batch[0][1].scrap if _one_scrap(batch) else np.stack([log.scrap for _, log in batch])


def _row(found: Any, row: int) -> Filtered:
    """One of a batch's results, copied so that the batch can be forgotten."""
    names = ("mean", "std", "cov", "slopes", "forecast", "forecast_var", "innovation")
    kept = {name: getattr(found, name, None) for name in names}
    return Filtered(
        **{name: values[row].copy() for name, values in kept.items() if values is not None},
        loglik=float(found.loglik[row]),
        following=State(found.predicted_mean[row].copy(), found.predicted_cov[row].copy()),
    )


@contextmanager
def _naming_the_heat(batch: Sequence[Pair]) -> Iterator[None]:
    """Tells the heat at which a filter broke down, and what helps."""
    try:
        yield
    except (PoleError, NotPositiveDefiniteError) as error:
        model, log = batch[error.series]
        heat = log.heat[error.step]
        if isinstance(error, PoleError):
            slag, steel = log.slag_t[error.step], log.steel_t[error.step]
            message = (
                "1 + (c1 + c2 feo_pct) slag_t / steel_t is not above 0 at a sigma point; check "
                f"slag_t = {slag:g}, steel_t = {steel:g}, partition_mean and partition_var"
            )
        else:
            message = f"the covariance lost its positive-definiteness; {model.way_out}"
        raise BreakdownError(f"heat {heat}: {message}") from error
