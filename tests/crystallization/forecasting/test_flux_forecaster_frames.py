"""The forecaster of frames: what its networks see, its limits, noisy copies, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from references.flux import SMALL, frames, same, wave

from tundish.crystallization import FluxForecaster, FrameSequence, Gap, backtest

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
        forecaster._embedded(forecaster._frame_encoder().pictures(darker.images))[0],
        forecaster._embeddings[0][:64],
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
    judged_from = forecaster._first_validated(len(seen))
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
