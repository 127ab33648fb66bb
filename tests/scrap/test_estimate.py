"""What an estimate tells: intervals, diagnostics of its innovations, its table."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy")

from references.heats import gappy
from scipy import stats

from tundish.scrap import Estimate, published_model, simulate


@pytest.fixture(scope="module")
def estimate() -> Estimate:
    log, truth = simulate(heats=300, types=4, element="Cr")
    steel = log.steel_ppm.copy()
    steel[5::17] = np.nan
    return published_model("Cr", truth.prior_mean).filter(log.replace(steel_ppm=steel))


def with_innovations(estimate: Estimate, z: np.ndarray) -> Estimate:
    """As if these, in standard deviations, had been the innovations."""
    return dataclasses.replace(estimate, innovation=z * estimate.predicted_std)


def test_intervals_hold_the_share_they_say(estimate: Estimate) -> None:
    known = ~estimate.log.missing
    for level in (0.5, 0.9):
        low, high = estimate.interval(level)
        assert stats.norm.cdf(high, estimate.predicted_steel, estimate.predicted_std) - stats.norm.cdf(
            low, estimate.predicted_steel, estimate.predicted_std
        ) == pytest.approx(np.full(300, level))
        inside = (estimate.log.steel_ppm >= low) & (estimate.log.steel_ppm <= high)
        assert inside[known].mean() == pytest.approx(level, abs=0.08)
    for level in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="level"):
            estimate.interval(level)


def test_diagnostics_are_the_statistics_they_name(estimate: Estimate) -> None:
    d = estimate.diagnostics()
    error = estimate.predicted_steel - estimate.log.steel_ppm
    error = error[~np.isnan(error)]
    z = (estimate.innovation / estimate.predicted_std)[~estimate.log.missing]
    assert d.readings == z.size == 282
    assert d.bias == pytest.approx(error.mean())
    assert d.rms == pytest.approx(np.sqrt(np.mean(error**2)))
    assert d.nis == pytest.approx(np.mean(z**2))
    assert d.nis_interval == pytest.approx(stats.chi2.interval(0.95, 282) / np.array(282))
    assert d.coverage == pytest.approx(np.mean(np.abs(z) <= stats.norm.ppf(0.95)))
    assert d.lags == 20
    rho = [np.corrcoef(z[lag:], z[:-lag])[0, 1] for lag in range(1, 21)]
    rough = 282 * 284 * sum(r**2 / (282 - n) for n, r in enumerate(rho, 1))
    assert d.ljung_box == pytest.approx(rough, rel=0.1)  # corrcoef's means and sizes are the parts'
    assert d.p_value == pytest.approx(stats.chi2.sf(d.ljung_box, 20))


def test_diagnostics_know_good_innovations_from_bad(estimate: Estimate) -> None:
    white = np.random.default_rng(0).standard_normal(300)
    good = with_innovations(estimate, white).diagnostics()
    assert good.nis_interval[0] < good.nis < good.nis_interval[1]
    assert good.p_value > 0.05
    assert good.coverage == pytest.approx(0.9, abs=0.05)
    loud = with_innovations(estimate, 1.5 * white).diagnostics()
    assert loud.nis > loud.nis_interval[1]
    red = with_innovations(estimate, np.convolve(white, [0.8, 0.6])[:300]).diagnostics()
    assert red.p_value < 1e-6
    biased = with_innovations(estimate, white - 1).diagnostics()
    assert biased.bias > 0  # predicted - measured


def test_the_first_heats_can_be_left_out(estimate: Estimate) -> None:
    d = estimate.diagnostics(skip=295)
    assert (d.readings, d.lags) == (5, 1)
    with pytest.raises(ValueError, match="skip = 299: leaves 1 of the log's readings"):
        estimate.diagnostics(skip=299)
    log, model = estimate.log, estimate.model
    unread = model.filter(log.replace(steel_ppm=np.full(len(log), np.nan)))
    with pytest.raises(ValueError, match="steel_ppm: all readings of the log are missing"):
        unread.diagnostics()
    with pytest.raises(ValueError, match="skip = -1"):
        estimate.diagnostics(skip=-1)
    with pytest.raises(TypeError, match="skip"):
        estimate.diagnostics(skip=1.0)


def test_diagnostics_and_estimates_can_be_read(estimate: Estimate) -> None:
    text = str(estimate.diagnostics())
    for words in ("readings", "282", "NIS", "90 % interval", "Ljung-Box"):
        assert words in text
    assert "300 heats, 4 scrap types" in repr(estimate)
    gone = with_innovations(estimate, np.full(300, np.nan))
    assert "error nan ppm" in repr(gone)


def test_constant_innovations_have_no_autocorrelation(estimate: Estimate) -> None:
    assert with_innovations(estimate, np.full(300, 1.0)).diagnostics().p_value == 1.0


def test_the_table_has_a_line_for_each_heat(estimate: Estimate, tmp_path: Path) -> None:
    estimate.to_csv(tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["heat"] for row in rows] == [str(n) for n in range(1, 301)]

    def column(name: str) -> list[float]:
        return [float(row[name] or "nan") for row in rows]

    for n, name in enumerate(estimate.log.types):
        assert column(f"scrap_{name}_ppm") == estimate.composition[:, n].tolist()
        assert column(f"std_{name}_ppm") == estimate.composition_std[:, n].tolist()
    assert estimate.partition is not None
    assert estimate.partition_std is not None
    assert column("c2") == estimate.partition[:, 1].tolist()
    assert column("std_c1") == estimate.partition_std[:, 0].tolist()
    assert column("predicted_ppm") == estimate.predicted_steel.tolist()
    assert column("std_predicted_ppm") == estimate.predicted_std.tolist()
    for name, values in (("steel_ppm", estimate.log.steel_ppm), ("innovation_ppm", estimate.innovation)):
        assert np.array_equal(column(name), values, equal_nan=True)
        assert [row[name] == "" for row in rows] == estimate.log.missing.tolist()


def test_the_table_of_an_element_that_stays_has_no_partition(tmp_path: Path) -> None:
    log, truth = simulate(heats=3, types=2)
    published_model("Cu", truth.prior_mean).filter(log).to_csv(tmp_path / "a.csv")
    head = (tmp_path / "a.csv").read_text().splitlines()[0].split(",")
    assert "c1" not in head
    assert head[1] == "scrap_type1_ppm"


@pytest.mark.parametrize("element", ["Cu", "Cr"])
@pytest.mark.parametrize("how", ["filter", "smooth"])
def test_a_forecast_is_what_the_next_heat_is_expected_to_be(element: str, how: str) -> None:
    log, model = gappy(element)
    e, last = getattr(model, how)(log[:-1]), log[-1:]
    told = {name: float(getattr(last, name)[0]) for name in ("hot_metal_t", "hot_metal_ppm", "slag_t",
                                                             "feo_pct", "steel_t")}  # fmt: skip
    f = e.forecast(dict(zip(log.types, last.scrap[0].tolist(), strict=True)), **told)
    assert f == e.forecast(last.scrap[0], **told)
    whole = model.filter(log)
    assert f.mean == pytest.approx(whole.predicted_steel[-1], rel=1e-12)
    assert f.std == pytest.approx(whole.predicted_std[-1], rel=1e-12)
    low, high = whole.interval(0.9)
    assert (f.lower, f.upper) == pytest.approx((low[-1], high[-1]), rel=1e-12)


def test_what_a_forecast_is_not_told_is_the_logs_median() -> None:
    log, model = gappy("Cr")
    e = model.filter(log)
    told = {name: float(np.median(getattr(log, name))) for name in ("slag_t", "feo_pct", "steel_t")}
    charge = {log.types[1]: 70.0}
    assert e.forecast(charge) == e.forecast([0, 70, 0, 0, 0], hot_metal_t=0, hot_metal_ppm=0, **told)
    half, whole = e.forecast(charge, level=0.5), e.forecast(charge, level=0.9)
    assert whole.upper - whole.lower == pytest.approx(2 * 1.6448536 * whole.std)
    assert half.upper - half.lower == pytest.approx(2 * 0.6744898 * half.std)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"masses": {"gold": 1.0}}, ValueError, "masses: 'gold' is unknown"),
        ({"masses": {"type1": -1.0}}, ValueError, r"masses\['type1'\] = -1"),
        ({"masses": {"type1": "much"}}, TypeError, r"masses\['type1'\]"),
        ({"masses": [1.0, 2.0]}, ValueError, "masses: has size 2; the log has 5"),
        ({"steel_t": 0.0}, ValueError, r"steel_t\[0\] = 0"),
        ({"slag_t": -2.0}, ValueError, r"slag_t\[0\] = -2"),
        ({"feo_pct": 200.0}, ValueError, r"feo_pct\[0\] = 200"),
        ({"level": 1.0}, ValueError, "level = 1"),
        ({"hot_metal_t": "hot"}, TypeError, "hot_metal_t"),
    ],
)
def test_bad_plans_are_refused_by_name(changes: dict, error: type[Exception], message: str) -> None:
    log, model = gappy("Cr", heats=70)
    with pytest.raises(error, match=message):
        model.filter(log).forecast(**{"masses": {"type1": 70.0}, **changes})
