"""A state-space model's arguments, checked, as the arrays that the kernels take.

Every array gets two leading axes, series and steps, of length 1 where all have the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish import _core
from tundish._common.arguments import Floats, choice, count, floats, number
from tundish._common.refusals import MISSING, ArgumentError, Shape
from tundish.filtering._diagonal import Diagonal, numbers

FORMS = ("standard", "joseph", "sqrt")
STORES = ("final", "mean", "diagonal", "full")
DTYPES = ("float64", "float32")
# What each `store` keeps beside what all of them keep.
KEPT = {"final": (), "mean": ("mean",), "diagonal": ("mean", "std"), "full": ("mean", "std", "cov")}
_SYMMETRY = 1e-10
_DEFINITE = 1e-10


class Model:
    """Checked arguments.

    - `batch`, `steps`, `p`, `n`: numbers of series, steps, observations a step and states.
    - `single`: whether y was one series; `scalar`: whether it has one observation a step, without an axis
      for it.
    """

    def __init__(
        self, y: Any, obs_cov: Any, transition: Any, state_cov: Any, state_intercept: Any, initial_mean: Any,
        initial_cov: Any, dtype: str,
    ) -> None:  # fmt: skip
        self.dtype = np.dtype(choice("dtype", dtype, DTYPES))
        self.y = self._observations(y)
        self.batch, self.steps, self.p = self.y.shape
        mean = floats("initial_mean", initial_mean)  # a number becomes (1,)
        self.n = mean.shape[-1] if np.ndim(initial_mean) else 0
        self.arrays: dict[str, NDArray[Any]] = {}
        self._put("y", self.y)
        self._put("initial_mean", self.of_state("initial_mean", initial_mean, steps=False))
        self._put("initial_cov", _whole(self.covariance("initial_cov", initial_cov, self.n, steps=False)))
        self._put("state_intercept", self.of_state("state_intercept", state_intercept, steps=True))
        self._put("state_cov", self.covariance("state_cov", state_cov, self.n, steps=True))
        self._put_transition(self.square("transition", transition, self.n, steps=True))
        self._put("obs_cov", self.observation_noise(obs_cov))

    def _observations(self, given: Any) -> Floats:
        y = numbers("y", given)
        if y.ndim not in (1, 2, 3) or not y.size:
            raise ArgumentError("y", Shape(y.shape), "(T,), (B, T) or (B, T, p) is needed, nothing empty")
        if np.isinf(y).any():
            raise ArgumentError(
                f"y{_place(np.isinf(y))}", MISSING, "is infinite; a missing observation is NaN"
            )
        self.single, self.scalar = y.ndim == 1, y.ndim < 3
        return y.reshape(1, -1, 1) if y.ndim == 1 else y[..., None] if y.ndim == 2 else y

    def cast(self, name: str, values: Floats) -> NDArray[Any]:
        """In the run's precision, in which a finite number must stay one."""
        with np.errstate(over="ignore"):
            cast = np.ascontiguousarray(values, dtype=self.dtype)
        if self.dtype != np.float64 and np.isinf(cast).any():
            raise ArgumentError(f"{name}{_place(np.isinf(cast))}", MISSING, f"is too large for {self.dtype}")
        return cast

    def _put(self, name: str, values: Floats) -> None:
        self.arrays[name] = self.cast(name, values)

    def _put_transition(self, values: Floats) -> None:
        self._put("transition", values)
        # F - 1 is formed in double precision: in single, its rounding would be that of F.
        self._put("transition_less_one", values - (1.0 if values.ndim == 3 else np.eye(self.n)))

    def design(self, given: Any) -> NDArray[Any]:
        """(n,), (T, n) or (B, T, n); with p observations a step (p, n), (T, p, n) or (B, T, p, n)."""
        item = (self.n,) if self.scalar else (self.p, self.n)
        values = self.per_step("design", given, item)
        return self.cast("design", values.reshape(*values.shape[:2], self.p, self.n))

    def observation_intercept(self, given: Any) -> NDArray[Any]:
        """Scalar, (T,) or (B, T); with p observations a step also (p,), (T, p) or (B, T, p)."""
        values = numbers("obs_intercept", given)
        _check_finite("obs_intercept", values)
        item = () if self.scalar and values.ndim else (self.p,)
        values = self.per_step("obs_intercept", values if values.ndim else np.full(self.p, values), item)
        return self.cast("obs_intercept", values.reshape(*values.shape[:2], self.p))

    def put_observation(self, design: Any, intercept: Any) -> None:
        """Z and d."""
        self.arrays["design"] = self.design(design)
        self.arrays["obs_intercept"] = self.observation_intercept(intercept)

    def observation_noise(self, given: Any) -> Floats:
        """H with all its axes, (1 or B, 1 or T, p, p)."""
        if not self.scalar:
            return _whole(self.covariance("obs_cov", given, self.p, steps=True))
        values = self.per_step("obs_cov", given, ())
        negative = (values < 0).reshape(np.shape(given))
        if negative.any():
            raise ArgumentError(f"obs_cov{_place(negative)}", MISSING, "is negative; a variance is needed")
        return values[..., None, None]

    def per_step(self, name: str, given: Any, item: tuple[int, ...]) -> Floats:
        """An `item` for all, one for every step, or one for every step of every series: with two leading
        axes."""
        values = numbers(name, given)
        extra = values.ndim - len(item)
        lead = {0: (1, 1), 1: (1, self.steps), 2: (self.batch, self.steps)}.get(extra)
        wanted = None if lead is None else (*lead[2 - extra :], *item)
        if lead is None or values.shape != wanted:
            shapes = (item, (self.steps, *item), (self.batch, self.steps, *item))
            raise _shape_refused(name, values, shapes)
        _check_finite(name, values)
        return values.reshape(*lead, *item)

    def of_state(self, name: str, given: Any, *, steps: bool) -> Floats:
        """(n,), (B, n) or, with `steps`, (B or 1, T, n); a scalar is for all states."""
        values = numbers(name, given)
        _check_finite(name, values)
        n = self.n
        if values.ndim == 0 and name != "initial_mean":
            values = np.full(n, values)
        shapes = [(n,), (self.batch, n)] + (
            [(self.batch, self.steps, n), (1, self.steps, n)] if steps else []
        )
        if not n or values.shape not in shapes:
            raise _shape_refused(name, values, shapes if n else ["(n,)", "(B, n)"])
        return values if values.ndim == 3 else values.reshape(-1, 1, n)

    def square(self, name: str, given: Any, size: int, *, steps: bool) -> Floats:
        """A matrix for all, for every series, or with `steps` for every step; a scalar or (n,) is its
        diagonal, as is a :class:`Diagonal`. What is diagonal comes back as (.., .., n)."""
        if isinstance(given, Diagonal):
            return self._diagonals(name, given, size, steps=steps)
        values = numbers(name, given)
        _check_finite(name, values)
        if values.ndim == 0:
            values = np.full(size, values)
        if values.shape == (size,):
            return values.reshape(1, 1, size)
        item, length, batch = (size, size), self.steps, self.batch
        observation = name == "obs_cov"
        shapes = [item, (length, *item) if observation else (batch, *item)]
        shapes += [(batch, length, *item), (1, length, *item)] if steps else []
        if values.shape not in shapes:
            raise _shape_refused(name, values, shapes, "" if observation else f"a scalar, {(size,)}, ")
        if values.ndim < 4:
            values = values.reshape(1, -1, *item) if observation else values.reshape(-1, 1, *item)
        diagonals = np.diagonal(values, axis1=-2, axis2=-1)
        return diagonals if np.count_nonzero(values) == np.count_nonzero(diagonals) else values

    def _diagonals(self, name: str, given: Diagonal, size: int, *, steps: bool) -> Floats:
        """(.., .., n) of a :class:`Diagonal`."""
        values = given.values
        shapes = [(size,), (self.batch, size)]
        shapes += [(self.batch, self.steps, size), (1, self.steps, size)] if steps else []
        if values.shape not in shapes:
            needed = _alternatives(shapes)
            raise ArgumentError(name, Shape(values.shape), f"{needed}, of diagonals, is needed")
        _check_finite(name, values)
        return values if values.ndim == 3 else values.reshape(-1, 1, size)

    def covariance(self, name: str, given: Any, size: int, *, steps: bool) -> Floats:
        """A :meth:`square` that is symmetric and not indefinite."""
        if isinstance(given, Diagonal):
            axes = given.ndim
        else:
            floats(name, given)  # refuses what is no array before its axes are counted
            axes = np.ndim(given)
        if name == "obs_cov" and axes < 2:
            shape = np.shape(given)
            raise ArgumentError(name, Shape(shape), f"{(size, size)} and more axes are needed")
        values = self.square(name, given, size, steps=steps)
        if values.ndim == 3:
            if (values < 0).any():
                first = np.argwhere(values < 0)[0]
                raise ArgumentError(
                    _matrix(name, first, axes),
                    MISSING,
                    f"is indefinite; the variance[{first[-1]}] is negative",
                )
            return values
        scale = np.abs(values).max(axis=(-1, -2), keepdims=True)
        skew = np.abs(values - values.swapaxes(-1, -2)) > _SYMMETRY * scale
        if skew.any():
            first = np.argwhere(skew)[0]
            i, j = first[-2:]
            raise ArgumentError(
                _matrix(name, first, axes),
                MISSING,
                f"is not symmetric, element [{i}, {j}] differs from [{j}, {i}]",
            )
        indefinite = np.linalg.eigvalsh(values)[..., 0] < -_DEFINITE * scale[..., 0, 0]
        if indefinite.any():
            which = _matrix(name, np.argwhere(indefinite)[0], axes)
            raise ArgumentError(which, MISSING, "is indefinite; a covariance has no negative eigenvalue")
        return np.asarray((values + values.swapaxes(-1, -2)) / 2)  # a skew part would never leave the filter

    def core(self, form: str, robust: float | None, observes: str = "linear",
             sigma: tuple[float, float, float] = (1.0, 1.0, 0.0)) -> Any:  # fmt: skip
        """The kernels' own object."""
        kind = _core.Filters64 if self.dtype == np.float64 else _core.Filters32
        kappa, alpha, beta = sigma
        return kind(self.arrays, form, observes, robust or 0.0, kappa, alpha, beta)

    def shape_result(self, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """A run's arrays with the axes that the caller's y has."""
        shaped = dict(arrays)
        if self.scalar:
            for name in ("forecast", "innovation", "disturbance"):
                if name in shaped:
                    shaped[name] = shaped[name][..., 0]
            for name in ("forecast_var", "disturbance_var"):
                if name in shaped:
                    shaped[name] = shaped[name][..., 0, 0]
        for name, values in shaped.items():
            if not isinstance(values, np.ndarray):
                continue
            if self.single:
                shaped[name] = values[0]
            elif len(values) != self.batch:  # one covariance for all
                shaped[name] = np.broadcast_to(values, (self.batch, *values.shape[1:]))
        return shaped

    def shares_covariances(self) -> bool:
        """Whether all series have the same variances throughout: nothing but the readings and means
        differs."""
        names = ("design", "obs_cov", "transition", "state_cov", "initial_cov")
        gone = np.isnan(self.y)
        return (
            self.batch > 1 and all(len(self.arrays[n]) == 1 for n in names) and bool((gone == gone[:1]).all())
        )


def bound(robust: Any) -> float | None:
    """Checks `robust`."""
    if robust is None:
        return None
    value = number("robust", robust)
    if not (np.isfinite(value) and value > 0):
        raise ArgumentError("robust", value, "must be above 0, in standard deviations; 1.5 to 3 are usual")
    return value


def thread_count(threads: Any) -> int:
    """Checks `threads`; 0 is all."""
    return 0 if threads is None else count("threads", threads, 1)


def sigma_parameters(n: int, kappa: Any, alpha: Any, beta: Any) -> tuple[float, float, float]:
    """kappa (3 - n for None), alpha and beta of the sigma points, checked."""
    k = 3.0 - n if kappa is None else number("kappa", kappa)
    a, b = number("alpha", alpha), number("beta", beta)
    if not (np.isfinite(k) and n + k > 0):
        raise ArgumentError("kappa", k, f"n + kappa must be above 0, with n = {n}")
    if not (np.isfinite(a) and a > 0):
        raise ArgumentError("alpha", a, "must be finite and above 0")
    if not np.isfinite(b):
        raise ArgumentError("beta", b, "must be finite")
    return k, a, b


def _whole(values: Floats) -> Floats:
    """Matrices, also of those that came as diagonals."""
    return values if values.ndim == 4 else values[..., None] * np.eye(values.shape[-1])


def _check_finite(name: str, values: Floats) -> None:
    if not np.isfinite(values).all():
        bad = ~np.isfinite(values)
        raise ArgumentError(f"{name}{_place(bad)}", float(values[bad][0]), "must be a finite number")


def _place(bad: NDArray[np.bool_]) -> str:
    first = np.argwhere(bad)[0]
    return f"[{', '.join(map(str, first))}]" if first.size else ""


def _matrix(name: str, index: NDArray[np.intp], axes: int) -> str:
    """Which of several matrices, by its place in an argument of so many axes."""
    series, step = index[:2]
    if axes < 3:
        return name
    if axes == 3:
        return f"{name}[{step if name == 'obs_cov' else series}]"
    return f"{name}[{series}, {step}]"


def _shape_refused(name: str, values: Floats, shapes: Any, also: str = "") -> ArgumentError:
    needed = f"{also}{_alternatives(shapes)} is needed"
    return ArgumentError(name, Shape(values.shape), needed)


def _alternatives(shapes: Any) -> str:
    texts = list(dict.fromkeys(str(shape) if shape else "a scalar" for shape in shapes))
    return " or ".join(texts)
