"""Carbon segregation of cast billets, read from photographs of their etched sections."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tundish.segregation import synthetic
from tundish.segregation._baselines import BASELINES, baselines, missing_baselines
from tundish.segregation._explain import Regions, grad_cam, region_statistics, shuffled_labels
from tundish.segregation._features import FEATURE_NAMES, features
from tundish.segregation._leak import Leak, leak
from tundish.segregation._patches import PatchSet
from tundish.segregation._quality import clahe, image_quality
from tundish.segregation._section_map import SectionMap, error_map, section_map

if TYPE_CHECKING:
    from tundish.segregation._backbones import missing_transfer
    from tundish.segregation._drift import Drift
    from tundish.segregation._engines import ENGINES, missing_engines, throughput
    from tundish.segregation._incremental import Update
    from tundish.segregation._network import CarbonNet
    from tundish.segregation._regressor import CarbonRegressor
    from tundish.segregation._texture_regressor import LevelChange, TextureNet, TextureRegressor
    from tundish.segregation._training import Epoch
    from tundish.segregation._transfer import TransferRegressor

__all__ = [
    "BASELINES",
    "ENGINES",
    "FEATURE_NAMES",
    "CarbonNet",
    "CarbonRegressor",
    "Drift",
    "Epoch",
    "Leak",
    "LevelChange",
    "PatchSet",
    "Regions",
    "SectionMap",
    "TextureNet",
    "TextureRegressor",
    "TransferRegressor",
    "Update",
    "baselines",
    "clahe",
    "error_map",
    "features",
    "grad_cam",
    "image_quality",
    "leak",
    "missing_baselines",
    "missing_engines",
    "missing_transfer",
    "region_statistics",
    "section_map",
    "shuffled_labels",
    "synthetic",
    "throughput",
]

# What needs torch is imported when it is first asked for.
_LAZY = {
    "CarbonNet": "_network",
    "CarbonRegressor": "_regressor",
    "Drift": "_drift",
    "ENGINES": "_engines",
    "Epoch": "_training",
    "LevelChange": "_texture_regressor",
    "TextureNet": "_texture_regressor",
    "TextureRegressor": "_texture_regressor",
    "TransferRegressor": "_transfer",
    "Update": "_incremental",
    "missing_engines": "_engines",
    "missing_transfer": "_backbones",
    "throughput": "_engines",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
