"""The baselines: what they forecast, and what they share with every forecaster."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from tundish.crystallization import Forecast, Gap, baselines

LIGHT = [baselines.Persistence, baselines.Drift, baselines.AutoRegression]


def walk(length: int = 120, columns: int = 2, rng: int = 0) -> np.ndarray[Any, Any]:
    return np.cumsum(np.random.default_rng(rng).normal(size=(length, columns)), axis=0)


def autoregressive(length: int, rng: int = 0) -> np.ndarray[Any, Any]:
    noise = np.random.default_rng(rng).normal(size=length)
    x = np.zeros(length)
    for n in range(2, length):
        x[n] = 1.2 * x[n - 1] - 0.5 * x[n - 2] + 1 + noise[n]
    return x


def test_persistence_and_drift() -> None:
    series = walk()
    assert np.array_equal(
        baselines.Persistence().fit(series).forecast(5).mean, np.repeat(series[-1:], 5, axis=0)
    )
    slope = (series[-1] - series[0]) / (len(series) - 1)
    expected = series[-1] + np.arange(1, 6)[:, None] * slope
    assert baselines.Drift().fit(series).forecast(5).mean == pytest.approx(expected)


def test_an_autoregression_is_found_again() -> None:
    x = autoregressive(2000)
    model = baselines.AutoRegression(order=2).fit(x)
    assert model.coefficients[0] == pytest.approx([1, 1.2, -0.5], abs=0.12)
    c, a, b = model.coefficients[0]
    first = c + a * x[-1] + b * x[-2]
    assert model.forecast(2).mean == pytest.approx([first, c + a * first + b * x[-1]])
    chosen = baselines.AutoRegression().fit(x[:600])
    assert 2 <= chosen.coefficients[0].size - 1 <= 5


def test_arima_is_that_of_statsmodels() -> None:
    models = pytest.importorskip("statsmodels.tsa.statespace.sarimax")
    x = autoregressive(150)
    model = baselines.Arima(order=(2, 0, 0)).fit(x[:140])
    for value in x[140:]:
        model.update(value)
    reference = models.SARIMAX(x[:140], order=(2, 0, 0), trend="c").fit(disp=False, maxiter=50).apply(x)
    said = model.forecast(6, level=0.8)
    wanted = reference.get_forecast(6)
    assert said.mean == pytest.approx(wanted.predicted_mean, rel=1e-6)
    assert np.stack([said.lower, said.upper], axis=1) == pytest.approx(wanted.conf_int(alpha=0.2), rel=1e-6)
    assert model.predict(x)[100:] == pytest.approx(reference.fittedvalues[100:], rel=1e-6)


# Nine fits by statsmodels.
def test_arima_chooses_its_order_by_akaike() -> None:
    pytest.importorskip("statsmodels")
    model = baselines.Arima().fit(np.stack([autoregressive(90), np.full(90, 2.0)], axis=1))
    p, d, _ = model.orders[0]
    assert d == 0
    assert p >= 1
    assert model.orders[1] is None
    said = model.forecast(3)
    assert np.array_equal(said.mean[:, 1], np.full(3, 2.0))
    assert np.array_equal(said.lower[:, 1], said.upper[:, 1])


def falling_and_rising(length: int = 120) -> np.ndarray[Any, Any]:
    """A share: the flux melts, stays so, and begins to crystallise."""
    time = np.arange(length) / length
    noise = np.random.default_rng(0).normal(0, 0.002, length)
    return np.exp(-((6 * time) ** 3)) - np.expm1(-((1.3 * np.clip(time - 0.5, 0, None)) ** 2.5)) + noise


# Eighteen fits by statsmodels.
def test_arima_differences_a_curve_that_falls_and_rises() -> None:
    pytest.importorskip("statsmodels")
    series = falling_and_rising()
    model = baselines.Arima().fit(series[:110])
    assert model.orders[0][1] >= 1
    rest = series[110:]
    assert np.abs(model.forecast(10).mean - rest).mean() < 0.5 * np.abs(series[109] - rest).mean()


@pytest.mark.parametrize(("order", "kept"), [((0, 1, 1), False), ((1, 0, 1), True)])
def test_models_that_never_forget_are_told(order: tuple[int, int, int], kept: bool) -> None:
    """Noise that is differenced once too often has a moving average with a root of 1."""
    pytest.importorskip("statsmodels")
    noise = np.random.default_rng(1).normal(size=300)
    found = baselines._fitted(autoregressive(300) if kept else noise, order, (0, 0, 0, 0))
    assert baselines._invertible(found) == kept


# Twelve fits of seasonal models.
def test_sarima_follows_a_season() -> None:
    pytest.importorskip("statsmodels")
    time = np.arange(64)
    x = np.sin(2 * np.pi * time / 4) + np.random.default_rng(0).normal(0, 0.05, time.size)
    model = baselines.Sarima().fit(x[:60])
    assert model.orders[0][1][3] == 4
    assert np.abs(model.forecast(4).mean - x[60:]).max() < 0.4


def test_jmak_follows_the_law_on() -> None:
    time = np.arange(200.0)
    share = -np.expm1(-((0.02 * np.maximum(time - 60, 0)) ** 2.5))
    melting = np.concatenate([np.linspace(1, 0, 20), share])
    model = baselines.Jmak().fit(melting[:130])
    assert model.forecast(30).mean == pytest.approx(melting[130:160], abs=0.01)
    # Before the onset the law says nothing.
    early = baselines.Jmak().fit(melting[:70])
    assert early.forecast(5).mean == pytest.approx(np.full(5, melting[69]))


def test_jmak_is_for_shares() -> None:
    with pytest.raises(ValueError, match=r"series\[1, 0\] = 13.3333: is no share"):
        baselines.Jmak().fit(np.arange(0, 400, 40 / 3)[:30])


def test_all_have_a_name() -> None:
    assert list(baselines.BASELINES) == [
        "persistence", "drift", "autoregression", "ARIMA", "SARIMA", "JMAK",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", LIGHT)
def test_shapes_are_those_of_the_series(kind: Any) -> None:
    series = walk()
    said = kind().fit(series).forecast(40, level=0.8)
    assert isinstance(said, Forecast)
    assert said.mean.shape == said.lower.shape == said.upper.shape == (40, 2)
    assert np.all(said.lower < said.mean)
    assert np.all(said.mean < said.upper)
    one = kind().fit(series[:, 0]).forecast(7)
    assert one.mean.shape == one.upper.shape == (7,)
    assert one.mean == pytest.approx(kind().fit(series[:, :1]).forecast(7).mean[:, 0])


@pytest.mark.parametrize("kind", LIGHT)
def test_predictions_see_earlier_values_alone(kind: Any) -> None:
    series = walk()
    model = kind().fit(series[:90])
    whole = model.predict(series)
    assert whole.shape == series.shape
    changed = series.copy()
    changed[100:] += 50
    assert np.array_equal(model.predict(changed)[:101], whole[:101], equal_nan=True)
    assert np.isfinite(whole[20:]).all()
    assert model.forecast(1).mean[0] == pytest.approx(whole[90])


def test_what_is_updated_is_as_if_it_had_been_fitted() -> None:
    series = walk()
    updated = baselines.Persistence().fit(series[:119]).update(series[119])
    assert np.array_equal(updated.forecast(3).mean, baselines.Persistence().fit(series).forecast(3).mean)


def test_a_number_may_come_in_an_array() -> None:
    series = walk()[:, 0]
    told = [baselines.Persistence().fit(series).update(value) for value in (2.5, np.array([2.5]))]
    assert told[0].known[1][-1] == told[1].known[1][-1] == 2.5
    with pytest.raises(ValueError, match=r"value: has shape \(2,\); a number"):
        told[0].update([1.0, 2.0])


def test_they_tell_what_they_know() -> None:
    assert repr(baselines.Drift()) == "<Drift: not fitted>"
    assert repr(baselines.Drift().fit(walk())) == "<Drift: knows 120 values of 2 columns, up to 119 s>"
    assert repr(baselines.Persistence().fit(walk()[:, 0])) == "<Persistence: knows 120 values, up to 119 s>"


def test_gaps_in_time_are_filled_and_told() -> None:
    time = np.concatenate([np.arange(40), np.arange(43, 80)]) * 0.5  # s
    series = time**2
    model = baselines.Persistence().fit(series, time)
    assert model.gaps == [Gap(39, 3)]
    model.update(48.0**2, time=48.0)
    assert model.gaps[1:] == [Gap(79, 16)]
    assert model.forecast(1).mean == pytest.approx(48.0**2)


@pytest.mark.parametrize(
    ("series", "time", "message"),
    [
        ([], None, "series: has 0 values; at least 3 are needed"),
        ([1.0, 2.0], None, "series: has 2 values; at least 3 are needed"),
        ([1.0, np.nan, 2.0, 3.0], None, r"series\[1\] = nan: must be finite"),
        ([[1.0, 2.0], [3.0, np.inf], [4.0, 5.0]], None, r"series\[1, 1\] = inf: must be finite"),
        (np.full(30, 4.5), None, r"series: is constant at \[4.5\]"),
        (np.zeros((3, 3, 3)), None, r"series: has shape \(3, 3, 3\)"),
        (np.arange(4.0), [0, 1, 1, 2], r"time\[2\] = 1 s: is there twice"),
        (np.arange(4.0), [0, 1, 3, 2], r"time\[3\] = 2 s: runs backwards, after 3 s"),
        (np.arange(4.0), [0, 1, 2], r"time: has shape \(3,\)"),
        (np.arange(4.0), [0, 1, np.nan, 3], r"time\[2\]: must be finite"),
        (np.arange(5.0), [0, 1, 2, 3, 99], r"time\[4\] = 99 s: comes 96 s after the one before"),
    ],
)
def test_bad_series_are_refused(series: Any, time: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        baselines.Persistence().fit(series, time)


def test_bad_questions_are_refused() -> None:
    model = baselines.Persistence()
    for ask in (model.forecast, lambda: model.update(1.0), lambda: model.predict([1.0, 2.0])):
        with pytest.raises(RuntimeError, match="this Persistence has learnt nothing yet"):
            ask()
    model.fit(walk(), np.arange(120.0))
    with pytest.raises(ValueError, match="steps = 0: must be at least 1"):
        model.forecast(0)
    with pytest.raises(ValueError, match="level = 1: must lie between 0 and 1"):
        model.forecast(3, level=1)
    with pytest.raises(ValueError, match=r"value: has shape \(\); \(2,\)"):
        model.update(1.0)
    with pytest.raises(ValueError, match=r"value = \[1.0, nan\]: must be finite"):
        model.update([1.0, np.nan])
    with pytest.raises(ValueError, match="time = 119 s: must come after 119 s"):
        model.update([1.0, 2.0], time=119.0)
    with pytest.raises(ValueError, match="time = 300 s: comes 181 steps of 1 s after the last"):
        model.update([1.0, 2.0], time=300.0)
    with pytest.raises(ValueError, match="series: has 3 columns; 2, as fitted, are needed"):
        model.predict(np.zeros((5, 3)))
    with pytest.raises(TypeError, match="series: must be an array of numbers"):
        model.fit(["a", "b"])


@pytest.mark.parametrize("arguments", [{"order": 0}, {"order": -1}])
def test_orders_are_checked(arguments: Any) -> None:
    with pytest.raises(ValueError, match="order = "):
        baselines.AutoRegression(**arguments)
    with pytest.raises(TypeError, match="order = 3: must be"):
        baselines.Arima(order=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="period = 13: must be 2 to 12"):
        baselines.Sarima(period=13)
