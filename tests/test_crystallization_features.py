"""Features of frames against what the synthetic frames know, and on frames that show nothing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tundish.crystallization import FrameSequence, calibrate, features, fit_jmak, synthetic

SIZE = (120, 160)


@pytest.fixture(scope="module")
def filmed() -> FrameSequence:
    return synthetic.sequence(120, rng=2, size=SIZE, interval=2.0)


@pytest.fixture(scope="module")
def table(filmed: FrameSequence) -> NDArray:
    return filmed.features()


def test_the_share_is_that_of_the_truth(filmed: FrameSequence, table: NDArray) -> None:
    assert filmed.truth is not None
    assert np.sqrt(np.mean((table["share"] - filmed.truth.share) ** 2)) < 0.01
    assert np.array_equal(table["time"], filmed.time)
    assert np.array_equal(table["temperature"], filmed.temperature)
    assert np.array_equal(table["mean_grey"], filmed.levels[:, 0])


@pytest.mark.parametrize("seed", range(10))
def test_the_share_of_ten_records(seed: int) -> None:
    s = synthetic.sequence(100, rng=seed, size=(48, 64), interval=2.0)
    assert s.truth is not None
    assert np.sqrt(np.mean((s.features()["share"] - s.truth.share) ** 2)) < 0.03


def test_rate_and_exponent_lie_in_their_intervals_as_often_as_they_should() -> None:
    """Takes seconds: 20 records of 60 frames."""
    held = []
    for seed in range(20):
        s = synthetic.sequence(180, rng=seed, size=(48, 64), interval=3.0)
        assert s.truth is not None
        fit = fit_jmak(s.time, s.features()["share"], resolution=0.002)
        for name in ("rate", "exponent"):
            low, high = fit.interval(name)
            held.append(low <= getattr(s.truth, name) <= high)
    assert np.mean(held) >= 0.85


def test_the_flux_is_found_and_the_writing_left_out(filmed: FrameSequence) -> None:
    c = filmed.calibration()
    assert filmed.truth is not None
    assert (c.step, c.region) == (1, "changing")
    both, either = (c.mask & filmed.truth.mask).sum(), (c.mask | filmed.truth.mask).sum()
    assert both / either > 0.98
    assert c.overlay[2:13, 2:16].mean() > 0.9
    assert not c.overlay[30:].any()
    assert c.contrast > 60


def test_crystals_are_counted_apart_after_they_met(filmed: FrameSequence, table: NDArray) -> None:
    assert filmed.truth is not None
    last = table[-1]
    assert 0.5 * filmed.truth.crystals[-1] <= last["count"] <= filmed.truth.crystals[-1]
    assert last["share"] > 0.99
    area = filmed.truth.mask.sum()
    assert last["count"] * last["mean_area"] == pytest.approx(area, rel=0.05)
    assert last["mean_area"] < last["largest_area"] < area
    molten = table[np.argmin(table["share"])]
    assert molten["count"] == 0
    assert np.isnan(molten["mean_area"])


def test_levels_and_texture_rise_with_crystals(table: NDArray) -> None:
    molten, half, full = (table[np.argmin(np.abs(table["share"][30:] - x)) + 30] for x in (0, 0.5, 1))
    assert molten["level"] < half["level"] < full["level"]
    assert half["deviation"] > max(molten["deviation"], full["deviation"])
    assert half["gradient"] > molten["gradient"]
    assert half["entropy"] > molten["entropy"]


def test_features_of_a_frame_do_not_know_later_ones(filmed: FrameSequence) -> None:
    c = filmed.calibration()
    whole, early = filmed.features(c), filmed[:40].features(c)
    for name in whole.dtype.names:
        assert np.array_equal(whole[name][:40], early[name], equal_nan=True)


def test_threads_do_not_matter(filmed: FrameSequence, table: NDArray) -> None:
    one = features(filmed, threads=1)
    for name in table.dtype.names:
        assert np.array_equal(one[name], table[name], equal_nan=True)


def test_areas_in_millimetres(filmed: FrameSequence, table: NDArray) -> None:
    scaled = filmed.features(mm_per_px=0.01)
    assert scaled["largest_area"] == pytest.approx(1e-4 * table["largest_area"], nan_ok=True)


def test_large_frames_are_averaged() -> None:
    s = synthetic.sequence(40, rng=1, size=(480, 640), interval=4.0)
    c = s.calibration()
    assert c.step == 2
    assert c.mask.shape == (240, 320)
    assert s.truth is not None
    assert np.abs(s.features(c)["share"] - s.truth.share).max() < 0.03


def test_a_given_mask_is_used(filmed: FrameSequence) -> None:
    assert filmed.truth is not None
    left = filmed.truth.mask.copy()
    left[:, 80:] = False
    c = calibrate(filmed, mask=left)
    assert c.region == "given"
    assert np.array_equal(c.mask, left & ~c.overlay)
    masked = FrameSequence(filmed.images, filmed.time, mask=left)
    assert np.array_equal(masked.features()["share"], filmed.features(c)["share"])


def test_copies_have_the_features_of_frames_with_more_noise(filmed: FrameSequence, table: NDArray) -> None:
    both = filmed.augment(2.0)
    found = both.features(filmed.calibration())
    assert np.array_equal(found["share"][:60], table["share"])
    assert found["share"][60:] == pytest.approx(table["share"], abs=0.02)
    assert found["count"][60] <= 3


@pytest.mark.parametrize("count", [1, 5])
def test_frames_without_contrast_have_no_crystals(count: int) -> None:
    random = np.random.default_rng(0)
    for images in (
        np.full((count, 30, 40), 90, np.uint8),
        random.integers(85, 95, (count, 30, 40), np.uint8),
    ):
        s = FrameSequence(images, np.arange(count))
        c = s.calibration()
        assert (c.region, c.contrast) == ("frame", 0.0)
        found = s.features()
        assert not found["share"].any()
        assert not found["count"].any()
        assert found["level"] == pytest.approx(images.mean(axis=(1, 2)))


def test_bad_arguments_are_refused(filmed: FrameSequence) -> None:
    small = FrameSequence(filmed.images[:, ::2, ::2], filmed.time)
    with pytest.raises(ValueError, match="calibration: is of frames of 120 x 160 px; these have 60 x 80"):
        small.features(filmed.calibration())
    with pytest.raises(ValueError, match="mm_per_px = 0"):
        filmed.features(mm_per_px=0)
    with pytest.raises(ValueError, match="threads = 0"):
        filmed.features(threads=0)
    with pytest.raises(ValueError, match=r"mask: has shape \(3, 3\)"):
        filmed.calibration(mask=np.ones((3, 3), bool))
