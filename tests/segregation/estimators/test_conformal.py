"""Intervals that cover as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")


from tundish.segregation import CarbonRegressor, PatchSet  # noqa: E402
from tundish.segregation.estimators._conformal import Calibration, calibrate, intervals  # noqa: E402


def test_intervals_cover_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    covered = []
    for _ in range(60):
        held = np.arange(40)[None, :] // 8 == np.arange(5)[:, None]
        truth, spread = generator.normal(0.42, 0.02, 240), 0.01
        shared = truth + generator.normal(0, spread, 240)
        members = shared + generator.normal(0, 0.4 * spread, (5, 240))
        calibration = calibrate(members[:, :40], truth[:40], held, np.arange(40))
        bounds = intervals(members[:, 40:], calibration, 0.9)
        covered.append(np.mean((bounds[:, 0] <= truth[40:]) & (truth[40:] <= bounds[:, 1])))
    assert 0.88 < np.mean(covered) < 0.95


def test_one_network_gives_split_conformal_intervals() -> None:
    generator = np.random.default_rng(1)
    error = generator.exponential(0.01, 19)
    calibration = Calibration(error, np.ones(19), np.ones((1, 19), bool))
    predictions = generator.normal(0.42, 0.02, (1, 7))
    half = np.sort(error)[17]  # ceil(0.9 · 20) = 18
    bounds = intervals(predictions, calibration, 0.9)
    np.testing.assert_allclose(bounds, np.stack([predictions[0] - half, predictions[0] + half], axis=1))


def test_a_point_counts_once_however_many_patches_it_has() -> None:
    error = np.random.default_rng(2).exponential(0.01, 12)
    predictions = np.full((1, 3), 0.4)
    once = calibrate(np.zeros((1, 12)), error, np.ones((1, 12), bool), np.arange(12))
    many = calibrate(
        np.zeros((1, 48)), np.repeat(error, 4), np.ones((1, 48), bool), np.repeat(np.arange(12), 4)
    )
    assert many.points == once.points == 12
    np.testing.assert_allclose(intervals(predictions, many, 0.8), intervals(predictions, once, 0.8))


def test_too_few_points_are_taken_as_normal() -> None:
    calibration = Calibration(np.full(5, 0.01), np.ones(5), np.ones((1, 5), bool))
    assert calibration.method(0.8) == "conformal"
    assert calibration.method(0.9) == "student"
    bounds = intervals(np.array([[0.4]]), calibration, 0.9)
    # t of 5 degrees of freedom at 0.95 is 2.015048.
    np.testing.assert_allclose(np.diff(bounds), 2 * 2.015048 * 0.01 * np.sqrt(1.2), rtol=1e-6)


def test_networks_that_disagree_widen_the_interval(fitted: CarbonRegressor, patches: PatchSet) -> None:
    bounds = fitted.predict_interval(patches)
    predicted = fitted.predict(patches)
    assert bounds.shape == (24, 2)
    assert ((bounds[:, 0] <= predicted) & (predicted <= bounds[:, 1])).all()
    members = np.array([[0.40, 0.40], [0.40, 0.46]])
    narrow, wide = np.diff(fitted.intervals_of(members))[:, 0]
    assert wide > narrow
    wider = fitted.predict_interval(patches, 0.99)
    assert (np.diff(wider) >= np.diff(bounds)).all()
    assert fitted.interval_method(0.9) == "conformal"
    assert fitted.interval_method(0.99) == "student"
    for level in (0, 1, float("nan")):
        with pytest.raises(ValueError, match=r"level = "):
            fitted.predict_interval(patches, level)
