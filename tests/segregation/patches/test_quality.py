"""Image quality, CLAHE and handcrafted features, against scikit-image and by what must not change them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from skimage.exposure import equalize_adapthist
from skimage.feature import graycomatrix, graycoprops
from skimage.measure import shannon_entropy

from tundish.segregation import FEATURE_NAMES, clahe, features, image_quality

RANDOM = np.random.default_rng(3)
SMOOTH = np.cumsum(RANDOM.normal(0, 6, (4, 40, 48)), axis=2)
IMAGES = np.clip(128 + SMOOTH, 0, 255).astype(np.uint8)
FLAT = np.full((32, 32), 90, np.uint8)


def test_quality_is_that_of_scikit_image() -> None:
    image = IMAGES[0]
    figures = image_quality(image)
    angles = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    matrix = graycomatrix(image // 8, [1], angles, levels=32, symmetric=True, normed=True)
    assert figures["glcm_contrast"] == pytest.approx(graycoprops(matrix, "contrast").mean())
    assert figures["entropy"] == pytest.approx(shannon_entropy(image, base=2))
    assert figures["rms_contrast"] == pytest.approx(np.std(image / 255))


def test_quality_of_known_images() -> None:
    assert image_quality(FLAT) == {"rms_contrast": 0, "glcm_contrast": 0, "entropy": 0}
    halves = np.zeros((8, 8), np.uint8)
    halves[:, 4:] = 255
    assert image_quality(halves)["rms_contrast"] == pytest.approx(0.5)
    assert image_quality(halves)["entropy"] == pytest.approx(1)
    # One column of pairs in seven crosses the edge, 31 levels high; none does from row to row.
    assert image_quality(halves)["glcm_contrast"] == pytest.approx(31**2 * (3 / 7) / 4)


def test_quality_of_several_images_is_their_mean() -> None:
    each = [image_quality(image) for image in IMAGES]
    for name, value in image_quality(IMAGES).items():
        assert value == pytest.approx(np.mean([figures[name] for figures in each]))


def test_clahe_is_that_of_scikit_image() -> None:
    enhanced = clahe(IMAGES, clip_limit=0.02, tiles=4)
    assert enhanced.dtype == np.uint8
    assert enhanced.shape == IMAGES.shape
    wanted = equalize_adapthist(IMAGES[1], kernel_size=[10, 12], clip_limit=0.02)
    assert np.array_equal(enhanced[1], np.rint(255 * wanted))
    assert np.array_equal(clahe(IMAGES[1], clip_limit=0.02, tiles=4), enhanced[1])


def test_clahe_raises_contrast_and_entropy_and_ignores_brightness() -> None:
    faint = (100 + IMAGES // 8).astype(np.uint8)
    before, after = image_quality(faint), image_quality(clahe(faint))
    assert all(after[name] > before[name] for name in before)
    assert np.array_equal(clahe(faint), clahe(faint + 50))
    assert np.array_equal(clahe(FLAT), FLAT)


def test_features_are_named_and_do_not_depend_on_turns_and_mirrors() -> None:
    table = features(IMAGES[:, :40, :40])
    assert table.shape == (4, len(FEATURE_NAMES))
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert np.isfinite(table).all()
    for turned in (np.rot90(IMAGES[:, :40, :40], axes=(1, 2)), IMAGES[:, :40, 39::-1]):
        again = features(turned)
        spread = np.maximum(np.abs(table).max(axis=0), 1e-3)
        # Patterns of 16 points fall between pixels, where rounding may tip a comparison.
        assert np.max(np.abs(again - table) / spread) < 0.02
        assert np.allclose(again[:, :30], table[:, :30])


def test_features_are_what_their_names_say() -> None:
    row = dict(zip(FEATURE_NAMES, features(IMAGES[2])[0], strict=True))
    grey = IMAGES[2].astype(float)
    assert row["grey_mean"] == pytest.approx(grey.mean())
    assert row["grey_skewness"] == pytest.approx(stats.skew(grey, axis=None))
    assert row["grey_kurtosis"] == pytest.approx(stats.kurtosis(grey, axis=None))
    assert row["grey_q05"] == pytest.approx(np.quantile(grey, 0.05))
    assert row["glcm_contrast_1"] == pytest.approx(image_quality(IMAGES[2])["glcm_contrast"])
    assert sum(row[f"lbp_8_{code}"] for code in range(10)) == pytest.approx(1)
    assert sum(row[f"lbp_16_{code}"] for code in range(18)) == pytest.approx(1)


def test_coherence_tells_one_direction_from_many() -> None:
    column = FEATURE_NAMES.index("gradient_coherence")
    stripes = np.tile((127 + 120 * np.sin(np.arange(64) / 3)).astype(np.uint8), (64, 1))
    noise = RANDOM.integers(0, 256, (64, 64), dtype=np.uint8)
    assert features(stripes)[0, column] == pytest.approx(1)
    assert features(noise)[0, column] < 0.1


def test_features_of_an_even_image_are_finite() -> None:
    assert np.isfinite(features(FLAT)).all()


@pytest.mark.parametrize("function", [image_quality, clahe, features])
@pytest.mark.parametrize(
    "image", [IMAGES / 255, IMAGES[0, 0], IMAGES[None], IMAGES[:, :0], "section.png"], ids=str
)
def test_bad_images_are_refused_by_name(function: object, image: object) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^images?: "):
        function(image)


@pytest.mark.parametrize("function", [clahe, image_quality, features])
def test_colour_is_converted_and_said_so(function: Callable[..., object]) -> None:
    for grey in (IMAGES[0], IMAGES):
        with pytest.warns(UserWarning, match="images?: is in colour; converted to grey") as caught:
            of_colour = function(np.stack([grey] * 3, axis=-1))
        assert caught[0].filename == __file__
        np.testing.assert_equal(of_colour, function(grey))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"clip_limit": 0}, "clip_limit = 0"),
        ({"clip_limit": np.nan}, "clip_limit"),
        ({"tiles": 0}, "tiles = 0"),
    ],
)
def test_bad_options_of_clahe_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        clahe(IMAGES, **options)


def test_images_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="1 x 48 px; at least 2 x 2"):
        image_quality(IMAGES[:, :1])
    with pytest.raises(ValueError, match="15 x 48 px; at least 16 x 16"):
        features(IMAGES[:, :15])
