"""Crystallisation of mould fluxes, watched by a camera: frames in time, what they show, what comes next."""

from __future__ import annotations

from tundish.crystallization import synthetic
from tundish.crystallization._features import Calibration, calibrate, features
from tundish.crystallization._repair import Repair, Repaired, repair_readings
from tundish.crystallization._sequence import FrameSequence

__all__ = [
    "Calibration",
    "FrameSequence",
    "Repair",
    "Repaired",
    "calibrate",
    "features",
    "repair_readings",
    "synthetic",
]
