"""Fits of the hyper-parameters: that they climb, where they end, and what they say of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from tundish.scrap import HeatLog, PartitionedElement, RetainedElement, published_model, simulate
from tundish.scrap._run import BreakdownError, run
from tundish.scrap.fitting import _fit as fit_module


def drifting(element: str = "Cu", heats: int = 300, decay: float = 0.05) -> tuple[HeatLog, Any]:
    """A log of two types that are always used, with a gap, and the model it was made with."""
    log, truth = simulate(heats, 2, element=element, decay=decay, rng=4)
    steel = log.steel_ppm.copy()
    steel[40:45] = np.nan
    return log.replace(steel_ppm=steel), published_model(element, truth.prior_mean, decay=decay)


def off(model: RetainedElement) -> RetainedElement:
    """The model with everything wrong that a fit can find."""
    return dataclasses.replace(
        model, decay=0.02, prior_var=8 * model.prior_var, measurement_std=2.5 * model.measurement_std
    )


@pytest.mark.parametrize("method", ["likelihood", "em"])
def test_a_fit_finds_what_the_log_was_made_with(method: str) -> None:
    log, model = drifting()
    start = dataclasses.replace(off(model), decay=model.decay)
    fitted = start.fit(log, ["prior_var", "measurement_std"], method)
    s = fitted.summary()
    assert s.success
    assert s.message == "converged"
    assert isinstance(fitted, RetainedElement)
    assert fitted.decay == model.decay
    for found, true, name in (
        (fitted.prior_var[0] / start.prior_var[0], 1 / 8, "prior_var_factor"),
        (fitted.measurement_std, 10.0, "measurement_std"),
    ):
        assert s.values[name] == pytest.approx(found)
        assert abs(found - true) < 3 * s.standard_errors[name]
    assert fitted.prior_var[1] / fitted.prior_var[0] == pytest.approx(model.prior_var[1] / model.prior_var[0])


def test_standard_errors_are_those_of_the_curvature() -> None:
    """The information from first derivatives is near the second differences of the log-likelihood."""
    log, model = drifting()
    fitted = model.fit(log, ["prior_var", "measurement_std"])

    def loglik(x: float, y: float) -> float:
        moved = dataclasses.replace(
            fitted,
            prior_var=fitted.prior_var * np.exp(x),
            measurement_std=fitted.measurement_std * np.exp(y),
        )
        return moved.filter(log).loglik

    h, top = 0.05, loglik(0, 0)
    mixed = (loglik(h, h) - loglik(h, -h) - loglik(-h, h) + loglik(-h, -h)) / (4 * h * h)
    bends = [(loglik(*step) + loglik(*(-s for s in step)) - 2 * top) / h**2 for step in ((h, 0), (0, h))]
    errors = np.sqrt(np.diag(np.linalg.inv(-np.array([[bends[0], mixed], [mixed, bends[1]]]))))
    s = fitted.summary()
    for name, error in zip(s.values, errors, strict=True):
        assert s.standard_errors[name] == pytest.approx(error * s.values[name], rel=0.2)


def test_the_error_of_a_standard_deviation_alone_is_the_textbooks() -> None:
    log, model = drifting()
    still = dataclasses.replace(model, prior_var=1e-6)
    s = still.fit(log, ["measurement_std"]).summary()
    assert s.standard_errors["measurement_std"] == pytest.approx(
        s.values["measurement_std"] / np.sqrt(2 * 295), rel=1e-4
    )


def test_both_methods_end_at_the_same_maximum() -> None:
    log, model = drifting()
    names = ["prior_var", "measurement_std"]
    a = off(model).fit(log, names, tolerance=1e-12).summary()
    b = off(model).fit(log, names, "em", maxiter=2000, tolerance=1e-12).summary()
    assert b.loglik == pytest.approx(a.loglik, abs=1e-4)
    for name in a.values:
        assert b.values[name] == pytest.approx(a.values[name], rel=1e-2)


@pytest.mark.parametrize("per_type", [False, True])
def test_expectation_maximisation_never_goes_down(per_type: bool) -> None:
    log, model = drifting()
    s = off(model).fit(log, method="em", per_type=per_type, maxiter=25, tolerance=1e-15).summary()
    path = [s.loglik_before, *s.history]
    assert 15 < len(path) <= 26  # the others were steps too long, taken back
    assert (np.diff(path) > 0).all()
    assert not s.success
    assert "25 iterations" in s.message


def test_an_iteration_of_em_is_the_mean_square_of_what_is_smoothed() -> None:
    """Its factor is E[sum of squares] / m, from the joint normal distribution of all heats, done densely."""
    log, model = drifting(heats=60)
    n, T, gamma = 2, 60, model.decay  # noqa: N806
    Q, q = model.prior_var, model.prior_mean  # noqa: N806
    # All states, stacked, are linear in the first one and the driving noises, in units of their variances.
    first = np.sqrt(gamma * Q / (2 - gamma))
    size = np.concatenate([first, np.tile(gamma * np.sqrt(Q), T - 1)])
    decays = np.tril((1 - gamma) ** (np.arange(T)[:, None] - np.arange(T)[None]).clip(0))
    paths = np.kron(decays, np.eye(n)) * size
    known = ~log.missing
    rows = np.array([np.kron(np.eye(T)[t], log.scrap[t]) for t in np.flatnonzero(known)]) @ paths
    noise = (model.measurement_std * log.steel_t[known]) ** 2
    off_mean = (log.steel_t * log.steel_ppm - log.hot_metal_t * log.hot_metal_ppm - log.scrap @ q)[known]
    gain = rows.T @ np.linalg.inv(rows @ rows.T + np.diag(noise))
    mean, cov = gain @ off_mean, np.eye(T * n) - gain @ rows
    squares = mean**2 + np.diag(cov)
    left = off_mean - rows @ mean
    errors = (left**2 + np.diag(rows @ cov @ rows.T)) / noise

    once = {"method": "em", "maxiter": 1}
    assert model.fit(log, ["prior_var"], **once).summary().values["prior_var_factor"] == pytest.approx(
        squares.mean(), rel=1e-6
    )
    assert model.fit(log, ["measurement_std"], **once).measurement_std == pytest.approx(
        10 * np.sqrt(errors.mean()), rel=1e-6
    )
    each = model.fit(log, ["prior_var"], per_type=True, **once)
    assert each.prior_var / Q == pytest.approx(squares.reshape(T, n).mean(axis=0), rel=1e-6)


def test_the_decay_is_found_too() -> None:
    log, model = drifting(heats=500)
    fitted = off(model).fit(log)
    s = fitted.summary()
    assert list(s.values) == ["decay", "prior_var_factor", "measurement_std"]
    assert s.success
    assert abs(np.log(fitted.decay / 0.05)) < 3 * s.standard_errors["decay"] / fitted.decay
    assert fitted.loglik == s.loglik > s.loglik_before
    assert s.loglik == pytest.approx(fitted.filter(log).loglik, rel=1e-12)
    assert s.loglik > model.filter(log).loglik  # more than with the truth: it is the maximum
    assert s.loglik_before == pytest.approx(off(model).filter(log).loglik, rel=1e-12)
    for name, by in (("decay", 1.2), ("measurement_std", 1.05)):
        for factor in (by, 1 / by):
            worse = dataclasses.replace(fitted, **{name: getattr(fitted, name) * factor})
            assert worse.filter(log).loglik < s.loglik


def test_a_partitioned_element_has_a_variance_more() -> None:
    log, model = drifting("Cr", heats=120)
    wrong = dataclasses.replace(model, partition_var=(20 * 9.7**2, 20 * 0.01**2), measurement_std=9.0)
    fitted = wrong.fit(log, ["measurement_std", "partition_var"])
    s = fitted.summary()
    assert isinstance(fitted, PartitionedElement)
    assert list(s.values) == ["partition_var_factor", "measurement_std"]
    assert s.loglik > s.loglik_before + 10
    assert np.array(fitted.partition_var) == pytest.approx(
        s.values["partition_var_factor"] * np.array(wrong.partition_var)
    )
    assert fitted.measurement_std == pytest.approx(5.0, abs=4 * s.standard_errors["measurement_std"])


@pytest.mark.parametrize("method", ["likelihood", "em"])
def test_a_decay_that_is_not_fitted_stays(method: str) -> None:
    log, model = drifting()
    fitted = dataclasses.replace(model, decay=1.0).fit(log, ["prior_var", "measurement_std"], method)
    assert fitted.decay == 1.0
    assert fitted.summary().success


def test_what_the_log_does_not_tell_has_no_finite_error() -> None:
    log, model = drifting("Cr", heats=60)
    s = model.fit(log.replace(slag_t=0.0), ["partition_var", "measurement_std"], maxiter=3).summary()
    assert s.standard_errors["partition_var_factor"] == np.inf
    assert np.isfinite(s.standard_errors["measurement_std"])


def test_a_limit_of_the_search_is_told() -> None:
    """Steel that the scrap explains exactly: the smaller the noise, the likelier."""
    log, model = drifting(heats=30)
    mass = log.scrap @ model.prior_mean + log.hot_metal_t * log.hot_metal_ppm
    s = model.fit(log.replace(steel_ppm=mass / log.steel_t), ["prior_var"]).summary()
    assert not s.success
    assert s.message == "prior_var_factor at the limit of the search"
    assert np.isnan(s.standard_errors["prior_var_factor"])


def test_a_search_goes_round_where_the_filter_breaks_down(monkeypatch: pytest.MonkeyPatch) -> None:
    log, model = drifting(heats=60)

    def fragile(pairs: list, **keywords: Any) -> list:
        if any(m.measurement_std > 9 for m, _ in pairs):
            raise BreakdownError("heat 7: lost")
        return run(pairs, **keywords)

    monkeypatch.setattr(fit_module, "run", fragile)
    s = dataclasses.replace(model, measurement_std=2.0).fit(log, ["measurement_std"]).summary()
    assert 7 < s.values["measurement_std"] < 9
    assert s.loglik > s.loglik_before
    with pytest.raises(BreakdownError, match="heat 7"):
        model.fit(log, ["measurement_std"])


def test_a_summary_can_be_read() -> None:
    log, model = drifting(heats=60)
    fitted = model.fit(log, per_type=True, maxiter=2)
    text = repr(fitted.summary())
    assert text == str(fitted.summary())
    assert "prior_var_factor[type2]" in text
    assert f"{fitted.loglik:.2f}" in text
    assert f"{fitted.summary().evaluations} filter runs" in text
    with pytest.raises(AttributeError, match="has not been fitted"):
        model.summary()
    with pytest.raises(AttributeError, match="has not been fitted"):
        _ = model.loglik
    with pytest.raises(AttributeError, match="has not been fitted"):
        dataclasses.replace(fitted, decay=0.1).summary()


def test_progress_is_told() -> None:
    log, model = drifting(heats=60)
    told = []
    for method in ("likelihood", "em"):
        told.clear()
        model.fit(log, ["measurement_std"], method, maxiter=2, progress=lambda *count: told.append(count))
        assert told[0] == (1, 2)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"parameters": ["slope"]}, ValueError, "parameters: 'slope'"),
        ({"parameters": ["partition_var"]}, ValueError, "parameters: 'partition_var'"),
        ({"parameters": []}, ValueError, "parameters: at least one"),
        ({"parameters": ["decay"], "method": "em"}, ValueError, "parameters: 'decay' is held fixed"),
        ({"method": "guess"}, ValueError, "method = 'guess'"),
        ({"maxiter": 0}, ValueError, "maxiter = 0"),
        ({"tolerance": 0.0}, ValueError, "tolerance = 0"),
        ({"log": None}, ValueError, "log: 3 readings for 3 parameters are too few"),
    ],
)
def test_bad_arguments_are_refused_by_name(changes: dict, error: type[Exception], message: str) -> None:
    log, model = drifting(heats=60)
    with pytest.raises(error, match=message):
        model.fit(**{"log": log, **changes} if changes.get("log", log) is log else {"log": log[:3]})


def test_expectation_maximisation_is_refused_for_robust_models() -> None:
    """Their likelihood is Huber's, and can be maximised all the same."""
    log, model = drifting(heats=60)
    robust = dataclasses.replace(model, robust=2.0, measurement_std=30.0)
    with pytest.raises(ValueError, match="method = 'em': not for a robust model"):
        robust.fit(log, ["prior_var"], "em")
    s = robust.fit(log, ["measurement_std"]).summary()
    assert s.success
    assert s.values["measurement_std"] < 20


def test_an_iteration_that_loses_is_the_last_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    log, model = drifting(heats=60)
    calls = []

    def falling(pairs: list, **keywords: Any) -> list:
        calls.append(len(pairs))
        drop = 0 if len(calls) < 3 else 5
        return [found._replace(loglik=found.loglik - drop) for found in run(pairs, **keywords)]

    monkeypatch.setattr(fit_module, "run", falling)
    s = off(model).fit(log, ["measurement_std"], "em", tolerance=1e-6).summary()
    assert not s.success
    assert "an iteration lost" in s.message
    assert (len(s.history), s.loglik) == (1, s.history[-1])


def test_a_lengthened_step_that_breaks_the_filter_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    log, model = drifting(heats=60)
    calls = []

    def fragile(pairs: list, **keywords: Any) -> list:
        calls.append(len(pairs))
        if len(calls) == 3:  # the start, a step of EM, and the first one that is longer
            raise BreakdownError("heat 7: lost")
        return run(pairs, **keywords)

    expected = off(model).fit(log, ["measurement_std"], "em")
    monkeypatch.setattr(fit_module, "run", fragile)
    fitted = off(model).fit(log, ["measurement_std"], "em")
    assert fitted.summary().success
    assert fitted.measurement_std == pytest.approx(expected.measurement_std, rel=1e-3)


def test_a_variance_of_zero_is_refused_by_name() -> None:
    log, model = drifting(heats=60)
    with pytest.raises(ValueError, match="prior_var: is 0"):
        dataclasses.replace(model, prior_var=0.0).fit(log)
