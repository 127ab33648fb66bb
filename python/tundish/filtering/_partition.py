"""The filter of an element that goes to steel and slag (arXiv:2504.11319, Eqs. (3) and (4))."""

from __future__ import annotations

from numpy.typing import ArrayLike

from tundish._common.arguments import choice
from tundish._common.refusals import MISSING, ArgumentError
from tundish.filtering._kalman import Progress, run_filter
from tundish.filtering._model import KEPT, STORES, Model, sigma_parameters
from tundish.filtering._result import Filtered

METHODS = ("projected", "sigma")
_CORE_NAMES = {"feo_pct": "iron_oxide"}  # of the arrays that the kernels take


def partition_filter(
    y: ArrayLike,
    design: ArrayLike,
    addition: ArrayLike,
    slag_ratio: ArrayLike,
    feo_pct: ArrayLike,
    obs_cov: ArrayLike,
    *,
    transition: ArrayLike,
    state_cov: ArrayLike,
    state_intercept: ArrayLike,
    initial_mean: ArrayLike,
    initial_cov: ArrayLike,
    method: str = "projected",
    kappa: float | None = None,
    robust: float | None = None,
    store: str = "diagonal",
    slopes: bool = False,
    dtype: str = "float64",
    threads: int | None = None,
    progress: Progress = False,
) -> Filtered:
    """Filters an element that parts between steel and slag, whose mass balance is not linear in its state.

    The state holds the element's fractions in the materials charged, then c1 and c2 (1/%) of the partition
    coefficient; the observation is what is left in the steel (arXiv:2504.11319, Eq. (4)):

        y(t) = (Z(t) alpha(t) + b(t)) / (1 + (c1(t) + c2(t) f(t)) r(t)) + eps(t),  Var eps = H(t);
        a(t+1) = F a(t) + c + eta(t),  a = (alpha, c1, c2),  Var eta = Q,  F and Q diagonal.

    **Main arguments:**

    - `y`: (T,) or (B, T), the element's mass in the steel, ppm t, NaN where missing.
    - `design`: Z, masses of the m materials, t, (T, m) or (B, T, m). The state has n = m + 2 components.
    - `addition`: b, the element's mass that is known beside them, such as the hot metal's, ppm t.
      `slag_ratio`: r, the slag's mass over the steel's. `feo_pct`: f, iron oxide in the slag, %. `obs_cov`:
      H, (ppm t)^2. Each is scalar, (T,) or (B, T).
    - `transition`, `state_cov`: F and Q, diagonal and the same at all steps: scalar, (n,), (n, n), (B, n, n)
      or a :class:`Diagonal` of (n,) or (B, n). `state_intercept`, `initial_mean`: (n,) or (B, n).
      `initial_cov`: as for :func:`kalman_filter`.

    **Other arguments:**

    - `method`: "projected", exact in Z alpha and by five points of Gauss and Hermite in c1 + c2 f, the one
      direction in which y is not linear; "sigma", by the 2n + 1 sigma points of the whole state.
    - `kappa`: of "sigma"; None is 3 - n.
    - `slopes`: whether to keep the slopes of y in the state, b with Cov(a, y) = P b.
    - `robust`, `store`, `dtype`, `threads`, `progress`: as for :func:`kalman_filter`.

    **Returns:** a :class:`Filtered`.

    **Raises:** ValueError or TypeError naming the argument, before any work; :class:`PoleError` naming the
    step where 1 + (c1 + c2 f) r is not above 0 at a sigma point; :class:`NotPositiveDefiniteError` naming the
    step where a covariance was lost.
    """
    model = Model(y, obs_cov, transition, state_cov, state_intercept, initial_mean, initial_cov, dtype)
    if not model.scalar:
        raise ArgumentError("y", MISSING, "has three axes; (T,) or (B, T) is needed")
    for name in ("transition", "state_cov"):
        if model.arrays[name].ndim != 3 or model.arrays[name].shape[1] != 1:
            raise ArgumentError(name, MISSING, "must be diagonal and the same at all steps")
    values = model.per_step("design", design, (model.n - 2,))
    model.arrays["design"] = model.cast("design", values[:, :, None])
    model.arrays["obs_intercept"] = model.observation_intercept(0.0)
    for name, given in (("addition", addition), ("slag_ratio", slag_ratio), ("feo_pct", feo_pct)):
        model.arrays[_CORE_NAMES.get(name, name)] = model.cast(name, model.per_step(name, given, ()))
    wanted = KEPT[choice("store", store, STORES)] + (("slopes",) if slopes else ())
    sigma = sigma_parameters(model.n, kappa, 1.0, 0.0)
    observes = choice("method", method, METHODS)
    return run_filter(model, "standard", robust, wanted, threads, progress, observes, sigma)
