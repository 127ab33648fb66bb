"""The backtest: its origins and figures, the published split and its leak, the test of differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from tundish.crystallization import (
    Backtest,
    Forecast,
    FrameSequence,
    backtest,
    baselines,
    diebold_mariano,
    neighbour_leak,
)


class Recorder:
    """Forecasts the number of values known, and remembers what it was told."""

    def __init__(self) -> None:
        self.fitted: Any = None
        self.told: list[Any] = []

    def fit(self, series: Any) -> None:
        self.fitted = np.array(series)

    def forecast(self, steps: int, level: float) -> Forecast:
        known = len(self.fitted) + len(self.told)
        mean = np.full((steps, *self.fitted.shape[1:]), float(known))
        return Forecast(mean, mean - 2 * level, mean + 2 * level)

    def update(self, value: Any) -> None:
        self.told.append(value)


def walk(length: int = 100, columns: int = 3, rng: int = 0) -> np.ndarray[Any, Any]:
    return np.cumsum(np.random.default_rng(rng).normal(size=(length, columns)), axis=0)


@pytest.mark.parametrize("flat", [True, False])
def test_it_fits_once_and_updates_with_each_value(flat: bool) -> None:
    series = walk(41)[:, 0] if flat else walk(41)
    seen: list[Recorder] = []

    class Watched(Recorder):
        def __deepcopy__(self, memo: Any) -> Recorder:
            seen.append(Recorder())
            return seen[-1]

    given = Watched()
    table = backtest(given, series, start=0.7, horizons=(1, 5), level=0.8)
    (used,) = seen
    assert given.fitted is None
    assert np.array_equal(used.fitted, series[:28])
    assert np.array_equal(used.told, series[28:])
    assert table["horizon"].tolist() == [1, 5]
    assert table["origins"].tolist() == [41 - 28, 41 - 5 - 28 + 1]
    rows = table.forecasts
    last = rows[rows["horizon"] == 5][-1]
    assert last["origin"] == 36
    assert np.array_equal(last["value"], series[40])
    assert np.array_equal(last["last"], series[35])
    assert np.all(last["mean"] == 36)
    assert last["upper"] - last["mean"] == pytest.approx(1.6)
    assert rows["mean"].shape == ((len(rows),) if flat else (len(rows), 3))
    assert table.level == 0.8
    assert table.leak is None


def test_figures_are_those_of_the_definitions() -> None:
    series = walk()
    table = backtest(Recorder(), series, horizons=(1, 3))
    origins = np.arange(70, 98)
    error = origins[:, None] - series[origins + 2]
    still = series[origins - 1] - series[origins + 2]
    row = table[1]
    assert row["mae"] == pytest.approx(np.abs(error).mean())
    assert row["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
    assert row["mae_over_persistence"] == pytest.approx(np.abs(error).mean() / np.abs(still).mean())
    assert row["coverage"] == pytest.approx((np.abs(error) <= 1.8).mean())
    assert row["width"] == pytest.approx(3.6)


def test_persistence_is_the_yardstick() -> None:
    table = backtest(baselines.Persistence(), walk(), horizons=(1, 10))
    assert isinstance(table, Backtest)
    assert table["mae_over_persistence"] == pytest.approx([1, 1])
    # A part of a table is one, and knows its forecasts.
    assert table[:1].forecasts is table.forecasts


def test_progress_counts_origins() -> None:
    told: list[tuple[int, int]] = []
    backtest(baselines.Persistence(), walk(), horizons=(2,), progress=lambda *done: told.append(done))
    assert told[0] == (1, 29)
    assert told[-1] == (29, 29)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": 0}, "start = 0: must lie between 0 and 1"),
        ({"start": 1.2}, r"start = 1\.2: must lie between 0 and 1"),
        ({"start": float("nan")}, "start = nan: must lie between 0 and 1"),
        ({"start": 0.9}, "start = 0.9: leaves 10 of 100 values to test; at least 30"),
        ({"horizons": (0,)}, r"horizons = \(0,\)"),
        ({"level": 1.5}, "level = 1.5"),
        ({"protocol": "other"}, "protocol = 'other': must be 'rolling' or 'published'"),
    ],
)
def test_bad_arguments_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        backtest(baselines.Persistence(), walk(), **arguments)


def test_series_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"series: has shape \(2, 50, 3\)"):
        backtest(baselines.Persistence(), np.stack([walk()[:50]] * 2))


def test_forecasts_of_another_shape_are_refused() -> None:
    class Short(Recorder):
        def forecast(self, steps: int, level: float) -> Forecast:
            return super().forecast(steps - 1, level)

    class Bare(Recorder):
        def forecast(self, steps: int, level: float) -> Any:
            return super().forecast(steps, level).mean

    for forecaster in (Short(), Bare()):
        with pytest.raises(ValueError, match=r"forecaster: forecast\(30\) gave .*\(30, 3\) each are needed"):
            backtest(forecaster, walk())


def test_frames_are_refused_for_forecasters_of_numbers() -> None:
    frames = FrameSequence(np.zeros((50, 4, 4)), np.arange(50.0))
    for protocol in ("rolling", "published"):
        with pytest.raises(TypeError, match=r"forecaster: Persistence takes numbers .*give it a column"):
            backtest(baselines.Persistence(), frames, horizons=(1,), protocol=protocol)


def test_missing_values_are_refused() -> None:
    series = walk()
    series[80, 1] = np.nan
    with pytest.raises(ValueError, match=r"series\[80, 1\] = nan"):
        backtest(baselines.Persistence(), series)


def test_the_published_split_leaks() -> None:
    time = np.arange(201.0)
    series = np.sin(time / 15) + np.random.default_rng(0).normal(0, 1e-3, time.size)
    table = backtest(baselines.AutoRegression(), series, protocol="published")
    assert table["horizon"].tolist() == [1]
    assert np.isnan(table["coverage"][0])
    assert table.leak is not None
    assert table.leak.flag
    assert table.leak.ratio < 0.1
    tested = np.arange(1, 200, 2)
    between = np.abs((series[tested - 1] + series[tested + 1]) / 2 - series[tested]).mean()
    assert table.leak.neighbours == pytest.approx(between)
    still = np.abs(table.forecasts["last"] - table.forecasts["value"])
    assert table["mae_over_persistence"][0] == pytest.approx(table["mae"][0] / still.mean())
    count = len(table.forecasts)
    assert np.array_equal(table.forecasts["value"], series[1::2][-count:])


def test_a_walk_does_not_leak_more_than_it_must() -> None:
    # Of a random walk the mean of the neighbours has an error of 1/sqrt(2) of a step's, a little over 0.7.
    leak = neighbour_leak(walk(20000)[:, 0])
    assert leak.ratio == pytest.approx(np.sqrt(0.5), abs=0.02)
    with pytest.raises(ValueError, match="series: has 2 values; at least 3"):
        neighbour_leak([1.0, 2.0])


def test_a_split_of_too_few_is_refused() -> None:
    class Late(baselines.Persistence):
        def predict(self, series: Any) -> Any:
            return np.full(np.shape(series), np.nan)

    with pytest.raises(ValueError, match="series: its 20 tested values are too few to predict one"):
        backtest(Late(), walk(40), protocol="published")


def test_equal_losses_are_not_told_apart_and_others_are() -> None:
    series = walk(200)
    still = backtest(baselines.Persistence(), series, horizons=(1, 5))
    drift = backtest(baselines.Drift(), series, horizons=(1, 5))
    same = diebold_mariano(still, still, 5)
    assert same.difference == 0
    assert np.isnan(same.p_value)
    rising = series + 2 * np.arange(200)[:, None]
    still, drift = (
        backtest(kind(), rising, horizons=(1, 5)) for kind in (baselines.Persistence, baselines.Drift)
    )
    told = diebold_mariano(drift, still, 5)
    assert told.difference < 0
    assert told.p_value < 1e-3
    assert diebold_mariano(still, drift, 5).statistic == pytest.approx(-told.statistic)


def test_the_statistic_is_that_of_the_papers() -> None:
    first, second = (
        backtest(kind(), walk(160), horizons=(3,)) for kind in (baselines.Persistence, baselines.Drift)
    )
    losses = [((t.forecasts["mean"] - t.forecasts["value"]) ** 2).mean(axis=1) for t in (first, second)]
    d = losses[0] - losses[1]
    n = d.size
    gamma = [((d[k:] - d.mean()) * (d[: n - k] - d.mean())).sum() / n for k in range(3)]
    plain = d.mean() / np.sqrt((gamma[0] + 2 * gamma[1] + 2 * gamma[2]) / n)
    corrected = plain * np.sqrt((n + 1 - 6 + 6 / n) / n)
    found = diebold_mariano(first, second, 3, loss="squared")
    assert found.statistic == pytest.approx(corrected)
    assert found.origins == n
    assert 0 < found.p_value < 1


def test_p_values_of_equal_forecasters_are_spread_evenly() -> None:
    from tundish.crystallization.forecasting._backtest import _dm_test

    generator = np.random.default_rng(0)
    # Differences of losses two steps ahead are correlated with their neighbours.
    noise = generator.normal(size=(400, 61))
    small = np.mean([_dm_test(x[1:] + x[:-1], 2).p_value < 0.1 for x in noise])
    assert small == pytest.approx(0.1, abs=0.04)


def test_what_cannot_be_compared_is_refused() -> None:
    table = backtest(baselines.Persistence(), walk(), horizons=(1, 5))
    with pytest.raises(ValueError, match=r"horizon = 3: is none of first's, \[1, 5\]"):
        diebold_mariano(table, table, 3)
    other = backtest(baselines.Persistence(), walk(rng=1), horizons=(1, 5))
    with pytest.raises(ValueError, match="second: is of other origins or another series"):
        diebold_mariano(table, other, 1)
    short = backtest(baselines.Persistence(), walk(40), horizons=(8,))
    with pytest.raises(ValueError, match="horizon = 8: has 5 origins"):
        diebold_mariano(short, short, 8)
    with pytest.raises(TypeError, match="second: is ndarray; a Backtest, of backtest"):
        diebold_mariano(table, walk(), 1)  # type: ignore[arg-type]


def test_a_constant_difference_is_certain() -> None:
    from tundish.crystallization.forecasting._backtest import _dm_test

    assert _dm_test(np.full(20, -0.5), 1)[1:3] == (-np.inf, 0.0)
    assert np.isnan(_dm_test(np.zeros(20), 1).p_value)


@pytest.mark.parametrize(
    ("forecaster", "protocol", "message"),
    [
        (3, "rolling", "forecaster: int has no method fit; fit, forecast, update are needed"),
        (
            baselines.Persistence,
            "rolling",
            r"forecaster: is the class Persistence; .* Persistence\(\), is needed",
        ),
        (Recorder(), "published", "forecaster: Recorder has no method predict"),
    ],
)
def test_what_does_not_forecast_is_refused(forecaster: Any, protocol: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        backtest(forecaster, walk(), protocol=protocol)
