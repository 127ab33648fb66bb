"""How much worse the prediction gets with wrong masses: section 3 of arXiv:2504.11319."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish._common.arguments import Floats, choice, count, integer, listed, some_names, vector
from tundish._common.progress import Callback, progress_callback
from tundish._common.random import seed_of, stream
from tundish._common.refusals import MISSING, ArgumentError
from tundish.scrap._log import HeatLog
from tundish.scrap._run import run
from tundish.scrap.simulation._simulate import (
    ELEMENTS,
    PUBLISHED_CONDITION_NUMBER,
    PUBLISHED_RANK,
    published_model,
    simulate,
)

# The log's column of each variable, and what it may not exceed.
VARIABLES = {
    "scrap_mass": ("scrap", math.inf),
    "slag_mass": ("slag_t", math.inf),
    "feo": ("feo_pct", 100.0),
    "steel_mass": ("steel_t", math.inf),
    "hot_metal": ("hot_metal_t", math.inf),
}
_PUBLISHED = ("scrap_mass", "slag_mass", "feo")
_NOISE = 1000  # a key that no stream of the simulation has
_TABLE = np.dtype([("variable", "U16"), ("level", float), ("bias", float), ("bias_spread", float),
                   ("sd", float), ("sd_spread", float)])  # fmt: skip


def sensitivity(
    variables: Iterable[str] = _PUBLISHED,
    levels: Iterable[float] = (0, 0.01, 0.05, 0.1, 0.2),
    repeats: int = 5,
    *,
    heats: int = 20000,
    element: str = "Cr",
    rng: Any = 0,
    types: int = 45,
    recipe: str = "sparse",
    condition_number: float = PUBLISHED_CONDITION_NUMBER,
    rank: int = PUBLISHED_RANK,
    skip: int = 0,
    progress: bool | Callback = False,
) -> NDArray[Any]:
    """The error of the predicted steel when a measured variable is noisy, by variable and level.

    Heats are simulated with the published numbers (:func:`simulate`); then one variable of what the model
    is given is multiplied by 1 + level N(0, 1), heat by heat and type by type, and the published model
    filters the log. Factors that make a mass negative, or iron oxide more than 100 %, are drawn again. The
    error is predicted - measured, so that its floor is the sensor's noise, the paper's "theoretical best
    case".

    **Main arguments:**

    - `variables`: of "scrap_mass", "slag_mass", "feo", "steel_mass" and "hot_metal", one made noisy at a
      time.
    - `levels`: standard deviations relative to the variable, 0.05 for 5 %. At 0 the log is the simulated one.
    - `repeats`: number of simulations, each with its own truth. All filters of one repeat are one batched
      run, divided only where its masses would fill the memory.

    **Other arguments:**

    - `heats`, `element`, `types`, `recipe`, `condition_number`, `rank`: of the simulation.
    - `skip`: number of heats at the start whose errors do not count.
    - `rng`: an integer, a `numpy.random.SeedSequence` or `Generator`, or None. One seed is one result; a
      variable and a level have the same noise whatever else is asked for.
    - `progress`: True shows a bar on stderr where rich is installed, or call me with (repeats done, repeats).

    **Returns:** a structured array, one row for each variable and level: `variable`, `level`, `bias` and
    `sd`, ppm, mean and standard deviation of the error over the heats, both averaged over the repeats; and
    `bias_spread` and `sd_spread`, their standard deviations over the repeats, NaN for a single one.

    **Raises:** ValueError or TypeError naming the argument.
    """
    names = some_names("variables", variables, VARIABLES)
    noise = _levels(levels)
    choice("element", element, ELEMENTS)
    count("repeats", repeats, 1)
    count("heats", heats, 1)
    if not 0 <= integer("skip", skip) < heats:
        raise ArgumentError("skip", skip, f"must be at least 0 and below heats = {heats}")
    seed = seed_of(rng)
    errors = np.empty((repeats, len(names) * len(noise), 2))
    with progress_callback(progress, "repeats") as callback:
        for repeat in range(repeats):
            own = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, repeat))
            log, truth = simulate(
                heats, types, recipe, element, condition_number=condition_number, rank=rank, rng=own
            )
            logs = [perturbed(log, name, level, own) for name in names for level in noise]
            errors[repeat] = _errors(logs, published_model(element, truth.prior_mean), skip)
            if callback is not None:
                callback(repeat + 1, repeats)
    return _table(names, noise, errors)


def _levels(levels: Iterable[float]) -> list[float]:
    noise = vector("levels", listed("levels", levels, "numbers"))
    if not noise.size:
        raise ArgumentError("levels", MISSING, "at least one is needed")
    bad = np.flatnonzero(~(np.isfinite(noise) & (noise >= 0)))
    if bad.size:
        raise ArgumentError(f"levels[{bad[0]}]", float(noise[bad[0]]), "must be finite and not negative")
    return [float(level) for level in noise]


def perturbed(log: HeatLog, variable: str, level: float, seed: np.random.SeedSequence) -> HeatLog:
    """A log with one variable multiplied by 1 + `level` N(0, 1), as :func:`sensitivity` does it.

    - `variable`: of "scrap_mass", "slag_mass", "feo", "steel_mass" and "hot_metal".
    - `seed`: the draws of a variable are the same at all levels.
    """
    column, maximum = VARIABLES[choice("variable", variable, tuple(VARIABLES))]
    if level == 0:
        return log
    exact: Floats = getattr(log, column)
    random = stream(seed, _NOISE, list(VARIABLES).index(variable))
    noisy = exact * (1 + level * random.standard_normal(exact.shape))
    while (bad := ((noisy <= 0) & (exact > 0)) | (noisy > maximum)).any():
        noisy[bad] = exact[bad] * (1 + level * random.standard_normal(int(bad.sum())))
    return log.replace(**{column: noisy})


def _errors(logs: Sequence[HeatLog], model: Any, skip: int) -> Floats:
    """(logs, 2) mean and standard deviation of predicted - measured, ppm."""
    found = run([(model, log) for log in logs], store="final")
    errors = [-one.innovation[skip:] / log.steel_t[skip:] for log, one in zip(logs, found, strict=True)]
    return np.array([(error.mean(), error.std()) for error in errors])


def _table(names: Sequence[str], levels: Sequence[float], errors: Floats) -> NDArray[Any]:
    table = np.zeros(errors.shape[1], _TABLE)
    table["variable"] = np.repeat(names, len(levels))
    table["level"] = np.tile(levels, len(names))
    for n, column in enumerate(("bias", "sd")):
        table[column] = errors[..., n].mean(axis=0)
        spread = errors[..., n].std(axis=0, ddof=1) if len(errors) > 1 else math.nan
        table[f"{column}_spread"] = spread
    return table
