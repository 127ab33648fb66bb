"""Crystallisation of mould fluxes, watched by a camera: frames in time, what they show, what comes next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.late import by_name
from tundish.crystallization import baselines, plots, synthetic
from tundish.crystallization._record import Record, frames_record, has_frames, read_record
from tundish.crystallization._settings import AnalysisSettings
from tundish.crystallization.forecasting._backtest import (
    Backtest,
    Comparison,
    Fitted,
    Leak,
    backtest,
    diebold_mariano,
    neighbour_leak,
)
from tundish.crystallization.forecasting._base import Forecast
from tundish.crystallization.forecasting._series import Gap, Series, even_series
from tundish.crystallization.frames._calibration import Calibration, CalibrationWarning, calibrate
from tundish.crystallization.frames._features import features
from tundish.crystallization.frames._repair import Repair, Repaired, repair_readings
from tundish.crystallization.frames._sequence import FrameSequence
from tundish.crystallization.frames._series_file import SeriesFile, read_programme, read_series
from tundish.crystallization.kinetics._diagram import cct_points, ttt_points
from tundish.crystallization.kinetics._error_model import Errors
from tundish.crystallization.kinetics._jmak import JmakFit, fit_jmak

if TYPE_CHECKING:
    from tundish.crystallization._analysis import Analysis, Comparisons, analyse, model_columns
    from tundish.crystallization._follow import Following, Notice, Outlook, follow
    from tundish.crystallization._report import report
    from tundish.crystallization.forecasting._flux_forecaster import FluxForecaster
    from tundish.crystallization.forecasting._network import FluxNet
    from tundish.crystallization.forecasting._training import Epoch

__all__ = [
    "Analysis",
    "AnalysisSettings",
    "Backtest",
    "Calibration",
    "CalibrationWarning",
    "Comparison",
    "Comparisons",
    "Epoch",
    "Errors",
    "Fitted",
    "FluxForecaster",
    "FluxNet",
    "Following",
    "Forecast",
    "FrameSequence",
    "Gap",
    "JmakFit",
    "Leak",
    "Notice",
    "Outlook",
    "Record",
    "Repair",
    "Repaired",
    "Series",
    "SeriesFile",
    "analyse",
    "backtest",
    "baselines",
    "calibrate",
    "cct_points",
    "diebold_mariano",
    "even_series",
    "features",
    "fit_jmak",
    "follow",
    "frames_record",
    "has_frames",
    "model_columns",
    "neighbour_leak",
    "plots",
    "read_programme",
    "read_record",
    "read_series",
    "repair_readings",
    "report",
    "synthetic",
    "ttt_points",
]

# What needs torch is imported when it is first asked for.
_LAZY = {
    "Analysis": "_analysis",
    "Comparisons": "_analysis",
    "analyse": "_analysis",
    "model_columns": "_analysis",
    "Following": "_follow",
    "Notice": "_follow",
    "Outlook": "_follow",
    "follow": "_follow",
    "report": "_report",
    "Epoch": "forecasting._training",
    "FluxForecaster": "forecasting._flux_forecaster",
    "FluxNet": "forecasting._network",
}

__getattr__ = by_name(__name__, _LAZY)
