"""Crystallisation of mould fluxes, watched by a camera: frames in time, what they show, what comes next."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tundish.crystallization import baselines, synthetic
from tundish.crystallization.forecasting._backtest import (
    Backtest,
    Comparison,
    Leak,
    backtest,
    diebold_mariano,
    neighbour_leak,
)
from tundish.crystallization.kinetics._diagram import cct_points, ttt_points
from tundish.crystallization.frames._features import Calibration, calibrate, features
from tundish.crystallization.forecasting._base import Forecast, Gap
from tundish.crystallization.kinetics._jmak import Errors, JmakFit, fit_jmak
from tundish.crystallization.frames._repair import Repair, Repaired, repair_readings
from tundish.crystallization.frames._sequence import FrameSequence

if TYPE_CHECKING:
    from tundish.crystallization.forecasting._flux_forecaster import FluxForecaster
    from tundish.crystallization.forecasting._network import FluxNet
    from tundish.crystallization.forecasting._training import Epoch

__all__ = [
    "Backtest",
    "Calibration",
    "Comparison",
    "Epoch",
    "Errors",
    "FluxForecaster",
    "FluxNet",
    "Forecast",
    "FrameSequence",
    "Gap",
    "JmakFit",
    "Leak",
    "Repair",
    "Repaired",
    "backtest",
    "baselines",
    "calibrate",
    "cct_points",
    "diebold_mariano",
    "features",
    "fit_jmak",
    "neighbour_leak",
    "repair_readings",
    "synthetic",
    "ttt_points",
]

# What needs torch is imported when it is first asked for.
_LAZY = {"Epoch": "_training", "FluxForecaster": "_forecaster", "FluxNet": "_network"}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
