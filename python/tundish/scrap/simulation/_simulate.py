"""Simulated heats of a basic oxygen furnace, as in section 3 of arXiv:2504.11319."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np

from tundish._common.arguments import Floats, choice, count, number
from tundish._common.random import seed_of, stream
from tundish._common.refusals import ArgumentError
from tundish.scrap._elements import PartitionedElement, RetainedElement
from tundish.scrap._log import HeatLog, Truth
from tundish.scrap._state_space import SPREAD, partition_mean_of
from tundish.scrap.simulation._recipes import charges

ELEMENTS = ("Cu", "Cr")
KINDS = {"Cu": "retained", "Cr": "partitioned"}  # how an element gets into the steel
PUBLISHED_DECAY = math.log(2) / 1000
PUBLISHED_CONDITION_NUMBER = 719104.0
PUBLISHED_RANK = 20
SENSOR = {"Cu": 10.0, "Cr": 5.0}  # ppm, standard deviation
PARTITION = (9.7, 0.01)  # means of c1 and c2, 1/%
_PRIOR_RANGES = ((200.0, 1000.0), (1000.0, 2000.0), (2000.0, 5000.0))  # ppm, by thirds of the types
_HOT_METAL_PPM = {"Cu": (20.0, 30.0), "Cr": (50.0, 200.0)}
# Table 1, whose units for slag and steel are t, not ppm, and % for the iron oxide.
_RANGES = {"hot_metal_t": (280.0, 290.0), "slag_t": (20.0, 30.0), "steel_t": (340.0, 350.0),
           "feo_pct": (20.0, 30.0)}  # fmt: skip
_CASES = Path(__file__).parents[1] / "cases"
_BALANCE = ("hot_metal_t", "hot_metal_ppm", "slag_t", "steel_t", "feo_pct")

# Streams of random numbers, by what they are for: one more at the end shifts none of the others.
_PRIOR, _DRIVING, _PARTITIONING, _CHARGING, _HOT_METAL, _SENSING = range(6)
_TABLE = 6  # and on: one for each of Table 1's columns


def published_model(
    element: str,
    prior_mean: Floats,
    *,
    kind: str | None = None,
    partition: tuple[float, float] | None = None,
    **others: Any,
) -> RetainedElement | PartitionedElement:
    """The model of arXiv:2504.11319 for "Cu" or "Cr", as section 3.1 sets it.

    Half-life of 1000 heats (decay ln 2 / 1000), variance of the driving noise 5 q2, sensor 10 ppm (Cu) or 5
    ppm (Cr); for Cr, partition (9.7, 0.01). `prior_mean` is q, (n,) ppm; `others` are further keywords of
    :class:`RetainedElement` and :class:`PartitionedElement`.

    - `kind`: "retained" or "partitioned"; None is "retained" for Cu and "partitioned" for Cr.
    - `partition`: means of c1 and c2, whose variances are then 5 times their squares; None is (9.7, 0.01).
    """
    q = np.asarray(prior_mean, float)
    numbers: dict[str, Any] = {"prior_mean": q, "prior_var": SPREAD * q**2, "decay": PUBLISHED_DECAY,
                               "measurement_std": SENSOR[choice("element", element, ELEMENTS)]}  # fmt: skip
    if choice("kind", KINDS[element] if kind is None else kind, tuple(KINDS.values())) == "retained":
        return RetainedElement(**{**numbers, **others})
    mean = PARTITION if partition is None else partition_mean_of("partition", partition)
    numbers |= {"partition_mean": mean, "partition_var": tuple(SPREAD * c**2 for c in mean)}
    return PartitionedElement(**{**numbers, **others})


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
    steps, width = count("heats", heats, 1), count("types", types, 1)
    choice("element", element, ELEMENTS)
    gamma = number("decay", decay)
    if not 0 < gamma <= 1:
        raise ArgumentError("decay", gamma, "must be above 0 and at most 1")
    seed = seed_of(rng)
    columns: dict[str, Any] = {
        name: stream(seed, _TABLE + n).uniform(*limits, steps)
        for n, (name, limits) in enumerate(_RANGES.items())
    }
    columns["hot_metal_ppm"] = stream(seed, _HOT_METAL).uniform(*_HOT_METAL_PPM[element], steps)
    scrap = charges(recipe, steps, width, stream(seed, _CHARGING), condition_number, rank)
    q = stream(seed, _PRIOR).uniform(*np.array([_PRIOR_RANGES[3 * i // width] for i in range(width)]).T)
    composition = _drifting(q, gamma, _beta(q, steps, stream(seed, _DRIVING)))
    partition = None
    if element == "Cr":
        c = np.array(PARTITION)
        driving = c + math.sqrt(SPREAD) * c * stream(seed, _PARTITIONING).standard_normal((steps - 1, 2))
        partition = _drifting(c, gamma, driving)
    steel = _steel(scrap, columns, composition, partition)
    measured = steel + SENSOR[element] * stream(seed, _SENSING).standard_normal(steps)
    digits = len(str(width))
    names = [f"type{n:0{digits}}" for n in range(1, width + 1)]
    log = HeatLog(np.arange(1, steps + 1), names, scrap, steel_ppm=measured, **columns)
    return log, Truth(q, composition, partition, steel)


def mass_balance(log: HeatLog, composition: Floats, partition: Floats | None = None) -> Floats:
    """(T,) ppm of the element in the steel of a log's heats, Eqs. (2) and (4) without noise.

    - `composition`: (T, n) ppm, of each heat's scrap.
    - `partition`: (T, 2), c1 and c2 (1/%) of each heat; None for an element that stays in the steel.
    """
    return _steel(log.scrap, {name: getattr(log, name) for name in _BALANCE}, composition, partition)


def bundled_heats(element: str) -> Path:
    """The CSV file of the simulated heats that come with the package, of "Cu" or "Cr"."""
    return _CASES / f"{choice('element', element, ELEMENTS).lower()}.csv"


def bundled_truth(element: str) -> Truth:
    """The truth of the bundled heats, to 1 ppm: their simulation starts at the long-term means."""
    file = bundled_heats(element)
    with file.with_name(f"{file.stem}_truth.csv").open(encoding="utf-8") as lines:
        header = lines.readline().strip().split(",")
        table = np.loadtxt(lines, delimiter=",")
    columns = dict(zip(header, table.T, strict=True))
    composition = np.stack([values for name, values in columns.items() if name.startswith("scrap_")], axis=1)
    partition = np.stack([columns["c1"], columns["c2"]], axis=1) if "c1" in columns else None
    return Truth(composition[0], composition, partition, columns["steel_ppm"])


def _beta(mean: Floats, heats: int, random: np.random.Generator) -> Floats:
    """(T - 1, n) ppm, with this mean and a variance of 5 mean2 on [0, 1e6] ppm."""
    m = mean * 1e-6
    size = (1 - m) / (SPREAD * m) - 1
    return 1e6 * random.beta(m * size, (1 - m) * size, (heats - 1, m.size))


def _drifting(start: Floats, decay: float, driving: Floats) -> Floats:
    """(T, n) x[0] = start, x[t + 1] = (1 - decay) x[t] + decay driving[t]: Eqs. (1) and (3)."""
    path = np.empty((len(driving) + 1, start.size))
    path[0] = start
    path[1:] = decay * driving
    for before, after in itertools.pairwise(path):
        after += (1 - decay) * before
    return path


def _steel(scrap: Floats, columns: dict[str, Any], composition: Floats, partition: Floats | None) -> Floats:
    """:func:`mass_balance` of columns by a log's names."""
    mass = np.sum(scrap * composition, axis=1) + columns["hot_metal_t"] * columns["hot_metal_ppm"]
    if partition is not None:
        coefficient = partition[:, 0] + partition[:, 1] * columns["feo_pct"]
        mass /= 1 + coefficient * columns["slag_t"] / columns["steel_t"]
    return np.asarray(mass / columns["steel_t"])
