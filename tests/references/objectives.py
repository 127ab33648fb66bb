"""Objectives to minimise, and the box in which tests of the optimisers do."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from references.colony import Floats

BOX = [(-5.0, 5.0)] * 4
VARIANTS = ("published", "standard")
nan, inf = float("nan"), float("inf")


def sphere(x: Floats) -> Any:
    total = 0.0
    for coordinate in x:
        total = total + coordinate * coordinate
    return total


def rugged(x: Floats) -> float:
    return float(np.sum(x * x - 3 * np.cos(9 * x))) - 4


def holed(x: Floats) -> float:
    """Without a value in places."""
    if x[0] > 2:
        return nan
    return inf if x[1] < -3 else rugged(x)


def same(a: OptimizeResult, b: OptimizeResult) -> bool:
    """Whether two runs found the same to the last bit."""
    alike = ("x", "fun", "nit", "nfev", "population", "population_energies", "status", "message", "success")
    return all(np.array_equal(a[name], b[name]) for name in alike)
