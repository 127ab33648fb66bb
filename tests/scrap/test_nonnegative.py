"""Compositions that are not negative: truncation and projection against what is known of them."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy import optimize, stats

from tundish.scrap import HeatLog, PartitionedElement, RetainedElement, published_model, simulate
from tundish.scrap import _run as run_module
from tundish.scrap._nonnegative import nonnegative


def random_covariance(size: int, seed: int) -> np.ndarray:
    half = np.random.default_rng(seed).standard_normal((size, size))
    return half @ half.T + 0.1 * np.eye(size)


@pytest.mark.parametrize("height", [-30.0, -3.0, -0.2, 0.0, 0.7, 5.0, 12.0])
def test_one_type_has_the_moments_of_the_truncated_normal(height: float) -> None:
    mean, std = nonnegative("truncation", np.array([[4 * height]]), np.array([[[16.0]]]), 1)
    known = stats.truncnorm(-height, np.inf, loc=4 * height, scale=4)
    assert mean[0, 0] == pytest.approx(known.mean(), rel=1e-9)
    assert std[0, 0] == pytest.approx(known.std(), rel=1e-6)


def test_what_goes_with_a_truncated_type_follows() -> None:
    """One constrained component: the joint moments are exact, by those of samples that are not negative."""
    mean, cov = np.array([-0.5, 1.0, 30.0]), random_covariance(3, 1)
    found, std = nonnegative("truncation", mean[None], cov[None], 1)
    samples = np.random.default_rng(0).multivariate_normal(mean, cov, 400_000)
    samples = samples[samples[:, 0] >= 0]
    error = samples.std(axis=0) / np.sqrt(len(samples))
    assert (np.abs(found[0] - samples.mean(axis=0)) < 4 * error).all()
    assert std[0] == pytest.approx(samples.std(axis=0), rel=0.01)


def test_independent_types_are_each_truncated_alone() -> None:
    mean, var = np.array([[-1.0, 0.5, 2.0, -1.0]]), np.array([4.0, 1.0, 9.0, 0.25])
    found, std = nonnegative("truncation", mean, np.diag(var)[None], 3)
    for n in range(3):
        scale = np.sqrt(var[n])
        known = stats.truncnorm(-mean[0, n] / scale, np.inf, loc=mean[0, n], scale=scale)
        assert (found[0, n], std[0, n]) == pytest.approx((known.mean(), known.std()))
    assert (found[0, 3], std[0, 3]) == (-1.0, 0.5)  # c1 and c2 may be negative


def test_heats_do_not_touch_each_other_and_nothing_given_is_changed() -> None:
    mean = np.random.default_rng(3).normal(0.5, 1, (6, 4))
    cov = np.stack([random_covariance(4, seed) for seed in range(6)])
    kept = mean.copy(), cov.copy()
    for method in ("truncation", "projection"):
        found, std = nonnegative(method, mean, cov, 4)
        assert np.array_equal(mean, kept[0])
        assert np.array_equal(cov, kept[1])
        assert (found >= 0).all()
        for heat in range(6):
            alone, its_std = nonnegative(method, mean[heat : heat + 1], cov[heat : heat + 1], 4)
            assert alone[0] == pytest.approx(found[heat], rel=1e-12)
            assert its_std[0] == pytest.approx(std[heat], rel=1e-12)


def test_the_projection_is_the_nearest_in_the_metric_of_the_inverse_covariance() -> None:
    mean, cov = np.array([-2.0, 1.0, -0.3, 4.0, 0.5]), random_covariance(5, 5)
    inverse = np.linalg.inv(cov)
    found, std = nonnegative("projection", mean[None], cov[None], 3)
    nearest = optimize.minimize(
        lambda x: (x - mean) @ inverse @ (x - mean),
        np.ones(5),
        jac=lambda x: 2 * inverse @ (x - mean),
        bounds=[(0, None)] * 3 + [(None, None)] * 2,
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    assert found[0] == pytest.approx(nearest.x, abs=1e-5)
    assert std[0] == pytest.approx(np.sqrt(np.diag(cov)))


def test_types_without_variance_stay() -> None:
    cov = np.diag([0.0, 4.0])
    for method in ("truncation", "projection"):
        found, std = nonnegative(method, np.array([[3.0, -1.0]]), cov[None], 2)
        assert (found[0, 0], std[0, 0]) == (3.0, 0.0)
        assert found[0, 1] >= 0


def test_covariances_are_forgotten_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a filter takes is far less than the covariances of all heats."""
    heats, types = 400, 40
    log, truth = simulate(heats, types)
    model = dataclasses.replace(published_model("Cu", truth.prior_mean), nonnegative="projection")
    monkeypatch.setattr(run_module, "_BLOCK_BYTES", 20 * 8 * types**2)
    model.filter(log[:40])  # what is imported with the first call does not count
    tracemalloc.start()
    model.filter(log)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < heats * types**2 * 8 / 2


def clean_scrap_log() -> HeatLog:
    """Heats of which one type holds nothing of the element, read with a lot of noise."""
    rng = np.random.default_rng(2)
    scrap = rng.uniform(0, 30, (80, 3))
    steel = scrap @ np.array([0.0, 400.0, 900.0]) / 345 + rng.normal(0, 20, 80)
    return HeatLog(np.arange(80), ["a", "b", "c"], scrap, np.full(80, 345.0), np.abs(steel))


@pytest.mark.parametrize("partitioned", [False, True])
def test_models_report_it_and_foretell_the_same(partitioned: bool) -> None:
    log = clean_scrap_log()
    common = {"prior_mean": [20.0, 400.0, 900.0], "prior_var": 3e5, "decay": 0.1, "measurement_std": 20.0}
    model = RetainedElement(**common)
    if partitioned:
        model = PartitionedElement(**common, partition_mean=(0.3, 0.0), partition_var=(0.1, 1e-4))
        log = log.replace(slag_t=25.0, feo_pct=20.0)
    free = model.filter(log)
    assert (free.composition < 0).any()
    for method in ("truncation", "projection"):
        bound = dataclasses.replace(model, nonnegative=method)
        for e, plain in ((bound.filter(log), free), (bound.smooth(log), model.smooth(log))):
            assert (e.composition >= 0).all()
            assert e.loglik == pytest.approx(plain.loglik, rel=1e-12)
            for name in ("predicted_steel", "predicted_std", "innovation"):
                assert getattr(e, name) == pytest.approx(getattr(plain, name), rel=1e-9), name
            positive = (plain.composition > 0).all(axis=1)
            if method == "projection":
                assert e.composition[positive] == pytest.approx(plain.composition[positive], rel=1e-9)
                assert e.composition_std == pytest.approx(plain.composition_std, rel=1e-9)
            else:
                assert (e.composition_std <= plain.composition_std * (1 + 1e-9)).all()
            if partitioned:
                assert not np.allclose(e.partition, plain.partition, rtol=1e-6)
