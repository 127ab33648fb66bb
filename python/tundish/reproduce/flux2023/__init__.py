"""Mould flux, 2023: one feature of frames forecast by SARIMA, ARIMA and a CNN-LSTM, computed again.

S. Dong, Z. Cheng and Z. Cheng, *CNN-LSTM-based Study on the Dynamic Characteristics of Steel Protection Slag
Crystallization*, compare the three on 562 frames of one record. They do not state which feature it is, nor
the orders of ARIMA and SARIMA, nor the training, and their frames are no part of this. Here the same is done
on a `tundish.crystallization.synthetic` sequence, whose crystallised share is the feature, and on a series of
the user's own.

What is read differently: the paper trains on every second frame and tests on those between ("published"
here), which rewards interpolation; beside it stand forecasts from rolling origins ("rolling").
"""

from tundish.crystallization.baselines import BASELINES
from tundish.reproduce.flux2023.study import (
    FORECASTERS,
    HORIZONS,
    LEVEL,
    MODELS,
    NEIGHBOURS,
    PROTOCOLS,
    PUBLISHED,
    RATE,
    RECOMMENDED,
    SECONDS,
    SEEN,
    SIZE,
    START,
    WINDOW,
    Data,
    Record,
    Run,
    Task,
    compute,
    series_data,
    synthetic_data,
    tasks,
    values_of,
)

__all__ = [
    "BASELINES",
    "FORECASTERS",
    "HORIZONS",
    "LEVEL",
    "MODELS",
    "NEIGHBOURS",
    "PROTOCOLS",
    "PUBLISHED",
    "RATE",
    "RECOMMENDED",
    "SECONDS",
    "SEEN",
    "SIZE",
    "START",
    "WINDOW",
    "Data",
    "Record",
    "Run",
    "Task",
    "compute",
    "series_data",
    "synthetic_data",
    "tasks",
    "values_of",
]
