"""The Kalman filter against inverses in NumPy, over kernels, forms, batches, instruction sets and threads."""

# ruff: noqa: N806 (matrices have the names of the textbook)

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references.filter_cases import scrap_like, system_of
from references.filtering import System, kalman, random_system

from tundish.filtering import Filtered, NotPositiveDefiniteError, kalman_filter

FIELDS = ("mean", "std", "forecast", "forecast_var", "innovation", "loglik", "final_mean", "final_cov",
          "predicted_mean", "predicted_cov")  # fmt: skip


def assert_follows(f: Filtered, s: System, series: int = 0, rtol: float = 1e-9) -> None:
    expected = kalman(s)
    scale = np.abs(expected.mean).max()
    assert f.mean is not None
    assert f.std is not None
    np.testing.assert_allclose(f.mean[series], expected.mean, rtol=rtol, atol=rtol * scale)
    variances = np.diagonal(expected.cov, axis1=-2, axis2=-1)
    np.testing.assert_allclose(f.std[series] ** 2, variances, rtol=rtol, atol=rtol * variances.max())
    shape = f.forecast[series].shape
    np.testing.assert_allclose(
        f.forecast[series],
        expected.forecast.reshape(shape),
        rtol=rtol,
        atol=rtol * np.abs(expected.forecast).max(),
    )
    shape = f.forecast_var[series].shape
    np.testing.assert_allclose(
        f.forecast_var[series], expected.forecast_var.reshape(shape), rtol=rtol, atol=rtol
    )
    assert f.loglik[series] == pytest.approx(expected.loglik, rel=1e-8)
    for name, value in (
        ("predicted_mean", expected.predicted_mean),
        ("predicted_cov", expected.predicted_cov),
    ):
        np.testing.assert_allclose(
            getattr(f, name)[series], value, rtol=rtol, atol=rtol * np.abs(value).max()
        )
    np.testing.assert_allclose(
        f.final_cov[series], expected.cov[-1], rtol=rtol, atol=rtol * expected.cov.max()
    )


@pytest.mark.parametrize("form", ["standard", "joseph", "sqrt"])
@pytest.mark.parametrize(("n", "p"), [(1, 1), (3, 1), (3, 2), (2, 4), (12, 1), (11, 3)])
@pytest.mark.parametrize("constant", [True, False])
def test_filter_is_the_reference(n: int, p: int, form: str, constant: bool) -> None:
    s = random_system(n + 7 * p, n=n, p=p, constant=constant)
    assert_follows(kalman_filter(**s.arguments(), form=form), s)


@pytest.mark.parametrize("n", [9, 16, 17, 45, 70])
@pytest.mark.parametrize("steps", [1, 2, 25])
def test_mean_reverting_states_by_rows(n: int, steps: int) -> None:
    arguments = scrap_like(n, steps)
    assert_follows(kalman_filter(**arguments), system_of(arguments))


@pytest.mark.parametrize(
    "decay", [0.4, 0.999, 1.0, -0.3, np.linspace(0, 1, 10), np.linspace(-50, 0.5, 10), 1.5], ids=repr
)
def test_transitions_that_leave_the_scales_range(decay: Any) -> None:
    arguments = scrap_like(10, 60, decay=decay)
    if np.max(np.abs(1 - np.asarray(decay))) > 1:  # grows: few steps
        arguments = {k: v[:, :5] if k == "y" else v[:5] if k in ("design", "obs_cov") else v
                     for k, v in arguments.items()}  # fmt: skip
    assert_follows(kalman_filter(**arguments), system_of(arguments))


def test_many_steps_of_a_slow_state() -> None:
    """Long enough that scales are multiplied into the matrix, and its diagonal is put back often."""
    arguments = scrap_like(10, 6000, decay=2e-3)
    assert_follows(kalman_filter(**arguments), system_of(arguments))


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 3), st.integers(1, 20))
def test_any_system(seed: int, n: int, p: int, steps: int) -> None:
    s = random_system(seed, steps, n, p, missing=0.4)
    assert_follows(kalman_filter(**s.arguments()), s, rtol=1e-8)


@pytest.mark.parametrize("n", [3, 20, 45])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_batch_is_its_series_alone(n: int, dtype: str) -> None:
    arguments = scrap_like(n, 40, batch=11)
    together = kalman_filter(**arguments, dtype=dtype, threads=1)
    for threads in (2, 3):
        again = kalman_filter(**arguments, dtype=dtype, threads=threads)
        assert all(np.array_equal(getattr(together, k), getattr(again, k), equal_nan=True) for k in FIELDS)
    for b in range(11):
        alone = kalman_filter(**{**arguments, "y": arguments["y"][b]}, dtype=dtype)
        for name in FIELDS:
            assert np.array_equal(getattr(together, name)[b], getattr(alone, name), equal_nan=True), name


@pytest.mark.parametrize("store", ["final", "mean", "diagonal", "full"])
def test_shared_covariances_change_no_digit(store: str) -> None:
    """Series with gaps at the same steps share one run of the covariances."""
    arguments = scrap_like(20, 50, batch=5)
    arguments["y"][:, np.isnan(arguments["y"][0])] = np.nan
    arguments["y"][np.isnan(arguments["y"]) & ~np.isnan(arguments["y"][0])] = 1e5
    arguments["state_intercept"] = np.outer(np.arange(1, 6), arguments["state_intercept"])
    together = kalman_filter(**arguments, store=store)
    for b in range(5):
        one = {**arguments, "y": arguments["y"][b], "state_intercept": arguments["state_intercept"][b]}
        alone = kalman_filter(**one, store=store)
        for name in (*FIELDS, "cov"):
            ours, expected = getattr(together, name), getattr(alone, name)
            assert (ours is None) == (expected is None)
            if ours is not None:
                assert np.array_equal(ours[b], expected, equal_nan=True), name


def test_every_series_may_have_its_own_model() -> None:
    systems = [random_system(seed, 20, 4, 2) for seed in range(5)]
    stacked = {
        name: np.stack([getattr(s, name) for s in systems])
        for name in ("y", "design", "obs_cov", "obs_intercept", "transition", "state_cov", "state_intercept",
                     "initial_mean", "initial_cov")
    }  # fmt: skip
    f = kalman_filter(**stacked)
    for b, s in enumerate(systems):
        assert_follows(f, s, b)


@pytest.mark.parametrize("n", [3, 12])
def test_full_covariances(n: int) -> None:
    arguments = scrap_like(n, 15)
    f = kalman_filter(**arguments, store="full")
    assert f.cov is not None
    np.testing.assert_allclose(f.cov[0], kalman(system_of(arguments)).cov, rtol=1e-9, atol=1e-4)


def test_single_precision_keeps_a_slow_reversion() -> None:
    """Predicting F a + c with a rounded F would be 3e-3 ppm a heat off; differences from 1 keep to 5e-4."""
    arguments = scrap_like(12, 4000)
    double, single = kalman_filter(**arguments), kalman_filter(**arguments, dtype="float32")
    assert double.mean is not None
    assert single.mean is not None
    assert single.mean.dtype == np.float32
    assert np.abs(single.mean - double.mean).max() < 0.05
    assert single.loglik == pytest.approx(double.loglik, rel=1e-5)


def test_design_may_be_constant() -> None:
    y = np.random.default_rng(0).standard_normal(30)
    start = {"initial_mean": np.zeros(2), "initial_cov": 1.0, "state_cov": 0.1}
    a = kalman_filter(y, np.array([1.0, 2.0]), 0.5, **start)
    b = kalman_filter(y, np.tile([1.0, 2.0], (30, 1)), np.full(30, 0.5), **start)
    assert np.array_equal(a.forecast, b.forecast)


def huber_reference(s: System, bound: float) -> tuple[np.ndarray, float]:
    """The filter with innovations' variances raised by |e| / bound, and the normalised Huber density."""
    from scipy.stats import norm

    a, P, loglik = s.initial_mean, s.initial_cov, 0.0
    normalisation = np.log(2 * norm.cdf(bound) - 1 + 2 * norm.pdf(bound) / bound)
    for t in range(len(s.y)):
        z, y = s.design[t, 0], s.y[t, 0]
        S, e = z @ P @ z + s.obs_cov[t, 0, 0], y - z @ a - s.obs_intercept[t, 0]
        if np.isfinite(y):
            score = abs(e) / np.sqrt(S)
            raised = S * max(1.0, score / bound)
            a, P = a + P @ z * e / raised, P - np.outer(P @ z, P @ z) / raised
            rho = score**2 / 2 if score <= bound else bound * score - bound**2 / 2
            loglik -= 0.5 * np.log(2 * np.pi * S) + rho + normalisation
        a, P = (
            s.transition[t] @ a + s.state_intercept[t],
            s.transition[t] @ P @ s.transition[t].T + s.state_cov[t],
        )
    return a, float(loglik)


@pytest.mark.parametrize("n", [4, 12])
def test_robust_update_bounds_an_outlier(n: int) -> None:
    arguments = scrap_like(n, 40)
    arguments["y"][0, [5, 6, 30]] += [2e5, -1e5, 5e4]
    expected, loglik = huber_reference(system_of(arguments), 2.0)
    f = kalman_filter(**arguments, robust=2.0)
    np.testing.assert_allclose(f.predicted_mean[0], expected, rtol=1e-9)
    assert f.loglik[0] == pytest.approx(loglik, rel=1e-9)
    huge = {**arguments, "y": arguments["y"] + 0}
    huge["y"][0, 5] += 1e9
    moved = np.abs(kalman_filter(**huge, robust=2.0).predicted_mean - f.predicted_mean)
    assert moved.max() < 50
    assert np.abs(kalman_filter(**huge).predicted_mean - f.predicted_mean).max() > 1e4


def test_square_root_form_survives_where_the_standard_one_is_lost() -> None:
    """A nearly exact reading of a large variance: what is left of it is below the rounding of what was."""
    n, steps = 3, 60
    rng = np.random.default_rng(3)
    design = np.ones((steps, n)) + 1e-7 * rng.standard_normal((steps, n))
    model = {"design": design, "obs_cov": 1e-12, "initial_mean": np.zeros(n), "initial_cov": 1e8}
    with pytest.raises(NotPositiveDefiniteError, match=r"step \d+: .*form='sqrt'") as lost:
        kalman_filter(np.ones(steps), **model)
    assert lost.value.step < steps
    assert lost.value.series == 0
    kept = kalman_filter(np.ones(steps), **model, form="sqrt")
    assert np.linalg.eigvalsh(kept.final_cov).min() >= 0


def test_a_loss_in_a_batch_names_its_series() -> None:
    y = np.ones((3, 60))
    rng = np.random.default_rng(3)
    design = np.stack([np.eye(3)[np.arange(60) % 3], np.ones((60, 3)) + 1e-7 * rng.standard_normal((60, 3)),
                       np.eye(3)[np.arange(60) % 3]])  # fmt: skip
    with pytest.raises(NotPositiveDefiniteError, match="of series 1") as lost:
        kalman_filter(y, design, 1e-12, initial_mean=np.zeros(3), initial_cov=1e8)
    assert lost.value.series == 1


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("y", np.zeros((2, 3, 4, 5)), "shape"),
        ("y", [1.0, np.inf, 2.0], r"y\[1\]"),
        ("design", np.zeros((3, 5)), "shape"),
        ("design", np.array([[1, 2], [1, np.nan], [1, 2.0]]), r"design\[1, 1\]"),
        ("obs_cov", [1.0, -1.0, 1.0], r"obs_cov\[1\]: is negative"),
        ("obs_cov", np.ones((2, 2)), "shape"),
        ("transition", np.ones(3), "shape"),
        ("state_cov", [[1.0, 0.5], [0.4, 1.0]], "not symmetric"),
        ("state_cov", [[1.0, 2.0], [2.0, 1.0]], "indefinite"),
        ("initial_cov", [1.0, -1.0], "indefinite"),
        ("initial_mean", 0.0, "shape"),
        ("initial_mean", [0.0, np.nan], r"initial_mean\[1\]"),
        ("state_intercept", np.zeros(5), "shape"),
        ("obs_intercept", np.zeros(4), "shape"),
        ("store", "everything", "must be"),
        ("form", "cubic", "must be"),
        ("dtype", "float16", "must be"),
        ("robust", 0.0, "above 0"),
        ("threads", 0, "at least 1"),
    ],
)
def test_bad_arguments_are_named(name: str, value: Any, words: str) -> None:
    arguments: dict[str, Any] = {
        "y": np.zeros(3),
        "design": np.ones((3, 2)),
        "obs_cov": 1.0,
        "initial_mean": np.zeros(2),
        "initial_cov": 1.0,
    }
    with pytest.raises(ValueError, match=words) as refused:
        kalman_filter(**{**arguments, name: value})
    assert name in str(refused.value)


def test_robust_is_for_single_readings() -> None:
    s = random_system(0, p=2)
    with pytest.raises(ValueError, match="robust"):
        kalman_filter(**s.arguments(), robust=2.0)


def test_text_and_masks_are_no_numbers() -> None:
    start = {"initial_mean": np.zeros(1), "initial_cov": 1.0}
    with pytest.raises(TypeError, match="y"):
        kalman_filter(["a"], np.ones(1), 1.0, **start)
    with pytest.raises(TypeError, match="masked"):
        kalman_filter(np.ma.masked_less([1.0, -1.0], 0), np.ones(1), 1.0, **start)


def test_progress_is_reported() -> None:
    calls: list[tuple[int, int]] = []
    kalman_filter(**scrap_like(10, 20, batch=4), progress=lambda done, total: calls.append((done, total)))
    assert calls[-1] == (4, 4)


INSTRUCTIONS = """
import sys, numpy as np
sys.path.insert(0, {tests!r})
from references.filter_cases import scrap_like
from tundish.filtering import kalman_filter
f = [kalman_filter(**scrap_like(n, 50, batch=3)) for n in (3, 20)]
np.savez({out!r}, *[np.concatenate([x.mean.ravel(), x.std.ravel(), x.loglik]) for x in f])
"""


def test_instruction_sets_agree_to_rounding(tmp_path: Any) -> None:
    """They sum in other orders, and only some fuse products with sums."""
    found = {}
    for build in ("x86-64-v2", "x86-64-v3", "x86-64-v4"):
        out = tmp_path / f"{build}.npz"
        script = INSTRUCTIONS.format(tests=str(Path(__file__).parents[1]), out=str(out))
        environment = {**os.environ, "TUNDISH_ISA": build}
        run = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
        )
        if "lacks these instructions" in run.stderr or "must be" in run.stderr:
            continue
        assert run.returncode == 0, run.stderr
        with np.load(out) as arrays:
            found[build] = [arrays[name] for name in arrays.files]
    for arrays in found.values():
        for a, b in zip(arrays, next(iter(found.values())), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)
