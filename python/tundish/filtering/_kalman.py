"""The Kalman filter and its smoother, over batches of series."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from numpy.typing import ArrayLike

from tundish._common.arguments import choice
from tundish._common.progress import Callback, progress_callback
from tundish._common.refusals import MISSING, ArgumentError
from tundish.filtering._errors import raise_problem
from tundish.filtering._model import FORMS, KEPT, STORES, Model, bound, thread_count
from tundish.filtering._result import Filtered, Smoothed

Progress = bool | Callback


def kalman_filter(
    y: ArrayLike,
    design: ArrayLike,
    obs_cov: ArrayLike,
    *,
    initial_mean: ArrayLike,
    initial_cov: ArrayLike,
    transition: ArrayLike = 1.0,
    state_cov: ArrayLike = 0.0,
    state_intercept: ArrayLike = 0.0,
    obs_intercept: ArrayLike = 0.0,
    store: str = "diagonal",
    form: str = "standard",
    robust: float | None = None,
    dtype: str = "float64",
    threads: int | None = None,
    progress: Progress = False,
) -> Filtered:
    """Filters one series, or a batch of them.

    The model, in the names of Durbin & Koopman (2012), section 4.3, and of statsmodels:

        y(t) = Z(t) a(t) + d(t) + eps(t),  Var eps = H(t);   a(t+1) = F a(t) + c + eta(t),  Var eta = Q.

    **Main arguments:**

    - `y`: (T,), (B, T) or (B, T, p) observations, NaN where missing. Two axes are always B series.
    - `design`: Z, (n,), (T, n) or (B, T, n); with p observations a step (p, n), (T, p, n) or (B, T, p, n).
    - `obs_cov`: H, scalar, (T,) or (B, T); with p observations a step (p, p), (T, p, p) or (B, T, p, p).
    - `initial_mean`, `initial_cov`: the prediction for the first observation. (n,) or (B, n); scalar, (n,)
      diagonal, (n, n), (B, n, n), or a :class:`Diagonal` of (n,) or (B, n).
    - `transition`, `state_cov`: F and Q. Scalar, (n,) diagonal, (n, n), (B, n, n), or (B, T, n, n) where they
      change in time, B then being 1 where all series share them; or a :class:`Diagonal` of (n,), (B, n) or
      (B, T, n).
    - `state_intercept`: c, scalar, (n,), (B, n) or (B, T, n). `obs_intercept`: d, scalar, (T,) or (B, T);
      with p observations (p,), (T, p) or (B, T, p).

    **Other arguments:**

    - `store`: what is kept of every step: "final" nothing, "mean", "diagonal" also standard deviations,
      "full" also covariances. Forecasts, innovations and the log-likelihood are kept always.
    - `form`: how the covariance is carried. "standard"; "joseph", in Joseph's form, which rounding disturbs
      less; "sqrt", as its lower factor, which cannot become indefinite.
    - `robust`: None, or the number of standard deviations at which the influence of an innovation e stops
      growing (Huber): its variance is taken |e| / robust times as large. The log-likelihood is then that of
      Huber's distribution. For one observation a step.
    - `dtype`: "float64" or "float32".
    - `threads`: None is `TUNDISH_THREADS`, or all processors. Results are bit-equal for any number, and every
      series of a batch has those of a run alone.
    - `progress`: True shows a bar (needs rich), or call me with (done, all).

    One observation a step with diagonal `transition` and `state_cov` that do not change in time is the fast
    case.

    **Returns:** a :class:`Filtered`.

    **Raises:** ValueError or TypeError naming the argument, before any work;
    :class:`NotPositiveDefiniteError` naming the step where a covariance was lost.
    """
    model = _linear(y, design, obs_cov, transition, state_cov, state_intercept, obs_intercept, initial_mean,
                    initial_cov, dtype)  # fmt: skip
    wanted = KEPT[choice("store", store, STORES)]
    return run_filter(model, form, robust, wanted, threads, progress)


def run_filter(
    model: Model,
    form: str,
    robust: float | None,
    wanted: tuple[str, ...],
    threads: int | None,
    progress: Progress,
    observes: str = "linear",
    sigma: tuple[float, float, float] = (1.0, 1.0, 0.0),
) -> Filtered:
    """Runs a checked model's filter."""
    workers, limit = thread_count(threads), bound(robust)
    if limit is not None and not model.scalar:
        raise ArgumentError("robust", MISSING, "is for one observation a step")
    core = model.core(choice("form", form, FORMS), limit, observes, sigma)
    shared = observes == "linear" and core.by_rows and limit is None and model.shares_covariances()
    with progress_callback(progress, "series") as callback:
        found = core.run(list(wanted), shared, workers, callback)
    raise_problem(found.pop("problem"), form, model.single)
    return filtered(model, found)


def filtered(model: Model, found: dict[str, Any]) -> Filtered:
    """A run's arrays with the axes of the caller's y; None for those that were not kept."""
    arrays = model.shape_result(found)
    given: dict[str, Any] = {field.name: arrays.get(field.name) for field in fields(Filtered)}
    return Filtered(**given)


def kalman_smoother(
    y: ArrayLike,
    design: ArrayLike,
    obs_cov: ArrayLike,
    *,
    initial_mean: ArrayLike,
    initial_cov: ArrayLike,
    transition: ArrayLike = 1.0,
    state_cov: ArrayLike = 0.0,
    state_intercept: ArrayLike = 0.0,
    obs_intercept: ArrayLike = 0.0,
    store: str = "diagonal",
    form: str = "standard",
    robust: float | None = None,
    dtype: str = "float64",
    threads: int | None = None,
    progress: Progress = False,
) -> Smoothed:
    """The moments of every step's state given all observations (Rauch, Tung & Striebel, 1965).

    Computed in the form of de Jong (1989), which inverts no covariance of the state, so that Q may be
    singular; the filter's moments are kept at every sqrt(T)-th step and filtered again in between, so that
    memory grows with sqrt(T) n^2 beside what is returned.

    Arguments and errors are those of :func:`kalman_filter`; `store` is "mean", "diagonal" or "full".

    **Returns:** a :class:`Smoothed`.
    """
    model = _linear(y, design, obs_cov, transition, state_cov, state_intercept, obs_intercept, initial_mean,
                    initial_cov, dtype)  # fmt: skip
    wanted = KEPT[choice("store", store, STORES[1:])]
    arrays = run_smoother(model, form, robust, wanted, threads, progress)
    return Smoothed(arrays["mean"], arrays.get("std"), arrays.get("cov"), arrays["loglik"])


def run_smoother(
    model: Model,
    form: str,
    robust: float | None,
    wanted: tuple[str, ...],
    threads: int | None,
    progress: Progress,
) -> dict[str, Any]:
    """Runs a checked model's smoother."""
    workers, limit = thread_count(threads), bound(robust)
    if limit is not None and not model.scalar:
        raise ArgumentError("robust", MISSING, "is for one observation a step")
    core = model.core(choice("form", form, FORMS), limit)
    with progress_callback(progress, "series") as callback:
        found = core.smooth(list(wanted), workers, callback)
    raise_problem(found.pop("problem"), form, model.single)
    return model.shape_result(found)


def _linear(
    y: Any, design: Any, obs_cov: Any, transition: Any, state_cov: Any, state_intercept: Any,
    obs_intercept: Any, initial_mean: Any, initial_cov: Any, dtype: str,
) -> Model:  # fmt: skip
    model = Model(y, obs_cov, transition, state_cov, state_intercept, initial_mean, initial_cov, dtype)
    model.put_observation(design, obs_intercept)
    return model
