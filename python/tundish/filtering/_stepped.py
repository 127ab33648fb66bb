"""Filters that their host steps, one observation at a time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish import _core
from tundish._common.arguments import choice, count, floats
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError, Shape
from tundish.filtering._errors import raise_problem
from tundish.filtering._model import FORMS, Model, bound, sigma_parameters
from tundish.filtering._unscented import Observe, SigmaPoints

_NOT_GIVEN = "was not given at construction, and must be for every update"


class _Stepped:
    """What both filters share: a model of one series and one step, and the kernels' state."""

    _arguments: dict[str, Any]
    _model: Model
    _core: Any
    _steps: int

    def _begin(self, arguments: dict[str, Any]) -> None:
        """Checks what both filters take; arrays are copied, as their caller may use them again."""
        own: dict[str, Any] = {}
        for name, value in arguments.items():
            own[name] = np.array(value) if isinstance(value, np.ndarray | list) else value
        self._arguments = own
        observations, obs_cov = own["observations"], own["obs_cov"]
        if observations is not None:
            count("observations", observations, 1)
        if observations is None and np.ndim(obs_cov) == 2:
            observations = np.shape(obs_cov)[0]
        if observations is None and np.ndim(own.get("design", 0.0)) == 2:
            observations = np.shape(own["design"])[0]
        nothing = np.full(1 if observations is None else (1, 1, observations), np.nan)
        unknown = 1.0 if observations is None else np.eye(observations)
        names = ("transition", "state_cov", "state_intercept", "initial_mean", "initial_cov", "dtype")
        given = {name: own[name] for name in names}
        self._model = Model(nothing, unknown if obs_cov is None else obs_cov, **given)
        self._limit = bound(own["robust"])
        if self._limit is not None and observations is not None:
            raise ArgumentError("robust", MISSING, "is for one observation a step")
        self._steps = 0

    def __repr__(self) -> str:
        text = np.array2string(self.mean, precision=4, threshold=6)
        return f"<{type(self).__name__}: step {self._steps}, mean {text}>"

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
        values = floats("y", y).reshape(np.shape(y))
        shape = () if self._model.scalar else (self._model.p,)
        if values.shape != shape:
            raise ArgumentError("y", Shape(values.shape), f"{shape or 'a number'} is needed")
        if np.isinf(values).any():
            raise ArgumentError("y", MISSING, "is infinite; a missing observation is NaN")
        return self._model.cast("y", values.reshape(1, self._model.p))

    def _noise(self, obs_cov: ArrayLike | None) -> NDArray[Any]:
        if obs_cov is None:
            if self._arguments["obs_cov"] is None:
                raise ArgumentError("obs_cov", MISSING, _NOT_GIVEN)
            return self._model.arrays["obs_cov"][:, 0]
        return self._model.cast("obs_cov", self._model.observation_noise(obs_cov)[:, 0])

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
            # A machine with other registers orders its numbers otherwise: it continues from the moments.
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

    - `observations`: how many there are a step; None is one number, or as many as `design` or `obs_cov`
      has.
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
        self._begin({name: value for name, value in locals().items() if name not in ("self", "__class__")})
        model, own = self._model, self._arguments
        none = np.zeros(model.n if model.scalar else (model.p, model.n))
        model.put_observation(none if design is None else own["design"], own["obs_intercept"])
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

        **Raises:** ValueError naming the argument; :class:`NotPositiveDefiniteError` where the covariance
        would be lost. The filter is then as it was before.
        """
        model = self._model
        reading, noise = self._observation(y), self._noise(obs_cov)
        if design is None and self._arguments["design"] is None:
            raise ArgumentError("design", MISSING, _NOT_GIVEN)
        arrays = model.arrays
        z = (arrays["design"] if design is None else model.design(design))[:, 0]
        d = arrays["obs_intercept"] if obs_intercept is None else model.observation_intercept(obs_intercept)
        d = d[:, 0]
        failed = self._core.update(reading, noise, np.ascontiguousarray(z), np.ascontiguousarray(d), None)
        if failed is not None:
            raise_problem((0, self._steps, "indefinite"), self._form, True)


class UnscentedFilter(_Stepped):
    """An unscented filter that is stepped, as :class:`KalmanFilter` is; the numbers are those of
    :func:`unscented_filter`.

    **Main arguments:** those of :func:`unscented_filter` for one series; `observe(points, t)` is called with
    points (1, 2n + 1, n) and with what :meth:`update` was given as `t`. To be pickled, it must be a function
    of a module.

    **Other arguments:** `observations` and `obs_cov` as for :class:`KalmanFilter`; `kappa`, `alpha`, `beta`,
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
        if not callable(observe):
            raise ArgumentTypeError("observe", observe, "must be a function of points and step")
        self._begin({name: value for name, value in locals().items() if name not in ("self", "__class__")})
        self._observe, model = observe, self._model
        model.arrays["obs_intercept"] = model.observation_intercept(0.0)
        self._points = SigmaPoints(model, self._limit, sigma_parameters(model.n, kappa, alpha, beta))
        self._core = self._points.core

    def update(self, y: ArrayLike, t: Any = None, obs_cov: ArrayLike | None = None) -> None:
        """Takes an observation in: a number or (p,), NaN where missing.

        `t` is passed to `observe`; None is the number of the step, from 0. `obs_cov`: of this observation.
        """
        self._points.update(
            self._observe, self._steps if t is None else t, self._observation(y), self._noise(obs_cov)
        )
