"""Simulated heats: the published recipes, ranges and drift, and what does not depend on what."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.scrap import (
    HeatLog,
    PartitionedElement,
    RetainedElement,
    Truth,
    bundled_heats,
    bundled_truth,
    published_model,
    simulate,
)

DECAY = np.log(2) / 1000


def test_masses_and_ranges_are_those_of_table_1() -> None:
    for element, ppm in (("Cu", (20, 30)), ("Cr", (50, 200))):
        log, truth = simulate(heats=400, element=element)
        assert log.scrap.shape == (400, 45)
        assert log.scrap.sum(axis=1) == pytest.approx(np.full(400, 70.0))
        for name, (low, high) in {
            "hot_metal_t": (280, 290),
            "hot_metal_ppm": ppm,
            "slag_t": (20, 30),
            "steel_t": (340, 350),
            "feo_pct": (20, 30),
        }.items():
            column = getattr(log, name)
            assert low <= column.min() < low + 0.1 * (high - low)
            assert high - 0.1 * (high - low) < column.max() <= high
        third = truth.prior_mean.reshape(3, 15)
        assert (third.min(axis=1) >= [200, 1000, 2000]).all()
        assert (third.max(axis=1) <= [1000, 2000, 5000]).all()


def test_sparse_charges_are_sparse_and_a_few_types_are_always_used() -> None:
    log, _ = simulate(heats=2000)
    used = (log.scrap > 0).mean(axis=0)
    frequent = [0, 22, 44]
    assert (used[frequent] == 1).all()
    assert np.delete(used, frequent) == pytest.approx(np.full(42, 0.1), abs=0.035)
    assert 20 < np.linalg.cond(log.scrap) < 30  # 25 in Table 2
    small, _ = simulate(heats=50, types=2)
    assert (small.scrap > 0).all()


def test_other_recipes_have_the_rank_and_condition_they_are_named_for() -> None:
    identity, _ = simulate(heats=90, recipe="identity")
    assert np.array_equal(identity.scrap, 70 * np.tile(np.eye(45), (2, 1)))
    low, _ = simulate(heats=300, recipe="low-rank", rank=7)
    assert np.linalg.matrix_rank(low.scrap) == 7
    for wanted in (100.0, 719104.0):
        full, _ = simulate(heats=300, recipe="full-rank", condition_number=wanted)
        assert np.linalg.cond(full.scrap) == pytest.approx(wanted, rel=1e-6)
        assert full.scrap.min() >= 0
        assert full.scrap.sum(axis=1) == pytest.approx(np.full(300, 70.0))
    pair, _ = simulate(heats=30, types=2, recipe="full-rank", condition_number=50.0)
    assert np.linalg.cond(pair.scrap) == pytest.approx(50)
    alone, _ = simulate(heats=3, types=1, recipe="full-rank")
    assert alone.scrap.tolist() == [[70.0]] * 3


def test_the_steel_is_the_mass_balance_with_the_sensors_noise() -> None:
    for element, std in (("Cu", 10.0), ("Cr", 5.0)):
        log, truth = simulate(heats=3000, types=6, element=element)
        mass = np.sum(log.scrap * truth.composition, axis=1) + log.hot_metal_t * log.hot_metal_ppm
        if element == "Cr":
            assert truth.partition is not None
            coefficient = truth.partition[:, 0] + truth.partition[:, 1] * log.feo_pct
            mass /= 1 + coefficient * log.slag_t / log.steel_t
        else:
            assert truth.partition is None
        assert truth.steel_ppm == pytest.approx(mass / log.steel_t)
        assert (log.steel_ppm - truth.steel_ppm).std() == pytest.approx(std, rel=0.05)


def test_the_drift_has_the_mean_and_the_variance_it_should() -> None:
    """eta of a[t + 1] = (1 - gamma) a[t] + gamma eta[t] has mean q, variance 5 q2, and is never negative."""
    _, truth = simulate(heats=20000, types=3, element="Cr")
    for path, mean in ((truth.composition, truth.prior_mean), (truth.partition, np.array([9.7, 0.01]))):
        assert path is not None
        assert path[0] == pytest.approx(mean)
        driving = (path[1:] - (1 - DECAY) * path[:-1]) / DECAY
        error = np.sqrt(5 / 20000) * mean  # of the mean
        assert (np.abs(driving.mean(axis=0) - mean) < 4 * error).all()
        assert driving.var(axis=0) == pytest.approx(5 * mean**2, rel=0.15)
        if path is truth.composition:
            assert driving.min() > -1e-6
            assert driving.max() < 1e6


def test_streams_do_not_shift_each_other() -> None:
    """The element does not change the masses, nor the recipe the composition, nor the decay the noise."""
    log, truth = simulate(heats=60, types=9, rng=5)
    other, _ = simulate(heats=60, types=9, rng=5, element="Cr")
    assert np.array_equal(log.scrap, other.scrap)
    assert np.array_equal(log.slag_t, other.slag_t)
    noise = log.steel_ppm - truth.steel_ppm
    full, of_full = simulate(heats=60, types=9, rng=5, recipe="full-rank", condition_number=300.0)
    assert np.array_equal(of_full.composition, truth.composition)
    assert full.steel_ppm - of_full.steel_ppm == pytest.approx(noise)
    fast, of_fast = simulate(heats=60, types=9, rng=5, decay=0.5)
    assert np.array_equal(fast.scrap, log.scrap)
    assert fast.steel_ppm - of_fast.steel_ppm == pytest.approx(noise)


def test_one_seed_is_one_simulation() -> None:
    def steel(rng: object) -> list[float]:
        return simulate(heats=5, types=3, rng=rng)[0].steel_ppm.tolist()

    seed = np.random.SeedSequence(3)
    assert steel(3) == steel(3) == steel(seed) == steel(seed)
    assert steel(np.random.default_rng(3)) == steel(np.random.default_rng(3))
    assert steel(4) != steel(3)
    assert steel(None) != steel(None)


def test_types_of_any_number_fall_into_thirds() -> None:
    for types in (1, 2, 7):
        log, truth = simulate(heats=4, types=types)
        limits = np.array([(200, 1000), (1000, 2000), (2000, 5000)])[3 * np.arange(types) // types]
        assert (truth.prior_mean >= limits[:, 0]).all()
        assert (truth.prior_mean <= limits[:, 1]).all()
        assert len(set(log.types)) == types


def test_the_published_models() -> None:
    q = np.array([300.0, 2000.0])
    copper, chromium = published_model("Cu", q), published_model("Cr", q, method="sigma")
    assert isinstance(copper, RetainedElement)
    assert isinstance(chromium, PartitionedElement)
    for model, std in ((copper, 10.0), (chromium, 5.0)):
        assert (model.decay, model.measurement_std) == (DECAY, std)
        assert model.prior_var.tolist() == (5 * q**2).tolist()
    assert chromium.partition_mean == (9.7, 0.01)
    assert chromium.partition_var == pytest.approx((5 * 9.7**2, 5 * 0.01**2))
    assert chromium.method == "sigma"
    assert Truth._fields == ("prior_mean", "composition", "partition", "steel_ppm")


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("heats", 0, ValueError),
        ("heats", 10.0, TypeError),
        ("types", 0, ValueError),
        ("recipe", "rich", ValueError),
        ("element", "Sn", ValueError),
        ("decay", 0.0, ValueError),
        ("decay", 1.1, ValueError),
        ("rng", "seed", TypeError),
        ("rng", -1, ValueError),
        ("rank", 0, ValueError),
        ("rank", 10, ValueError),
        ("condition_number", 2.0, ValueError),
        ("condition_number", 0.5, ValueError),
        ("condition_number", np.inf, ValueError),
    ],
)
def test_bad_arguments_are_refused_by_name(name: str, value: object, error: type[Exception]) -> None:
    recipe = {"rank": "low-rank", "condition_number": "full-rank"}.get(name, "sparse")
    with pytest.raises(error, match=name):
        simulate(**{"heats": 40, "types": 9, "recipe": recipe, name: value})


def test_a_full_rank_needs_more_heats_than_types() -> None:
    with pytest.raises(ValueError, match="heats = 9: must be above types"):
        simulate(heats=9, types=9, recipe="full-rank")


@pytest.mark.parametrize("element", ["Cu", "Cr"])
def test_bundled_heats_follow_from_their_truth(element: str) -> None:
    """The mass balance gives the true steel, to rounding; readings scatter about it as the sensor does."""
    log, truth = HeatLog.read_csv(bundled_heats(element)), bundled_truth(element)
    assert truth.composition.shape == log.scrap.shape
    mass = (log.scrap * truth.composition).sum(axis=1) + log.hot_metal_t * log.hot_metal_ppm
    if element == "Cr":
        coefficient = truth.partition[:, 0] + truth.partition[:, 1] * log.feo_pct
        mass /= 1 + coefficient * log.slag_t / log.steel_t
    assert mass / log.steel_t == pytest.approx(truth.steel_ppm, rel=5e-3)
    off = (log.steel_ppm - truth.steel_ppm)[~log.missing]
    assert np.std(off) == pytest.approx({"Cu": 10, "Cr": 5}[element], rel=0.1)
    assert 0 < log.missing.sum() < 10
    files = (bundled_heats(element), bundled_heats(element).with_name(f"{element.lower()}_truth.csv"))
    assert sum(file.stat().st_size for file in files) < 120_000
