"""Simulated heats that several tests of the scrap share."""

from __future__ import annotations

import numpy as np

from tundish.scrap import HeatLog, PartitionedElement, RetainedElement, published_model, simulate

Model = RetainedElement | PartitionedElement


def gappy(element: str, heats: int = 120, types: int = 5, rng: int = 0) -> tuple[HeatLog, Model]:
    """A log with missing readings, the first two among them, and the model that made it, drifting fast."""
    log, truth = simulate(heats, types, element=element, rng=rng, decay=0.02)
    steel = log.steel_ppm.copy()
    steel[[0, 1, 30, 31, 32, heats // 2]] = np.nan
    return log.replace(steel_ppm=steel), published_model(element, truth.prior_mean, decay=0.02)
