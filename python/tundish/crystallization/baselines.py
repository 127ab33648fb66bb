"""Simple forecasters of a series, to compare with: used as :class:`FluxForecaster` is."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, count, integer
from tundish._common.optional import optional
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.crystallization.forecasting._base import Forecaster, Places
from tundish.crystallization.forecasting._trend import windows

__all__ = ["BASELINES", "Arima", "AutoRegression", "Drift", "Jmak", "Persistence", "Sarima"]

_LONGEST_PERIOD = 12  # steps; the state of a seasonal model grows with it
_STATIONARY = 0.05  # significance at which a series is differenced
_MAX_DIFFERENCES = 2
_UNIT_ROOT = 0.98  # inverse root of a model of levels, from which it is as good as one of steps
_INVERTIBLE = 0.95  # inverse root of moving averages, beyond which a model hardly forgets its first errors
_SHARE = (-0.1, 1.1)  # values that a measured share may have
_BEGUN = 0.05  # rise of the share from which the law is fitted
_MIN_POINTS = 8


class Persistence(Forecaster):
    """Every value to come is the last one. Intervals: adaptive conformal."""

    def _learn(self, values: Floats) -> None:
        pass

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        return np.repeat(values[origins - 1][:, None], steps, axis=1)


class Drift(Forecaster):
    """The line through the first and the last value goes on. Intervals: adaptive conformal."""

    _window = 2

    def _learn(self, values: Floats) -> None:
        pass

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        slope = (values[origins - 1] - values[0]) / (origins - 1)[:, None]
        return np.asarray(
            values[origins - 1][:, None] + np.arange(1, steps + 1)[None, :, None] * slope[:, None]
        )


class AutoRegression(Forecaster):
    """Linear autoregression of each column: least squares with a constant, and iterated forecasts.

    - `order`: number of past values; None chooses 1 to 20 by Akaike's criterion, on the same rows for all.

    Intervals: adaptive conformal. **Attributes:** `coefficients`, for each column the constant and those of
    the values, the latest first.

    **Raises:** ValueError or TypeError naming the argument.
    """

    _max_order = 20

    def __init__(self, order: int | None = None) -> None:
        super().__init__()
        self.order = None if order is None else count("order", order, 1)
        self.coefficients: list[Floats] = []
        self._window = self._max_order if order is None else self.order or 1
        self._learns_from = 2 * self._window

    def _learn(self, values: Floats) -> None:
        orders = range(1, self._max_order + 1) if self.order is None else [self.order]
        self.coefficients = []
        for column in values.T:
            fits = [_least_squares(column, order, self._window) for order in orders]
            self.coefficients.append(min(fits, key=lambda fit: fit[0])[1])

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        known = windows(values, origins, self._window)
        for _ in range(steps):
            ahead = [c[0] + known[:, : -c.size : -1, n] @ c[1:] for n, c in enumerate(self.coefficients)]
            known = np.concatenate([known, np.stack(ahead, axis=-1)[:, None]], axis=1)
        return known[:, self._window :]


def _least_squares(column: Floats, order: int, first: int) -> tuple[float, Floats]:
    """Akaike's criterion and coefficients, from the rows of which `first` values are before."""
    rows = np.arange(first, len(column))
    past = column[rows[:, None] - np.arange(1, order + 1)]
    design = np.concatenate([np.ones((rows.size, 1)), past], axis=1)
    coefficients = np.linalg.lstsq(design, column[rows], rcond=None)[0]
    square = float(np.mean((column[rows] - design @ coefficients) ** 2))
    return rows.size * math.log(max(square, np.finfo(float).tiny)) + 2 * (order + 1), coefficients


class Arima(Forecaster):
    """ARIMA(p, d, q) of each column, by statsmodels, with normal intervals of the model's own variance.

    - `order`: (p, d, q); None differences until the test of Kwiatkowski et al. does not refuse a level and
      that of Dickey and Fuller refuses a unit root (5 %; at most twice), and chooses p and q up to 2 by
      Akaike's criterion.
      A model of levels with a root within 2 % of the unit circle gives way to one of steps, and models whose
      moving average has one within 5 % are taken only if there are no others (in the manner of R. J. Hyndman
      and Y. Khandakar, J. Stat. Softw. 27(3) (2008), doi:10.18637/jss.v027.i03, whose limit is closer).

    The parameters are those of `fit`; new values only move its state. A column that is constant when fitted
    is forecast by its last value, with no width.

    **Attributes:** `orders`, for each column (p, d, q), or None for a constant one.

    **Raises:** ValueError or TypeError naming the argument; ImportError without statsmodels
    (`tundish[vision]`).
    """

    _learns_from = 20

    def __init__(self, order: tuple[int, int, int] | None = None) -> None:
        super().__init__()
        self.order = None if order is None else _order("order", order)
        self.orders: list[Any] = []
        self._fits: list[Any] = []
        self._states: list[Any] = []
        self._at = -1

    def _learn(self, values: Floats) -> None:
        self.orders, self._fits, self._at = [], [], -1
        for column in values.T:
            fit = None if np.ptp(column) == 0 else self._chosen(column)
            self._fits.append(fit)
            self.orders.append(None if fit is None else self._order_of(fit))

    def _order_of(self, fit: Any) -> Any:
        return tuple(fit.model.order)

    def _chosen(self, column: Floats) -> Any:
        if self.order is not None:
            return _fitted(column, self.order, (0, 0, 0, 0))
        parts = list(itertools.product(range(3), repeat=2))
        return _chosen(column, lambda d: [((p, d, q), (0, 0, 0, 0)) for p, q in parts])

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        own = values is self._values
        states = self._states if own and self._at == origins[0] - 1 else None
        paths = []
        for place, origin in enumerate(origins):
            if states is None:
                states = [fit and fit.apply(values[:origin, n]) for n, fit in enumerate(self._fits)]
            else:
                states = [s and s.extend(values[origin - 1 : origin, n]) for n, s in enumerate(states)]
            ahead = [
                np.full(steps, values[origin - 1, n]) if s is None else s.forecast(steps)
                for n, s in enumerate(states)
            ]
            paths.append(np.stack(ahead, axis=-1))
            if own and place == len(origins) - 1:
                self._states, self._at = states, int(origin)
        return np.stack(paths)

    def _half_widths(self, steps: int, level: float) -> Floats:
        quantile = float(optional("scipy.stats", "vision").norm.ppf((1 + level) / 2))
        spread = [
            np.zeros(steps) if s is None else np.sqrt(s.get_forecast(steps).var_pred_mean)
            for s in self._states
        ]
        return np.asarray(quantile * np.stack(spread, axis=-1))


class Sarima(Arima):
    """ARIMA with a seasonal part (P, 0, Q), P and Q up to 1, chosen with p and q up to 1 as :class:`Arima`.

    - `period`: steps, 2 to 12; None takes that of the largest autocorrelation of each column's steps.

    **Attributes:** `orders`, for each column ((p, d, q), (P, 0, Q, period)), or None for a constant one.

    **Raises:** as :class:`Arima`.
    """

    def __init__(self, period: int | None = None) -> None:
        super().__init__()
        if period is not None and not 2 <= integer("period", period) <= _LONGEST_PERIOD:
            raise ArgumentError("period", period, f"must be 2 to {_LONGEST_PERIOD} steps")
        self.period = period
        self._learns_from = 3 * _LONGEST_PERIOD

    def _order_of(self, fit: Any) -> Any:
        return tuple(fit.model.order), tuple(fit.model.seasonal_order)

    def _chosen(self, column: Floats) -> Any:
        period = self.period or _period(column)
        parts = [part for part in itertools.product(range(2), repeat=4) if part[2] + part[3]]
        return _chosen(column, lambda d: [((p, d, q), (P, 0, Q, period)) for p, q, P, Q in parts])


def _period(column: Floats) -> int:
    """The lag of 2 to 12 at which the steps are most alike."""
    steps = np.diff(column) - np.diff(column).mean()
    return max(range(2, _LONGEST_PERIOD + 1), key=lambda lag: float(steps[lag:] @ steps[:-lag]))


def _differences(column: Floats) -> int:
    for d in range(_MAX_DIFFERENCES):
        if np.ptp(column) == 0 or _stationary(column):
            return d
        column = np.diff(column)
    return _MAX_DIFFERENCES


def _stationary(column: Floats) -> bool:
    """Whether both tests find it so: one alone takes a curve that falls and rises again for a level."""
    stattools = optional("statsmodels.tsa.stattools", "vision")
    with _quiet():
        level = stattools.kpss(column, nlags="auto")[1] > _STATIONARY
        return bool(level and stattools.adfuller(column)[1] < _STATIONARY)


def _chosen(column: Floats, orders: Callable[[int], list[tuple[Any, Any]]]) -> Any:
    """The best fit of the orders by number of differences."""
    d = _differences(column)
    found = _best(column, orders(d))
    if d == 0 and _largest_root(found.polynomial_ar) > _UNIT_ROOT:
        return _best(column, orders(1))
    return found


def _largest_root(polynomial: Floats) -> float:
    """Of the inverse roots, by their modulus; 0 if there is none."""
    return float(np.abs(np.roots(polynomial)).max(initial=0.0))


def _best(column: Floats, orders: list[tuple[Any, Any]]) -> Any:
    """The fit of the least criterion of those that can be fitted."""
    fits = []
    for order, seasonal in orders:
        try:
            fits.append(_fitted(column, order, seasonal))
        except np.linalg.LinAlgError:
            continue
    fits = [fit for fit in fits if math.isfinite(fit.aic)]
    if not fits:
        allowed = f"none of {len(orders)} models could be fitted to it"
        raise ArgumentError("series", MISSING, allowed)
    return min([fit for fit in fits if _invertible(fit)] or fits, key=lambda fit: fit.aic)


def _invertible(fit: Any) -> bool:
    """Whether both moving averages forget their first errors, the seasonal one in seasons."""
    season = max(fit.model.seasonal_order[3], 1)
    parts = (fit.polynomial_ma, fit.polynomial_seasonal_ma[::season])
    return max(map(_largest_root, parts)) <= _INVERTIBLE


def _fitted(column: Floats, order: tuple[int, int, int], seasonal: tuple[int, int, int, int]) -> Any:
    models = optional("statsmodels.tsa.statespace.sarimax", "vision")
    with _quiet():
        model = models.SARIMAX(column, order=order, seasonal_order=seasonal, trend="n" if order[1] else "c")
        return model.fit(disp=False, maxiter=50)


@contextmanager
def _quiet() -> Iterator[None]:
    """A search that was stopped, or started anew, is ranked by its criterion like any other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _order(name: str, value: Any) -> tuple[int, int, int]:
    if not isinstance(value, tuple | list) or len(value) != 3:
        raise ArgumentTypeError(name, value, "must be (p, d, q)")
    p, d, q = (count(f"{name}[{n}]", each, 0) for n, each in enumerate(value))
    return p, d, q


class Jmak(Forecaster):
    """The law X = 1 - exp(-(rate (t - onset))^exponent), fitted to what is known and followed on.

    For crystallised shares, each column by itself: least squares over the values since the share was last
    lowest, anew for each forecast. Before it has risen by 0.05 the law is not fitted, and the last value is
    forecast. Intervals: adaptive conformal.

    **Raises:** ValueError naming `series` for values that are no shares; ImportError without scipy
    (`tundish[vision]`).
    """

    _learns_from = 10

    def _learn(self, values: Floats) -> None:
        bad = np.argwhere((values < _SHARE[0]) | (values > _SHARE[1]))
        if bad.size:
            row, column = bad[0]
            place = f"series[{row}, {column}]"
            raise ArgumentError(place, float(values[row, column]), "is no share, 0 to 1")

    def _paths(self, values: Floats, origins: Places, steps: int) -> Floats:
        paths = np.empty((len(origins), steps, values.shape[1]))
        for column in range(values.shape[1]):
            for n, origin in enumerate(origins):
                paths[n, :, column] = _law(values[:origin, column], steps)
        return paths


def _law(known: Floats, steps: int) -> Floats:
    """The law's next values; parameters are log rate (1/step), log exponent and onset (steps)."""
    lowest = len(known) - 1 - int(np.argmin(known[::-1]))
    share, risen = known[lowest:], known[-1] - known[lowest]
    if share.size < _MIN_POINTS or risen < _BEGUN:
        return np.full(steps, known[-1])
    time = np.arange(share.size, dtype=float)
    half = int(np.argmax(share >= share[0] + risen / 2)) + 1
    start = [-math.log(half), math.log(2.0), 0.0]
    found = optional("scipy.optimize", "vision").least_squares(
        lambda at: _jmak(time, at) - share, start, max_nfev=60,
        bounds=([-15.0, -1.5, -share.size], [2.0, 2.5, share.size]),
    ).x  # fmt: skip
    return _jmak(share.size + np.arange(steps, dtype=float), found)


def _jmak(time: Floats, at: Floats) -> Floats:
    exponent = math.exp(at[1])
    passed = np.maximum(time - at[2], 0.0) * math.exp(at[0])
    return np.asarray(-np.expm1(-np.minimum(passed**exponent, 700.0)))


BASELINES = {
    "persistence": Persistence,
    "drift": Drift,
    "autoregression": AutoRegression,
    "ARIMA": Arima,
    "SARIMA": Sarima,
    "JMAK": Jmak,
}
