"""Heats whose scrap is known, by the published simulation, and what noise in their columns does."""

from tundish.scrap._log import Truth
from tundish.scrap.simulation._recipes import RECIPES
from tundish.scrap.simulation._sensitivity import VARIABLES, perturbed, sensitivity
from tundish.scrap.simulation._simulate import (
    ELEMENTS,
    KINDS,
    PARTITION,
    PUBLISHED_CONDITION_NUMBER,
    PUBLISHED_DECAY,
    PUBLISHED_RANK,
    SENSOR,
    bundled_heats,
    bundled_truth,
    mass_balance,
    published_model,
    simulate,
)

__all__ = [
    "ELEMENTS",
    "KINDS",
    "PARTITION",
    "PUBLISHED_CONDITION_NUMBER",
    "PUBLISHED_DECAY",
    "PUBLISHED_RANK",
    "RECIPES",
    "SENSOR",
    "VARIABLES",
    "Truth",
    "bundled_heats",
    "bundled_truth",
    "mass_balance",
    "perturbed",
    "published_model",
    "sensitivity",
    "simulate",
]
