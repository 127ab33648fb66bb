"""Windowed least squares and the priors that come from it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy.optimize import nnls

from tundish.scrap import HeatLog, prior_from, simulate, windowed_least_squares


def exact_log(
    composition: np.ndarray, heats: int = 60, partition: tuple[float, float] | None = None
) -> HeatLog:
    """A log whose steel follows from a composition without noise."""
    log, _ = simulate(heats, composition.size, "low-rank", element="Cr", rank=composition.size)
    mass = log.scrap @ composition + log.hot_metal_t * log.hot_metal_ppm
    if partition is not None:
        mass /= 1 + (partition[0] + partition[1] * log.feo_pct) * log.slag_t / log.steel_t
    return log.replace(steel_ppm=mass / log.steel_t)


@pytest.mark.parametrize("partition", [None, (9.7, 0.01)])
def test_exact_heats_give_the_exact_composition(partition: tuple[float, float] | None) -> None:
    truth = np.array([300.0, 0.0, 2000.0])
    log = exact_log(truth, partition=partition)
    found = windowed_least_squares(log, 20, every=7, partition=partition)
    assert np.isnan(found.composition[:19]).all()
    assert found.composition[19:] == pytest.approx(np.tile(truth, (41, 1)), abs=1e-6)
    assert np.isnan(found.predicted_steel[:20]).all()
    assert found.predicted_steel[20:] == pytest.approx(log.steel_ppm[20:], rel=1e-9)


def test_a_solution_is_of_the_last_heats_and_holds_until_the_next() -> None:
    log, _ = simulate(heats=90, types=5)
    steel = log.steel_ppm.copy()
    steel[[3, 40, 41]] = np.nan
    log = log.replace(steel_ppm=steel)
    found = windowed_least_squares(log, 30, every=4, prior_mean=np.full(5, 100.0))
    assert found.composition[:29].tolist() == [[100.0] * 5] * 29
    for last in (29, 33, 57):
        rows = np.arange(last - 29, last + 1)
        rows = rows[~np.isnan(steel[rows])]
        scale = log.steel_t[rows]
        known = steel[rows] - log.hot_metal_t[rows] * log.hot_metal_ppm[rows] / scale
        expected, _ = nnls(log.scrap[rows] / scale[:, None], known)
        assert found.composition[last : last + 4] == pytest.approx(
            np.tile(expected, (4, 1)), rel=1e-8, abs=1e-8
        )
    before = np.vstack([np.full(5, 100.0), found.composition[:-1]])
    brought = log.hot_metal_t * log.hot_metal_ppm
    expected_steel = (np.sum(log.scrap * before, axis=1) + brought) / log.steel_t
    assert found.predicted_steel == pytest.approx(expected_steel)


def test_a_window_without_readings_keeps_what_was_before() -> None:
    log = exact_log(np.array([300.0, 2000.0]))
    steel = log.steel_ppm.copy()
    steel[20:] = np.nan
    found = windowed_least_squares(log.replace(steel_ppm=steel), 10, every=1)
    assert found.composition[20:] == pytest.approx(np.tile([300.0, 2000.0], (40, 1)), abs=1e-6)
    assert np.isnan(windowed_least_squares(log, 100).composition).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 0}, "window = 0"),
        ({"window": 5.0}, "window"),
        ({"every": 0}, "every = 0"),
        ({"prior_mean": [1.0]}, "prior_mean: has size 1; the log has 2"),
        ({"prior_mean": [1.0, -1.0]}, r"prior_mean\[1\] = -1"),
        ({"partition": (-20.0, 0.0)}, "partition = .*heat 1 has"),
        ({"partition": 1.0j}, "partition"),
        ({"partition": 9.7}, "partition = 9.7: must be a list of two numbers"),
        ({"partition": (9.7, np.inf)}, "partition = .*inf.*: must be finite"),
    ],
)
def test_bad_arguments_are_refused_by_name(changes: dict, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        windowed_least_squares(exact_log(np.array([1.0, 2.0])), **changes)


def test_what_is_no_log_is_refused_by_name() -> None:
    for function in (windowed_least_squares, prior_from):
        with pytest.raises(TypeError, match=r"log = 'heats\.csv': must be a HeatLog"):
            function("heats.csv")


def test_priors_of_exact_heats_are_the_composition() -> None:
    truth = np.array([300.0, 900.0, 2000.0])
    assert prior_from(exact_log(truth)) == pytest.approx(truth, rel=1e-6)
    log = exact_log(truth, partition=(9.7, 0.01))
    assert prior_from(log, partition=(9.7, 0.01)) == pytest.approx(truth, rel=1e-6)


def test_priors_are_near_the_means_that_noisy_heats_come_from() -> None:
    log, truth = simulate(heats=1000, types=6)
    error = np.abs(prior_from(log) / truth.composition.mean(axis=0) - 1)
    assert error.max() < 0.3
    assert np.median(error) < 0.05


def test_what_the_log_does_not_tell_is_the_mean_of_all_scrap() -> None:
    log = exact_log(np.array([300.0, 900.0]))
    scrap = np.column_stack([log.scrap, np.zeros(60)])
    wider = HeatLog(log.heat, ["a", "b", "unused"], scrap, log.steel_t, log.steel_ppm,
                    hot_metal_t=log.hot_metal_t, hot_metal_ppm=log.hot_metal_ppm)  # fmt: skip
    found = prior_from(wider)
    mean = np.sum(log.scrap @ [300.0, 900.0]) / log.scrap.sum()
    assert found[:2] == pytest.approx([300, 900], rel=1e-6)
    assert found[2] == pytest.approx(mean, rel=0.02)


def test_no_prior_is_zero_unless_all_are() -> None:
    truth = np.array([0.0, 1000.0, 1000.0])
    found = prior_from(exact_log(truth))
    assert found[0] == pytest.approx(0.01 * found[1:].mean(), rel=0.5)
    assert prior_from(exact_log(np.zeros(2))).tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_logs_that_tell_nothing_are_refused() -> None:
    log = exact_log(np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="steel_ppm: all readings are missing"):
        prior_from(log.replace(steel_ppm=np.full(60, np.nan)))
    with pytest.raises(ValueError, match="scrap: no heat"):
        prior_from(log.replace(scrap=np.zeros((60, 2))))
