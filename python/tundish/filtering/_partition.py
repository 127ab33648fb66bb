"""The filter of an element that goes to steel and slag (arXiv:2504.11319, Eqs. (3) and (4))."""

from __future__ import annotations

from numpy.typing import ArrayLike

from tundish._common.arguments import choice
from tundish.filtering._kalman import Progress, run_filter
from tundish.filtering._model import KEPT, STORES, Model, sigma_parameters
from tundish.filtering._result import Filtered

METHODS = ("projected", "sigma")


def partition_filter(
    y: ArrayLike,
    masses: ArrayLike,
    addition: ArrayLike,
    slag_ratio: ArrayLike,
    iron_oxide: ArrayLike,
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
    """Filters y = (m . alpha + addition) / (1 + (c1 + c2 f) r) + eps, the state being (alpha, c1, c2).

    **Main arguments:**

    - `y`: (T,) or (B, T) ppm t, the element in the steel, NaN where missing.
    - `masses`: m, (T, n) or (B, T, n) t; `addition`: hot metal's mass times its fraction, ppm t;
      `slag_ratio`: r, slag's mass over steel's; `iron_oxide`: f, % of the slag; `obs_cov`: (ppm t)^2. Scalar,
      (T,) or (B, T).
    - `transition`, `state_cov`: diagonals (n + 2,), or (B, n + 2, n + 2); `state_intercept`, `initial_mean`:
      (n + 2,) or (B, n + 2); `initial_cov`: as for :func:`kalman_filter`.

    **Other arguments:**

    - `method`: "projected", exact in m . alpha and by five points of Gauss and Hermite in c1 + c2 f, of which
      alone y is a function; "sigma", by the 2n + 5 sigma points of the whole state with `kappa` (3 less the
      number of states).
    - `slopes`: keeps those of y in the state, b with Cov(a, y) = P b.
    - `robust`, `store`, `dtype`, `threads`, `progress`: as for :func:`kalman_filter`.

    **Returns:** a :class:`Filtered`. **Raises:** as :func:`kalman_filter`; :class:`PoleError` naming the step
    where 1 + (c1 + c2 f) r is not above 0 at a sigma point.
    """
    model = Model(y, obs_cov, transition, state_cov, state_intercept, initial_mean, initial_cov, dtype)
    if not model.scalar:
        raise ValueError("y: has three axes; (T,) or (B, T) is needed")
    for name in ("transition", "state_cov"):
        if model.arrays[name].ndim != 3 or model.arrays[name].shape[1] != 1:
            raise ValueError(f"{name}: must be diagonal and the same at all steps")
    values = model.series("masses", masses, (model.n - 2,))
    model.arrays["design"] = model.cast("masses", values[:, :, None])
    model.arrays["obs_intercept"] = model.observation_intercept(0.0)
    for name, given in (("addition", addition), ("slag_ratio", slag_ratio), ("iron_oxide", iron_oxide)):
        model.arrays[name] = model.cast(name, model.series(name, given, ()))
    wanted = KEPT[choice("store", store, STORES)] + (("slopes",) if slopes else ())
    sigma = sigma_parameters(model.n, kappa, 1.0, 0.0)
    observes = choice("method", method, METHODS)
    return run_filter(model, "standard", robust, wanted, threads, progress, observes, sigma)
