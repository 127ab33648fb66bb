"""Features of frames against what the synthetic frames know, and on frames that show nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from tundish.crystallization import FrameSequence, calibrate, features, fit_jmak, synthetic
from tundish.crystallization.forecasting._frame_encoder import FrameEncoder

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
        with pytest.warns(UserWarning, match=r"no two states, so nothing counts as crystallised; give mask="):
            c = s.calibration()
        assert (c.region, c.contrast) == ("frame", 0.0)
        found = s.features(c)
        assert not found["share"].any()
        assert not found["count"].any()
        assert found["level"] == pytest.approx(images.mean(axis=(1, 2)))


ROW, COLUMN = np.mgrid[:120, :160]
POOL = np.hypot(ROW - 60, COLUMN - 80) < 45
CENTRES = ((45, 70), (70, 95), (75, 60))
WHOLE = np.ones(POOL.shape, bool)


def discs(radius: float, centres: Iterable[tuple[int, int]] = CENTRES) -> NDArray:
    """(H, W) bool."""
    return np.any([np.hypot(ROW - y, COLUMN - x) < radius for y, x in centres], axis=0)


def drawn(
    crystals: Iterable[NDArray],
    levels: tuple[float, float, float] = (30, 60, 160),
    noise: float = 3.0,
    pool: NDArray = POOL,
) -> tuple[FrameSequence, NDArray]:
    """Frames of crystals (H, W) on a pool, of the levels (around, melt, crystal), and the true share."""
    random = np.random.default_rng(0)
    images, shares = [], []
    for crystal in crystals:
        grey = np.where(pool, np.where(crystal, levels[2], levels[1]), levels[0])
        images.append(np.clip(np.rint(grey + random.normal(0, noise, grey.shape)), 0, 255).astype(np.uint8))
        shares.append(crystal[pool].mean())
    return FrameSequence(np.stack(images), np.arange(len(images))), np.array(shares)


def growing(last: float, count: int = 41) -> list[NDArray]:
    return [discs(radius) for radius in np.linspace(0, last, count)]


@pytest.mark.parametrize("last", [3, 10, 15, 20, 30, 60])
def test_a_pool_that_crystallises_in_part_is_all_of_the_flux(last: float) -> None:
    """From 1 % to all of it, out of three crystals that meet."""
    s, share = drawn(growing(last))
    c = s.calibration()
    assert (c.mask & POOL).sum() / (c.mask | POOL).sum() > 0.97
    assert s.features(c)["share"] == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("around", [20, 50, 75, 200])
def test_what_is_around_the_pool_may_be_of_any_level(around: float) -> None:
    s, share = drawn(growing(20), (around, 60, 160))
    assert s.calibration().region == "pool"
    assert s.features()["share"] == pytest.approx(share, abs=0.01)


def test_crystals_of_low_contrast_are_seen() -> None:
    s, share = drawn(growing(20), (30, 60, 75))
    assert s.features()["share"] == pytest.approx(share, abs=0.01)


def test_crystals_that_melt_are_not_all_of_the_flux() -> None:
    s, share = drawn(growing(20)[::-1])
    assert s.features()["share"] == pytest.approx(share, abs=0.01)


def test_a_record_may_begin_in_the_midst_of_it() -> None:
    """What is crystal on all its frames has melt around it that is not, and counts."""
    s, share = drawn(growing(20)[22:])
    assert share[0] > 0.15
    assert s.features()["share"] == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("count", [2, 3, 5, 9, 15])
def test_few_frames_suffice(count: int) -> None:
    s, share = drawn(growing(20, count))
    assert s.features()["share"] == pytest.approx(share, abs=0.01)
    assert s.features(s.calibration(mask=POOL))["share"] == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("levels", [(200, 150, 60), (90, 150, 60)])
def test_crystals_may_be_dark(levels: tuple[float, float, float]) -> None:
    """If it is said, of the frames, their calibration or their features."""
    s, share = drawn(growing(20), levels)
    c = s.calibration(crystals="dark")
    assert c.crystals == "dark"
    assert c.contrast == pytest.approx(90, abs=3)
    found = s.features(c)
    assert found["share"] == pytest.approx(share, abs=0.01)
    assert np.array_equal(s.features(crystals="dark")["share"], found["share"])
    told = FrameSequence(s.images, s.time, crystals="dark")
    assert np.array_equal(told[:].features()["share"], found["share"])
    assert found["count"][20] == 3
    with pytest.raises(ValueError, match="crystals = 'bright': calibration is of dark ones"):
        s.features(c, crystals="bright")
    for refused in (s.calibration, lambda crystals: FrameSequence(s.images, s.time, crystals=crystals)):
        with pytest.raises(ValueError, match="crystals = 'grey': must be 'bright' or 'dark'"):
            refused(crystals="grey")


def test_dark_crystals_stay_dark_in_a_saved_model() -> None:
    s, _ = drawn(growing(20), (200, 150, 60))
    told = FrameSequence(s.images, s.time, crystals="dark")
    restored = FrameEncoder.restored(*FrameEncoder.of(told, "share", None, len(s)).described())
    assert restored.calibration.crystals == "dark"
    assert np.array_equal(restored.values(s), told.features()["share"])


def test_melt_may_glow_less_beside_dark_crystals() -> None:
    s, share = drawn(growing(20), (200, 150, 60))
    cooled = s.images - np.linspace(0, 12, len(s)).astype(np.uint8)[:, None, None]
    later = FrameSequence(cooled, s.time, crystals="dark")
    assert later.features(s.calibration(crystals="dark"))["share"] == pytest.approx(share, abs=0.01)


def test_places_that_crystallise_at_once_or_at_last_count() -> None:
    """All of the frame, in squares, at random times; with the mask and without."""
    when = np.kron(np.random.default_rng(0).random((15, 20)), np.ones((8, 8)))
    s, share = drawn([when < k / 40 for k in range(41)], pool=WHOLE)
    for c in (s.calibration(), s.calibration(mask=WHOLE)):
        assert c.mask.all()
        assert s.features(c)["share"] == pytest.approx(share, abs=0.005)


def test_a_front_over_the_whole_frame_is_followed() -> None:
    s, share = drawn([4 * k > COLUMN for k in range(41)], noise=0, pool=WHOLE)
    assert s.features()["share"] == pytest.approx(share, abs=0.005)


def test_one_frame_is_parted_by_its_levels() -> None:
    """Without a mask it is not known where the flux is, and that is said."""
    s, share = drawn([discs(20)])
    assert s.features(s.calibration(mask=POOL))["share"] == pytest.approx(share, abs=0.01)
    with pytest.warns(UserWarning, match="nothing on the frames changes, so the whole frame is taken for"):
        c = s.calibration()
    assert c.mask.all()
    assert s.features(c)["share"] == pytest.approx(share * POOL.mean(), abs=0.01)
    repeated = FrameSequence(np.repeat(s.images, 3, axis=0), np.arange(3), mask=POOL)
    assert repeated.features()["share"] == pytest.approx(np.repeat(share, 3), abs=0.01)


def test_a_pool_that_does_not_stand_out_is_told() -> None:
    """It is the frame while crystals grow, and what they cover if they have stopped."""
    s, share = drawn(growing(20), (60, 60, 160))
    with pytest.warns(UserWarning, match=r"so the whole frame is taken for the flux; give mask="):
        grown = s.features()
    assert grown["share"] == pytest.approx(share * POOL.mean(), abs=0.01)
    s, _ = drawn([*growing(20), *[discs(20)] * 10], (60, 60, 160))
    with pytest.warns(UserWarning, match="so what crystallised is taken for the flux"):
        stopped = s.features()
    assert stopped["share"][-1] == pytest.approx(1, abs=0.01)


def test_what_is_crystal_on_all_frames_beside_the_wire_is_told() -> None:
    """A wedge of the pool, which the convex hull of the rest takes in."""
    wedge = (np.abs(COLUMN - 80) < 0.35 * (60 - ROW)) | ~POOL
    s, share = drawn([wedge | discs(radius) for radius in np.linspace(0, 60, 41)], (160, 60, 160))
    with pytest.warns(UserWarning, match="the convex hull of the others is taken for it; give mask="):
        found = s.features()
    assert found["share"] == pytest.approx(share, abs=0.07)
    assert found["share"][-1] > 0.99


def test_states_that_lie_close_are_told() -> None:
    s, _ = drawn(growing(30), (30, 60, 100), noise=20.0)
    with pytest.warns(UserWarning, match=r"melt and crystals are \d+ levels apart, and either is spread by"):
        assert s.calibration(mask=POOL).contrast == pytest.approx(40, abs=6)


def test_parts_of_a_record_that_begins_molten() -> None:
    s = synthetic.sequence(300, 0, size=(96, 128))
    assert s.truth is not None
    for rows in (slice(100, 300), slice(110, 180), slice(140, 300), slice(0, 100)):
        part = s[rows]
        assert np.sqrt(np.mean((part.features()["share"] - part.truth.share) ** 2)) < 0.01


def test_a_melt_that_glows_and_flickers_is_no_crystal() -> None:
    s = synthetic.sequence(300, 0, size=(96, 128))[100:118]
    assert s.truth is not None
    assert s.truth.share.max() < 0.001
    for mask in (None, s.truth.mask):
        with pytest.warns(UserWarning, match="no two states, so nothing counts as crystallised"):
            assert not s.features(s.calibration(mask=mask))["share"].any()


def test_noisy_frames_are_parted() -> None:
    s = synthetic.sequence(300, 1, size=(96, 128), noise=20.0)
    assert s.truth is not None
    assert np.sqrt(np.mean((s.features()["share"] - s.truth.share) ** 2)) < 0.05


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
