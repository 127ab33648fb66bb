"""What an identification refuses by name, before any work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from references.readings import NAMES

from tundish.casting import (
    Grid,
    Measurements,
    Strand,
    identify,
)

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "strand": ({"strand": 1}, "strand"),
    "measurements": ({"measurements": [1]}, "measurements"),
    "unknown unknown": ({"unknowns": ["zones.9.htc.x"]}, r"unknowns: 'zones.9.htc.x' is unknown"),
    "no unknown": ({"unknowns": []}, "unknowns: at least one"),
    "twice": ({"unknowns": NAMES[:1] * 2}, "unknowns: .*given twice"),
    "method": ({"method": "simplex"}, "method"),
    "bounds of another": ({"bounds": {"speed": (0.01, 0.1)}}, "bounds: 'speed' is unknown"),
    "bounds missing": ({"bounds": {}}, "bounds: 'mold.heat_flux.x' is missing"),
    "bounds upside down": ({"bounds": {NAMES[0]: (2e6, 1e6)}}, r"bounds\[.*lower one must be below"),
    "bounds without the start": ({"bounds": {NAMES[0]: (2e6, 3e6)}}, r"bounds\[.*excludes"),
    "bounds no pair": ({"bounds": {NAMES[0]: 1.0}}, r"bounds\[.*must be"),
    "bounds nan": ({"bounds": {NAMES[0]: (np.nan, 2e6)}}, r"bounds\["),
    "bounds impossible": (
        {"unknowns": ["zones.0.htc.x"], "bounds": {"zones.0.htc.x": (-5.0, 900.0)}},
        r"bounds\['zones\.0\.htc\.x'\] = -5: must be",
    ),
    "bounds for bees": ({"method": "bee-colony", "bounds": None}, "bounds: must be given"),
    "endless bounds for bees": (
        {"method": "bee-colony", "bounds": {NAMES[0]: (0.0, np.inf)}},
        r"bounds\[.*finite",
    ),
    "endless bounds for runs": ({"runs": 2, "bounds": {NAMES[0]: (0.0, np.inf)}}, r"bounds\[.*finite"),
    "runs": ({"runs": 0}, "runs"),
    "rng": ({"rng": "dice"}, "rng"),
    "grid": ({"grid": 10}, "grid"),
    "backend": ({"backend": "abacus"}, "backend"),
    "stages": ({"stages": "all"}, "stages"),
    "stages unknown": ({"stages": [["speed"]]}, "stages: 'speed' is unknown"),
    "stages incomplete": (
        {"unknowns": NAMES[:2], "bounds": None, "stages": [NAMES[:1]]},
        "stages: .*in no stage",
    ),
    "stages empty": ({"stages": [[], NAMES[:1]]}, "stages: every stage"),
    "loss": ({"loss": "bisquare"}, "loss"),
    "loss of bees": ({"loss": "huber", "method": "bee-colony"}, "loss"),
    "loss_scale": ({"loss_scale": 0.0}, "loss_scale"),
    "noise": ({"noise": "loud"}, "noise"),
    "covariance": ({"covariance": "kurtosis"}, "covariance"),
    "covariance without sigma": ({"covariance": "sigma"}, "covariance"),
    "tolerance": ({"tolerance": -1.0}, "tolerance"),
    "max_evaluations": ({"max_evaluations": 0}, "max_evaluations"),
    "popsize": ({"popsize": 1, "method": "bee-colony"}, "popsize"),
    "maxiter": ({"maxiter": 0, "method": "bee-colony"}, "maxiter"),
    "solver": ({"solver": {"speed": 1}}, "solver: 'speed' is unknown"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_by_name(strand: Strand, grid: Grid, exact: Measurements, case: str) -> None:
    changes, message = BAD[case]
    good = {"strand": strand, "measurements": exact, "unknowns": NAMES[:1], "grid": grid, "progress": False}
    good["bounds"] = {NAMES[0]: (1e6, 1.5e6)}
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        identify(**{**good, **changes})


def test_readings_that_cannot_be_used_are_refused(strand: Strand, grid: Grid, exact: Measurements) -> None:
    with pytest.raises(ValueError, match="measurements: 5 readings for 6 unknowns"):
        identify(strand, exact.select(np.arange(5)), NAMES, grid=grid, progress=False)
    low = Measurements([1.7], [0.01], [0.01], [1200.0])
    with pytest.raises(
        ValueError, match=r"measurements\.z\[0\] = 1.7: must not exceed the strand's length, 1.5 m"
    ):
        identify(strand, low, NAMES[:1], grid=grid, progress=False)
    relative = Measurements([1.2], [0.01], [0.01], [1200.0], sigma=1.0)
    with pytest.raises(ValueError, match="noise"):
        identify(strand, relative, NAMES[:1], grid=grid, noise="relative", progress=False)


def test_a_start_that_diverges_is_refused(strand: Strand, grid: Grid, exact: Measurements) -> None:
    hot = strand.replace({"mold.heat_flux.x": 5e8})
    with pytest.raises(ValueError, match="strand: the march from the start of the fit diverges"):
        identify(hot, exact, NAMES[:1], grid=grid, progress=False)
