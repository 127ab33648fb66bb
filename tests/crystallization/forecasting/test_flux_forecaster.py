"""The forecaster of a series: trained, interrupted, resumed, asked, updated, saved."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from references.flux import SMALL, same, wave  # noqa: E402

from tundish.crystallization import Epoch, FluxForecaster, Gap, backtest  # noqa: E402


@pytest.fixture(scope="module")
def series() -> np.ndarray[Any, Any]:
    return wave()


@pytest.fixture(scope="module")
def fitted(series: np.ndarray[Any, Any]) -> FluxForecaster:
    return FluxForecaster(**SMALL, ensemble=2).fit(series)


# Two trainings of up to 120 epochs.
def test_it_learns_what_a_trend_does_not_see() -> None:
    series = wave(300, 1)[:, 0]
    settings = SMALL | {"epochs": 120, "learning_rate": 0.01}
    told = backtest(FluxForecaster(**settings), series, horizons=(1, 5))
    untold = backtest(FluxForecaster(**settings | {"learning_rate": 1e-9}), series, horizons=(1, 5))
    assert told["mae_over_persistence"][1] < 0.8 * untold["mae_over_persistence"][1]
    assert told["mae_over_persistence"][1] < 0.45


def test_one_seed_is_one_result(series: np.ndarray[Any, Any], fitted: FluxForecaster) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    again = FluxForecaster(**SMALL, ensemble=2).fit(series)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(again, fitted)
    assert not same(FluxForecaster(**SMALL, ensemble=2, seed=1).fit(series), fitted)
    assert fitted.network is fitted.networks[0]
    first, second = (network.lstm.weight_ih_l0 for network in fitted.networks)
    assert not torch.equal(first, second)


def test_it_keeps_the_best_epoch_and_stops_after_patience(series: np.ndarray[Any, Any]) -> None:
    forecaster = FluxForecaster(**SMALL | {"epochs": 90, "patience": 4, "learning_rate": 0.05}).fit(series)
    (history,) = forecaster.history
    best = int(np.argmin([validation for _, validation in history]))
    assert len(history) == best + 1 + 4 < 90
    assert forecaster.card["members"] == [
        {"epochs": len(history), "best_epoch": best + 1, "validation_loss": history[best][1]}
    ]


def test_targets_of_the_validation_are_not_trained_on(series: np.ndarray[Any, Any]) -> None:
    # 90 values, of which 27 validate, in 2 columns; windows of 8.
    card = FluxForecaster(**SMALL).fit(series).card
    assert card["targets"] == {
        "1": {"trained": 2 * (63 - 8), "validated": 2 * 27},
        "5": {"trained": 2 * (63 - 8 - 4), "validated": 2 * 23},
    }
    changed = series.copy()
    changed[63:] = changed[63:][::-1]
    losses = [FluxForecaster(**SMALL | {"epochs": 1}).fit(x).history[0][0][0] for x in (series, changed)]
    assert losses[0] == losses[1]


def test_progress_tells_the_losses(series: np.ndarray[Any, Any]) -> None:
    told: list[Epoch] = []
    FluxForecaster(**SMALL, ensemble=2).fit(series, progress=told.append)
    assert [(e.member, e.epoch) for e in told] == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    assert told[-1].best_validation_loss == min(e.validation_loss for e in told[3:])


def test_a_bar_is_no_output(series: np.ndarray[Any, Any], capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    FluxForecaster(**SMALL | {"epochs": 1}).fit(series, progress=True)
    assert capsys.readouterr().out == ""


def test_a_training_that_diverges_says_so(series: np.ndarray[Any, Any]) -> None:
    with pytest.raises(FloatingPointError, match=r"learning_rate = 1e\+30: training diverged"):
        FluxForecaster(**SMALL | {"learning_rate": 1e30, "form": "level"}).fit(series)


@pytest.mark.parametrize("after", [(0, 1), (0, 3), (1, 2)])
def test_an_interrupted_training_goes_on_to_the_same_end(
    series: np.ndarray[Any, Any], fitted: FluxForecaster, tmp_path: Path, after: tuple[int, int]
) -> None:
    def interrupt(epoch: Epoch) -> None:
        if (epoch.member, epoch.epoch) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FluxForecaster(**SMALL, ensemble=2).fit(series, progress=interrupt, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="is of a training that was interrupted"):
        FluxForecaster.load(tmp_path)
    told: list[Epoch] = []
    resumed = FluxForecaster(**SMALL, ensemble=2).fit(series, progress=told.append, checkpoint=tmp_path)
    assert len(told) < 6
    assert same(resumed, fitted)
    assert resumed.history == fitted.history
    assert same(FluxForecaster.load(tmp_path), fitted)
    assert not list(tmp_path.glob("training*"))


def test_a_checkpoint_of_something_else_is_refused(series: np.ndarray[Any, Any], tmp_path: Path) -> None:
    FluxForecaster(**SMALL).fit(series, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"checkpoint = .* other settings \(seed = 0 there, 1 here\)"):
        FluxForecaster(**SMALL, seed=1).fit(series, checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"other data \(sha256"):
        FluxForecaster(**SMALL).fit(wave(rng=9), checkpoint=tmp_path)


def test_forecasts_have_the_shape_of_the_series(series: np.ndarray[Any, Any], fitted: FluxForecaster) -> None:
    for steps in (1, 5, 30, 47):
        said = fitted.forecast(steps)
        assert said.mean.shape == said.lower.shape == said.upper.shape == (steps, 2)
        assert np.all((said.lower <= said.mean) & (said.mean <= said.upper))
    # A short forecast is the beginning of a long one.
    assert fitted.forecast(47).mean[:30] == pytest.approx(fitted.forecast(30).mean)
    narrow, wide = fitted.forecast(5, level=0.5), fitted.forecast(5, level=0.95)
    assert np.all(wide.upper - wide.lower > narrow.upper - narrow.lower)
    assert FluxForecaster(**SMALL | {"epochs": 1}).fit(series[:, 0]).forecast(3).mean.shape == (3,)


def test_forecasts_follow_the_unit_of_the_series(series: np.ndarray[Any, Any]) -> None:
    plain = FluxForecaster(**SMALL).fit(series).forecast(10)
    other = FluxForecaster(**SMALL).fit(1000 + 250 * series).forecast(10)
    assert (other.mean - 1000) / 250 == pytest.approx(plain.mean, abs=1e-3)
    assert (other.upper - other.mean) / 250 == pytest.approx(plain.upper - plain.mean, rel=0.02)


def test_predictions_see_earlier_values_alone(series: np.ndarray[Any, Any], fitted: FluxForecaster) -> None:
    whole = fitted.predict(series)
    assert whole.shape == series.shape
    assert np.isnan(whole[:8]).all()
    assert np.isfinite(whole[8:]).all()
    changed = series.copy()
    changed[50:] += 3
    assert np.array_equal(fitted.predict(changed)[:51], whole[:51], equal_nan=True)
    ahead = fitted.predict(np.concatenate([series, [[0.0, 0.0]]]))[-1]
    assert ahead == pytest.approx(fitted.forecast(1).mean[0], abs=1e-6)


def test_updates_move_the_forecast_and_teach_the_weights(fitted: FluxForecaster) -> None:
    forecaster = copy.deepcopy(fitted)
    later = wave(140)[90:]
    before = forecaster._blend.weights()
    for value in later:
        assert forecaster.update(value) is forecaster
    assert forecaster.predict(wave(141))[-1] == pytest.approx(forecaster.forecast(1).mean[0], abs=1e-6)
    assert not np.allclose(forecaster._blend.weights(), before)
    # The one that was copied is where it was.
    assert np.array_equal(fitted._blend.weights(), before)


def test_the_published_form_is_the_network_alone(series: np.ndarray[Any, Any]) -> None:
    forecaster = FluxForecaster(window=8, units=8, horizons=(1,), form="level", epochs=3).fit(series[:, 0])
    network = forecaster.network
    assert sum(p.numel() for p in network.parameters()) == 329
    mean, deviation = series[:63, 0].mean(), series[:63, 0].std()
    known = list((series[-8:, 0] - mean) / deviation)
    said = []
    for _ in range(3):
        with torch.no_grad():
            window = torch.tensor(known[-8:], dtype=torch.float32)[None, :, None]
            known.append(float(network(window)[0, 0]))
        said.append(mean + deviation * known[-1])
    # Beyond its horizon it goes on from its own forecast.
    assert forecaster.forecast(3).mean == pytest.approx(said, abs=1e-5)


def test_a_column_that_stands_still_is_forecast_as_it_stands(series: np.ndarray[Any, Any]) -> None:
    still = np.concatenate([series[:, :1], np.full((len(series), 1), 0.25)], axis=1)
    forecaster = FluxForecaster(**SMALL).fit(still)
    assert forecaster.card["data"]["constant"] == [1]
    said = forecaster.forecast(6)
    assert np.all(said.mean[:, 1] == 0.25)
    assert np.all(said.lower[:, 1] == said.upper[:, 1])


def test_the_shortest_series(series: np.ndarray[Any, Any]) -> None:
    short = FluxForecaster(**SMALL | {"horizons": (1, 30)}).fit(series[:20])
    assert short.card["targets"]["30"] == {"trained": 0, "validated": 0}
    said = short.forecast(30)
    assert np.isfinite(np.array(said)).all()
    with pytest.raises(ValueError, match="series: has 19 values; at least 20 are needed"):
        FluxForecaster(**SMALL).fit(series[:19])


def test_gaps_are_filled_and_told(series: np.ndarray[Any, Any]) -> None:
    time = np.arange(90.0)
    kept = np.delete(np.arange(90), [30, 31])
    forecaster = FluxForecaster(**SMALL).fit(series[kept], time[kept])
    assert forecaster.gaps == [Gap(29, 2)]
    assert forecaster.card["data"]["values"] == 90
    forecaster.update([0.1, 0.2], time=92.0)
    assert forecaster.gaps[1:] == [Gap(89, 2)]
    with pytest.raises(ValueError, match="time = 92 s: must come after 92 s"):
        forecaster.update([0.1, 0.2], time=92.0)
    with pytest.raises(ValueError, match=r"time\[1\] = 50 s: comes 50 s after the one before"):
        FluxForecaster(**SMALL).fit(series, np.concatenate([[0.0], np.arange(50, 139)]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 3}, "window = 3: must be at least 4"),
        ({"feature": ()}, r"feature = \(\): must name one column"),
        ({"horizons": (5, 1)}, "horizons"),
        ({"ensemble": 0}, "ensemble = 0"),
        ({"form": "plain"}, "form = 'plain': must be 'change' or 'level'"),
        ({"image_size": 4}, "image_size = 4"),
        ({"learning_rate": 0}, "learning_rate = 0"),
        ({"epochs": 0}, "epochs = 0"),
        ({"seed": -1}, "seed = -1"),
        ({"device": "abacus"}, "device = 'abacus'"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FluxForecaster(**arguments)


def test_what_was_not_fitted_says_so() -> None:
    forecaster = FluxForecaster()
    for ask in (
        forecaster.forecast, lambda: forecaster.update(1.0), lambda: forecaster.predict([1.0]),
        lambda: forecaster.network, lambda: forecaster.save("nowhere"),
    ):  # fmt: skip
        with pytest.raises(RuntimeError, match="this FluxForecaster has learnt nothing yet"):
            ask()


def test_a_model_comes_back_as_it_was(fitted: FluxForecaster, tmp_path: Path) -> None:
    fitted.save(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names[0] == "card.json"
    assert len(names) == 2
    loaded = FluxForecaster.load(tmp_path, device="cpu")
    assert same(loaded, fitted, 40)
    assert loaded.settings == fitted.settings
    assert loaded.history == fitted.history
    # It goes on as the other does.
    other = copy.deepcopy(fitted)
    for value in wave(100)[90:]:
        loaded.update(value)
        other.update(value)
    assert np.allclose(loaded.forecast(9), other.forecast(9), rtol=1e-9)
    loaded.save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_what_is_no_model_is_refused(fitted: FluxForecaster, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"card\.json: is missing"):
        FluxForecaster.load(tmp_path)
    (tmp_path / "model.pt").write_bytes(pickle.dumps([1.0] * 50))
    with pytest.raises(ValueError, match=r"model\.pt: is a pickle"):
        FluxForecaster.load(tmp_path)
    fitted.save(tmp_path)
    whole = json.loads((tmp_path / "card.json").read_text())
    for change, message in (
        ({"format": "other"}, "is not the card of a FluxForecaster"),
        ({"version": 9}, "version = 9: 1 can be read"),
        ({"settings": whole["settings"] | {"units": 5}}, "is of another architecture"),
        ({"settings": whole["settings"] | {"speed": 5}}, "settings: .*speed"),
        ({"data": {}}, "does not describe its weights"),
    ):
        (tmp_path / "card.json").write_text(json.dumps(whole | change))
        with pytest.raises(ValueError, match=message):
            FluxForecaster.load(tmp_path)
    for name in ("history", "targets", "now", "frames"):
        (tmp_path / "card.json").write_text(json.dumps({k: v for k, v in whole.items() if k != name}))
        with pytest.raises(ValueError, match=rf"card\.json: has no {name}"):
            FluxForecaster.load(tmp_path)
