"""The unscented filter of a user's own observation, over batches of series."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish import _core
from tundish._common.arguments import choice
from tundish._common.progress import progress_callback
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.filtering._errors import raise_problem
from tundish.filtering._kalman import Progress, filtered
from tundish.filtering._model import KEPT, STORES, Model, bound, sigma_parameters, thread_count
from tundish.filtering._result import Filtered

Observe = Callable[[NDArray[Any], Any], ArrayLike]
_PROGRESS_EVERY = 64  # steps


def unscented_filter(
    y: ArrayLike,
    observe: Observe,
    obs_cov: ArrayLike,
    *,
    initial_mean: ArrayLike,
    initial_cov: ArrayLike,
    transition: ArrayLike = 1.0,
    state_cov: ArrayLike = 0.0,
    state_intercept: ArrayLike = 0.0,
    kappa: float | None = None,
    alpha: float = 1.0,
    beta: float = 0.0,
    store: str = "diagonal",
    robust: float | None = None,
    dtype: str = "float64",
    threads: int | None = None,
    progress: Progress = False,
) -> Filtered:
    """Filters series whose observations are any function of the state (Julier & Uhlmann, 1997, 2004).

    **Main arguments:**

    - `y`, `obs_cov`, `initial_mean`, `initial_cov`, `transition`, `state_cov`, `state_intercept`: as for
      :func:`kalman_filter`; the state's own dynamics are linear.
    - `observe(points, t)`: what would be observed at step t, from 0, without noise: points (B, 2n + 1, n) of
      all filters at once, B = 1 for a single series, to (B, 2n + 1), or (B, 2n + 1, p) with p observations a
      step.

    **Other arguments:**

    - `kappa`, `alpha`, `beta`: of the points a and a +- the columns of sqrt(s) L, with L the lower factor of
      the covariance and s = alpha^2 (n + kappa). Weights are w0 = 1 - n/s and 1/(2s), and w0 + 1 - alpha^2 +
      beta for the covariance. None is kappa = 3 - n. They are drawn again after every prediction.
    - `store`, `robust`, `dtype`, `threads`, `progress`: as for :func:`kalman_filter`.

    **Returns:** a :class:`Filtered`.

    **Raises:** ValueError or TypeError naming the argument: `observe` also for what it returns;
    :class:`NotPositiveDefiniteError` naming the step.
    """
    model = Model(y, obs_cov, transition, state_cov, state_intercept, initial_mean, initial_cov, dtype)
    if not callable(observe):
        raise ArgumentTypeError("observe", observe, "must be a function of points and step")
    sigma = sigma_parameters(model.n, kappa, alpha, beta)
    kept = KEPT[choice("store", store, STORES)]
    model.arrays["obs_intercept"] = model.observation_intercept(0.0)
    limit = bound(robust)
    if limit is not None and not model.scalar:
        raise ArgumentError("robust", MISSING, "is for one observation a step")
    run = _Run(model, SigmaPoints(model, limit, sigma, thread_count(threads)), kept)
    with progress_callback(progress, "steps") as callback:
        for t in range(model.steps):
            run.step(observe, t)
            if callback and (t % _PROGRESS_EVERY == 0 or t + 1 == model.steps):
                callback(t + 1, model.steps)
    return filtered(model, run.results())


class SigmaPoints:
    """Filters of a model without a design, stepped together."""

    def __init__(
        self, model: Model, robust: float | None, sigma: tuple[float, float, float], threads: int = 1
    ) -> None:
        stepped = _core.SteppedFilters64 if model.dtype == np.float64 else _core.SteppedFilters32
        self.model, self.core = model, stepped(model.core("standard", robust, sigma=sigma), threads)

    def update(self, observe: Observe, t: Any, y: NDArray[Any], noise: NDArray[Any]) -> None:
        """Evaluates `observe` at the points and updates with y (B, p)."""
        model = self.model
        points, lost = self.core.points()
        if lost is not None:
            raise_problem((lost, self._number(t), "indefinite"), "unscented", model.single)
        values = np.asarray(observe(points, t))
        shape = points.shape[:2]
        allowed = [(*shape, model.p)] + ([shape] if model.p == 1 else [])
        if values.shape not in allowed or values.dtype.kind not in "iuf":
            raise ArgumentError(
                "observe",
                MISSING,
                f"returned {values.dtype} of shape {values.shape} at step {t}; numbers of shape "
                f"{' or '.join(map(str, allowed))} are needed",
            )
        if not np.isfinite(values).all():
            raise ArgumentError("observe", MISSING, f"returned a number that is not finite at step {t}")
        values = np.ascontiguousarray(values.reshape(*shape, model.p), model.dtype)
        intercept = np.zeros_like(y)
        failed = self.core.update(y, noise, None, intercept, values)
        if failed is not None:
            raise_problem((failed, self._number(t), "indefinite"), "unscented", model.single)

    @staticmethod
    def _number(t: Any) -> int:
        return t if isinstance(t, int) else -1


class _Run:
    """A filter on its way, and what it keeps."""

    def __init__(self, model: Model, points: SigmaPoints, kept: tuple[str, ...]) -> None:
        self.model, self.points = model, points
        batch, steps, n, p = model.batch, model.steps, model.n, model.p
        shapes = {"mean": (n,), "std": (n,), "cov": (n, n)}
        wanted = {name: shapes[name] for name in kept}
        wanted |= {"forecast": (p,), "forecast_var": (p, p), "innovation": (p,)}
        self.arrays = {name: np.empty((batch, steps, *shape), model.dtype) for name, shape in wanted.items()}

    def step(self, observe: Observe, t: int) -> None:
        arrays, core = self.arrays, self.points.core
        noise = self.model.arrays["obs_cov"]
        noise = noise[:, t if noise.shape[1] > 1 else 0]
        shape = (self.model.batch, *noise.shape[1:])
        y = np.ascontiguousarray(self.model.arrays["y"][:, t])
        self.points.update(observe, t, y, np.ascontiguousarray(np.broadcast_to(noise, shape)))
        for name in ("forecast", "forecast_var", "innovation"):
            arrays[name][:, t] = getattr(core, name)
        last = t + 1 == self.model.steps
        mean, variance, cov = core.moments("cov" in arrays or last)
        values = {"mean": mean, "std": np.sqrt(np.maximum(variance, 0)), "cov": cov}
        for name in values.keys() & arrays.keys():
            arrays[name][:, t] = values[name]
        if last:
            arrays["final_mean"], arrays["final_cov"] = mean, cov
        core.predict(t)

    def results(self) -> dict[str, Any]:
        mean, _, cov = self.points.core.moments(True)
        return {
            **self.arrays,
            "predicted_mean": mean,
            "predicted_cov": cov,
            "loglik": self.points.core.loglik,
        }
