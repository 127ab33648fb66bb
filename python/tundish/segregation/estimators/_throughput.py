"""How fast a regressor's networks are computed."""

from __future__ import annotations

import math
import time

import numpy as np

from tundish._common.arguments import count, positive
from tundish.segregation.engines._names import INT8
from tundish.segregation.estimators._carbon_regressor import CarbonRegressor


def throughput(
    reg: CarbonRegressor, engine: str | None = None, *, patches: int = 64, seconds: float = 1.0
) -> float:
    """Patches a second through the networks of a fitted regressor, all of its ensemble.

    **Main arguments:** `reg`: a fitted `CarbonRegressor`. `engine`: as for `CarbonRegressor.compile`; None is
    the one that it is compiled for.

    **Other arguments:** `patches`: how many at a time, at least 1. `seconds`: how long to measure, above 0.

    **Returns:** the most of all calls in that time, of which there are at least two, after one that does not
    count. The patches are noise, prepared before; enhancing and preparing real ones takes time as well.

    **Raises:** as `CarbonRegressor.compile`; ValueError naming the argument.
    """
    number, limit = count("patches", patches, 1), positive("seconds", seconds)
    noise = np.random.default_rng(0).integers(0, 256, (number, reg.image_size, reg.image_size), np.uint8)
    asked = reg.engine if engine is None else engine
    run = reg._computed(asked, noise if asked == INT8 else None).run
    images = reg.prepare(noise)
    run(images)
    best, done, begin = math.inf, 0, time.perf_counter()
    while done < 2 or time.perf_counter() - begin < limit:
        start = time.perf_counter()
        run(images)
        best, done = min(best, time.perf_counter() - start), done + 1
    return number / best
