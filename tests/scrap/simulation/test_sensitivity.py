"""The noise study: what it makes noisy, what it reports, and what does not depend on what."""

from __future__ import annotations

import numpy as np
import pytest

from tundish.scrap import published_model, sensitivity, simulate
from tundish.scrap.simulation import VARIABLES, perturbed

SMALL = {"heats": 150, "types": 5, "repeats": 2}


def test_rows_are_variables_by_levels_and_level_0_is_the_clean_run() -> None:
    table = sensitivity(levels=(0, 0.1), skip=20, **SMALL)
    assert table["variable"].tolist() == ["scrap_mass"] * 2 + ["slag_mass"] * 2 + ["feo"] * 2
    assert table["level"].tolist() == [0, 0.1] * 3
    errors = []
    for repeat in range(2):
        seed = np.random.SeedSequence(0, spawn_key=(repeat,))
        log, truth = simulate(150, 5, element="Cr", rng=seed)
        e = published_model("Cr", truth.prior_mean).filter(log)
        errors.append((e.predicted_steel - log.steel_ppm)[20:])
    means, sds = [e.mean() for e in errors], [e.std() for e in errors]
    for row in table[table["level"] == 0]:
        expected = (np.mean(means), np.std(means, ddof=1), np.mean(sds), np.std(sds, ddof=1))
        assert tuple(row)[2:] == pytest.approx(expected, rel=1e-9)


def test_noise_makes_the_prediction_worse() -> None:
    """Much, by the masses of scrap and slag; hardly, by the iron oxide: section 3 of the paper."""
    sd = {row["variable"]: row["sd"] for row in sensitivity(levels=(0.1,), **SMALL)}
    clean = sensitivity(["feo"], [0], **SMALL)["sd"][0]
    assert sd["scrap_mass"] > 1.5 * clean
    assert sd["slag_mass"] > 1.5 * clean
    assert sd["feo"] == pytest.approx(clean, rel=0.02)


def test_what_else_is_asked_for_changes_nothing() -> None:
    table = sensitivity(levels=(0, 0.05), **SMALL)
    alone = sensitivity(["slag_mass"], [0.05], **SMALL)
    assert alone[0] == table[(table["variable"] == "slag_mass") & (table["level"] == 0.05)][0]
    assert sensitivity(levels=(0, 0.05), **SMALL).tolist() == table.tolist()
    assert sensitivity(["slag_mass"], [0.05], **SMALL, rng=1)["sd"] != alone["sd"]


def test_copper_does_not_see_the_slag() -> None:
    table = sensitivity(["slag_mass", "steel_mass", "hot_metal"], [0, 0.1], element="Cu", **SMALL)
    sd = table["sd"].reshape(3, 2)
    assert sd[0, 0] == sd[0, 1]
    assert sd[1, 1] > sd[1, 0] == sd[0, 0]
    assert sd[2, 1] > sd[2, 0]


@pytest.mark.parametrize("variable", VARIABLES)
def test_one_column_is_noisy_and_stays_in_its_limits(variable: str) -> None:
    """With so much noise that without new draws some would not."""
    log, _ = simulate(heats=4000, types=3)
    seed = np.random.SeedSequence(0)
    told = perturbed(log, variable, 0.9, seed)
    column, most = VARIABLES[variable]
    for name in ("scrap", "steel_t", "steel_ppm", "hot_metal_t", "hot_metal_ppm", "slag_t", "feo_pct"):
        same = np.array_equal(getattr(told, name), getattr(log, name))
        assert same == (name != column)
    factor = getattr(told, column) / getattr(log, column)
    assert (factor > 0).all()
    assert getattr(told, column).max() <= most
    small = perturbed(log, variable, 0.05, seed)
    assert (getattr(small, column) / getattr(log, column)).std() == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize(
    ("recipe", "argument", "values"),
    [("low-rank", "rank", (1, 4)), ("full-rank", "condition_number", (50, 900))],
)
def test_recipes_take_their_arguments(recipe: str, argument: str, values: tuple[float, float]) -> None:
    small = {"levels": (0.1,), "heats": 60, "types": 5, "repeats": 1, "recipe": recipe}
    a, b = (sensitivity(["scrap_mass"], **small, **{argument: value})["sd"][0] for value in values)
    assert a != b


def test_progress_is_told_and_one_repeat_has_no_spread() -> None:
    told = []
    table = sensitivity(["feo"], [0.1], 1, heats=40, types=3, progress=lambda *count: told.append(count))
    assert told == [(1, 1)]
    assert np.isnan(table["bias_spread"]).all()
    assert np.isnan(table["sd_spread"]).all()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"variables": ["weather"]}, ValueError, "variables: 'weather'"),
        ({"levels": [-0.1]}, ValueError, r"levels\[0\] = -0.1"),
        ({"levels": [0.1, np.nan]}, ValueError, r"levels\[1\] = nan"),
        ({"variables": []}, ValueError, "variables: at least one"),
        ({"variables": "feo"}, TypeError, "variables = 'feo': must be a list of names"),
        ({"levels": []}, ValueError, "levels: at least one"),
        ({"levels": 0.1}, TypeError, "levels = 0.1: must be a list of numbers"),
        ({"heats": 0}, ValueError, "heats = 0: must be at least 1"),
        ({"recipe": "low-rank", "rank": 6}, ValueError, "rank = 6: must be between 1 and 5"),
        ({"recipe": "full-rank", "condition_number": 0.5}, ValueError, "condition_number = 0.5"),
        ({"repeats": 0}, ValueError, "repeats = 0"),
        ({"skip": 150}, ValueError, "skip = 150: .*below heats = 150"),
        ({"skip": -1}, ValueError, "skip = -1"),
        ({"element": "Sn"}, ValueError, "element = 'Sn'"),
        ({"recipe": "rich"}, ValueError, "recipe = 'rich'"),
        ({"heats": 1.5}, TypeError, "heats"),
        ({"rng": "seed"}, TypeError, "rng"),
    ],
)
def test_bad_arguments_are_refused_by_name(changes: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sensitivity(**{**SMALL, **changes})
