"""The forecaster: trained, interrupted, resumed, asked, updated, saved; of series and of frames."""

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

from tundish.crystallization import (  # noqa: E402
    Epoch,
    FluxForecaster,
    FrameSequence,
    Gap,
    backtest,
)
from tundish.crystallization._blend import Blend  # noqa: E402
from tundish.crystallization._forecaster import _held  # noqa: E402
from tundish.crystallization._training import View  # noqa: E402
from tundish.crystallization._trend import median_line, median_step, reach  # noqa: E402

SMALL: dict[str, Any] = dict(window=8, units=4, horizons=(1, 5), epochs=3, device="cpu")


def wave(length: int = 90, columns: int = 2, rng: int = 0) -> np.ndarray[Any, Any]:
    """Waves of different heights and phases, with a little noise."""
    time, column = np.arange(length)[:, None], np.arange(columns)
    clean = (column + 1) * np.sin(time / 9 + column)
    return clean + np.random.default_rng(rng).normal(0, 0.02, clean.shape)


def frames(length: int = 70, rng: int = 0, gap: bool = False, least: float = 1.0) -> FrameSequence:
    """A disc of at least this radius that grows on a dark melt; every frame is 24 x 24 px."""
    y, x = np.mgrid[:24, :24] - 11.5
    random = np.random.default_rng(rng)
    radius = least + 9 * np.clip((np.arange(length) - 10) / length, 0, 1)
    images = 50 + 120 * (np.hypot(x, y)[None] < radius[:, None, None]) + random.normal(0, 3, (length, 24, 24))
    time = np.arange(length, dtype=float)
    if gap:
        time[length // 2 :] += 2
    return FrameSequence(np.clip(images, 0, 255).astype(np.uint8), time, mask=np.hypot(x, y) < 11)


@pytest.fixture(scope="module")
def series() -> np.ndarray[Any, Any]:
    return wave()


@pytest.fixture(scope="module")
def fitted(series: np.ndarray[Any, Any]) -> FluxForecaster:
    return FluxForecaster(**SMALL, ensemble=2).fit(series)


def same(a: FluxForecaster, b: FluxForecaster, steps: int = 12) -> bool:
    pairs = zip(a.forecast(steps), b.forecast(steps), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


# -- training


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


# -- forecasts


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


# -- folders


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


# -- frames

EYES: dict[str, Any] = SMALL | {"image_size": 12, "epochs": 2}


def test_frames_are_seen_by_the_networks(tmp_path: Path) -> None:
    pytest.importorskip("skimage")
    seen = frames()
    forecaster = FluxForecaster(**EYES).fit(seen[:60])
    network = forecaster.network
    assert network.image_size == 12
    said = forecaster.forecast(5)
    assert said.mean.shape == (5,)
    forecaster.save(tmp_path)
    loaded = FluxForecaster.load(tmp_path)
    # A frame alone, and a sequence of those that follow.
    for one in (forecaster, loaded):
        one.update(seen.images[60]).update(seen[61:64])
    assert same(forecaster, loaded)
    assert forecaster._values[:, 0] == pytest.approx(forecaster.observed(seen[:64]))
    predicted = forecaster.predict(seen[:65])
    assert predicted.shape == (65,)
    assert predicted[64] == pytest.approx(forecaster.forecast(1).mean[0], abs=1e-6)
    darker = FrameSequence(seen.images // 2, seen.time, mask=seen.mask)
    assert not np.array_equal(
        forecaster._embedded(forecaster._seeing().pictures(darker.images))[0], forecaster._embeddings[0][:64]
    )


def test_a_backtest_takes_frames() -> None:
    pytest.importorskip("skimage")
    table = backtest(FluxForecaster(**EYES), frames(), horizons=(1, 5))
    assert np.isfinite(table["mae"]).all()
    assert table.forecasts["value"].shape == (len(table.forecasts),)


def test_frames_without_eyes_are_their_features() -> None:
    pytest.importorskip("skimage")
    seen = frames()
    blind = FluxForecaster(**EYES | {"image_size": None}).fit(seen)
    share = seen.features(seen.calibration())["share"]
    numbers = FluxForecaster(**EYES).fit(share, seen.time)
    assert blind.forecast(5).mean == pytest.approx(numbers.forecast(5).mean)
    assert blind.predict(share)[20:] == pytest.approx(numbers.predict(share)[20:])


def test_several_features_of_frames() -> None:
    pytest.importorskip("skimage")
    forecaster = FluxForecaster(**EYES, feature=("share", "level")).fit(frames(gap=True))
    assert forecaster.forecast(4).mean.shape == (4, 2)
    assert forecaster.gaps == [Gap(34, 2)]
    with pytest.raises(ValueError, match=r"feature = 'beauty': is unknown; known are .*share"):
        FluxForecaster(**EYES, feature="beauty").fit(frames())
    with pytest.raises(ValueError, match=r"feature = 'mean_area': is unknown of \d+ frames, first at 0 s"):
        FluxForecaster(**EYES, feature="mean_area").fit(frames(least=0.0))
    for bad, message in ((5.0, r"value: has shape \(\)"), (np.full((2, 2), 300), "value: has levels")):
        with pytest.raises(ValueError, match=message):
            forecaster.update(bad)


def test_forecasts_stay_between_limits(tmp_path: Path) -> None:
    shares = np.clip(wave(78, columns=1)[:, 0] / 2 + 0.5, 0, 1)
    free, kept = FluxForecaster(**SMALL).fit(shares), FluxForecaster(**SMALL, limits=(0, 1)).fit(shares)
    without = free.forecast(30)
    assert without.lower.min() < 0 or without.upper.max() > 1
    kept.save(tmp_path / "model")
    for forecaster in (kept, FluxForecaster.load(tmp_path / "model")):
        for part, bare in zip(forecaster.forecast(30), without, strict=True):
            assert np.array_equal(part, np.clip(bare, 0, 1))
    with pytest.raises(ValueError, match=r"series\[3\] = \[1.5\]: is beyond limits = \(0, 1\)"):
        kept.fit(np.where(np.arange(len(shares)) == 3, 1.5, shares))
    open_above = FluxForecaster(**SMALL, limits=(0.2, None)).fit(shares + 0.5)
    open_above.save(tmp_path / "above")
    assert FluxForecaster.load(tmp_path / "above").forecast(30).lower.min() >= 0.2
    for limits in ((1, 0), (0,), (0, float("nan")), 3):
        with pytest.raises((TypeError, ValueError), match="limits = "):
            FluxForecaster(**SMALL, limits=limits)


def test_the_share_of_frames_has_limits() -> None:
    pytest.importorskip("skimage")
    said = FluxForecaster(**EYES, feature=("share", "level")).fit(frames()).forecast(60)
    assert all(0 <= part[:, 0].min() <= part[:, 0].max() <= 1 for part in said)
    assert said.upper[:, 1].max() > 1


def test_noisy_copies_are_trained_on() -> None:
    pytest.importorskip("skimage")
    seen = frames()
    plain = FluxForecaster(**EYES).fit(seen)
    noisy = FluxForecaster(**EYES).fit(seen.augment(20.0))
    assert not same_weights(plain, noisy)
    assert np.array_equal(noisy.known[1], plain.known[1])
    assert noisy.card["targets"] == plain.card["targets"]
    assert noisy.card["data"]["sha256"] != plain.card["data"]["sha256"]


def test_copies_of_frames_that_validate_are_not_trained_on() -> None:
    pytest.importorskip("skimage")
    seen = frames()
    both = seen.augment(5.0)
    forecaster = FluxForecaster(**EYES)
    judged_from = forecaster._first_judged(len(seen))
    images = both.images.copy()
    images[len(seen) + judged_from :] = 255 - images[len(seen) + judged_from :]
    assert same_weights(forecaster.fit(both), FluxForecaster(**EYES).fit(both._with(images=images)))


def same_weights(first: FluxForecaster, second: FluxForecaster) -> bool:
    pairs = zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True)
    return all(np.array_equal(a.numpy(), b.numpy()) for a, b in pairs)


def test_frames_and_numbers_are_not_mixed() -> None:
    pytest.importorskip("skimage")
    seen = frames()
    forecaster = FluxForecaster(**EYES).fit(seen)
    with pytest.raises(TypeError, match="series: the networks of this forecaster see frames"):
        forecaster.predict(np.zeros(30))
    with pytest.raises(ValueError, match="time: is that of the frames"):
        forecaster.fit(seen, seen.time)
    with pytest.raises(ValueError, match="series: is augmented"):
        forecaster.predict(seen.augment(2.0))
    numbers = FluxForecaster(**SMALL).fit(wave())
    with pytest.raises(TypeError, match="value: is a FrameSequence"):
        numbers.update(seen[:1])
    with pytest.raises(RuntimeError, match="it has not seen frames"):
        numbers.observed(seen)


def test_a_frame_is_seen_until_the_next() -> None:
    assert _held([], 4).tolist() == [0, 1, 2, 3]
    # After the second frame two are missing, and after the third, at place 4, one.
    assert _held([Gap(1, 2), Gap(4, 1)], 4).tolist() == [0, 1, 1, 1, 2, 2, 3]


# -- parts


def test_trends_are_not_misled_by_a_jump() -> None:
    line = 3.0 + 0.5 * np.arange(20.0)
    jumped = line + 40 * (np.arange(20) >= 15)
    for values in (line, jumped):
        assert median_step(values[None, :, None])[0, 0] == pytest.approx(0.5)
    height, slope = median_line(line[None, :, None])
    assert (height[0, 0], slope[0, 0]) == pytest.approx((line[-1], 0.5))
    spiked = line.copy()
    spiked[7] += 90
    height, slope = median_line(spiked[None, :, None])
    assert (height[0, 0], slope[0, 0]) == pytest.approx((line[-1], 0.5))


def test_a_damped_trend_reaches_so_far() -> None:
    steps = np.array([1.0, 2.0, 30.0])
    assert reach(0.9, steps) == pytest.approx([0.9, 0.9 + 0.81, sum(0.9**i for i in range(1, 31))])
    assert reach(1.0, steps) == pytest.approx(steps)


def test_a_blend_turns_to_what_comes_true() -> None:
    blend = Blend(np.array([[0.9, 0.05, 0.05]]), np.ones(1))
    assert blend.weights()[0, 0] == pytest.approx([0.9, 0.05, 0.05])
    for _ in range(40):
        blend.learn([np.array([[[2.0, 0.1, 5.0]]])], np.zeros(1))
    assert blend.weights().sum() == pytest.approx(1)
    assert blend.weights()[0, 0, 1] > 0.99
    unknown = blend.error.copy()
    blend.learn([np.array([[[2.0, 0.1, 5.0]]])], np.array([np.nan]))
    assert np.array_equal(blend.error, unknown)


def test_what_a_network_says_is_linear_between_horizons() -> None:
    view = View("change", np.zeros(1), np.ones(1))
    recent = np.zeros((1, 8, 1))
    said = np.array([[[1.0], [3.0]]])
    assert view.path(recent, (1, 5), said)[0, :, 0] == pytest.approx([1, 1.5, 2, 2.5, 3])
    level = View("level", np.array([2.0]), np.ones(1))
    assert level.path(recent, (2,), np.array([[[4.0]]]))[0, :, 0] == pytest.approx([3, 6])
