"""Carbon segregation of cast billets, read from photographs of their etched sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tundish._common.late import by_name
from tundish.segregation import synthetic

if TYPE_CHECKING:
    from tundish.segregation._survey import Survey, report
    from tundish.segregation.engines import ENGINES, missing_engines
    from tundish.segregation.estimators import (
        BASELINES,
        CarbonRegressor,
        Epoch,
        LevelChange,
        PatchEstimator,
        TextureRegressor,
        TransferRegressor,
        Update,
        baselines,
        missing_baselines,
        scores,
        throughput,
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
    from tundish.segregation.networks import CarbonNet, TextureNet, missing_transfer
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

# The rest is imported when it is first asked for: a program that reads patches needs no networks.
_MODULES = {
    "_survey": ("Survey", "report"),
    "engines": ("ENGINES", "missing_engines"),
    "estimators": (
        "BASELINES", "CarbonRegressor", "Epoch", "LevelChange", "PatchEstimator", "TextureRegressor",
        "TransferRegressor", "Update", "baselines", "missing_baselines", "scores", "throughput",
    ),
    "maps": (
        "Regions", "SectionMap", "error_map", "grad_cam", "region_statistics", "section_map",
        "shuffled_labels",
    ),
    "networks": ("CarbonNet", "TextureNet", "missing_transfer"),
    "patches": (
        "FEATURE_NAMES", "Drift", "Leak", "PatchSet", "clahe", "features", "image_quality", "leak",
        "read_photograph",
    ),
}  # fmt: skip
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__getattr__ = by_name(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
