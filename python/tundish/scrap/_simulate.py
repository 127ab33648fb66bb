"""Simulated heats of a basic oxygen furnace, as in section 3 of arXiv:2504.11319."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, choice, integer, number
from tundish.scrap._log import HeatLog
from tundish.scrap._model import PartitionedElement, RetainedElement
from tundish.scrap._random import seed_of, stream

ELEMENTS = ("Cu", "Cr")
RECIPES = ("sparse", "identity", "full-rank", "low-rank")
PUBLISHED_DECAY = math.log(2) / 1000
PUBLISHED_CONDITION_NUMBER = 719104.0
PUBLISHED_RANK = 20
SENSOR = {"Cu": 10.0, "Cr": 5.0}  # ppm, standard deviation
PARTITION = (9.7, 0.01)
_SPREAD = 5.0  # variance of the driving noise over the square of its mean
_CHARGE = 70.0  # t of scrap a heat
_PRIOR_RANGES = ((200.0, 1000.0), (1000.0, 2000.0), (2000.0, 5000.0))  # ppm, by thirds of the types
_HOT_METAL_PPM = {"Cu": (20.0, 30.0), "Cr": (50.0, 200.0)}
# Table 1, whose units for slag and steel are t, not ppm, and % for the iron oxide.
_RANGES = {"hot_metal_t": (280.0, 290.0), "slag_t": (20.0, 30.0), "steel_t": (340.0, 350.0),
           "feo_pct": (20.0, 30.0)}  # fmt: skip
_DENSITY = 0.1
_FREQUENT = (0.9, 3.4)  # extra share of the frequent types, before the charge is scaled

# Streams of random numbers, by what they are for: one more at the end shifts none of the others.
_PRIOR, _DRIVING, _PARTITIONING, _CHARGING, _HOT_METAL, _SENSING = range(6)
_TABLE = 6  # and on: one for each of Table 1's columns


class Truth(NamedTuple):
    """What a simulation knows and a melt shop does not.

    - `prior_mean`: (n,) ppm, the long-term mean q of every scrap type.
    - `composition`: (T, n) ppm. `steel_ppm`: (T,) ppm, without the sensor's noise.
    - `partition`: (T, 2), c1 and c2 (1/%) of Eq. (4); None for an element that stays in the steel.
    """

    prior_mean: Floats
    composition: Floats
    partition: Floats | None
    steel_ppm: Floats


def published_model(element: str, prior_mean: Floats, **others: Any) -> RetainedElement | PartitionedElement:
    """The model of arXiv:2504.11319 for "Cu" or "Cr", as section 3.1 sets it.

    Half-life of 1000 heats (decay ln 2 / 1000), variance of the driving noise 5 q2, sensor 10 ppm (Cu) or 5
    ppm (Cr); for Cr, partition (9.7, 0.01). `prior_mean` is q, (n,) ppm; `others` are further keywords of
    :class:`RetainedElement` and :class:`PartitionedElement`.
    """
    q = np.asarray(prior_mean, float)
    numbers: dict[str, Any] = {"prior_mean": q, "prior_var": _SPREAD * q**2, "decay": PUBLISHED_DECAY,
                               "measurement_std": SENSOR[choice("element", element, ELEMENTS)]}  # fmt: skip
    if element == "Cu":
        return RetainedElement(**{**numbers, **others})
    variances = tuple(_SPREAD * c**2 for c in PARTITION)
    return PartitionedElement(
        **{**numbers, "partition_mean": PARTITION, "partition_var": variances, **others}
    )


def simulate(
    heats: int = 20000,
    types: int = 45,
    recipe: str = "sparse",
    element: str = "Cu",
    *,
    condition_number: float = PUBLISHED_CONDITION_NUMBER,
    rank: int = PUBLISHED_RANK,
    decay: float = PUBLISHED_DECAY,
    rng: Any = 0,
) -> tuple[HeatLog, Truth]:
    """Heats of a BOF whose scrap is known, after sections 3.1 and 3.2.1 of arXiv:2504.11319.

    The composition follows Eq. (1) or (3) from its mean q, which is drawn from U(200, 1000), U(1000, 2000)
    and U(2000, 5000) ppm for the first, second and last third of the types. The driving noise is Beta with
    mean q and variance 5 q2; for c1 and c2 it is normal, since no Beta on [0, 1] has a mean of 9.7. The steel
    is Eq. (2) or (4), with Table 1's ranges and a sensor noise of 10 ppm (Cu) or 5 ppm (Cr).

    **Main arguments:**

    - `heats`, `types`: T and n.
    - `recipe`: how 70 t of scrap are made up in each heat.

      - "sparse": every type with probability 0.1, at least one a heat, U(0, 1) of it; the first, the middle
        and the last type always, U(0.9, 3.4) more of them.
      - "identity": one type a heat, all in turn.
      - "full-rank": the same mixture with small variations; the matrix of masses has exactly the
        `condition_number`, and singular values that fall geometrically.
      - "low-rank": mixtures of `rank` fixed recipes, all uniformly random.

    - `element`: "Cu", which stays in the steel, or "Cr", which parts between steel and slag.

    **Other arguments:**

    - `condition_number`: of "full-rank". `rank`: of "low-rank". Their defaults are the paper's.
    - `decay`: gamma of Eqs. (1) and (3).
    - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None. One seed is one result; masses
      do not depend on the element, nor the composition on the recipe.

    **Returns:** the :class:`HeatLog`, with measured steel, and the :class:`Truth`.

    **Raises:** ValueError or TypeError naming the argument.
    """
    count, width = at_least("heats", heats, 1), at_least("types", types, 1)
    choice("element", element, ELEMENTS)
    gamma = number("decay", decay)
    if not 0 < gamma <= 1:
        raise ValueError(f"decay = {decay}: must be above 0 and at most 1")
    seed = seed_of(rng)
    columns: dict[str, Any] = {
        name: stream(seed, _TABLE + n).uniform(*limits, count)
        for n, (name, limits) in enumerate(_RANGES.items())
    }
    columns["hot_metal_ppm"] = stream(seed, _HOT_METAL).uniform(*_HOT_METAL_PPM[element], count)
    scrap = _charges(recipe, count, width, stream(seed, _CHARGING), condition_number, rank)
    q = stream(seed, _PRIOR).uniform(*np.array([_PRIOR_RANGES[3 * i // width] for i in range(width)]).T)
    composition = _drifting(q, gamma, _beta(q, count, stream(seed, _DRIVING)))
    partition = None
    if element == "Cr":
        c = np.array(PARTITION)
        driving = c + math.sqrt(_SPREAD) * c * stream(seed, _PARTITIONING).standard_normal((count - 1, 2))
        partition = _drifting(c, gamma, driving)
    steel = _steel(scrap, columns, composition, partition)
    measured = steel + SENSOR[element] * stream(seed, _SENSING).standard_normal(count)
    digits = len(str(width))
    names = [f"type{n:0{digits}}" for n in range(1, width + 1)]
    log = HeatLog(np.arange(1, count + 1), names, scrap, steel_ppm=measured, **columns)
    return log, Truth(q, composition, partition, steel)


def at_least(name: str, value: int, least: int) -> int:
    if integer(name, value) < least:
        raise ValueError(f"{name} = {value}: must be at least {least}")
    return int(value)


def _beta(mean: Floats, count: int, random: np.random.Generator) -> Floats:
    """(count - 1, n) ppm, with this mean and a variance of 5 mean2 on [0, 1e6] ppm."""
    m = mean * 1e-6
    size = (1 - m) / (_SPREAD * m) - 1
    return 1e6 * random.beta(m * size, (1 - m) * size, (count - 1, m.size))


def _drifting(start: Floats, decay: float, driving: Floats) -> Floats:
    """(T, n) x[0] = start, x[t + 1] = (1 - decay) x[t] + decay driving[t]: Eqs. (1) and (3)."""
    path = np.empty((len(driving) + 1, start.size))
    path[0] = start
    path[1:] = decay * driving
    for before, after in itertools.pairwise(path):
        after += (1 - decay) * before
    return path


def _steel(scrap: Floats, columns: dict[str, Any], composition: Floats, partition: Floats | None) -> Floats:
    """(T,) ppm of the element in the steel, Eqs. (2) and (4)."""
    mass = np.sum(scrap * composition, axis=1) + columns["hot_metal_t"] * columns["hot_metal_ppm"]
    if partition is not None:
        coefficient = partition[:, 0] + partition[:, 1] * columns["feo_pct"]
        mass /= 1 + coefficient * columns["slag_t"] / columns["steel_t"]
    return np.asarray(mass / columns["steel_t"])


def _charges(
    recipe: str, heats: int, types: int, random: np.random.Generator, condition_number: float, rank: int
) -> Floats:
    """(T, n) t, rows that add up to 70."""
    recipes: dict[str, Callable[[], Floats]] = {
        "sparse": lambda: _sparse(heats, types, random),
        "identity": lambda: np.eye(types)[np.arange(heats) % types],
        "full-rank": lambda: _full_rank(heats, types, random, condition_number),
        "low-rank": lambda: _low_rank(heats, types, random, rank),
    }
    shares = recipes[choice("recipe", recipe, RECIPES)]()
    return np.asarray(_CHARGE * shares / shares.sum(axis=1, keepdims=True))


def _sparse(heats: int, types: int, random: np.random.Generator) -> Floats:
    used = random.random((heats, types)) < _DENSITY
    used[np.arange(heats), random.integers(types, size=heats)] |= ~used.any(axis=1)
    shares = np.where(used, random.random((heats, types)), 0.0)
    frequent = sorted({0, (types - 1) // 2, types - 1})
    shares[:, frequent] += random.uniform(*_FREQUENT, (heats, len(frequent)))
    return shares


def _low_rank(heats: int, types: int, random: np.random.Generator, rank: int) -> Floats:
    if not 1 <= integer("rank", rank) <= min(heats, types):
        raise ValueError(f"rank = {rank}: must be between 1 and {min(heats, types)}, heats and types")
    return np.asarray(random.random((heats, rank)) @ random.random((rank, types)))


def _full_rank(heats: int, types: int, random: np.random.Generator, condition_number: float) -> Floats:
    """Non-negative rows of sum 1 whose singular values fall geometrically over `condition_number`.

    The matrix of equal shares 1/n has one singular value, sqrt(T/n), and vectors of equal entries. What is
    added is orthogonal to both, so that its singular values are the others, and rows still add up to 1. The
    largest of them is as large as non-negative shares allow.
    """
    wanted = number("condition_number", condition_number)
    if not (math.isfinite(wanted) and wanted >= 1):
        raise ValueError(f"condition_number = {condition_number}: must be finite and at least 1")
    if types == 1:
        return np.ones((heats, 1))
    if heats <= types:
        raise ValueError(f"heats = {heats}: must be above types = {types} for recipe = 'full-rank'")
    left, right = _orthogonal_to_ones(heats, types - 1, random), _orthogonal_to_ones(types, types - 1, random)
    top = math.sqrt(heats / types)
    least = top / wanted
    fall = np.linspace(0, 1, types - 1) if types > 2 else np.ones(1)

    def variation(most: float) -> Floats:
        return np.asarray((left * (most ** (1 - fall) * least**fall)) @ right.T)

    def fits(most: float) -> bool:
        return bool(variation(most).min() >= -1 / types)

    if not fits(least):
        raise ValueError(
            f"condition_number = {condition_number:g}: too small for {types} types and non-negative masses"
        )
    low, high = math.log(least), math.log(top)
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if fits(math.exp(middle)) else (low, middle)
    # What rounding leaves below 0 where the variation just fits is 0.
    return np.maximum(1 / types + variation(math.exp(low)), 0.0)


def _orthogonal_to_ones(size: int, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """(size, count) orthonormal columns that each add up to 0, uniformly random."""
    columns = np.column_stack([np.ones(size), random.standard_normal((size, count))])
    return np.asarray(np.linalg.qr(columns)[0][:, 1:])
