"""Models over logs: filters and smoothers against plain NumPy, elements together, forecasts, errors."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from references.heats import gappy
from references.scrap import Track, gaussian_filter, linear, quadrature, sigma_points, smoothed

from tundish.filtering import NotPositiveDefiniteError
from tundish.scrap import (
    BreakdownError,
    HeatLog,
    PartitionedElement,
    RetainedElement,
    filter_elements,
)
from tundish.scrap import _run as run_module

Model = RetainedElement | PartitionedElement


def prior_of(model: Model) -> tuple[np.ndarray, np.ndarray, float]:
    if isinstance(model, RetainedElement):
        return model.prior_mean, model.prior_var, model.decay
    mean = np.r_[model.prior_mean, model.partition_mean]
    return mean, np.r_[model.prior_var, model.partition_var], model.decay


def reference(model: Model, log: HeatLog) -> Track:
    """Eqs. (1) to (4) literally."""
    brought, noise = log.hot_metal_t * log.hot_metal_ppm, (model.measurement_std * log.steel_t) ** 2
    mass = log.steel_t * log.steel_ppm
    if isinstance(model, RetainedElement):
        return gaussian_filter(mass - brought, noise, linear(log.scrap), prior_of(model), None, model.robust)
    told = (log.scrap, brought, log.slag_t / log.steel_t, log.feo_pct)
    moments = quadrature(*told) if model.method == "projected" else sigma_points(*told, model.kappa)
    return gaussian_filter(mass, noise, moments, prior_of(model), None, model.robust)


MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "retained": ("Cu", {}),
    "retained, robust": ("Cu", {"robust": 0.8}),
    "retained, square roots": ("Cu", {"form": "sqrt"}),
    "projected": ("Cr", {}),
    "projected, robust": ("Cr", {"robust": 0.8}),
    "sigma points": ("Cr", {"method": "sigma"}),
    "sigma points, kappa 1": ("Cr", {"method": "sigma", "kappa": 1.0}),
}


@pytest.fixture(params=MODELS)
def case(request: pytest.FixtureRequest) -> tuple[HeatLog, Model, Track]:
    element, changes = MODELS[request.param]
    log, model = gappy(element)
    model = dataclasses.replace(model, **changes)
    return log, model, reference(model, log)


def test_the_filter_is_the_reference(case: tuple[HeatLog, Model, Track]) -> None:
    log, model, expected = case
    e = model.filter(log)
    n = len(log.types)
    brought = log.hot_metal_t * log.hot_metal_ppm if isinstance(model, RetainedElement) else 0.0
    std = np.sqrt(np.diagonal(expected.cov, axis1=1, axis2=2))
    assert e.composition == pytest.approx(expected.mean[:, :n], rel=1e-8)
    assert e.composition_std == pytest.approx(std[:, :n], rel=1e-8)
    assert e.predicted_steel == pytest.approx((expected.forecast + brought) / log.steel_t, rel=1e-9)
    assert e.predicted_std == pytest.approx(np.sqrt(expected.forecast_var) / log.steel_t, rel=1e-8)
    assert np.array_equal(np.isnan(e.innovation), log.missing)
    known = ~log.missing
    assert e.innovation[known] == pytest.approx((log.steel_ppm - e.predicted_steel)[known], abs=1e-8)
    assert e.loglik == pytest.approx(expected.loglik, rel=1e-9)
    assert e.following.mean == pytest.approx(expected.following[0], rel=1e-8)
    assert e.following.cov == pytest.approx(expected.following[1], rel=1e-6, abs=1e-6)
    if isinstance(model, RetainedElement):
        assert e.partition is None
        assert e.partition_std is None
    else:
        assert e.partition == pytest.approx(expected.mean[:, n:], rel=1e-8)
        assert e.partition_std == pytest.approx(std[:, n:], rel=1e-8)


def test_the_smoother_is_the_reference(case: tuple[HeatLog, Model, Track]) -> None:
    """For sigma points too: the linear model that stands for them gives their own recursion back."""
    log, model, track = case
    mean, cov = smoothed(track, prior_of(model))
    std = np.sqrt(np.diagonal(cov, axis1=1, axis2=2))
    n, s, e = len(log.types), model.smooth(log), model.filter(log)
    assert s.composition == pytest.approx(mean[:, :n], rel=1e-7)
    assert s.composition_std == pytest.approx(std[:, :n], rel=1e-6)
    if not isinstance(model, RetainedElement):
        assert s.partition == pytest.approx(mean[:, n:], rel=1e-7)
        assert s.partition_std == pytest.approx(std[:, n:], rel=1e-6)
    for name in ("predicted_steel", "predicted_std", "innovation"):
        assert np.array_equal(getattr(s, name), getattr(e, name), equal_nan=True), name
    assert s.loglik == e.loglik


def test_an_element_that_stays_in_the_slag_is_retained_without_slag() -> None:
    log, model = gappy("Cu")
    both = PartitionedElement(
        model.prior_mean, model.prior_var, model.decay, 10.0, (9.7, 0.01), (5 * 9.7**2, 5e-4)
    )
    log = log.replace(slag_t=0.0)
    a, b = model.filter(log), both.filter(log)
    assert b.composition == pytest.approx(a.composition, rel=1e-9)
    assert b.predicted_std == pytest.approx(a.predicted_std, rel=1e-9)
    assert b.partition == pytest.approx(np.tile([9.7, 0.01], (120, 1)), rel=1e-9)
    assert b.partition_std[:, 0] == pytest.approx(np.full(120, b.partition_std[0, 0]), rel=1e-9)


def test_a_robust_filter_bounds_the_influence_of_a_wild_reading() -> None:
    log, model = gappy("Cu")
    robust = dataclasses.replace(model, robust=2.0)

    def moved(model: Model, wild: float) -> float:
        steel = log.steel_ppm.copy()
        steel[70] += wild
        changed = model.filter(log.replace(steel_ppm=steel)).composition - model.filter(log).composition
        return float(np.abs(changed[70:]).max())

    assert moved(model, 4000) == pytest.approx(100 * moved(model, 40), rel=1e-6)
    assert moved(robust, 40000) < 1.05 * moved(robust, 4000) < moved(model, 4000) / 20


def test_a_type_without_variance_stays_where_it_is() -> None:
    for element in ("Cu", "Cr"):
        log, model = gappy(element)
        var = np.r_[0.0, model.prior_var[1:]]
        e = dataclasses.replace(model, prior_var=var).filter(log)
        assert e.composition[:, 0] == pytest.approx(np.full(120, model.prior_mean[0]), rel=1e-12)
        assert e.composition_std[:, 0].tolist() == [0.0] * 120


def assert_same(a: Any, b: Any) -> None:
    for name in ("composition", "composition_std", "partition", "partition_std", "predicted_steel",
                 "predicted_std", "innovation"):  # fmt: skip
        left, right = getattr(a, name), getattr(b, name)
        assert (left is None) == (right is None), name
        if left is not None:
            assert np.array_equal(left, right, equal_nan=True), name
    assert a.loglik == b.loglik
    assert np.array_equal(a.following.cov, b.following.cov)


@pytest.mark.parametrize("most_bytes", [2**26, 100_000, 1])
def test_elements_together_are_each_alone(monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    """To the last bit, whatever runs in a batch: one or other masses, other models, shapes and kinds."""
    copper, of_copper = gappy("Cu")
    chromium, of_chromium = gappy("Cr")
    other, of_other = gappy("Cu", rng=7)
    short, of_short = gappy("Cu", heats=90)
    tin = copper.replace(steel_ppm=copper.steel_ppm * 1.01)
    slow = dataclasses.replace(of_copper, decay=0.001, measurement_std=12.0)
    pairs = [(of_copper, copper), (of_chromium, chromium), (slow, tin), (of_other, other), (of_short, short),
             (dataclasses.replace(of_chromium, method="sigma"), chromium),
             (dataclasses.replace(of_copper, nonnegative="truncation"), copper),
             (dataclasses.replace(of_copper, robust=2.0), copper), (of_chromium, chromium)]  # fmt: skip
    alone = [model.filter(log) for model, log in pairs]
    monkeypatch.setattr(run_module, "_BATCH_BYTES", most_bytes)
    together = filter_elements(pairs)
    assert [e.model for e in together] == [model for model, _ in pairs]
    for a, b in zip(alone, together, strict=True):
        assert_same(a, b)


def test_no_elements_are_no_estimates() -> None:
    assert filter_elements([]) == []


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_block_by_block_is_one_run(monkeypatch: pytest.MonkeyPatch, element: str) -> None:
    log, model = gappy(element)
    wide = dataclasses.replace(model, prior_mean=model.prior_mean / 50, nonnegative="truncation")
    whole, smooth = wide.filter(log), model.smooth(log)
    monkeypatch.setattr(run_module, "_BLOCK_BYTES", 8 * 7 * (len(log.types) + 2) ** 2)
    parts = wide.filter(log)
    for a, b in ((parts, whole), (model.smooth(log), smooth)):
        for name in ("composition", "composition_std", "predicted_steel", "predicted_std"):
            assert getattr(a, name) == pytest.approx(getattr(b, name), rel=1e-9), name
        assert a.loglik == pytest.approx(b.loglik, rel=1e-11)


def test_models_do_not_change() -> None:
    mean = np.array([300.0, 900.0])
    model = RetainedElement(mean, 7.0, 0.1, 5)
    mean[:] = 0
    assert model.prior_mean.tolist() == [300, 900]
    assert model.prior_var.tolist() == [7, 7]
    with pytest.raises(ValueError, match="read-only"):
        model.prior_mean[0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.decay = 0.2
    assert "2 scrap types, decay 0.1, measurement_std 5 ppm" in repr(model)


def test_the_first_state_is_what_the_drift_settles_to() -> None:
    model = RetainedElement([300.0, 900.0], [4.0, 9.0], 0.3, 5.0)
    mean, cov = model.initial_state
    assert mean.tolist() == [300, 900]
    assert 0.7**2 * cov + np.diag(0.3**2 * model.prior_var) == pytest.approx(cov, rel=1e-14)
    assert dataclasses.replace(model, decay=1.0).initial_state.cov == pytest.approx(np.diag([4.0, 9.0]))


COMMON = {"prior_mean": [300.0, 900.0], "prior_var": [1.0, 2.0], "decay": 0.1, "measurement_std": 5.0}
PARTITION = {"partition_mean": (9.7, 0.01), "partition_var": (1.0, 1e-6)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prior_mean": [300.0, -1.0]}, r"prior_mean\[1\] = -1: must be between 0 and 1e6 ppm"),
        ({"prior_mean": [np.nan, 1.0]}, r"prior_mean\[0\] = nan"),
        ({"prior_mean": []}, "prior_mean: must have a value"),
        ({"prior_mean": [[1.0]]}, "prior_mean: has shape"),
        ({"prior_mean": ["a", "b"]}, "prior_mean: must be an array"),
        ({"prior_var": [1.0, -2.0]}, r"prior_var\[1\] = -2: must be finite and not negative"),
        ({"prior_var": [1.0, np.inf]}, r"prior_var\[1\] = inf"),
        ({"prior_var": [1.0, 2.0, 3.0]}, r"prior_var: has shape \(3,\); \(2,\), as prior_mean"),
        ({"prior_var": [1.0]}, r"prior_var: has shape \(1,\); \(2,\), as prior_mean"),
        ({"decay": 0.0}, "decay = 0"),
        ({"decay": 1.5}, "decay = 1.5: must be above 0 and at most 1"),
        ({"decay": np.nan}, "decay = nan"),
        ({"decay": "slow"}, "decay = 'slow'"),
        ({"measurement_std": 0.0}, "measurement_std = 0"),
        ({"measurement_std": -1.0}, "measurement_std = -1"),
        ({"nonnegative": "clip"}, "nonnegative = 'clip': must be 'truncation' or 'projection'"),
        ({"robust": 0.0}, "robust = 0"),
        ({"robust": np.inf}, "robust = inf"),
    ],
)
def test_bad_models_are_refused_by_name(changes: dict, message: str) -> None:
    for make in (RetainedElement, lambda **kw: PartitionedElement(**PARTITION, **kw)):
        with pytest.raises((ValueError, TypeError), match=message):
            make(**{**COMMON, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partition_mean": (9.7, np.inf)}, "partition_mean = .*inf"),
        ({"partition_mean": (9.7,)}, "partition_mean = .*pair"),
        ({"partition_mean": 9.7}, "partition_mean = 9.7: must be a list of two numbers"),
        ({"partition_var": 1.0}, "partition_var = 1: must be a list of two numbers"),
        ({"partition_var": np.array(1.0)}, "partition_var = .*: must be a list of two numbers"),
        ({"partition_var": (1.0, np.nan)}, "partition_var = .*nan.*: must be finite"),
        ({"partition_var": (1.0, -1e-6)}, "partition_var = .*must not be negative"),
        ({"method": "extended"}, "method = 'extended'"),
        ({"kappa": 0.0}, "kappa = 0: is for method = 'sigma' alone"),
        ({"kappa": -4.0, "method": "sigma"}, "kappa = -4: must be finite and above -4"),
    ],
)
def test_bad_partitions_are_refused_by_name(changes: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        PartitionedElement(**{**COMMON, **PARTITION, **changes})


def test_a_bad_form_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="form = 'best'"):
        RetainedElement(**COMMON, form="best")


def test_a_log_of_other_types_is_refused_by_name() -> None:
    log, model = gappy("Cu")
    wrong = RetainedElement(np.ones(4), 1.0, 0.1, 5.0)
    for run in (
        wrong.filter,
        wrong.smooth,
        wrong.fit,
        lambda log: filter_elements([(model, log), (wrong, log)]),
    ):
        with pytest.raises(ValueError, match="prior_mean: has size 4; the log has 5 scrap types"):
            run(log)


def test_what_is_no_log_is_refused_by_name() -> None:
    log, model = gappy("Cu")
    for run in (model.filter, model.smooth, model.fit, lambda log: filter_elements([(model, log)])):
        for wrong in ("heats.csv", None):
            with pytest.raises(TypeError, match=f"log = {wrong!r}: must be a HeatLog"):
                run(wrong)
    for wrong, message in (
        ([model], r"pairs\[0\] = .*: must be \(model, log\)"),
        ([(log, model)], r"pairs\[0\] = .*: must be \(model, log\)"),
        (model, r"pairs = .*: must be a list of \(model, log\)"),
    ):
        with pytest.raises(TypeError, match=message):
            filter_elements(wrong)


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_pickled_models_do_not_change_either(element: str) -> None:
    log, model = gappy(element)
    other = pickle.loads(pickle.dumps(model))
    assert not other.prior_mean.flags.writeable
    assert not other.prior_var.flags.writeable
    assert other.filter(log).loglik == model.filter(log).loglik


@pytest.mark.parametrize("method", ["projected", "sigma"])
def test_the_pole_names_the_heat(method: str) -> None:
    log, model = gappy("Cr")
    slag = log.slag_t.copy()
    slag[30] = 300.0
    heats = [f"B{n}" for n in range(len(log))]
    far = dataclasses.replace(model, partition_mean=(-1.5, 0.0), partition_var=(1e-6, 1e-12), method=method)
    bad = log.replace(heat=heats, slag_t=slag)
    for run in (far.filter, far.smooth, lambda log: filter_elements([(model, log), (far, log)])):
        with pytest.raises(ValueError, match=r"^heat B30: 1 \+ .* slag_t = 300, .*partition_mean"):
            run(bad)


def test_the_pole_names_the_heat_of_a_later_block(monkeypatch: pytest.MonkeyPatch) -> None:
    log, model = gappy("Cr")
    slag = log.slag_t.copy()
    slag[30] = 300.0
    monkeypatch.setattr(run_module, "_BLOCK_BYTES", 8 * 7 * 7**2)
    far = dataclasses.replace(
        model, partition_mean=(-1.5, 0.0), partition_var=(1e-6, 1e-12), nonnegative="projection"
    )
    with pytest.raises(BreakdownError, match=r"^heat 31: 1 "):
        far.filter(log.replace(slag_t=slag))


def test_a_lost_covariance_names_the_heat_and_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **keywords: object) -> None:
        raise NotPositiveDefiniteError("lost", 6, 1)

    for name in ("kalman_filter", "kalman_smoother", "partition_filter"):
        monkeypatch.setattr(run_module, name, broken)
    copper, of_copper = gappy("Cu")
    chromium, of_chromium = gappy("Cr")
    sigma = dataclasses.replace(of_chromium, method="sigma")
    for model, log, way in (
        (of_copper, copper, "form = 'sqrt'"),
        (sigma, chromium, "method = 'projected'"),
        (of_chromium, chromium, "a larger measurement_std"),
    ):
        with pytest.raises(ValueError, match=f"^heat 7: .*positive-definiteness; take {way}"):
            filter_elements([(model, log), (model, log)])
