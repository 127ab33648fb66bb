"""Baselines: they find what is there, keep copies together, and say which of them cannot run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tundish.segregation import PatchSet, synthetic
from tundish.segregation.estimators._baselines import BASELINES, _folds, baselines, missing_baselines
from tundish.segregation.estimators._estimator import scores

PLACES = ["radius", "Gaussian process"]


def placed(count: int, seed: int, rings: float = 0.03) -> PatchSet:
    """Patches whose grey level tells the carbon, which falls with the radius."""
    random = np.random.default_rng(seed)
    position = random.uniform(-200, 200, (count, 2))
    carbon = 0.40 + rings * np.exp(-((np.hypot(*position.T) / 100) ** 2)) + random.normal(0, 0.001, count)
    grey = 100 + 2000 * (carbon - 0.40)[:, None, None] + random.normal(0, 10, (count, 16, 16))
    return PatchSet(
        np.clip(grey, 0, 255).astype(np.uint8), carbon, position=position, mm_per_px=0.3, billet=seed
    )


@pytest.fixture(scope="module")
def sets() -> tuple[PatchSet, PatchSet]:
    return placed(40, 1), placed(24, 2)


def test_scores_are_those_of_the_definitions() -> None:
    measured = np.array([0.40, 0.42, 0.44])
    found = scores(measured * 2 - 0.40, measured)
    assert found["r2"] == pytest.approx(1 - (0.02**2 + 0.04**2) / (2 * 0.02**2))
    assert found["r2_correlation"] == pytest.approx(1)
    assert found["mae"] == found["bias"] == pytest.approx(0.02)
    assert np.isnan(scores(np.full(3, 0.42), measured)["r2_correlation"])
    assert np.isnan(scores(measured, np.full(3, 0.42))["r2"])


def test_models_find_carbon_in_grey_levels_and_places(sets: tuple[PatchSet, PatchSet]) -> None:
    models = ["Gaussian process", "linear SVR", "RBF SVR", "MLP", "radius"]
    table = baselines(*sets, rng=0, models=models, enhance=None)
    assert table["model"].tolist() == [name for name in BASELINES if name in models]
    assert np.all(table["r2"] > 0.8)
    assert np.all(table["mae"] < 0.01)
    assert np.all(np.abs(table["bias"]) <= table["mae"])
    assert table["settings"][0].startswith("C=")


@pytest.mark.parametrize("model", ["random forest", "gradient boosting", "XGBoost"])
def test_trees_find_it_too(
    monkeypatch: pytest.MonkeyPatch, sets: tuple[PatchSet, PatchSet], model: str
) -> None:
    if model in missing_baselines(*sets):
        pytest.skip(missing_baselines(*sets)[model])
    monkeypatch.setattr("tundish.segregation.estimators._baselines._TREES", 40)
    assert baselines(*sets, models=[model], enhance=None)["r2"][0] > 0.6


def test_a_seed_is_a_result_whatever_else_is_asked_for(sets: tuple[PatchSet, PatchSet]) -> None:
    both = baselines(*sets, rng=3, models=PLACES)
    alone = baselines(*sets, rng=3, models=PLACES[1:])
    assert both[1] == alone[0]


def test_no_picture_is_needed_for_models_of_places(monkeypatch: pytest.MonkeyPatch, sets: Any) -> None:
    def fail(_: object) -> None:
        raise AssertionError("features were computed")

    monkeypatch.setattr("tundish.segregation.estimators._baselines.features", fail)
    calls: list[tuple[int, int]] = []
    baselines(*sets, models=PLACES, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_copies_do_not_count_twice_among_places(sets: tuple[PatchSet, PatchSet]) -> None:
    train, test = sets
    plain, copied = (baselines(part, test, models=PLACES) for part in (train, train.augment("mirror")))
    assert plain.tolist() == copied.tolist()


def test_folds_keep_copies_together_and_judge_every_point_once(sets: tuple[PatchSet, PatchSet]) -> None:
    group = sets[0].augment("dihedral").group
    folds = _folds(group, np.random.default_rng(0).permutation(group.max() + 1))
    assert np.array_equal(np.sort(np.concatenate([judged for _, judged in folds])), np.arange(len(group)))
    for known, judged in folds:
        assert not set(group[known]) & set(group[judged])


def test_positions_are_needed_for_places(sets: tuple[PatchSet, PatchSet]) -> None:
    train, test = sets
    nowhere = PatchSet(test.images, test.carbon, mm_per_px=0.3)
    missing = missing_baselines(train, nowhere)
    assert set(PLACES) <= set(missing)
    assert "test does not have" in missing["radius"]
    with pytest.raises(ValueError, match="'radius' needs positions"):
        baselines(train, nowhere, models=["radius"])


def test_xgboost_is_left_out_where_it_does_not_import(
    monkeypatch: pytest.MonkeyPatch, sets: tuple[PatchSet, PatchSet]
) -> None:
    monkeypatch.setattr("tundish.segregation.estimators._baselines.find_spec", lambda _: None)
    assert missing_baselines(*sets) == {"XGBoost": "needs xgboost: pip install 'tundish[boosting]'"}
    with pytest.raises(ImportError, match="boosting"):
        baselines(*sets, models=["XGBoost"])


def test_steel_tells_more_than_nothing() -> None:
    train, test = synthetic.billet(40, image_size=48, mm_per_px=0.3, rng=4).split(rng=1)
    table = baselines(train, test, models=["linear SVR", *PLACES])
    assert np.all(np.isfinite(table["r2"]))
    assert np.all(table["mae"] < 0.05)


def test_bad_arguments_are_refused_by_name(sets: tuple[PatchSet, PatchSet]) -> None:
    train, test = sets
    with pytest.raises(TypeError, match="train: is a list"):
        baselines([], test)  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="'forest' is unknown"):
        baselines(train, test, models=["forest"])
    with pytest.raises(ValueError, match="train: has 3 points; 4"):
        baselines(train[:3], test)
    with pytest.raises(ValueError, match="enhance = 'sharpen'"):
        baselines(train, test, enhance="sharpen")
    with pytest.raises(ValueError, match=r"test: mm_per_px is 0\.5; 0\.3"):
        baselines(train, PatchSet(test.images, test.carbon, mm_per_px=0.5))
    with pytest.raises(ValueError, match="rng = -1"):
        baselines(train, test, -1)
