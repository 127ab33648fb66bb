"""The filters beside their peers, on the heats of arXiv:2504.11319 and on a few smaller systems.

Everything runs on one processor, in a process of its own that is started with one thread for BLAS and for
XLA. Times are the best wall times of calls taken in turns, each over the filters and the heats of the call.
Ours is everything from the call to the arrays that it returns; what the peers need to be set up and compiled
is left out. Every answer is compared with that of a plain NumPy filter.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks import machine
from benchmarks.peers import (
    filters_dynamax,
    filters_filterpy,
    filters_numpy,
    filters_simdkalman,
    filters_statsmodels,
)
from benchmarks.peers.filters_model import (
    Array,
    Dynamics,
    Filtered,
    Linear,
    Partition,
    difference,
    first,
    one,
)
from tundish import scrap
from tundish.filtering import kalman_filter, unscented_filter

ROUNDS = 7
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}
DECAY = np.log(2) / 1000
SENSOR = {"Cu": 10.0, "Cr": 5.0}  # ppm
COEFFICIENTS = np.array([9.7, 0.01])  # c1, c2 of the partition


class Sizes(NamedTuple):
    """How much is filtered: `many`, `some` and `few` are numbers of heats."""

    types: int
    many: int
    some: int
    few: int
    series: int
    lanes: int


FULL = Sizes(types=45, many=20000, some=2000, few=200, series=64, lanes=512)
TINY = Sizes(types=4, many=60, some=40, few=20, series=3, lanes=8)


class Cases:
    """What is filtered, made when it is first asked for. A batch has a leading axis."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self._expected: dict[tuple[str, str], list[Filtered]] = {}

    def get(self, case: str, heats: str) -> Linear | Partition:
        """So many heats of a case by its name in :data:`CASES`."""
        name, _, states = case.partition(" ")
        made = getattr(self, name)
        return first(made(int(states)) if states else made, getattr(self.sizes, heats))

    def expected(self, case: str, heats: str) -> list[Filtered]:
        """The plain NumPy filter's answer: of the first and the last series of a batch."""
        if (case, heats) not in self._expected:
            model = self.get(case, heats)
            plain = filters_numpy.linear if isinstance(model, Linear) else filters_numpy.partition
            parts = [model] if model.y.ndim == 1 else [one(model, series) for series in (0, -1)]
            self._expected[case, heats] = [plain(part)() for part in parts]
        return self._expected[case, heats]

    @cached_property
    def sparse(self) -> Linear:
        """Cu, the published sparse recipe."""
        return self._retained("sparse")

    @cached_property
    def dense(self) -> Linear:
        """Cu, all types in all heats."""
        return self._retained("full-rank")

    @cached_property
    def shared(self) -> Linear:
        """Many elements of the sparse recipe's heats: the same masses and noise, other readings."""
        return self._series(first(self.sparse, self.sizes.some), self.sizes.series)

    @cached_property
    def chromium(self) -> tuple[Any, Any]:
        """Cr, the published sparse recipe: its log, and what is true."""
        return scrap.simulate(self.sizes.many, self.sizes.types, "sparse", element="Cr", rng=0)

    @cached_property
    def partition(self) -> Partition:
        """Cr, one series."""
        return parted(*self.chromium)

    @cached_property
    def user(self) -> Partition:
        """Cr, many series, each of other heats."""
        count, heats = self.sizes.series, self.sizes.few
        simulated = scrap.simulate(count * heats, self.sizes.types, "sparse", element="Cr", rng=1)
        *data, dynamics = parted(*simulated)
        return Partition(*(each.reshape(count, heats, *each.shape[1:]) for each in data), dynamics)

    def small(self, n: int) -> Linear:
        """One filter of n states."""
        return one(self._systems(n, 1, self.sizes.many), 0)

    def lanes(self, n: int) -> Linear:
        """Many filters of n states, each with a design of its own."""
        return self._systems(n, self.sizes.lanes, self.sizes.few)

    def constant(self, n: int) -> Linear:
        """Many series of n states with the same design in all heats."""
        model = one(self._systems(n, 1, self.sizes.few), 0)
        design = np.broadcast_to(model.design[:1], model.design.shape)
        return self._series(model._replace(design=design), self.sizes.lanes)

    def _retained(self, recipe: str) -> Linear:
        log, truth = scrap.simulate(self.sizes.many, self.sizes.types, recipe, element="Cu", rng=0)
        y = log.steel_t * log.steel_ppm - log.hot_metal_t * log.hot_metal_ppm
        return Linear(y, log.scrap, (SENSOR["Cu"] * log.steel_t) ** 2, published_dynamics(truth.prior_mean))

    @staticmethod
    def _series(model: Linear, count: int) -> Linear:
        """So many readings of a model's heats."""
        expected = model.design @ model.dynamics.initial_mean
        noise = np.random.default_rng(2).standard_normal((count, expected.size))
        return model._replace(y=expected + np.sqrt(model.obs_cov) * noise)

    @staticmethod
    def _systems(n: int, count: int, heats: int) -> Linear:
        random = np.random.default_rng(n)
        dynamics = Dynamics(0.98, np.full(n, 0.04), np.zeros(n), np.zeros(n), np.ones(n))
        y, design = random.standard_normal((count, heats)), random.standard_normal((count, heats, n))
        return Linear(y, design, np.ones(heats), dynamics)


def published_dynamics(mean: Array) -> Dynamics:
    """Section 3.1 of the paper: noise of variance 5 q2 around the prior's mean q, half-life of 1000 heats."""
    noise = DECAY**2 * 5 * mean**2
    return Dynamics(1 - DECAY, noise, DECAY * mean, mean, noise / (1 - (1 - DECAY) ** 2))


def parted(log: Any, truth: Any) -> Partition:
    """The model of an element that parts between steel and slag, with the true prior."""
    return Partition(
        y=log.steel_t * log.steel_ppm,
        masses=log.scrap,
        addition=log.hot_metal_t * log.hot_metal_ppm,
        slag_ratio=log.slag_t / log.steel_t,
        iron_oxide=log.feo_pct,
        obs_cov=(SENSOR["Cr"] * log.steel_t) ** 2,
        dynamics=published_dynamics(np.concatenate([truth.prior_mean, COEFFICIENTS])),
    )


Prepare = Callable[[Cases, Any], Callable[[], Any]]  # from the cases and one's model to what is timed


class Way(NamedTuple):
    """A filter and what it filters."""

    name: str
    case: str  # of CASES
    heats: str  # of Sizes
    prepare: Prepare
    read: Callable[[Any], Any] = lambda found: found  # what it returns, as the plain filter's


def peer(function: Callable[[Any], Callable[[], Filtered]]) -> Prepare:
    """A peer takes a model alone."""
    return lambda cases, model: function(model)


def kalman(**options: Any) -> Prepare:
    """Our Kalman filter of one series or of many; float32 is given numbers of its own kind."""

    def prepare(cases: Cases, model: Linear) -> Callable[[], Any]:
        data = [each.astype(options.get("dtype", "float64")) for each in model[:-1]]
        return lambda: kalman_filter(*data, **model.dynamics._asdict(), threads=1, **options)

    return prepare


def partitioned(method: str) -> Prepare:
    """Our model of an element that parts, on a log."""

    def prepare(cases: Cases, model: Partition) -> Callable[[], Any]:
        log, truth = cases.chromium
        element = scrap.published_model("Cr", truth.prior_mean, method=method)
        return lambda: element.filter(log)

    return prepare


def estimated(estimate: Any) -> Filtered:
    """An estimate as the other filters return it."""
    return Filtered(
        np.concatenate([estimate.composition, estimate.partition], axis=1),
        np.concatenate([estimate.composition_std, estimate.partition_std], axis=1),
        estimate.loglik,
    )


def users_model(cases: Cases, model: Partition) -> Callable[[], Any]:
    """Our unscented filter of many series, with a model that a user wrote."""
    y, masses, addition, slag_ratio, iron_oxide, obs_cov, dynamics = model

    def observe(points: Array, t: int) -> Array:
        fractions, c1, c2 = points[..., :-2], points[..., -2], points[..., -1]
        element = (fractions @ masses[:, t, :, None])[..., 0] + addition[:, t, None]
        return element / (1 + (c1 + c2 * iron_oxide[:, t, None]) * slag_ratio[:, t, None])

    return lambda: unscented_filter(y, observe, obs_cov, **dynamics._asdict(), threads=1)


CASES = {
    "sparse": "linear, n = 45, sparse recipe",
    "dense": "linear, n = 45, full-rank recipe",
    "shared": "linear, n = 45, 64 series of the same heats",
    "partition": "partition, n = 47",
    "user": "partition, n = 47, 64 series",
    **{f"small {n}": f"linear, n = {n}" for n in (2, 4, 8)},
    **{f"lanes {n}": f"linear, n = {n}, 512 filters" for n in (2, 4, 8)},
    "constant 2": "linear, n = 2, 512 series, constant design",
}
RECIPES = ("sparse", "dense")
WAYS = {
    **{recipe: Way("**kalman_filter**", recipe, "many", kalman()) for recipe in RECIPES},
    "float32": Way("**kalman_filter**, float32", "sparse", "many", kalman(dtype="float32")),
    **{
        f"{recipe} {key}": Way(name, recipe, heats, peer(function))
        for recipe in RECIPES
        for key, name, heats, function in (
            (
                "statsmodels likelihood",
                "statsmodels KalmanFilter, conserve memory: log-likelihood alone",
                "many",
                filters_statsmodels.linear_likelihood,
            ),
            ("statsmodels", "statsmodels KalmanFilter", "many", filters_statsmodels.linear),
            ("dynamax", "dynamax lgssm_filter", "many", filters_dynamax.linear),
            ("filterpy", "filterpy KalmanFilter", "some", filters_filterpy.linear),
            ("numpy", "plain NumPy", "some", filters_numpy.linear),
        )
    },
    "shared": Way("**kalman_filter**", "shared", "some", kalman()),
    "shared simdkalman": Way("simdkalman update, predict", "shared", "few", peer(filters_simdkalman.shared)),
    "partition": Way(
        "**PartitionedElement**, projected", "partition", "many", partitioned("projected"), estimated
    ),
    "sigma": Way("**PartitionedElement**, sigma", "partition", "many", partitioned("sigma"), estimated),
    "partition dynamax": Way(
        "dynamax unscented_kalman_filter", "partition", "few", peer(filters_dynamax.partition)
    ),
    "partition filterpy": Way(
        "filterpy UnscentedKalmanFilter", "partition", "few", peer(filters_filterpy.partition)
    ),
    "partition numpy": Way("plain NumPy", "partition", "few", peer(filters_numpy.partition)),
    "user": Way("**unscented_filter**, model in Python", "user", "few", users_model),
    **{f"small {n}": Way("**kalman_filter**", f"small {n}", "many", kalman()) for n in (2, 4, 8)},
    **{f"lanes {n}": Way("**kalman_filter**", f"lanes {n}", "few", kalman()) for n in (2, 4, 8)},
    "constant": Way("**kalman_filter**", "constant 2", "few", kalman()),
    "constant simdkalman": Way(
        "simdkalman update, predict", "constant 2", "few", peer(filters_simdkalman.shared)
    ),
    "constant simdkalman class": Way(
        "simdkalman KalmanFilter", "constant 2", "few", peer(filters_simdkalman.constant)
    ),
}

# What is to be reached: a way, the one that it is measured against, and by how much it is to be faster.
AIMS = (
    *(
        (recipe, f"{recipe} {against}", aim)
        for recipe in RECIPES
        for against, aim in (
            ("statsmodels likelihood", 40),
            ("statsmodels", 40),
            ("dynamax", 60),
            ("filterpy", 150),
        )
    ),
    ("partition", "partition dynamax", 1000),
    ("partition", "partition filterpy", 2200),
    ("sigma", "partition dynamax", 60),
    ("user", "partition filterpy", 25),
    ("shared", "sparse", 6),
    ("shared", "shared simdkalman", None),
    ("constant", "constant simdkalman", None),
    ("constant", "constant simdkalman class", None),
    ("float32", "sparse", 1.5),
    *((f"lanes {n}", f"small {n}", 3) for n in (2, 4, 8)),
)


def prepared(cases: Cases, key: str) -> tuple[Callable[[], Any], int]:
    """What is timed, and the filters times heats in it."""
    way = WAYS[key]
    model = cases.get(way.case, way.heats)
    return way.prepare(cases, model), model.y.size


def error(cases: Cases, key: str, found: Any) -> float:
    """How far what a way found is from the plain filter, as :func:`difference`."""
    way = WAYS[key]
    found, expected = way.read(found), cases.expected(way.case, way.heats)
    if cases.get(way.case, way.heats).y.ndim == 1:
        return difference(found, expected[0])
    ends = [Filtered(found.mean[end], found.std[end], found.loglik[end]) for end in (0, -1)]
    return max(map(difference, ends, expected))


class Comparison:
    """All times and errors, measured once in this process."""

    def __init__(self, sizes: Sizes = FULL) -> None:
        self.cases = Cases(sizes)
        works = {key: prepared(self.cases, key) for key in WAYS}
        self.errors = {key: error(self.cases, key, work()) for key, (work, _) in works.items()}
        runs = {key: machine.Run(machine.timed(work), ROUNDS) for key, (work, _) in works.items()}
        timings = machine.interleaved(runs)
        self.seconds = {key: timings[key].best / steps for key, (_, steps) in works.items()}

    def tables(self) -> dict[str, str]:
        """As Markdown, by name."""
        return {"filters": self.times(), "filter_ratios": self.ratios()}

    def times(self) -> str:
        """Times and errors, as Markdown."""
        lines = [
            "| | | heats | µs a filter and heat | off the plain filter |",
            "| --- | --- |" + " ---: |" * 3,
        ]
        for case in CASES:
            for key, way in WAYS.items():
                if way.case == case:
                    heats = getattr(self.cases.sizes, way.heats)
                    cells = [CASES[case], way.name, str(heats), microseconds(self.seconds[key])]
                    lines.append("| " + " | ".join(cells) + f" | {self.errors[key]:.0e} |")
        return "\n".join(lines)

    def ratios(self) -> str:
        """How much faster than the peers, as Markdown."""
        lines = [
            "| | | µs | against | µs | times faster | asked for |",
            "| --- | --- | ---: | --- | ---: | ---: | ---: |",
        ]
        for key, against, aim in AIMS:
            ours, theirs = self.seconds[key], self.seconds[against]
            case, name = WAYS[against].case, WAYS[against].name
            other = name if case == WAYS[key].case else f"{name}; {CASES[case]}"
            cells = [CASES[WAYS[key].case], WAYS[key].name, microseconds(ours), other, microseconds(theirs)]
            cells += [f"{theirs / ours:.1f}", "" if aim is None else str(aim)]
            lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines)


def microseconds(seconds: float) -> str:
    """As text, with three digits that count and no exponent."""
    return np.format_float_positional(1e6 * seconds, 3, fractional=False, trim="-")


def tables() -> Mapping[str, str]:
    """Everything, as Markdown, by name: measured in a process of its own, on one processor."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})  # which the process inherits
    try:
        measured = subprocess.run(
            [sys.executable, "-c", "from benchmarks import filtering; filtering.measure()"],
            cwd=Path(__file__).resolve().parents[1],
            env={**os.environ, **ONE_THREAD},
            stdout=subprocess.PIPE,
            check=True,
        )
    finally:
        os.sched_setaffinity(0, allowed)
    return json.loads(measured.stdout)


def measure() -> None:
    """Prints all tables as JSON."""
    print(json.dumps(Comparison().tables()))


def main() -> None:
    """Print the tables."""
    print(machine.description())
    for table in tables().values():
        print(f"\n{table}")


if __name__ == "__main__":
    main()
