"""Crystallisation of mould fluxes, watched by a camera: frames in time, what they show, what comes next."""

from __future__ import annotations

from tundish.crystallization import synthetic
from tundish.crystallization._diagram import cct_points, ttt_points
from tundish.crystallization._features import Calibration, calibrate, features
from tundish.crystallization._jmak import Errors, JmakFit, fit_jmak
from tundish.crystallization._repair import Repair, Repaired, repair_readings
from tundish.crystallization._sequence import FrameSequence

__all__ = [
    "Calibration",
    "Errors",
    "FrameSequence",
    "JmakFit",
    "Repair",
    "Repaired",
    "calibrate",
    "cct_points",
    "features",
    "fit_jmak",
    "repair_readings",
    "synthetic",
    "ttt_points",
]
