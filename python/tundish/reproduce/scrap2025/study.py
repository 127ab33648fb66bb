"""The simulations of arXiv:2504.11319: their errors, and the record of those that are done."""

from __future__ import annotations

import csv
import functools
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from tundish._common.arguments import Floats
from tundish.reproduce._study import RunRecord
from tundish.scrap import Estimate, HeatLog, Truth, filter_elements, published_model, simulate
from tundish.scrap.simulation import mass_balance, perturbed

HEATS, TYPES = 20_000, 45
SEEDS = 5
ELEMENTS = ("Cu", "Cr")
RECIPES = ("identity", "sparse", "full-rank", "low-rank")
TABLES = (2, 3, 4, 5)
# What Tables 3 to 5 make noisy, of which elements, and by how many percent.
VARIABLES = {3: "scrap_mass", 4: "slag_mass", 5: "feo"}
OF_ELEMENTS = {2: ELEMENTS, 3: ELEMENTS, 4: ("Cr",), 5: ("Cr",)}
LEVELS = {3: (0, 1, 5, 10, 20), 4: (0, 1, 5, 10, 20), 5: (0, 5, 10, 20)}  # first none
# ppm, a nearly perfect sensor: chosen here so that the estimate of a heat by a filter with this sensor, after
# the heat's reading, is about as far from that reading as rows 3 and 4 of Table 2 have it.
TRUSTED = {"Cu": 0.4, "Cr": 0.5}
_ROUNDING = 1e-9  # of the largest singular value


class Run(NamedTuple):
    """One simulation, filtered. `case`: a recipe of Table 2, or percent of noise.

    `bias` and `sd`: mean and standard deviation, ppm, of errors by what is compared with what:

    - "measured": predicted one heat ahead, and the measured steel. "updated": the filter's estimate of a heat
      after its reading, and the measured steel.
    - Table 2 alone. "true": predicted, and the steel without the sensor's noise. "trusting": as "updated", of
      a filter whose model has a sensor of `TRUSTED` ppm.
    - Tables 3 to 5 alone. "exact": predicted from noisy heats before, but with the heat's own exact masses,
      and the measured steel.

    `rank` and `condition_number` are those of Table 2's matrix; None where infinite, and in other tables.
    """

    table: int
    element: str
    case: str
    number: int
    seed: int
    heats: int
    bias: dict[str, float]
    sd: dict[str, float]
    rank: int | None = None
    condition_number: float | None = None


class PublishedRecipe(NamedTuple):
    """A line of Table 2: `errors` are mean and standard deviation by element, ppm."""

    rank: int
    condition_number: float
    errors: dict[str, tuple[float, float]]


def seed_of(seed: int, number: int) -> np.random.SeedSequence:
    """Of a simulation: `tundish.scrap.sensitivity(rng=seed)` has the same one in its repeat `number`."""
    return np.random.SeedSequence(seed, spawn_key=(number,))


def compare_recipes(element: str, seed: int, number: int) -> list[Run]:
    """Table 2, a run for each recipe."""
    return [_compared(element, recipe, seed, number) for recipe in RECIPES]


def _compared(element: str, recipe: str, seed: int, number: int) -> Run:
    log, truth = simulate(HEATS, TYPES, recipe, element=element, rng=seed_of(seed, number))
    model = published_model(element, truth.prior_mean)
    trusting = published_model(element, truth.prior_mean, measurement_std=TRUSTED[element])
    found, trusted = filter_elements([(model, log), (trusting, log)])
    errors = {
        "measured": found.predicted_steel - log.steel_ppm,
        "true": found.predicted_steel - truth.steel_ppm,
        "updated": _updated(found) - log.steel_ppm,
        "trusting": _updated(trusted) - log.steel_ppm,
    }
    singular = np.linalg.svd(np.linalg.qr(log.scrap, mode="r"), compute_uv=False)
    rank = int(np.sum(singular > _ROUNDING * singular[0]))
    condition_number = float(singular[0] / singular[-1]) if rank == TYPES else None
    return Run(2, element, recipe, number, seed, HEATS, *_moments(errors), rank, condition_number)


def add_noise(table: int, element: str, seed: int, number: int) -> list[Run]:
    """Tables 3 to 5, a run for each level."""
    logs, truth = noisy_heats(table, element, seed, number)
    model = published_model(element, truth.prior_mean)
    runs = []
    for level, found in zip(LEVELS[table], filter_elements([(model, log) for log in logs]), strict=True):
        measured = found.log.steel_ppm
        errors = {
            "measured": found.predicted_steel - measured,
            "exact": _predicted(found, logs[0]) - measured,
            "updated": _updated(found) - measured,
        }
        runs.append(Run(table, element, str(level), number, seed, HEATS, *_moments(errors)))
    return runs


def noisy_heats(table: int, element: str, seed: int, number: int) -> tuple[list[HeatLog], Truth]:
    """The sparse recipe's heats as the model is given them, for every level of noise; the first has none."""
    own = seed_of(seed, number)
    log, truth = simulate(HEATS, TYPES, "sparse", element=element, rng=own)
    return [perturbed(log, VARIABLES[table], level / 100, own) for level in LEVELS[table]], truth


def _updated(found: Estimate) -> Floats:
    """(T,) ppm, the filter's estimate of each heat after its reading."""
    return mass_balance(found.log, found.composition, found.partition)


def _predicted(found: Estimate, log: HeatLog) -> Floats:
    """(T,) ppm of a log's heats by the composition that was expected before each."""
    decay, mean = found.model.decay, found.model.state_mean
    after = np.hstack([found.composition, *([] if found.partition is None else [found.partition])])
    before = np.vstack([mean, decay * mean + (1 - decay) * after[:-1]])
    partition = None if found.partition is None else before[:, TYPES:]
    return mass_balance(log, before[:, :TYPES], partition)


def _moments(errors: dict[str, Floats]) -> tuple[dict[str, float], dict[str, float]]:
    """Means and standard deviations by name."""
    bias = {name: float(error.mean()) for name, error in errors.items()}
    return bias, {name: float(error.std()) for name, error in errors.items()}


class Record(RunRecord[Run]):
    """All runs so far, in a file of one JSON object a line: what is there is not done again."""

    def _start(self) -> None:
        self._runs: dict[tuple[int, str, str], dict[int, Run]] = {}

    def _read(self, fields: dict[str, Any]) -> Run:
        return Run(**fields)

    def _keep(self, run: Run) -> None:
        if run.heats == HEATS:
            self._runs.setdefault((run.table, run.element, run.case), {})[run.number] = run

    def runs(self, table: int, element: str, case: str) -> list[Run]:
        """Those done, in the order of their numbers."""
        found = self._runs.get((table, element, case), {})
        return [found[number] for number in sorted(found)]

    def has(self, table: int) -> bool:
        """Whether a table has all its lines, from one simulation at least."""
        return all(self.runs(table, element, case) for element in OF_ELEMENTS[table] for case in cases(table))

    def complete(self, tables: Iterable[int], seeds: int, tell: Callable[[str], object]) -> None:
        """Does what is missing of `seeds` simulations for each table."""
        for table in tables:
            for element in OF_ELEMENTS[table]:
                for number in range(seeds):
                    if self._has(table, element, number):
                        continue
                    tell(f"Table {table}, {element}: simulation {number + 1} of {seeds}")
                    self.add(_computed(table, element, self.seed, number))

    def _has(self, table: int, element: str, number: int) -> bool:
        return all(number in self._runs.get((table, element, case), {}) for case in cases(table))


def _computed(table: int, element: str, seed: int, number: int) -> list[Run]:
    if table == 2:
        return compare_recipes(element, seed, number)
    return add_noise(table, element, seed, number)


def cases(table: int) -> tuple[str, ...]:
    """The lines of a table."""
    return RECIPES if table == 2 else tuple(str(level) for level in LEVELS[table])


@functools.cache
def published_recipes() -> dict[str, PublishedRecipe]:
    """Table 2, by recipe."""
    return {
        row["recipe"]: PublishedRecipe(
            int(row["rank"]),
            float(row["condition_number"] or "inf"),
            {element: (float(row[f"{element}_bias"]), float(row[f"{element}_sd"])) for element in ELEMENTS},
        )
        for row in _read("recipes.csv")
    }


@functools.cache
def published_noise() -> dict[tuple[int, str, str], tuple[float, float]]:
    """Mean and standard deviation of Tables 3 to 5, ppm, by table, element and percent of noise."""
    return {
        (int(row["table"]), row["element"], row["noise_percent"]): (float(row["bias"]), float(row["sd"]))
        for row in _read("noise.csv")
    }


def _read(name: str) -> list[dict[str, Any]]:
    text = resources.files("tundish.reproduce.scrap2025").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
