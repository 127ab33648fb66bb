"""Readings of the small billet, and fits that start off its own values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tundish.casting import Grid, Identification, Measurements, Strand, solve

SENSORS = [(0.015, 0.018), (0.018, 0.018), (0.018, 0.015)]


NAMES = [
    *("mold.heat_flux.x", "mold.heat_flux.y"),
    *(f"zones.{n}.htc.{face}" for n in (0, 1) for face in "xy"),
]


STAGES = [NAMES[:2], NAMES[2:4], NAMES[4:]]


def readings_of(strand: Strand, grid: Grid, **options: Any) -> Measurements:
    return Measurements.from_solution(solve(strand, grid, probes=SENSORS), **{"start": 0.05, **options})


def off(strand: Strand, share: float, names: list[str] = NAMES) -> Strand:
    return strand.replace({name: share * strand.parameters()[name] for name in names})


def box(strand: Strand, low: float = 0.3, high: float = 3.0, names: list[str] = NAMES) -> dict:
    return {name: (low * strand.parameters()[name], high * strand.parameters()[name]) for name in names}


def errors(found: Identification, strand: Strand) -> NDArray[np.float64]:
    true = strand.parameters()
    return np.array([found.parameters[name] / true[name] - 1 for name in found.unknowns])
