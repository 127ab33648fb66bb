"""The experiments of the paper: their readings, searches, and the record of what has been done."""

from __future__ import annotations

import csv
import dataclasses
import functools
import time
from collections.abc import Callable, Iterable, Iterator
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats
from tundish.casting import (
    PUBLISHED_STAGES,
    PUBLISHED_UNKNOWNS,
    Grid,
    Measurements,
    SearchStatus,
    Strand,
    identify,
    read_case,
    solve,
)
from tundish.reproduce._study import RunRecord

NOISE = (1, 2, 5)  # percent
METHODS = ("bee-colony", "least-squares")
RUNS = 10
MINUTES = {1: 4875, 2: 1640, 4: 730}  # that the paper's searches took, by steps
_START = 0.65  # of the truth
_RANGE = (0.5, 1.5)
_TOGETHER = 4  # runs: their bees fill two registers of float32
_DENSE = Grid(200, 200, dz_mold=2.5e-3, dz_spray=2e-2, grading=5, ramp=20)
_ZERO_CELSIUS = 273.15


@dataclasses.dataclass(frozen=True)
class Experiment:
    """One of the paper's: `steps` of the search, readings every `every` m, `sensors` numbered from 0."""

    name: str
    steps: int = 1
    every: float = 0.01
    sensors: tuple[int, ...] = (0, 1, 2)

    @property
    def bees(self) -> int:
        """Sources of the colony, SN."""
        return 8 if self.steps == 1 else 7

    @property
    def cycles(self) -> int:
        """MCN."""
        return 25 if self.steps == 1 else 10

    @property
    def title(self) -> str:
        """In words."""
        steps = {1: "one step", 2: "two steps", 4: "four steps"}[self.steps]
        sensors = {2: "two", 3: "three"}[len(self.sensors)]
        return f"{steps}, readings every {self.every:g} m of {sensors} thermocouples"


ONE_STEP = Experiment("one step")
COARSE = Experiment("one step, 0.02 m", every=0.02)
TWO_SENSORS = Experiment("one step, two sensors", sensors=(0, 2))
TWO_STEPS = Experiment("two steps", steps=2)
FOUR_STEPS = Experiment("four steps", steps=4)
EXPERIMENTS = (ONE_STEP, COARSE, TWO_SENSORS, TWO_STEPS, FOUR_STEPS)
# The paper's tables of parameters, and of temperatures, by number.
PARAMETER_TABLES = {1: ONE_STEP, 3: COARSE, 5: TWO_STEPS, 7: FOUR_STEPS}
TEMPERATURE_TABLES = {2: ONE_STEP, 4: COARSE, 6: TWO_STEPS, 8: FOUR_STEPS}


class Run(NamedTuple):
    """One search. `seconds` are those of the searches made together, over their number."""

    experiment: str
    noise: int
    method: str
    number: int
    seed: int
    cost: float
    parameters: dict[str, float]
    standard_errors: dict[str, float]  # of least squares; empty for the colony
    evaluations: int
    seconds: float


class TemperatureErrors(NamedTuple):
    """Of a reconstruction, against the truth."""

    max_kelvin: float
    mean_kelvin: float
    max_percent: float  # of degrees Celsius
    mean_percent: float


class PublishedParameter(NamedTuple):
    """A line of Tables 1, 3, 5 or 7."""

    value: float
    error: float
    standard_deviation: float


def truth() -> Strand:
    """The strand that made the readings."""
    return read_case().strand


@functools.cache
def _true_readings() -> Measurements:
    """What the three thermocouples would have read without noise, every 0.01 m."""
    return Measurements.from_solution(solve(truth(), _DENSE, probes=read_case().probes))


def readings(experiment: Experiment, noise: int, seed: int) -> Measurements:
    """The noisy readings: those of fewer places are some of those of all."""
    true = _true_readings()
    rng = np.random.default_rng([seed, noise])
    noisy = true.temperature * (1 + noise / 100 * rng.uniform(-1, 1, len(true)))
    every = round(experiment.every / 0.01)
    number = np.round((true.z - true.z.min()) / 0.01).astype(int)
    theirs = np.any([of_sensor(true, n) for n in experiment.sensors], axis=0)
    used = theirs & (number % every == 0)
    return Measurements(true.z[used], true.x[used], true.y[used], noisy[used])


def temperatures(parameters: dict[str, float]) -> tuple[Floats, Floats, Floats]:
    """z (m,), and (3, m) temperatures of a reconstruction at the thermocouples, and the true ones, K."""
    true = _true_readings()
    solution = solve(truth().replace(parameters), probes=read_case().probes)
    exact = []
    for n in range(len(read_case().probes)):
        own = of_sensor(true, n)
        order = np.argsort(true.z[own])
        z = true.z[own][order]
        exact.append(true.temperature[own][order])
    ours = [np.interp(z, solution.z, probe) for probe in solution.probe_temperature]
    return z, np.stack(ours), np.stack(exact)


def of_sensor(measurements: Measurements, n: int) -> NDArray[np.bool_]:
    """Which readings are those of thermocouple n + 1."""
    x, y = read_case().probes[n]
    return np.asarray((measurements.x == x) & (measurements.y == y), bool)


def temperature_errors(parameters: dict[str, float]) -> TemperatureErrors:
    """The columns of Tables 2, 4, 6 and 8."""
    _, ours, exact = temperatures(parameters)
    error = np.abs(ours - exact)
    relative = 100 * error / (exact - _ZERO_CELSIUS)
    return TemperatureErrors(
        *(float(x) for x in (error.max(), error.mean(), relative.max(), relative.mean()))
    )


def search(experiment: Experiment, noise: int, method: str, first: int, runs: int, seed: int) -> list[Run]:
    """`runs` searches together, numbered from `first`. Raises KeyboardInterrupt after Ctrl-C."""
    true = truth().parameters()
    started = time.perf_counter()
    found = identify(
        truth().replace({name: _START * true[name] for name in PUBLISHED_UNKNOWNS}),
        readings(experiment, noise, seed),
        PUBLISHED_UNKNOWNS,
        {name: (_RANGE[0] * true[name], _RANGE[1] * true[name]) for name in PUBLISHED_UNKNOWNS},
        method,
        stages=PUBLISHED_STAGES[experiment.steps],
        runs=runs,
        rng=np.random.SeedSequence([seed, noise, first]),
        popsize=experiment.bees,
        maxiter=experiment.cycles,
        progress=False,
    )
    if found.status is SearchStatus.INTERRUPTED:
        raise KeyboardInterrupt
    seconds = (time.perf_counter() - started) / runs
    errors = found.standard_error if method == "least-squares" else {}
    return [
        Run(experiment.name, noise, method, first + n, seed, run.cost, run.parameters, errors,
            run.evaluations, seconds)
        for n, run in enumerate(found.runs)
    ]  # fmt: skip


class Record(RunRecord[Run]):
    """All searches so far, in a file of one JSON object a line: what is there is not done again."""

    def _start(self) -> None:
        self._runs: dict[tuple[str, int, str], list[Run]] = {}

    def _read(self, fields: dict[str, Any]) -> Run:
        return Run(**fields)

    def _keep(self, run: Run) -> None:
        self._runs.setdefault((run.experiment, run.noise, run.method), []).append(run)

    def runs(self, experiment: Experiment, noise: int, method: str) -> list[Run]:
        """Those done, in the order of their numbers."""
        return sorted(self._runs.get((experiment.name, noise, method), []), key=lambda run: run.number)

    def best(self, experiment: Experiment, noise: int, method: str) -> Run | None:
        """The run of least cost."""
        return min(self.runs(experiment, noise, method), key=lambda run: run.cost, default=None)

    def complete(
        self,
        experiments: Iterable[Experiment],
        methods: Iterable[str],
        runs: int,
        tell: Callable[[str], object],
    ) -> None:
        """Does what is missing of `runs` colonies, and of one least-squares search, for each noise."""
        for experiment, method, noise in _all(experiments, methods):
            wanted = runs if method == "bee-colony" else 1
            done = {run.number for run in self.runs(experiment, noise, method)}
            for first in range(0, wanted, _TOGETHER):
                numbers = range(first, min(first + _TOGETHER, wanted))
                if done.issuperset(numbers):
                    continue
                tell(f"{experiment.title}, {noise} %: {method}, runs {numbers[0] + 1} to {numbers[-1] + 1}")
                found = search(experiment, noise, method, first, len(numbers), self.seed)
                self.add(run for run in found if run.number not in done)


def _all(experiments: Iterable[Experiment], methods: Iterable[str]) -> Iterator[tuple[Experiment, str, int]]:
    chosen = tuple(methods)
    for experiment in experiments:
        for method in chosen:
            for noise in NOISE:
                yield experiment, method, noise


@functools.cache
def published_parameters() -> dict[tuple[int, int, str], PublishedParameter]:
    """Tables 1, 3, 5 and 7, by table, noise in percent and parameter."""
    return {
        (int(row["table"]), int(row["noise_percent"]), row["parameter"]): PublishedParameter(
            float(row["value"]), float(row["absolute_error"]), float(row["standard_deviation"])
        )
        for row in _read("parameters.csv")
    }


# What section 5.1 says in words of two sensors, by noise in percent.
PUBLISHED_TWO_SENSORS = {5: TemperatureErrors(11.95, 0.99, 0.91, 0.11)}


@functools.cache
def published_temperatures() -> dict[tuple[int, int], TemperatureErrors]:
    """Tables 2, 4, 6 and 8, by table and noise in percent."""
    return {
        (int(row["table"]), int(row["noise_percent"])): TemperatureErrors(
            *(float(row[name]) for name in ("max_K", "mean_K", "max_percent", "mean_percent"))
        )
        for row in _read("temperatures.csv")
    }


def _read(name: str) -> list[dict[str, str]]:
    text = resources.files("tundish.reproduce.energies2020").joinpath(name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
