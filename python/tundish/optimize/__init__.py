"""Optimisers: the artificial bee colony."""

from tundish.optimize._colony import BeeColony, bee_colony

__all__ = ["BeeColony", "bee_colony"]
