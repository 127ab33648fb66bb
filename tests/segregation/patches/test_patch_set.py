"""Patches: from arrays and photographs, their copies and splits; and what is refused of them."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.segregation import PatchSet

RANDOM = np.random.default_rng(7)
IMAGES = RANDOM.integers(0, 256, (12, 16, 16), dtype=np.uint8)
CARBON = np.linspace(0.40, 0.50, 12)
GOOD = {
    "images": IMAGES,
    "carbon": CARBON,
    "point": np.arange(12) % 6,
    "billet": np.arange(12) // 6,
    "position": RANDOM.uniform(-250, 250, (12, 2)),
    "mm_per_px": 0.1,
}


@pytest.fixture
def patches() -> PatchSet:
    return PatchSet(**GOOD)


def test_attributes_are_what_was_given(patches: PatchSet) -> None:
    assert len(patches) == 12
    for name, value in GOOD.items():
        assert np.array_equal(getattr(patches, name), value)
    assert patches.size == (16, 16)
    assert patches.augmentation is patches.leak is None
    assert np.allclose(patches.radius, np.linalg.norm(GOOD["position"], axis=1))
    assert "12 patches of 16 x 16 px at 0.1 mm/px, 12 points of 2 billets, 0.400 to 0.500 wt%" in repr(
        patches
    )


def test_without_ids_every_patch_is_a_point_of_one_billet() -> None:
    p = PatchSet(IMAGES, CARBON, mm_per_px=[0.1] * 12)
    assert p.mm_per_px == 0.1
    assert (p.point.tolist(), p.billet.tolist()) == (list(range(12)), [0] * 12)
    assert p.position is p.radius is None


def test_points_of_two_billets_are_different(patches: PatchSet) -> None:
    assert sorted(patches.group) == list(range(12))
    assert PatchSet(**{**GOOD, "billet": "A7"}).group.tolist() == [0, 1, 2, 3, 4, 5] * 2


def test_text_ids_may_be_objects_as_of_pandas() -> None:
    ids = np.array([f"P{n}" for n in range(12)], dtype=object)
    p = PatchSet(**{**GOOD, "point": ids})
    assert p.point.dtype.kind == "U"
    assert p.point.tolist() == ids.tolist()
    ids[3] = np.nan
    with pytest.raises(TypeError, match="point: must be integers or text"):
        PatchSet(**{**GOOD, "point": ids})


def test_patches_do_not_change(patches: PatchSet) -> None:
    with pytest.raises(ValueError, match="read-only"):
        patches.images[0, 0, 0] = 1
    with pytest.raises(AttributeError, match="do not change"):
        patches.carbon = CARBON
    assert patches.images is not IMAGES


def test_some_patches_are_selected_with_what_belongs_to_them(patches: PatchSet) -> None:
    for which in (slice(2, 4), [2, 3], np.isin(np.arange(12), [2, 3])):
        some = patches[which]
        assert np.array_equal(some.images, IMAGES[2:4])
        assert some.carbon.tolist() == CARBON[2:4].tolist()
        assert np.array_equal(some.position, GOOD["position"][2:4])
    for nothing in ([], slice(0, 0), np.zeros(12, bool)):
        with pytest.raises(ValueError, match="no patches are left"):
            patches[nothing]
    with pytest.raises(TypeError, match="slice"):
        patches[3]


def test_colour_is_converted_and_said_so() -> None:
    colour = np.stack([IMAGES, IMAGES, IMAGES], axis=-1)
    with pytest.warns(UserWarning, match="images: is in colour; converted to grey"):
        assert np.array_equal(PatchSet(colour, CARBON, mm_per_px=0.1).images, IMAGES)
    red = np.zeros((12, 16, 16, 4), np.uint8)
    red[..., 0] = 255
    with pytest.warns(UserWarning, match="colour"):
        assert set(PatchSet(red, CARBON, mm_per_px=0.1).images.flat) == {76}  # 0.299 x 255


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": IMAGES / 255}, "images: are float64; grey levels of 0 to 255 as uint8"),
        ({"images": IMAGES[0]}, r"images: has shape \(16, 16\); \(N, H, W\)"),
        ({"images": IMAGES[:0]}, "no patches"),
        ({"images": IMAGES[:, :0]}, "no axis may be empty"),
        ({"carbon": CARBON[1:]}, r"carbon: has shape \(11,\)"),
        ({"carbon": [*CARBON[:3], np.nan, *CARBON[4:]]}, r"carbon\[3\] = nan"),
        ({"carbon": CARBON * 10}, r"carbon\[0\] = 4: must be above 0 and at most 2.14 wt%"),
        ({"carbon": ["0.4"] * 12}, "carbon: must be an array of numbers"),
        ({"point": [1, 2]}, r"point: has shape \(2,\)"),
        ({"point": np.arange(12.0)}, "point: must be integers or text"),
        ({"billet": None}, "billet: must be integers or text"),
        ({"position": np.zeros((12, 3))}, r"position: has shape \(12, 3\)"),
        ({"position": [[np.inf, 0]] * 12}, r"position\[0\]: must be finite"),
        ({"mm_per_px": 0.0}, "mm_per_px = 0"),
        ({"mm_per_px": None}, "mm_per_px = None"),
        ({"mm_per_px": []}, "mm_per_px: is empty"),
        ({"mm_per_px": [0.1] * 11 + [0.2]}, r"mm_per_px\[11\] = 0.2: .*one scale"),
    ],
)
def test_bad_arrays_are_refused_by_name_and_index(changes: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        PatchSet(**{**GOOD, **changes})


def test_patches_are_cut_about_their_points() -> None:
    photograph = RANDOM.integers(0, 256, (60, 80), dtype=np.uint8)
    p = PatchSet.from_photograph(photograph, [(0, 0), (10, -5)], [0.4, 0.5], 0.5, size=8, billet="B")
    assert np.array_equal(p.images[0], photograph[26:34, 36:44])
    assert np.array_equal(p.images[1], photograph[16:24, 56:64])
    assert p.position.tolist() == [[0, 0], [10, -5]]
    moved = PatchSet.from_photograph(photograph, [(0, 0)], [0.4], 0.5, size=8, axis=(10, 20))
    assert np.array_equal(moved.images[0], photograph[16:24, 6:14])


def test_colour_of_a_photograph_is_converted_and_said_so() -> None:
    with pytest.warns(UserWarning, match="image: is in colour"):
        PatchSet.from_photograph(np.zeros((20, 20, 3), np.uint8), [(0, 0)], [0.4], 1.0, size=8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"positions_mm": [(0, 0), (100, 0)]}, r"positions_mm\[1\] = \(100.0, 0.0\): its patch of 8 px"),
        ({"positions_mm": [(0, 0)]}, r"positions_mm: has shape \(1, 2\)"),
        ({"positions_mm": np.empty((0, 2)), "carbon": []}, "positions_mm: there are no points"),
        ({"size": 0}, "size = 0"),
        ({"size": 100}, r"positions_mm\[0\]"),
        ({"axis": (1,)}, "axis = .*for column and row"),
        ({"axis": "middle"}, "axis = 'middle'"),
        ({"axis": (np.nan, 1)}, "axis = .*finite"),
        ({"image": np.zeros((5, 5))}, "image: are float64"),
        ({"image": "no/such.png"}, "no/such.png"),
        ({"mm_per_px": -1}, "mm_per_px = -1"),
    ],
)
def test_bad_photographs_are_refused_by_name(changes: dict, message: str) -> None:
    good = {"image": np.zeros((30, 30), np.uint8), "positions_mm": [(0, 0), (1, 1)], "carbon": [0.4, 0.5],
            "mm_per_px": 0.5, "size": 8}  # fmt: skip
    with pytest.raises((ValueError, TypeError, FileNotFoundError), match=message):
        PatchSet.from_photograph(**{**good, **changes})


@pytest.mark.parametrize(("how", "copies"), [("dihedral", 8), ("rotation", 4), ("mirror", 2)])
def test_copies_are_all_different_and_keep_their_labels(patches: PatchSet, how: str, copies: int) -> None:
    more = patches.augment(how)
    assert (len(more), more.augmentation) == (12 * copies, how)
    assert np.array_equal(more.images[:12], IMAGES)
    for name in ("carbon", "point", "billet", "group"):
        assert np.array_equal(getattr(more, name), np.tile(getattr(patches, name), copies))
    of_first = {more.images[n].tobytes() for n in range(0, len(more), 12)}
    assert len(of_first) == copies
    group = {np.rot90(flipped, k).tobytes() for flipped in (IMAGES[0], IMAGES[0].T) for k in range(4)}
    assert of_first <= group
    assert how != "mirror" or np.array_equal(more.images[12], IMAGES[0, :, ::-1])


def test_what_cannot_be_augmented_is_refused(patches: PatchSet) -> None:
    with pytest.raises(ValueError, match="augment = 'flip'"):
        patches.augment("flip")
    with pytest.raises(ValueError, match="augmented already"):
        patches.augment("mirror").augment("rotation")
    oblong = patches.with_images(IMAGES[:, :, :10])
    assert len(oblong.augment("mirror")) == 24
    with pytest.raises(ValueError, match="16 x 10 px; turns need squares"):
        oblong.augment("rotation")


def test_sets_are_put_together(patches: PatchSet) -> None:
    whole = PatchSet.concatenate([patches[:6], patches[6:]])
    for name in GOOD:
        assert np.array_equal(getattr(whole, name), getattr(patches, name))
    other = PatchSet(IMAGES, CARBON, mm_per_px=0.2)
    with pytest.raises(ValueError, match=r"sets\[1\]: mm_per_px is 0.2; 0.1 is needed"):
        PatchSet.concatenate([patches, other])
    with pytest.raises(ValueError, match=r"sets\[1\]: augmentation"):
        PatchSet.concatenate([patches, patches.augment()])
    with pytest.raises(ValueError, match=r"sets\[1\]: positions"):
        PatchSet.concatenate([patches, PatchSet(IMAGES, CARBON, mm_per_px=0.1)])
    with pytest.raises(ValueError, match=r"sets\[1\]: billet must be integers"):
        PatchSet.concatenate([patches, PatchSet(**{**GOOD, "billet": "A"})])
    with pytest.raises(ValueError, match="at least one"):
        PatchSet.concatenate([])


def test_other_carbon_keeps_the_rest(patches: PatchSet) -> None:
    more = patches.augment("mirror")
    other = more.with_carbon(np.full(24, 0.3))
    assert set(other.carbon) == {0.3}
    assert np.array_equal(more.carbon, np.tile(CARBON, 2))
    assert np.array_equal(other.point, more.point)
    assert other.augmentation == "mirror"
    with pytest.raises(ValueError, match=r"carbon: has shape \(12,\)"):
        more.with_carbon(CARBON)


def test_other_images_keep_the_labels(patches: PatchSet) -> None:
    assert np.array_equal(patches.with_images(255 - IMAGES).images, 255 - IMAGES)
    with pytest.raises(ValueError, match="has 11 patches; 12 are needed"):
        patches.with_images(IMAGES[1:])


def test_points_stay_together_with_their_copies(patches: PatchSet) -> None:
    train, test = patches.augment("dihedral").split(test=0.25, rng=3)
    assert (len(train), len(test)) == (9 * 8, 3 * 8)
    names = [set(zip(part.billet.tolist(), part.point.tolist(), strict=True)) for part in (train, test)]
    assert not names[0] & names[1]
    again = patches.split(test=0.25, rng=3)[1]
    assert set(again.carbon) == set(test.carbon)
    assert set(patches.split(test=0.25, rng=4)[1].carbon) != set(test.carbon)


def test_billets_and_sectors_stay_together(patches: PatchSet) -> None:
    train, test = patches.split(by="billet")
    assert len(set(train.billet) | set(test.billet)) == 2
    assert not set(train.billet) & set(test.billet)
    angle = np.arange(16) / 16 * 2 * np.pi + 0.1
    position = 100 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    ring = PatchSet(IMAGES[np.arange(16) % 12], [0.4] * 16, position=position, mm_per_px=1)
    train, test = ring.split(test=0.25, by="sector")
    assert (len(train), len(test)) == (12, 4)
    assert sorted(test.point // 2) == sorted(np.repeat(np.unique(test.point // 2), 2))
    assert ring.split(test=0.25, by="sector", rng=1)[0].leak is None


def test_an_ungrouped_split_of_copies_is_refused(patches: PatchSet) -> None:
    train, test = patches.split(by=None)
    assert (len(train), len(test)) == (10, 2)
    with pytest.raises(ValueError, match=r"by = None: the set is augmented.*leak.*protocol='published'"):
        patches.augment("mirror").split(by=None)
    twice = PatchSet.concatenate([patches, patches])
    with pytest.warns(UserWarning, match="by = None: points have several patches"):
        train, test = twice.split(by=None)
    assert len(train) + len(test) == len(twice)


@pytest.mark.parametrize("how", ["dihedral", "rotation", "mirror"])
def test_the_published_protocol_carries_its_leak(patches: PatchSet, how: str) -> None:
    train, test = patches.augment(how).split(test=0.2, by=None, protocol="published", rng=0)
    assert train.leak is test.leak
    assert train.leak is not None
    assert train.leak.flag
    assert test[:2].leak is train.leak
    assert patches.split(protocol="published")[0].augment(how).leak is not None
    if how == "dihedral":
        assert train.leak.copies == 1
        assert train.leak.r2 == pytest.approx(1)


def test_folds_test_every_point_once(patches: PatchSet) -> None:
    tested = [test for _, test in patches.augment("mirror").folds(5, rng=1)]
    assert sorted(carbon for part in tested for carbon in part.carbon) == sorted([*CARBON, *CARBON])
    assert [len(part) // 2 for part in tested] == [3, 3, 2, 2, 2]
    for train, test in patches.folds(2, by="billet"):
        assert not set(train.billet) & set(test.billet)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "test = 1: must lie between 0 and 1"),
        ({"test": "half"}, "test = 'half'"),
        ({"by": "heat"}, "by = 'heat': must be 'point' or 'billet' or 'sector'"),
        ({"protocol": "mine"}, "protocol = 'mine'"),
        ({"protocol": "published", "by": "billet"}, "by = 'billet': protocol='published'"),
        ({"rng": -1}, "rng = -1"),
        ({"rng": "seed"}, "rng = 'seed'"),
    ],
)
def test_bad_splits_are_refused_by_name(patches: PatchSet, options: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        patches.split(**options)


def test_too_few_groups_are_refused(patches: PatchSet) -> None:
    with pytest.raises(ValueError, match="by = 'billet': makes 1 of the 2 groups"):
        patches[:6].split(by="billet")
    with pytest.raises(ValueError, match="by = 'point': makes 1 of the 2 groups"):
        patches[:1].split()
    with pytest.raises(ValueError, match="makes 12 of the 13 groups"):
        patches.folds(13)
    with pytest.raises(ValueError, match="number_of_folds = 1"):
        patches.folds(1)
    with pytest.raises(ValueError, match="needs position"):
        PatchSet(IMAGES, CARBON, mm_per_px=0.1).split(by="sector")
