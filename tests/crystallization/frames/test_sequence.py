"""Sequences of frames: what they hold, refuse, split and copy."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from references.frames import frames, sequence

from tundish.crystallization import FrameSequence, synthetic


def test_it_keeps_what_it_is_given() -> None:
    images, time = frames(), np.arange(6.0)
    s = FrameSequence(images, time, temperature=np.full((6, 2), 900.0))
    assert len(s) == 6
    assert s.size == (8, 10)
    assert np.array_equal(s.images, images)
    assert s.temperature is not None
    assert s.temperature.shape == (6, 2)
    assert s.channels == ("grey",)
    assert s.levels[:, 0] == pytest.approx(images.mean(axis=(1, 2)))
    images[0], time[0] = 0, -5
    assert s.images[0].any()
    assert s.time[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        s.images[0, 0, 0] = 1
    with pytest.raises(AttributeError, match="do not change"):
        s.time = time
    assert repr(s) == "<FrameSequence: 6 frames of 8 x 10 px, 0 to 5 s>"


def test_colour_becomes_grey_and_keeps_its_levels() -> None:
    colour = np.random.default_rng(2).integers(0, 256, (3, 8, 10, 3), np.uint8)
    s = FrameSequence(colour, np.arange(3))
    grey = np.stack([np.array(Image.fromarray(frame).convert("L")) for frame in colour])
    assert np.array_equal(s.images, grey)
    assert s.channels == ("red", "green", "blue")
    assert s.levels == pytest.approx(colour.mean(axis=(1, 2)))
    opaque = np.concatenate([colour, np.full((3, 8, 10, 1), 255, np.uint8)], axis=3)
    assert np.array_equal(FrameSequence(opaque, np.arange(3)).images, grey)


def test_levels_that_are_no_bytes_are_rounded() -> None:
    s = FrameSequence(frames().astype(float) * 0.999, np.arange(6))
    assert np.array_equal(s.images, np.rint(frames() * 0.999))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (frames()[0], r"images: has shape \(8, 10\)"),
        (frames()[:0], "no axis may be empty"),
        (np.zeros((3, 8, 10, 2), np.uint8), r"images: has shape \(3, 8, 10, 2\)"),
        ([np.zeros((2, 2)), np.zeros((3, 2))], "differ in size"),
        (np.where(np.arange(6)[:, None, None] == 4, np.nan, frames()), r"images\[4\].*NaN"),
        (frames().astype(int) + 200, r"images\[0\].*0 to 255"),
        (np.random.default_rng(0).random((6, 8, 10)), "multiply by 255"),
    ],
)
def test_bad_frames_are_refused(images: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameSequence(images, np.arange(len(images)))  # type: ignore[arg-type]


def test_frames_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="bool"):
        FrameSequence(frames() > 9, np.arange(6))


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ([0, 1, 2, 2, 3, 4], r"time\[3\] = 2 s: is given twice after 2 s"),
        ([0, 1, 2, 1, 3, 4], r"time\[3\] = 1 s: runs backwards after 2 s"),
        ([0, 1, np.nan, 3, 4, 5], r"time\[2\] = nan: must be finite"),
        ([0, 1, 2], r"time: has shape \(3,\); \(6,\)"),
    ],
)
def test_bad_times_are_refused(time: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameSequence(frames(), time)


def test_bad_readings_and_masks_are_refused() -> None:
    with pytest.raises(ValueError, match=r"temperature: has shape \(5,\)"):
        FrameSequence(frames(), np.arange(6), temperature=np.zeros(5))
    with pytest.raises(ValueError, match=r"temperature\[2\]: is infinite"):
        FrameSequence(frames(), np.arange(6), temperature=[1, 2, np.inf, 4, 5, 6])
    with pytest.raises(TypeError, match="mask: is int64"):
        FrameSequence(frames(), np.arange(6), mask=np.ones((8, 10), np.int64))
    with pytest.raises(ValueError, match=r"mask: has shape \(8, 9\)"):
        FrameSequence(frames(), np.arange(6), mask=np.ones((8, 9), bool))
    with pytest.raises(ValueError, match="leaves nothing"):
        FrameSequence(frames(), np.arange(6), mask=np.zeros((8, 10), bool))


def test_gaps_are_told() -> None:
    s = FrameSequence(frames(), [0, 1, 2, 7, 8, 9])
    assert s.gaps == ((3, 5.0),)
    assert "1 gaps" in repr(s)
    assert sequence().gaps == ()
    assert sequence(1).gaps == ()


def test_some_frames() -> None:
    s = sequence()
    part = s[2:5]
    assert np.array_equal(part.time, [112, 113, 114])
    assert np.shares_memory(part.images, s.images)
    assert np.array_equal(s[s.time > 113].images, s.images[4:])
    assert np.array_equal(s[[0, 3]].time, [110, 113])
    with pytest.raises(ValueError, match="in their order"):
        s[[3, 0]]
    for none in (slice(9, 12), []):
        with pytest.raises(ValueError, match="no frames are left"):
            s[none]
    for which in (3, "a", None, 1.5, [1.5], [[1, 2]]):
        with pytest.raises(TypeError, match=r"take a slice, such as s\[3:4\], a mask, or rising numbers"):
            s[which]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"mask: has shape \(1,\); \(6,\), one a frame"):
        s[np.array([True])]
    with pytest.raises(IndexError, match="index 9 is out of bounds"):
        s[[0, 9]]


def test_split_is_chronological() -> None:
    s = sequence(10)
    train, test = s.split(0.3)
    assert (len(train), len(test)) == (7, 3)
    assert train.time.max() < test.time.min()
    assert np.array_equal(np.concatenate([train.images, test.images]), s.images)
    assert [len(part) for part in sequence(2).split(0.01)] == [1, 1]
    for share in (0, 1, -0.2, np.nan):
        with pytest.raises(ValueError, match="test ="):
            s.split(share)
    with pytest.raises(ValueError, match="one frame"):
        sequence(1).split()


def test_copies_follow_with_noise() -> None:
    s = FrameSequence(np.full((4, 40, 40), 128, np.uint8), np.arange(4), temperature=np.arange(4.0))
    both = s.augment(noise=5.0, rng=3)
    assert len(both) == 8
    assert both.augmented
    assert np.array_equal(both.images[:4], s.images)
    assert np.array_equal(both.time, [0, 1, 2, 3] * 2)
    assert both.copy_of.tolist() == [0, 1, 2, 3] * 2
    assert both.temperature is not None
    assert both.temperature.tolist() == [0, 1, 2, 3] * 2
    noise = both.images[4:].astype(float) - 128
    assert noise.std() == pytest.approx(5.0, rel=0.05)
    assert noise.mean() == pytest.approx(0.0, abs=0.3)
    assert np.array_equal(s.augment(5.0, rng=3).images, both.images)
    assert not np.array_equal(s.augment(5.0, rng=4).images, both.images)
    assert not s.augmented
    taken, noisy = both.parted()
    assert not taken.augmented
    assert np.array_equal(taken.images, s.images)
    assert np.array_equal(taken.time, s.time)
    assert np.array_equal(noisy, both.images[len(s) :])
    assert s.parted() == (s, None)
    assert both.gaps == ()


def test_no_copy_can_leak_into_a_split() -> None:
    both = sequence().augment(3.0)
    with pytest.raises(ValueError, match=r"augmented.*leak.*split first"):
        both.split(0.3)
    with pytest.raises(ValueError, match="augmented"):
        both[:3]
    with pytest.raises(ValueError, match="noisy copies already"):
        both.augment(3.0)
    with pytest.raises(ValueError, match="repair first"):
        both.repair()


@pytest.mark.parametrize("noise", [0, -1, np.inf, np.nan])
def test_bad_noise_is_refused(noise: float) -> None:
    with pytest.raises(ValueError, match="noise ="):
        sequence().augment(noise)


def test_z_scores() -> None:
    train, test = sequence(10).split()
    scores = train.normalised()
    assert scores.dtype == np.float32
    assert scores.mean() == pytest.approx(0, abs=1e-5)
    assert scores.std() == pytest.approx(1, abs=1e-5)
    mean, deviation = float(train.images.mean()), float(train.images.std())
    assert test.normalised(mean, deviation) == pytest.approx((test.images - mean) / deviation, abs=1e-5)
    with pytest.raises(ValueError, match="no z-score"):
        FrameSequence(np.full((3, 4, 4), 7, np.uint8), np.arange(3)).normalised()


def test_repairs_are_kept_and_told() -> None:
    readings = 900.0 + 4 * np.arange(20)
    readings[[5, 9]] = [9020, np.nan]
    s = FrameSequence(frames(20), np.arange(20), temperature=readings).repair()
    assert np.array_equal(s.temperature, 900 + 4 * np.arange(20))
    assert [(r.row, r.reason) for r in s.repairs] == [(5, "spike"), (9, "missing")]
    assert "2 readings repaired" in repr(s)
    part = s[8:]
    assert [r.row for r in part.repairs] == [1]
    with pytest.raises(ValueError, match="has no temperature"):
        FrameSequence(frames(), np.arange(6)).repair()


def test_truth_goes_with_the_frames() -> None:
    s = synthetic.sequence(40, size=(24, 32))
    _, test = s.split()
    assert test.truth is not None
    assert s.truth is not None
    assert np.array_equal(test.truth.share, s.truth.share[28:])
    assert len(s.augment(1.0).truth.share) == 80
