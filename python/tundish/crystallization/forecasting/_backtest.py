"""How well a forecaster forecasts: from rolling origins, against persistence, and against others."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tundish._common.arguments import Floats, choice, level_of, number
from tundish._common.optional import optional
from tundish._common.progress import Callback, progress_callback
from tundish._common.refusals import MISSING, ArgumentError, ArgumentTypeError
from tundish.crystallization.forecasting._base import Forecast
from tundish.crystallization.forecasting._series import checked_horizons, checked_values

PROTOCOLS = ("rolling", "published")
_LEAKS = 0.7  # error of a mean of neighbours over that of persistence, below which a split leaks


class Leak(NamedTuple):
    """What a split lets a model see of the frames that it is tested on: :func:`neighbour_leak`.

    - `neighbours`: mean absolute error of the mean of the frames before and after, both trained on.
    - `persistence`: of the frame before. `ratio`: of the two, pooled over columns. `flag`: ratio < 0.7.
    """

    neighbours: float
    persistence: float
    ratio: float
    flag: bool


class Backtest(np.ndarray):
    """A table of a row a horizon, and what it was made of: :func:`backtest`.

    Fields: `horizon`; `rmse` and `mae`, in the unit of the series; `mae_over_persistence`; `coverage` and
    mean `width` of the intervals; `origins`, their number.

    **Attributes:** `forecasts`, a structured array with a row an origin and horizon: `origin` (number of
    values that were known), `horizon`, `mean`, `lower`, `upper`, `value` (what came) and `last` (the
    forecast of persistence), the last five (k,) if the series is (T, k). `level` of the intervals. `leak`: a
    :class:`Leak` in the published protocol, and None otherwise.
    """

    forecasts: NDArray[Any]
    level: float
    leak: Leak | None

    def __array_finalize__(self, other: Any) -> None:
        for name in ("forecasts", "level", "leak"):
            setattr(self, name, getattr(other, name, None))


def backtest(
    forecaster: Any,
    series: Any,
    start: float = 0.7,
    horizons: Iterable[int] = (1, 10, 30),
    *,
    level: float = 0.9,
    protocol: str = "rolling",
    progress: bool | Callback = False,
) -> Backtest:
    """Forecasts from each origin in turn the values that came after it.

    **Main arguments:**

    - `forecaster`: anything with `fit`, `forecast` and `update`, of which a copy is used: fitted once to
      `series[:int(start * T)]`, and updated with each value after.
    - `series`: (T,) or (T, k) at even steps; or a `FrameSequence`, for forecasters that take it.
    - `start`: share that is fitted. `horizons`: steps ahead; origins are int(start T) to T - h.

    **Other arguments:**

    - `level`: of the intervals.
    - `protocol`: "rolling"; or "published", the paper's split, which takes every second frame to train and
      the others to test: fitted to `series[::2]`, one step ahead in `series[1::2]` by `predict`. Each tested
      frame lies between two that were trained on, so that it rewards interpolation; `.leak` measures it, and
      persistence is that of the tested frames. `start` and `horizons` are not used.
    - `progress`: True shows a bar (needs rich), or call me with (done, all).

    **Returns:** a :class:`Backtest`. Errors are pooled over columns, those of persistence, too.

    **Raises:** ValueError or TypeError naming the argument.
    """
    asked = level_of(level)
    published = choice("protocol", protocol, PROTOCOLS) == "published"
    _refuse_other(
        "forecaster", forecaster, ("fit", "predict") if published else ("fit", "forecast", "update")
    )
    model = copy.deepcopy(forecaster)
    if published:
        return _published(model, series, asked)
    frames = hasattr(series, "images")
    share, wanted = number("start", start), checked_horizons(horizons)
    if not frames:
        values, flat = checked_values("series", series)
    if not 0 < share < 1:
        raise ArgumentError("start", share, "must lie between 0 and 1")
    length = len(series)
    first = int(share * length)
    if first + wanted[-1] > length:
        raise ArgumentError(
            "start",
            share,
            f"leaves {length - first} of {length} values to test; at least {wanted[-1]}, the longest "
            "horizon, are needed",
        )
    if frames:
        _refuse_frames(model)
        model.fit(series[:first])
        values, flat = checked_values("series", model.observed(series))
    else:
        model.fit(_shaped(values[:first], flat))
    rows = []
    with progress_callback(progress, "origins") as report:
        for origin in range(first, length - wanted[0] + 1):
            parts = _parts(model.forecast(wanted[-1], level=asked), wanted[-1], values.shape[1])
            for h in wanted:
                if origin + h <= length:
                    ahead = (part[h - 1] for part in parts)
                    rows.append((origin, h, *ahead, values[origin + h - 1], values[origin - 1]))
            if origin < length:
                model.update(series[origin : origin + 1] if frames else _shaped(values[origin], flat))
            if report is not None:
                report(origin - first + 1, length - wanted[0] + 1 - first)
    return _table(rows, values.shape[1], flat, asked, None)


class Fitted:
    """A forecaster that is fitted already, as :func:`backtest` takes it: its `fit` does nothing.

    So a model that was loaded can be backtested, and one whose fit is needed afterwards is fitted once.
    """

    def __init__(self, forecaster: Any) -> None:
        self.forecaster = forecaster

    def fit(self, series: Any) -> Self:
        """No-op: the forecaster is already fitted."""
        return self

    def forecast(self, steps: int, level: float) -> Forecast:
        """The forecast of the forecaster."""
        found: Forecast = self.forecaster.forecast(steps, level)
        return found

    def update(self, value: Any) -> Self:
        """Updates the forecaster."""
        self.forecaster.update(value)
        return self

    def predict(self, series: Any) -> Floats:
        """The predictions of the forecaster."""
        found: Floats = self.forecaster.predict(series)
        return found

    def observed(self, sequence: Any) -> Floats:
        """What the forecaster sees of frames."""
        found: Floats = self.forecaster.observed(sequence)
        return found


def _refuse_other(name: str, value: Any, methods: tuple[str, ...]) -> None:
    """Refuses a class in place of an object, and an object that lacks one of the methods."""
    if isinstance(value, type):
        allowed = f"is the class {value.__name__}; an object of it, {value.__name__}(), is needed"
        raise ArgumentTypeError(name, MISSING, allowed)
    for method in methods:
        if not callable(getattr(value, method, None)):
            allowed = f"{type(value).__name__} has no method {method}; {', '.join(methods)} are needed"
            raise ArgumentTypeError(name, MISSING, allowed)


def _parts(forecast: Any, steps: int, columns: int) -> list[Floats]:
    """Mean, lower and upper of a forecast, (steps, columns) each."""
    parts = [np.asarray(part, dtype=float) for part in forecast]
    needed = [(steps, columns)] + [(steps,)] * (columns == 1)
    if len(parts) != 3 or any(part.shape not in needed for part in parts):
        raise ArgumentError(
            "forecaster",
            MISSING,
            f"forecast({steps}) gave {[part.shape for part in parts]}; mean, lower and upper of {needed[-1]} "
            "each are needed",
        )
    return [part.reshape(steps, columns) for part in parts]


def _refuse_frames(model: Any) -> None:
    if not hasattr(model, "observed"):
        raise ArgumentTypeError(
            "forecaster",
            MISSING,
            f"{type(model).__name__} takes numbers (it has no `observed`); give it a column of "
            "series.features()",
        )


def _shaped(values: Floats, flat: bool) -> Any:
    return values[..., 0] if flat else values


def _published(model: Any, series: Any, level: float) -> Backtest:
    trained, tested = series[::2], series[1::2]
    frames = hasattr(series, "images")
    if frames:
        _refuse_frames(model)
    model.fit(trained)
    values, flat = checked_values("series", model.observed(series) if frames else series)
    known = values[1::2]
    predicted = np.asarray(model.predict(tested), dtype=float)
    if predicted.size != known.size:
        allowed = f"predict of {len(known)} values gave {predicted.shape}; one of each is needed"
        raise ArgumentError("forecaster", MISSING, allowed)
    predicted = predicted.reshape(known.shape)
    none = np.full(values.shape[1], np.nan)
    rows = [
        (n, 1, predicted[n], none, none, known[n], known[n - 1])
        for n in range(1, len(known))
        if np.isfinite(predicted[n]).all()
    ]
    if not rows:
        allowed = f"its {len(known)} tested values are too few to predict one"
        raise ArgumentError("series", MISSING, allowed)
    return _table(rows, values.shape[1], flat, level, neighbour_leak(_shaped(values, flat)))


def neighbour_leak(series: ArrayLike) -> Leak:
    """What the published split of every second frame leaks: how well frames that are tested (the second, the
    fourth and so on) are known from those beside them, which are trained on.

    `series`: (T,) or (T, k), at least 3 values. **Returns:** a :class:`Leak`.
    """
    values, _ = checked_values("series", series)
    if len(values) < 3:
        raise ArgumentError("series", MISSING, f"has {len(values)} values; at least 3 are needed")
    tested = np.arange(1, len(values) - 1, 2)
    between = float(np.abs((values[tested - 1] + values[tested + 1]) / 2 - values[tested]).mean())
    before = float(np.abs(values[tested - 1] - values[tested]).mean())
    ratio = between / before if before > 0 else math.nan
    return Leak(between, before, ratio, bool(ratio < _LEAKS))


def _table(rows: list[Any], columns: int, flat: bool, level: float, leak: Leak | None) -> Backtest:
    shape: tuple[int, ...] = () if flat else (columns,)
    parts = ("mean", "lower", "upper", "value", "last")
    forecasts = np.zeros(
        len(rows), [("origin", int), ("horizon", int), *((name, float, shape) for name in parts)]
    )
    for name, column in zip(forecasts.dtype.names or (), zip(*rows, strict=True), strict=True):
        forecasts[name] = np.reshape(np.array(column), forecasts[name].shape)
    found = []
    for horizon in np.unique(forecasts["horizon"]):
        part = forecasts[forecasts["horizon"] == horizon]
        error, still = part["mean"] - part["value"], np.abs(part["last"] - part["value"]).mean()
        mae = np.abs(error).mean()
        inside = (part["lower"] <= part["value"]) & (part["value"] <= part["upper"])
        known = np.isfinite(part["lower"]).all()
        found.append(
            (
                horizon, np.sqrt((error**2).mean()), mae, mae / still if still > 0 else np.nan,
                inside.mean() if known else np.nan, (part["upper"] - part["lower"]).mean(), len(part),
            )
        )  # fmt: skip
    names = ("rmse", "mae", "mae_over_persistence", "coverage", "width")
    table = np.array(found, [("horizon", int), *((name, float) for name in names), ("origins", int)])
    result = table.view(Backtest)
    result.forecasts, result.level, result.leak = forecasts, level, leak
    return result


class Comparison(NamedTuple):
    """Whether one forecaster's loss is less than another's: :func:`diebold_mariano`.

    - `difference`: mean loss of the first minus that of the second. `statistic`: of the test, corrected.
    - `p_value`: two-sided, by Student's t with n - 1 degrees of freedom. `origins`: n.
    """

    difference: float
    statistic: float
    p_value: float
    origins: int


def diebold_mariano(first: Backtest, second: Backtest, horizon: int, loss: str = "absolute") -> Comparison:
    """The test of F. X. Diebold and R. S. Mariano for equal losses, for the same origins.

    **Main arguments:** `first`, `second`: of :func:`backtest`, of the same series. `horizon`: one of theirs.

    **Other arguments:** `loss`: "absolute" or "squared" errors, means over the columns.

    **Returns:** a :class:`Comparison`. The variance has the autocovariances up to horizon - 1 (J. Bus. Econ.
    Stat. 13 (1995) 253, doi:10.1080/07350015.1995.10524599), and the statistic the correction for few origins
    of D. Harvey, S. Leybourne and P. Newbold (Int. J. Forecasting 13 (1997) 281,
    doi:10.1016/S0169-2070(96)00719-4, eq. 9). A variance that is not positive, as may happen for long
    horizons, is replaced by that of independent differences times the horizon. Of differences that are all
    the same the p-value is 0, and NaN if they are 0.

    **Raises:** ValueError or TypeError naming the argument; ImportError without scipy (`tundish[vision]`).
    """
    power = 1 if choice("loss", loss, ("absolute", "squared")) == "absolute" else 2
    losses = []
    for name, table in (("first", first), ("second", second)):
        if not isinstance(table, Backtest):
            allowed = f"is {type(table).__name__}; a Backtest, of backtest(), is needed"
            raise ArgumentTypeError(name, MISSING, allowed)
        part = table.forecasts[table.forecasts["horizon"] == horizon]
        if not part.size:
            allowed = f"is none of {name}'s, {np.asarray(table['horizon']).tolist()}"
            raise ArgumentError("horizon", horizon, allowed)
        error = np.abs(part["mean"] - part["value"]) ** power
        losses.append((part["origin"], part["value"], error.reshape(len(part), -1).mean(axis=1)))
    if not (np.array_equal(losses[0][0], losses[1][0]) and np.array_equal(losses[0][1], losses[1][1])):
        raise ArgumentError("second", MISSING, "is of other origins or another series than first")
    difference = losses[0][2] - losses[1][2]
    return _dm_test(difference, int(horizon))


def _dm_test(difference: Floats, horizon: int) -> Comparison:
    number, mean = difference.size, float(difference.mean())
    if number <= horizon:
        allowed = f"has {number} origins; more than the horizon are needed"
        raise ArgumentError("horizon", horizon, allowed)
    centred = difference - mean
    lags = [float(centred[lag:] @ centred[: number - lag]) / number for lag in range(horizon)]
    variance = (lags[0] + 2 * sum(lags[1:])) / number
    if variance <= 0:
        variance = horizon * lags[0] / number
    if variance == 0:
        known = mean != 0
        return Comparison(
            mean, math.copysign(math.inf, mean) if known else math.nan, 0.0 if known else math.nan, number
        )
    correction = (number + 1 - 2 * horizon + horizon * (horizon - 1) / number) / number
    statistic = mean / math.sqrt(variance) * math.sqrt(correction)
    p_value = 2 * float(optional("scipy.stats", "vision").t.sf(abs(statistic), number - 1))
    return Comparison(mean, statistic, p_value, number)
