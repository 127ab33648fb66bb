"""The detector of copies: it sees them whatever they are called, and passes patches that only look alike."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.segregation import PatchSet, leak, synthetic


@pytest.fixture(scope="module")
def patches() -> PatchSet:
    return synthetic.billet(30, image_size=48, mm_per_px=0.3, rng=2)


@pytest.mark.parametrize("by", ["point", "sector"])
def test_grouped_splits_pass(patches: PatchSet, by: str) -> None:
    for seed in range(5):
        train, test = patches.augment("dihedral").split(by=by, rng=seed)
        found = leak(train, test)
        assert (found.flag, found.copies, found.shared) == (False, 0, 0)
        assert found.r2 < 0.9


def test_the_published_protocol_is_flagged(patches: PatchSet) -> None:
    train, _ = patches.augment("dihedral").split(by=None, protocol="published")
    assert train.leak is not None
    assert train.leak.flag
    assert train.leak.copies == 1
    assert train.leak.r2 == pytest.approx(1)
    assert train.leak.shared > 0


def test_copies_that_are_called_points_of_their_own_are_seen(patches: PatchSet) -> None:
    more = patches.augment("dihedral")
    hidden = PatchSet(more.images, more.carbon, position=more.position, mm_per_px=more.mm_per_px)
    found = leak(*hidden.split(by="point"))
    assert found.shared == 0
    assert found.flag
    assert found.copies == 1
    assert found.r2 == pytest.approx(1)


def test_copies_under_another_light_are_seen(patches: PatchSet) -> None:
    images = np.concatenate([patches.images, np.rint(0.8 * np.rot90(patches.images, axes=(1, 2)) + 20)])
    again = PatchSet(images.astype(np.uint8), np.tile(patches.carbon, 2), mm_per_px=0.3)
    found = leak(again[:30], again[30:])
    assert found.flag
    assert found.r2 == pytest.approx(1)


def test_a_point_on_both_sides_is_a_leak_by_its_name(patches: PatchSet) -> None:
    other = PatchSet(255 - patches.images[:5, ::2, ::2].repeat(2, 1).repeat(2, 2), patches.carbon[:5],
                     point=patches.point[:5], mm_per_px=0.3)  # fmt: skip
    found = leak(patches[:20], other)
    assert (found.shared, found.flag) == (5, True)


def test_one_point_or_one_carbon_is_no_trouble(patches: PatchSet) -> None:
    assert not leak(patches[:1], patches[1:]).flag
    assert np.isnan(leak(patches[1:], patches[:1]).r2)
    even = PatchSet(np.full((4, 20, 20), 9, np.uint8), [0.4, 0.41, 0.42, 0.43], mm_per_px=1)
    assert leak(even[:2], even[2:]).copies == 1


def test_sets_that_cannot_be_compared_are_refused(patches: PatchSet) -> None:
    with pytest.raises(ValueError, match=r"test: size is \(48, 40\); \(48, 48\), as in train"):
        leak(patches, patches.with_images(patches.images[:, :, :40]))
