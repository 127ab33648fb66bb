"""Estimators of carbon in scikit-learn's manner, models without a network beside them, and their scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.late import by_name
from tundish.segregation.estimators._baselines import BASELINES, baselines, missing_baselines
from tundish.segregation.estimators._estimator import PatchEstimator, scores

if TYPE_CHECKING:
    from tundish.segregation.estimators._carbon_regressor import CarbonRegressor
    from tundish.segregation.estimators._incremental import Update
    from tundish.segregation.estimators._texture_regressor import LevelChange, TextureRegressor
    from tundish.segregation.estimators._throughput import throughput
    from tundish.segregation.estimators._training import Epoch
    from tundish.segregation.estimators._transfer_regressor import TransferRegressor

__all__ = [
    "BASELINES",
    "CarbonRegressor",
    "Epoch",
    "LevelChange",
    "PatchEstimator",
    "TextureRegressor",
    "TransferRegressor",
    "Update",
    "baselines",
    "missing_baselines",
    "scores",
    "throughput",
]

# What needs torch is imported when it is first asked for.
_LAZY = {
    "CarbonRegressor": "_carbon_regressor",
    "Epoch": "_training",
    "LevelChange": "_texture_regressor",
    "TextureRegressor": "_texture_regressor",
    "TransferRegressor": "_transfer_regressor",
    "Update": "_incremental",
    "throughput": "_throughput",
}

__getattr__ = by_name(__name__, _LAZY)
