"""The bee colony beside pygmo's and beside scipy's differential evolution, on functions of 8 unknowns.

What an optimiser costs is its wall time less that of the objective alone. Optimisers are compared at the
evaluations of the published run, 25 608.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pygmo
from numpy.typing import NDArray
from scipy.optimize import differential_evolution

from benchmarks import machine
from tundish import _core
from tundish.optimize import bee_colony

Floats = NDArray[np.float64]
DIMENSIONS, BEES, CYCLES = 8, 8, 25
PUBLISHED = {"popsize": BEES, "maxiter": CYCLES, "variant": "published"}
EVALUATIONS = BEES + CYCLES * 2 * BEES * BEES * DIMENSIONS
STANDARD = {"popsize": BEES, "maxiter": (EVALUATIONS - BEES) // (2 * BEES), "variant": "standard"}
SEEDS = range(15)
ROUNDS = 7


class Function(NamedTuple):
    """A test function: of one point (8,) or of many (8, S), its box, and pygmo's own."""

    name: str
    fun: Callable[[Floats], Any]
    box: tuple[float, float]
    of_pygmo: Any

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """For ours and scipy's."""
        return [self.box] * DIMENSIONS


def rosenbrock(x: Floats) -> Any:
    """A curved valley."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


def rastrigin(x: Floats) -> Any:
    """A bowl with 11 pits along every coordinate."""
    return 10 * len(x) + np.sum(x * x - 10 * np.cos(2 * np.pi * x), axis=0)


def ackley(x: Floats) -> Any:
    """A plain with pits around a funnel."""
    mean_square, mean_cosine = np.mean(x * x, axis=0), np.mean(np.cos(2 * np.pi * x), axis=0)
    return 20 + np.e - 20 * np.exp(-0.2 * np.sqrt(mean_square)) - np.exp(mean_cosine)


def griewank(x: Floats) -> Any:
    """A wide bowl with waves that are not separable."""
    order = np.sqrt(np.arange(1.0, len(x) + 1)).reshape(-1, *[1] * (x.ndim - 1))
    return 1 + np.sum(x * x, axis=0) / 4000 - np.prod(np.cos(x / order), axis=0)


FUNCTIONS = {
    f.name: f
    for f in (
        Function("Rosenbrock", rosenbrock, (-5.0, 10.0), pygmo.rosenbrock(DIMENSIONS)),
        Function("Rastrigin", rastrigin, (-5.12, 5.12), pygmo.rastrigin(DIMENSIONS)),
        Function("Ackley", ackley, (-15.0, 30.0), pygmo.ackley(DIMENSIONS)),
        Function("Griewank", griewank, (-600.0, 600.0), pygmo.griewank(DIMENSIONS)),
    )
}
VALLEY = FUNCTIONS["Rosenbrock"]


class PythonProblem:
    """A function of ours as pygmo asks for it: point by point."""

    def __init__(self, function: Function) -> None:
        self.fun, self.box = function.fun, function.box  # copied with the problem

    def fitness(self, x: Floats) -> list[float]:
        """One value, in a list."""
        return [self.fun(x)]

    def get_bounds(self) -> tuple[list[float], list[float]]:
        """Lower and upper ends."""
        lower, upper = self.box
        return [lower] * DIMENSIONS, [upper] * DIMENSIONS


class Outcome(NamedTuple):
    """What an optimiser found, and for how many evaluations."""

    fun: float
    nfev: int


def ours(options: Mapping[str, Any], function: Function, seed: int) -> Outcome:
    """The bee colony with a vectorised objective in Python."""
    result = bee_colony(function.fun, function.bounds, vectorized=True, rng=seed, **options)
    return Outcome(result.fun, result.nfev)


def ours_by_points(function: Function, seed: int) -> Outcome:
    """The published colony with an objective of one point."""
    result = bee_colony(function.fun, function.bounds, rng=seed, **PUBLISHED)
    return Outcome(result.fun, result.nfev)


def ours_native(options: Mapping[str, Any], function: Function, seed: int) -> Outcome:
    """The bee colony with the objective in C++."""
    native = _core.TestFunction(function.name.lower(), DIMENSIONS)
    result = bee_colony(native, function.bounds, rng=seed, **options)
    return Outcome(result.fun, result.nfev)


def pygmo_colony(problem: Any, seed: int) -> Outcome:
    """pygmo's bee colony: as many bees and the same limit as ours."""
    algorithm = pygmo.bee_colony(gen=STANDARD["maxiter"], limit=BEES * DIMENSIONS, seed=seed)
    population = pygmo.population(pygmo.problem(problem), BEES, seed=seed)
    population = pygmo.algorithm(algorithm).evolve(population)
    return Outcome(float(population.champion_f[0]), population.problem.get_fevals())


def scipy_evolution(function: Function, seed: int) -> Outcome:
    """scipy's differential evolution, vectorised, its own settings, without its polish."""
    popsize = 15
    result = differential_evolution(
        function.fun, function.bounds, popsize=popsize, maxiter=EVALUATIONS // (popsize * DIMENSIONS) - 1,
        tol=0, atol=0, polish=False, updating="deferred", vectorized=True, rng=seed,
    )  # fmt: skip
    return Outcome(float(result.fun), int(result.nfev) * popsize * DIMENSIONS)  # it counts calls


OPTIMISERS: dict[str, Callable[[Function, int], Outcome]] = {
    "bee_colony, published": partial(ours, PUBLISHED),
    "bee_colony, standard": partial(ours, STANDARD),
    "pygmo.bee_colony": lambda function, seed: pygmo_colony(function.of_pygmo, seed),
    "scipy differential_evolution": scipy_evolution,
}


class Way(NamedTuple):
    """An optimiser on Rosenbrock's function, and its objective alone on as many points."""

    name: str
    objective: str  # one of ALONE
    solve: Callable[[], Outcome]


POINTS = np.random.default_rng(0).uniform(*VALLEY.box, (EVALUATIONS, DIMENSIONS))


def evaluate_native() -> None:
    """The objective in C++."""
    _core.TestFunction("rosenbrock", DIMENSIONS).evaluate(POINTS)


def evaluate_rounds(size: int) -> None:
    """The objective in Python, on rounds of so many points."""
    for first in range(0, EVALUATIONS - size + 1, size):
        VALLEY.fun(POINTS[first : first + size].T)


def evaluate_points() -> None:
    """The objective in Python, point by point."""
    for point in POINTS:
        VALLEY.fun(point)


IN_CPP, MANY, FEW, ONE = (
    "C++",
    "Python, 120 points a call",
    "Python, 8 points a call",
    "Python, a point a call",
)
WAYS = (
    Way("**bee_colony**, published", IN_CPP, partial(ours_native, PUBLISHED, VALLEY, 0)),
    Way("**bee_colony**, standard", IN_CPP, partial(ours_native, STANDARD, VALLEY, 0)),
    Way("pygmo.bee_colony", IN_CPP, partial(pygmo_colony, VALLEY.of_pygmo, 0)),
    Way("**bee_colony**, published", FEW, partial(ours, PUBLISHED, VALLEY, 0)),
    Way("**bee_colony**, standard", FEW, partial(ours, STANDARD, VALLEY, 0)),
    Way("scipy differential_evolution", MANY, partial(scipy_evolution, VALLEY, 0)),
    Way("**bee_colony**, published", ONE, partial(ours_by_points, VALLEY, 0)),
    Way("pygmo.bee_colony", ONE, partial(pygmo_colony, PythonProblem(VALLEY), 0)),
)
ALONE: dict[str, Callable[[], None]] = {
    IN_CPP: evaluate_native,
    FEW: partial(evaluate_rounds, 8),
    MANY: partial(evaluate_rounds, 120),
    ONE: evaluate_points,
}


def overhead() -> str:
    """Microseconds an evaluation, as Markdown."""
    evaluations = [way.solve().nfev for way in WAYS]
    runs = {str(n): machine.Run(machine.timed(way.solve), ROUNDS) for n, way in enumerate(WAYS)}
    runs |= {f"alone {name}": machine.Run(machine.timed(work), ROUNDS) for name, work in ALONE.items()}
    times = machine.interleaved(runs)
    lines = [
        "| | objective | evaluations | µs an evaluation | of that, the objective | the optimiser |",
        "| --- | --- |" + " ---: |" * 4,
    ]
    for n, way in enumerate(WAYS):
        all_of_it = 1e6 * times[str(n)].best / evaluations[n]
        objective = 1e6 * times[f"alone {way.objective}"].best / EVALUATIONS
        cells = [f"{all_of_it:.3f}", f"{objective:.3f}", f"{all_of_it - objective:.3f}"]
        lines.append(f"| {way.name} | {way.objective} | {evaluations[n]} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def minima() -> str:
    """Medians over the seeds of the least values found, as Markdown."""
    lines = ["| | " + " | ".join(FUNCTIONS) + " |", "| --- |" + " ---: |" * len(FUNCTIONS)]
    for name, optimiser in OPTIMISERS.items():
        medians = [np.median([optimiser(f, seed).fun for seed in SEEDS]) for f in FUNCTIONS.values()]
        lines.append(f"| {name} | " + " | ".join(f"{median:.1e}" for median in medians) + " |")
    return "\n".join(lines)


def tables() -> dict[str, str]:
    """Everything, as Markdown, by name."""
    return {"overhead": overhead(), "minima": minima()}


def main() -> None:
    """Print the tables."""
    print(machine.description())
    for table in tables().values():
        print(f"\n{table}")


if __name__ == "__main__":
    main()
