"""Carbon segregation of cast billets, read from photographs of their etched sections."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tundish.segregation import synthetic
from tundish.segregation._survey import Survey, report
from tundish.segregation.engines import ENGINES
from tundish.segregation.estimators import (
    BASELINES,
    PatchEstimator,
    baselines,
    missing_baselines,
    scores,
)
from tundish.segregation.maps import (
    Regions,
    SectionMap,
    error_map,
    grad_cam,
    region_statistics,
    section_map,
    shuffled_labels,
)
from tundish.segregation.patches import (
    FEATURE_NAMES,
    Drift,
    Leak,
    PatchSet,
    clahe,
    features,
    image_quality,
    leak,
    read_photograph,
)

if TYPE_CHECKING:
    from tundish.segregation.engines import missing_engines
    from tundish.segregation.estimators import (
        CarbonRegressor,
        Epoch,
        LevelChange,
        TextureRegressor,
        TransferRegressor,
        Update,
        throughput,
    )
    from tundish.segregation.networks import CarbonNet, TextureNet, missing_transfer

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
    "PatchEstimator",
    "PatchSet",
    "Regions",
    "SectionMap",
    "Survey",
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
    "read_photograph",
    "region_statistics",
    "report",
    "scores",
    "section_map",
    "shuffled_labels",
    "synthetic",
    "throughput",
]

# What needs torch is imported when it is first asked for.
_LAZY = {
    "CarbonNet": "networks",
    "CarbonRegressor": "estimators",
    "Epoch": "estimators",
    "LevelChange": "estimators",
    "TextureNet": "networks",
    "TextureRegressor": "estimators",
    "TransferRegressor": "estimators",
    "Update": "estimators",
    "missing_engines": "engines",
    "missing_transfer": "networks",
    "throughput": "estimators",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
