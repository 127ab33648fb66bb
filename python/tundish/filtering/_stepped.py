"""Filters that their host steps, one observation at a time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish import _core
from tundish._arrays import choice, integer
from tundish.filtering._errors import raise_problem
from tundish.filtering._model import FORMS, Model, bound, sigma_parameters
from tundish.filtering._unscented import Observe, SigmaPoints


class _Stepped:
    """What both filters share: a model of one series and one step, and the kernels' state."""

    _arguments: dict[str, Any]
    _model: Model
    _core: Any
    _steps: int

    def _begin(self, arguments: dict[str, Any], observations: int | None, obs_cov: Any) -> None:
        if observations is not None and integer("observations", observations) < 1:
            raise ValueError(f"observations = {observations}: must be at least 1")
        self._arguments = arguments
        nothing = np.full(1 if observations is None else (1, 1, observations), np.nan)
        unknown = 1.0 if observations is None else np.eye(observations)
        names = ("transition", "state_cov", "state_intercept", "initial_mean", "initial_cov", "dtype")
        given = {name: arguments[name] for name in names}
        self._model = Model(nothing, unknown if obs_cov is None else obs_cov, **given)
        self._has_noise = obs_cov is not None
        self._limit = bound(arguments["robust"])
        if self._limit is not None and observations is not None:
            raise ValueError("robust: is for one observation a step")
        self._steps = 0

    @property
    def mean(self) -> NDArray[Any]:
        """(n,) of the state, filtered after :meth:`update`, predicted after :meth:`predict`."""
        return np.asarray(self._core.moments(False)[0][0])

    @property
    def cov(self) -> NDArray[Any]:
        """(n, n), likewise."""
        return np.asarray(self._core.moments(True)[2][0])

    @property
    def std(self) -> NDArray[Any]:
        """(n,), likewise."""
        return np.asarray(np.sqrt(np.maximum(self._core.moments(False)[1][0], 0)))

    @property
    def loglik(self) -> float:
        """The log-likelihood of all observations so far."""
        return float(self._core.loglik[0])

    @property
    def forecast(self) -> Any:
        """What was forecast of the last observation: a number, or (p,)."""
        return self._last(self._core.forecast)

    @property
    def forecast_var(self) -> Any:
        """Its variance, the measurement's included: a number, or (p, p)."""
        return self._last(self._core.forecast_var)

    @property
    def innovation(self) -> Any:
        """The last observation less its forecast, NaN where missing."""
        return self._last(self._core.innovation)

    def _last(self, values: NDArray[Any]) -> Any:
        if not values.size:
            raise RuntimeError("there has been no observation yet: call update first")
        return float(values.ravel()[0]) if self._model.scalar else values[0]

    def predict(self) -> None:
        """Goes on to the next step."""
        self._core.predict(0)
        self._steps += 1

    def _observation(self, y: ArrayLike) -> NDArray[Any]:
        values = np.asarray(y, dtype=float)
        shape = () if self._model.scalar else (self._model.p,)
        if values.shape != shape:
            raise ValueError(f"y: has shape {values.shape}; {shape or 'a number'} is needed")
        if np.isinf(values).any():
            raise ValueError("y is infinite; a missing observation is NaN")
        return values.reshape(1, self._model.p).astype(self._model.dtype)

    def _noise(self, obs_cov: ArrayLike | None) -> NDArray[Any]:
        if obs_cov is None:
            if not self._has_noise:
                raise ValueError("obs_cov: was not given at construction, and must be for every update")
            return self._model.arrays["obs_cov"][:, 0]
        return np.ascontiguousarray(self._model.observation_noise(obs_cov)[:, 0], self._model.dtype)

    def __getstate__(self) -> dict[str, Any]:
        state, sums = self._core.save()
        mean, _, cov = self._core.moments(True)
        moments = {"initial_mean": mean[0], "initial_cov": cov[0]}
        return {
            "arguments": self._arguments,
            "state": state,
            "sums": sums,
            "moments": moments,
            "steps": self._steps,
        }

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(**saved["arguments"])  # type: ignore[misc]
        try:
            self._core.restore(saved["state"], saved["sums"])
        except ValueError:
            # A machine with other registers keeps its numbers in another order: it goes on from the moments.
            arguments = {**saved["arguments"], **saved["moments"]}
            self.__init__(**arguments)  # type: ignore[misc]
            self._core.restore(self._core.save()[0], saved["sums"])
        self._steps = saved["steps"]

    def copy(self) -> Self:
        """Another filter in the same state."""
        other = type(self).__new__(type(self))
        other.__setstate__(self.__getstate__())
        return other


class KalmanFilter(_Stepped):
    """A Kalman filter that is stepped, for real-time use: :meth:`update` with an observation,
    :meth:`predict`.

    It begins with the prediction for the first observation, and gives the numbers of :func:`kalman_filter` to
    the last bit. Filters can be pickled and copied.

    **Main arguments:** those of :func:`kalman_filter` for one series, without its axes B and T. `design` and
    `obs_cov` may be left out, and are then given with every observation.

    **Other arguments:**

    - `observations`: None for one number a step, else how many there are.
    - `form`, `robust`, `dtype`: as for :func:`kalman_filter`.
    """

    def __init__(
        self,
        design: ArrayLike | None = None,
        obs_cov: ArrayLike | None = None,
        *,
        initial_mean: ArrayLike,
        initial_cov: ArrayLike,
        transition: ArrayLike = 1.0,
        state_cov: ArrayLike = 0.0,
        state_intercept: ArrayLike = 0.0,
        obs_intercept: ArrayLike = 0.0,
        observations: int | None = None,
        form: str = "standard",
        robust: float | None = None,
        dtype: str = "float64",
    ) -> None:
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        self._begin(arguments, observations, obs_cov)
        model = self._model
        self._has_design = design is not None
        model.put_design(
            np.zeros(model.n if model.scalar else (model.p, model.n)) if design is None else design
        )
        model.put_observation_intercept(obs_intercept)
        stepped = _core.SteppedFilters64 if model.dtype == np.float64 else _core.SteppedFilters32
        self._form = choice("form", form, FORMS)
        self._core = stepped(model.core(self._form, self._limit), 1)

    def update(
        self,
        y: ArrayLike,
        design: ArrayLike | None = None,
        obs_cov: ArrayLike | None = None,
        obs_intercept: ArrayLike | None = None,
    ) -> None:
        """Takes an observation in: a number or (p,), NaN where missing.

        `design`, `obs_cov`, `obs_intercept`: of this one; None are those of the constructor.

        **Raises:** ValueError naming the argument; :class:`NotPositiveDefiniteError` where the covariance is
        lost.
        """
        model = self._model
        reading, noise = self._observation(y), self._noise(obs_cov)
        if design is None and not self._has_design:
            raise ValueError("design: was not given at construction, and must be for every update")
        if design is not None:
            model.put_design(design)
        kept = model.arrays["obs_intercept"]
        if obs_intercept is not None:
            model.put_observation_intercept(obs_intercept)
        z, d = model.arrays["design"][:, 0], model.arrays["obs_intercept"][:, 0]
        model.arrays["obs_intercept"] = kept
        failed = self._core.update(reading, noise, np.ascontiguousarray(z), np.ascontiguousarray(d), None)
        if failed is not None:
            raise_problem((0, self._steps, False), self._form, True)


class UnscentedFilter(_Stepped):
    """An unscented filter that is stepped, as :class:`KalmanFilter` is; the numbers are those of
    :func:`unscented_filter`.

    **Main arguments:** those of :func:`unscented_filter` for one series; `observe(points, t)` is called with
    points (1, 2n + 1, n) and with what :meth:`update` was given as `t`. To be pickled, it must be a function
    of a module.

    **Other arguments:** `observations`, `obs_cov` as for :class:`KalmanFilter`; `kappa`, `alpha`, `beta`,
    `robust`, `dtype` as for :func:`unscented_filter`.
    """

    def __init__(
        self,
        observe: Observe,
        obs_cov: ArrayLike | None = None,
        *,
        initial_mean: ArrayLike,
        initial_cov: ArrayLike,
        transition: ArrayLike = 1.0,
        state_cov: ArrayLike = 0.0,
        state_intercept: ArrayLike = 0.0,
        observations: int | None = None,
        kappa: float | None = None,
        alpha: float = 1.0,
        beta: float = 0.0,
        robust: float | None = None,
        dtype: str = "float64",
    ) -> None:
        arguments = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        if not callable(observe):
            raise TypeError(f"observe = {observe!r}: must be a function of points and step")
        self._begin(arguments, observations, obs_cov)
        self._observe = observe
        self._model.put_observation_intercept(0.0)
        self._points = SigmaPoints(
            self._model, self._limit, sigma_parameters(self._model.n, kappa, alpha, beta)
        )
        self._core = self._points.core

    def update(self, y: ArrayLike, t: Any = None, obs_cov: ArrayLike | None = None) -> None:
        """Takes an observation in: a number or (p,), NaN where missing.

        `t` is passed to `observe`; None is the number of the step, from 0. `obs_cov`: of this observation.
        """
        self._points.update(
            self._observe, self._steps if t is None else t, self._observation(y), self._noise(obs_cov)
        )
